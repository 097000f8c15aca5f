"""What a run did to articles and pictures: what came in, changed, vanished, stayed away, came back, was replaced."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.runfacts import Run, Some


@dataclass(frozen=True, slots=True)
class Copy:
    """A revision as it is kept; `fetched_at` is UTC ISO 8601, `json` the article object as it came."""

    number: int
    fetched_at: str
    source: str
    content_hash: str
    json: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A revision that a run captured, and the one before it; `article` is the article's row."""

    article: int
    old: Copy
    new: Copy


@dataclass(frozen=True, slots=True)
class Absence:
    """An article that was not there when it was asked for, by its row, since when (UTC), and what the server said."""

    article: int
    since: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A picture that was another one under the same URL when it was last fetched."""

    url: str
    article: int | None
    old_sha256: str
    new_sha256: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A picture that is held, and that the newsroom no longer has."""

    url: str
    article: int | None
    evidence: str


_NEW = """
SELECT a.id, count(*) OVER () FROM capture AS c
CROSS JOIN revision AS r ON r.capture = c.id CROSS JOIN article AS a ON a.id = r.article
WHERE c.run = :run AND r.number = 1 ORDER BY a.first_published DESC, a.id DESC LIMIT :limit
"""
_CHANGED = """
SELECT r.article, r.number, count(*) OVER () FROM capture AS c CROSS JOIN revision AS r ON r.capture = c.id
WHERE c.run = :run AND r.number > 1 ORDER BY c.id LIMIT :limit
"""
_ABSENT = """
SELECT a.id, b.since, b.evidence, count(*) OVER () FROM absence AS b CROSS JOIN frontier AS f ON f.id = b.frontier
CROSS JOIN article AS a ON a.site = f.site AND a.cms_id = substr(f.key, length(f.site) + 2)
WHERE f.kind = 'article' AND {condition} ORDER BY b.since, a.id LIMIT :limit
"""
_WHEN = {
    "gone": "b.gone_at BETWEEN :since AND :until",
    "absent": "b.seen_at BETWEEN :since AND :until AND coalesce(b.gone_at, b.returned_at, '~') > :until",
    "returned": "b.returned_at BETWEEN :since AND :until",
}
_SHOWN_BY = "(SELECT min(r.article) FROM rendition AS r WHERE r.frontier = f.id)"
_REPLACED = f"""
SELECT url, article, old, new, count(*) OVER () FROM (
    SELECT coalesce(f.url, f.key) AS url, {_SHOWN_BY} AS article, c.sha256 AS new, c.id AS at,
        (SELECT o.sha256 FROM capture AS o WHERE o.frontier = f.id AND o.error IS NULL
         AND (o.fetched_at, o.id) < (c.fetched_at, c.id) ORDER BY o.fetched_at DESC, o.id DESC LIMIT 1) AS old
    FROM capture AS c CROSS JOIN frontier AS f ON f.id = c.frontier
    WHERE c.run = :run AND f.kind = 'media' AND c.error IS NULL)
WHERE old <> new ORDER BY at LIMIT :limit
"""  # noqa: S608 - constants
_LOST = f"""
SELECT coalesce(f.url, f.key), {_SHOWN_BY}, b.evidence, count(*) OVER () FROM absence AS b
CROSS JOIN frontier AS f ON f.id = b.frontier CROSS JOIN holding AS h ON h.frontier = f.id
WHERE f.kind = 'media' AND (b.since BETWEEN :since AND :until OR b.gone_at BETWEEN :since AND :until)
ORDER BY f.id LIMIT :limit
"""  # noqa: S608 - constants


def new(connection: sqlite3.Connection, run: Run, limit: int) -> Some[int]:
    """Return the rows of the articles that came in with a run, the one published last first."""
    return _some([(row[0], row[1]) for row in _ask(connection, _NEW, run, limit)])


def changed(connection: sqlite3.Connection, run: Run, limit: int) -> Some[Edit]:
    """Return the revisions after the first that a run captured, in its order."""
    rows = _ask(connection, _CHANGED, run, limit)
    return _some([(_edit(connection, article, number), total) for article, number, total in rows])


def _edit(connection: sqlite3.Connection, article: int, number: int) -> Edit:
    rows = connection.execute(
        "SELECT number, fetched_at, source, content_hash, json FROM revision "
        "WHERE article = ? AND number <= ? ORDER BY number DESC LIMIT 2",
        (article, number),
    )
    newer, older = (Copy(*row) for row in rows)
    return Edit(article, older, newer)


def absences(connection: sqlite3.Connection, run: Run, limit: int) -> dict[str, Some[Absence]]:
    """Return the held articles that a run confirmed to be `gone`, found to be `absent`, and found to have `returned`.

    What is absent may be gone, which a later run confirms; or it may come back.
    """
    asked = {name: _ask(connection, _ABSENT.format(condition=when), run, limit) for name, when in _WHEN.items()}
    return {name: _some([(Absence(*row[:3]), row[3]) for row in map(tuple, rows)]) for name, rows in asked.items()}


def replaced(connection: sqlite3.Connection, run: Run, limit: int) -> Some[Exchange]:
    """Return the pictures that a run found to be others under their URLs; the old ones are kept."""
    return _some([(Exchange(*row[:4]), row[4]) for row in map(tuple, _ask(connection, _REPLACED, run, limit))])


def lost(connection: sqlite3.Connection, run: Run, limit: int) -> Some[Lost]:
    """Return the held pictures that a run found to be absent or gone upstream."""
    return _some([(Lost(*row[:3]), row[3]) for row in map(tuple, _ask(connection, _LOST, run, limit))])


def addresses(connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, str]:
    """Return the newsroom's own addresses of articles, by row."""
    found = connection.execute(
        "SELECT id, url FROM article WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(rows)),)
    )
    return {int(row): str(url) for row, url in found}


def _ask(connection: sqlite3.Connection, sql: str, run: Run, limit: int) -> list[sqlite3.Row]:
    values: dict[str, Any] = {"run": run.id, "since": run.started_at, "until": run.until, "limit": limit}
    return connection.execute(sql, values).fetchall()


def _some(counted: Sequence[tuple[Any, int]]) -> Some[Any]:
    """Join the first of many, each with the number of all."""
    return Some(counted[0][1] if counted else 0, tuple(one for one, _ in counted))
