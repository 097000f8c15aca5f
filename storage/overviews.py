"""What an archive holds, from above: sites, terms, years, what is new, what changed, what is gone.

Some of these look at every article: they take tens of milliseconds for a hundred thousand. Whoever asks often
remembers the answer for a while.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from storage.shelves import Name


@dataclass(frozen=True, slots=True)
class Counted:
    """A category, keyword or author, and how many articles of it are held."""

    name: Name
    articles: int


@dataclass(frozen=True, slots=True)
class TermFacts:
    """What is known of a category, keyword or author; `json` is the CMS's own object, from its fullest snapshot."""

    row: int
    name: Name
    slug: str
    url: str
    json: str


@dataclass(frozen=True, slots=True)
class Event:
    """A revision that was captured: the article's row, the revision's number and its source, and when."""

    row: int
    number: int
    source: str
    fetched_at: str


def sites(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many articles of each site are held."""
    return {str(site): int(n) for site, n in connection.execute("SELECT site, count(*) FROM article GROUP BY site")}


def busiest(connection: sqlite3.Connection, kind: str, site: str, limit: int) -> list[Counted]:
    """Return the terms of a kind with most articles."""
    rows = connection.execute(
        "SELECT kind, site, cms_id, name, (SELECT count(*) FROM article_term AS at WHERE at.term = t.id) AS n "
        "FROM term AS t WHERE kind = :kind AND (:site = '' OR site = :site) ORDER BY n DESC, name LIMIT :limit",
        {"kind": kind, "site": site, "limit": limit},
    )
    return [Counted(Name(*row[:4]), row[4]) for row in map(tuple, rows)]


def listed(
    connection: sqlite3.Connection, kind: str, site: str, words: str, after: tuple[str, int], limit: int
) -> list[tuple[Counted, int]]:
    """Return terms by name, each with its row: those after a name and row, which contain `words`."""
    rows = connection.execute(
        "WITH chosen AS MATERIALIZED (SELECT id, kind, site, cms_id, name FROM term "
        "WHERE kind = :kind AND (:site = '' OR site = :site) AND (:words = '' OR instr(lower(name), lower(:words))) "
        "AND (name COLLATE NOCASE > :name OR (name = :name COLLATE NOCASE AND id > :row)) "
        "ORDER BY name COLLATE NOCASE, id LIMIT :limit) "
        "SELECT kind, site, cms_id, name, (SELECT count(*) FROM article_term AS at WHERE at.term = chosen.id), id "
        "FROM chosen",
        {"kind": kind, "site": site, "words": words, "name": after[0], "row": after[1], "limit": limit},
    )
    return [(Counted(Name(*row[:4]), row[4]), row[5]) for row in map(tuple, rows)]


def term(connection: sqlite3.Connection, kind: str, site: str, cms_id: str) -> TermFacts | None:
    """Return a category, keyword or author."""
    row = connection.execute(
        "SELECT id, kind, site, cms_id, name, slug, url, json FROM term WHERE kind = ? AND site = ? AND cms_id = ?",
        (kind, site, cms_id),
    ).fetchone()
    return None if row is None else TermFacts(row[0], Name(*tuple(row)[1:5]), *tuple(row)[5:])


def term_by_slug(connection: sqlite3.Connection, kind: str, site: str, slug: str) -> Name | None:
    """Return the category, keyword or author that a site's addresses call by this slug."""
    row = connection.execute(
        "SELECT kind, site, cms_id, name FROM term WHERE kind = ? AND site = ? AND slug = ? LIMIT 1", (kind, site, slug)
    ).fetchone()
    return None if row is None else Name(*row)


def size(connection: sqlite3.Connection, term_row: int) -> int:
    """Return how many articles of a term are held."""
    return int(connection.execute("SELECT count(*) FROM article_term WHERE term = ?", (term_row,)).fetchone()[0])


def years_of(connection: sqlite3.Connection, term_row: int) -> dict[str, int]:
    """Return how many articles of a term were published in each year (UTC)."""
    rows = connection.execute(
        "SELECT substr(a.first_published, 1, 4) AS year, count(*) FROM article_term AS t "
        "CROSS JOIN article AS a ON a.id = t.article WHERE t.term = ? AND a.first_published IS NOT NULL "
        "GROUP BY year ORDER BY year",
        (term_row,),
    )
    return {str(year): int(n) for year, n in rows}


def span(connection: sqlite3.Connection) -> tuple[str, str] | None:
    """Return when the oldest and the newest dated article were published; None when there is none."""
    row = connection.execute(
        "SELECT (SELECT min(first_published) FROM article), (SELECT max(first_published) FROM article)"
    ).fetchone()
    return None if row[0] is None else (row[0], row[1])


def undated(connection: sqlite3.Connection) -> int:
    """Return how many articles have no date of publication."""
    return int(connection.execute("SELECT count(*) FROM article WHERE first_published IS NULL").fetchone()[0])


def between(connection: sqlite3.Connection, bounds: Sequence[str], site: str) -> list[int]:
    """Return how many articles were published from each instant (UTC ISO 8601) to before the next."""
    sql = "SELECT count(*) FROM article WHERE first_published >= ? AND first_published < ?"
    if site:
        sql += " AND site = ?"
    more = (site,) if site else ()
    return [int(connection.execute(sql, (start, end, *more)).fetchone()[0]) for start, end in pairwise(bounds)]


def changed(connection: sqlite3.Connection, limit: int) -> list[Event]:
    """Return the revisions after the first that were captured last."""
    # The index of numbers is read whole; without its name all of the large rows would be.
    rows = connection.execute(
        "SELECT article, number, source, fetched_at FROM revision WHERE id IN (SELECT id FROM revision "
        "INDEXED BY sqlite_autoindex_revision_1 WHERE number > 1 ORDER BY id DESC LIMIT ?) ORDER BY id DESC",
        (limit,),
    )
    return [Event(*row) for row in rows]


def captured(connection: sqlite3.Connection, limit: int) -> list[Event]:
    """Return the revisions, first ones too, that were captured last."""
    rows = connection.execute(
        "SELECT article, number, source, fetched_at FROM revision ORDER BY id DESC LIMIT ?", (limit,)
    )
    return [Event(*row) for row in rows]


def gone(connection: sqlite3.Connection, limit: int) -> list[int]:
    """Return the rows of the articles that were last found to be gone upstream."""
    rows = connection.execute(
        "SELECT id FROM article WHERE gone_at IS NOT NULL ORDER BY gone_at DESC LIMIT ?", (limit,)
    )
    return [int(row[0]) for row in rows]


def run_notes(connection: sqlite3.Connection, run: int) -> tuple[str, ...]:
    """Return what a person should know about a run, as the run itself wrote it."""
    row = connection.execute("SELECT notes FROM run WHERE id = ?", (run,)).fetchone()
    notes = json.loads(row[0]) if row is not None else []
    return tuple(str(note) for note in notes)


def run(connection: sqlite3.Connection, number: int) -> dict[str, Any] | None:
    """Return a row of the public view `runs`."""
    row = connection.execute("SELECT * FROM runs WHERE id = ?", (number,)).fetchone()
    return None if row is None else dict(row)
