"""Articles as a reader meets them: on shelves, newest first, a page at a time.

A page is found by the place of its neighbour, never by counting: it stays the same page while the archive grows, and
the thousandth costs what the first does.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

_SPARSE = 4_000  # a term with more articles is met often enough when one walks through all by date
_LAST_ROW = 2**63 - 1
_PLACE = re.compile(r"([0-9TZ:.+-]{0,32})~([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where on a shelf an article stands: its publication (UTC ISO 8601; '' without one) and its row."""

    at: str
    row: int

    def __str__(self) -> str:
        """Return the form that `place_of` reads."""
        return f"{self.at}~{self.row}"


_FRONT = Place("~", 0)  # before everything that has a date


def place_of(text: str) -> Place | None:
    """Return a place from its text; None when it is none."""
    match = _PLACE.fullmatch(text)
    return Place(match[1], int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Which articles: all, or those of a site, under a term, published from `since` to before `until` (UTC)."""

    site: str = ""
    term: int = 0
    since: str = ""
    until: str = ""
    pictured: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A category, keyword or author as it is shown."""

    kind: str
    site: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Card:
    """An article as a list shows it."""

    row: int
    site: str
    id: str
    title: str
    summary: str
    first_published: str | None
    source: str
    gone_at: str | None
    terms: tuple[Name, ...]

    def named(self, kind: str) -> tuple[Name, ...]:
        """Return its terms of a kind, in its order."""
        return tuple(term for term in self.terms if term.kind == kind)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a shelf, newest first, and where its neighbours begin; None: there is no more that way."""

    rows: tuple[int, ...]
    newer: Place | None
    older: Place | None


def page(
    connection: sqlite3.Connection,
    shelf: Shelf,
    limit: int,
    *,
    before: Place | None = None,
    after: Place | None = None,
) -> Page:
    """Return a page of at most `limit` articles: the newest, those older than `before`, or those newer than `after`."""
    if after is not None:
        found = _walk(connection, shelf, after, limit + 1, newer=True)
        places = found[:limit][::-1]
        return Page(_rows(places), _end(places, 0, len(found) > limit), _end(places, -1, True))
    found = _walk(connection, shelf, before or _FRONT, limit + 1, newer=False)
    places = found[:limit]
    return Page(_rows(places), _end(places, 0, before is not None), _end(places, -1, len(found) > limit))


def _rows(places: Sequence[Place]) -> tuple[int, ...]:
    return tuple(place.row for place in places)


def _end(places: Sequence[Place], which: int, more: bool) -> Place | None:
    return places[which] if more and places else None


def _walk(connection: sqlite3.Connection, shelf: Shelf, start: Place, limit: int, *, newer: bool) -> list[Place]:
    """Walk from a place, the articles without a date being the oldest of all."""
    dated = _dated(connection, shelf, start, limit, newer=newer) if newer or start.at else []
    undated: list[Place] = []
    if not shelf.since and not shelf.until and (not start.at if newer else len(dated) < limit):
        undated = _undated(connection, shelf, start, limit, newer=newer)
    return (undated + dated if newer else dated + undated)[:limit]


def _dated(connection: sqlite3.Connection, shelf: Shelf, start: Place, limit: int, *, newer: bool) -> list[Place]:
    if newer:
        bound = "a.first_published >= :at AND (a.first_published > :at OR a.id > :row)"
    else:
        bound = "a.first_published <= :at AND (a.first_published < :at OR a.id < :row)"
    return _select(connection, shelf, start, limit, bound, newer=newer)


def _undated(connection: sqlite3.Connection, shelf: Shelf, start: Place, limit: int, *, newer: bool) -> list[Place]:
    bound = "a.first_published IS NULL AND a.id " + (">" if newer else "<") + " :row"
    row = start.row if not start.at else _LAST_ROW
    return _select(connection, shelf, Place("", row), limit, bound, newer=newer)


def _select(
    connection: sqlite3.Connection, shelf: Shelf, start: Place, limit: int, bound: str, *, newer: bool
) -> list[Place]:
    order = "ASC" if newer else "DESC"
    source, conditions = _source(connection, shelf)
    sql = (
        f"SELECT a.first_published, a.id FROM {source} WHERE {' AND '.join([bound, *conditions])} "  # noqa: S608 - constants
        f"ORDER BY a.first_published {order}, a.id {order} LIMIT :limit"
    )
    values = {"at": start.at, "row": start.row, "limit": limit, "site": shelf.site, "term": shelf.term,
              "since": shelf.since, "until": shelf.until}  # fmt: skip
    return [Place(at or "", row) for at, row in connection.execute(sql, values)]


def _source(connection: sqlite3.Connection, shelf: Shelf) -> tuple[str, list[str]]:
    """Return what to select from and under which conditions: few articles are sorted, many met on the way by date."""
    conditions = []
    source = "article AS a INDEXED BY article_published"
    if shelf.term and _few(connection, shelf.term):
        source = "article_term AS t CROSS JOIN article AS a ON a.id = t.article AND t.term = :term"
    elif shelf.term:
        conditions.append("EXISTS (SELECT 1 FROM article_term AS t WHERE t.term = :term AND t.article = a.id)")
    if shelf.site:
        conditions.append("a.site = :site")
    if shelf.since:
        conditions.append("a.first_published >= :since")
    if shelf.until:
        conditions.append("a.first_published < :until")
    if shelf.pictured:
        conditions.append(
            "EXISTS (SELECT 1 FROM rendition AS r JOIN holding AS h ON h.frontier = r.frontier "
            "WHERE r.article = a.id AND r.role IN ('original', 'transform', 'inline'))"
        )
    return source, conditions


def _few(connection: sqlite3.Connection, term: int) -> bool:
    """Say whether a term has so few articles that sorting them costs less than walking past all others."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM article_term WHERE term = ? LIMIT ?)"
    return int(connection.execute(sql, (term, _SPARSE + 1)).fetchone()[0]) <= _SPARSE


def newest_first(connection: sqlite3.Connection) -> list[int]:
    """Return the rows of all articles, the newest first."""
    return [row for (row,) in connection.execute("SELECT id FROM article ORDER BY first_published DESC, id DESC")]


def cards(connection: sqlite3.Connection, rows: Sequence[int]) -> list[Card]:
    """Return the articles of these rows, in this order."""
    wanted = json.dumps(list(rows))
    names: dict[int, list[Name]] = {}
    for article, *name in connection.execute(
        "SELECT at.article, t.kind, t.site, t.cms_id, t.name FROM article_term AS at JOIN term AS t ON t.id = at.term "
        "WHERE at.article IN (SELECT value FROM json_each(?)) ORDER BY at.article, at.kind, at.position",
        (wanted,),
    ):
        names.setdefault(article, []).append(Name(*name))
    found = {}
    for facts in connection.execute(
        "SELECT id, site, cms_id, title, summary, first_published, source, gone_at FROM article "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (wanted,),
    ):
        row, site, cms_id, title, summary, published, source, gone_at = facts
        found[row] = Card(row, site, cms_id, title, summary, published, source, gone_at, tuple(names.get(row, ())))
    return [found[row] for row in rows if row in found]


def neighbours(connection: sqlite3.Connection, site: str, place: Place) -> tuple[int | None, int | None]:
    """Return the rows of the site's next older and next newer article."""
    older = _walk(connection, Shelf(site), place, 1, newer=False)
    newer = _walk(connection, Shelf(site), place, 1, newer=True)
    return (older[0].row if older else None, newer[0].row if newer else None)


def term_row(connection: sqlite3.Connection, kind: str, site: str, cms_id: str) -> int | None:
    """Return the row of a category, keyword or author."""
    row = connection.execute(
        "SELECT id FROM term WHERE kind = ? AND site = ? AND cms_id = ?", (kind, site, cms_id)
    ).fetchone()
    return None if row is None else int(row[0])
