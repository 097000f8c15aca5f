"""What an audit asks the archive: what a target's listings named, what became of each, and what is held of it.

A target has two rows on the frontier: its own, which crawls and nights walk, and that of its sweep, which reads the
whole listing by every route for the ids alone. The sweep says what is listed now; both say what ever was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from storage import articles, listings
from storage.files import MediaTree
from storage.records import SWEEP

_ITEMS = """
SELECT f.key, coalesce(f.url, f.key), f.state, coalesce(f.error, ''), a.id, a.site || ':' || a.cms_id, a.gone_at,
       max(i.frontier = :sweep AND i.walk = :walk), f.http_status
FROM listing_item AS i JOIN frontier AS f ON f.id = i.item
LEFT JOIN alias AS l ON l.key = f.key
LEFT JOIN article AS a ON a.id = l.article
    OR (l.article IS NULL AND a.site = f.site AND a.cms_id = substr(f.key, length(f.site) + 2))
WHERE i.frontier IN (:own, :sweep) GROUP BY i.item ORDER BY f.key
"""
_BELONGING = """
SELECT a.site || ':' || a.cms_id, a.url, a.id, a.gone_at FROM article AS a WHERE a.id IN ({terms}) ORDER BY 1
"""
_RENDITIONS = """
SELECT coalesce(f.url, f.key), f.state, coalesce(f.error, ''), h.sha256, i.bytes, i.extension
FROM rendition AS r JOIN frontier AS f ON f.id = r.frontier
LEFT JOIN holding AS h ON h.frontier = f.id LEFT JOIN file AS i ON i.sha256 = h.sha256
WHERE r.article = ? AND r.removed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a target on the frontier; 0 where it has none."""

    own: int
    sweep: int


@dataclass(frozen=True, slots=True)
class Item:
    """An article that a listing named, or that belongs to it, and what became of it."""

    key: str  # site:<cms id> where known, else the key it is known by
    url: str
    state: str  # of its row on the frontier; '' where it has none
    error: str
    article: int | None  # the row of the article we hold
    gone: bool
    listed: bool  # by the sweep's last walk


@dataclass(frozen=True, slots=True)
class HeldRendition:
    """What became of one picture URL of an article."""

    state: str
    error: str
    on_disk: bool


def rows_of(connection: sqlite3.Connection, key: str) -> Rows:
    """Return the rows of the target with a key."""
    site, _, rest = key.partition(":")
    query = "SELECT coalesce((SELECT id FROM frontier WHERE kind = 'listing' AND key = ?), 0)"
    own, sweep = (connection.execute(query, (one,)).fetchone()[0] for one in (key, f"{site}:{SWEEP}{rest}"))
    return Rows(own, sweep)


def items(connection: sqlite3.Connection, rows: Rows) -> Iterator[Item]:
    """Yield what the listings of a target have named, each article once."""
    walk = connection.execute("SELECT walk FROM listing WHERE frontier = ?", (rows.sweep,)).fetchone()
    values = {"own": rows.own, "sweep": rows.sweep, "walk": walk[0] if walk else 0}
    found: dict[str, Item] = {}
    for key, url, state, error, article, held_key, gone_at, listed, _ in connection.execute(_ITEMS, values).fetchall():
        name = held_key or key
        if name not in found:
            gone = gone_at is not None or state == "gone"
            found[name] = Item(name, url, state, error, article, gone, bool(listed))
        elif listed:  # it has a row under its id, and one under its path; listings may name either
            found[name] = replace(found[name], listed=True)
    yield from found.values()


_ONE = """
SELECT coalesce(f.url, f.key), f.state, coalesce(f.error, '') FROM frontier AS f WHERE f.kind = 'article' AND f.key = ?
"""


def article_of(connection: sqlite3.Connection, key: str) -> Item:
    """Return what became of one article, by any key that it is known by."""
    known = articles.known_key(connection, key)
    url, state, error = connection.execute(_ONE, (known,)).fetchone() or ("", "", "")
    site, _, cms_id = known.partition(":")
    held = connection.execute(
        "SELECT id, gone_at, url FROM article WHERE site = ? AND cms_id = ?", (site, cms_id)
    ).fetchone()
    article, gone_at, address = held or (None, None, "")
    return Item(known, url or address, state, error, article, gone_at is not None or state == "gone", listed=False)


def belonging(connection: sqlite3.Connection, key: str) -> Iterator[Item]:
    """Yield what is held and belongs to a listing by what the articles themselves say."""
    site, _, rest = key.partition(":")
    kind, _, name = rest.partition("/")
    terms, values = listings.belonging(site, kind, name)
    for held_key, url, article, gone_at in connection.execute(_BELONGING.format(terms=terms), values):
        yield Item(held_key, url, "done", "", article, gone_at is not None, listed=False)


def latest(connection: sqlite3.Connection, article: int) -> tuple[str, str, str]:
    """Return site, JSON text and source of an article's newest revision; empty where it has none."""
    row = connection.execute(
        "SELECT a.site, r.json, r.source FROM revision AS r JOIN article AS a ON a.id = r.article "
        "WHERE a.id = ? ORDER BY r.number DESC LIMIT 1",
        (article,),
    ).fetchone()
    return ("", "", "") if row is None else (row[0], row[1], row[2])


def renditions(connection: sqlite3.Connection, folder: Path, article: int) -> Mapping[str, HeldRendition]:
    """Return what became of each picture URL of an article; a file counts when it is there and as long as it was."""
    tree = MediaTree(folder)
    found = {}
    for url, state, error, sha256, size, extension in connection.execute(_RENDITIONS, (article,)):
        on_disk = sha256 is not None and extension is not None and _is_there(tree.path(sha256, extension), size)
        found[url] = HeldRendition(state, error, on_disk)
    return found


def known_ids(connection: sqlite3.Connection, site: str) -> set[int]:
    """Return the numbers of all articles of a site that are held, or known by their id."""
    held = connection.execute("SELECT CAST(cms_id AS INTEGER) FROM article WHERE site = ?", (site,))
    named = connection.execute(
        "SELECT CAST(substr(key, length(site) + 2) AS INTEGER) FROM frontier WHERE kind = 'article' AND site = ? "
        "AND substr(key, length(site) + 2) NOT GLOB '*[^0-9]*'",
        (site,),
    )
    return {number for (number,) in (*held, *named) if number}


def _is_there(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
