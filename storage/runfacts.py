"""What is known of a run as a whole: its row, the runs before it, its listings, and the size of the archive.

What a run did to single articles and pictures is in `storage.runevents`, what it asked and was answered in
`storage.runtraffic`. All of it is read from rows that runs leave behind anyway; nothing is kept for it.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from storage import frontier
from storage.listings import Walk, walk_of
from storage.records import MERGE, Kind, State

T_co = TypeVar("T_co", covariant=True)
_RUNS = """
SELECT r.*, coalesce(
    r.finished_at,
    (SELECT n.started_at FROM run AS n WHERE (n.started_at, n.id) > (r.started_at, r.id)
     ORDER BY n.started_at, n.id LIMIT 1),
    '9999-12-31T23:59:59Z') AS until
FROM run AS r WHERE {condition} ORDER BY id DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Some(Generic[T_co]):
    """The first of many, and how many there are in all."""

    total: int
    shown: tuple[T_co, ...]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Without an end it is under way, or was cut off.

    `until` is when it was over at the latest: its end, the beginning of the next one, or the end of time (UTC ISO
    8601). `manifest_root` is the hash over all that it left behind, '' where none was made.
    """

    id: int
    command: str
    started_at: str
    finished_at: str | None
    exit_status: int | None
    requests: int
    bytes: int
    articles_new: int
    articles_changed: int
    articles_gone: int
    media_new: int
    failures: int
    notes: tuple[str, ...]
    manifest_root: str
    until: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much an archive holds now; bytes of media are those of the files, each counted once."""

    articles: int
    renditions: int
    files: int
    media_bytes: int
    database_bytes: int


def last(connection: sqlite3.Connection) -> int | None:
    """Return the number of the last run; None before the first."""
    found = connection.execute("SELECT max(id) FROM run").fetchone()[0]
    return None if found is None else int(found)


def run(connection: sqlite3.Connection, number: int) -> Run | None:
    """Return a run; None when there is none of this number."""
    found = _runs(connection, "id = ?", number, 1)
    return found[0] if found else None


def recent(connection: sqlite3.Connection, number: int, limit: int) -> list[Run]:
    """Return the runs up to this one, the oldest first; at most `limit`."""
    return _runs(connection, "id <= ?", number, limit)[::-1]


def _runs(connection: sqlite3.Connection, condition: str, number: int, limit: int) -> list[Run]:
    rows = connection.execute(_RUNS.format(condition=condition), (number, limit))
    return [_run(row) for row in rows]


def _run(row: sqlite3.Row) -> Run:
    facts = {name: row[name] for name in Run.__slots__ if name in row.keys()}  # noqa: SIM118 - a row is no mapping
    facts["notes"] = tuple(str(note) for note in json.loads(row["notes"]))
    facts["manifest_root"] = facts.get("manifest_root") or ""
    return Run(**facts)


def articles_since(connection: sqlite3.Connection, number: int) -> int:
    """Return how many new articles came in with the runs after this one.

    What a merge brought came in with the runs that it brought, too.
    """
    query = "SELECT coalesce(sum(articles_new), 0) FROM run WHERE id > ? AND command <> ?"
    return int(connection.execute(query, (number, MERGE)).fetchone()[0])


def size(connection: sqlite3.Connection, folder: Path) -> Size:
    """Return how much the archive in `folder` holds."""
    files, media_bytes = connection.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM file").fetchone()
    return Size(
        articles=int(connection.execute("SELECT count(*) FROM article").fetchone()[0]),
        renditions=frontier.counts(connection).get(Kind.MEDIA.value, {}).get(State.DONE.value, 0),
        files=int(files),
        media_bytes=int(media_bytes),
        database_bytes=(folder / "archive.db").stat().st_size,
    )


def walks(connection: sqlite3.Connection, run: Run) -> list[Walk]:
    """Return the walks of listings that a run took part in, those that were cut short first.

    An archive remembers the last walk of each listing; one that was begun after the run is none of the run's.
    """
    rows = connection.execute(
        "SELECT frontier FROM listing AS l WHERE started_at <= ?1 AND (finished_at IS NULL OR finished_at >= ?2) "
        "AND (started_at >= ?2 OR EXISTS (SELECT 1 FROM capture AS c WHERE c.frontier = l.frontier AND +c.run = ?3)) "
        "ORDER BY verdict = 'complete', frontier",
        (run.until, run.started_at, run.id),
    ).fetchall()
    found = [walk for (row,) in rows if (walk := walk_of(connection, row)) is not None]
    return [walk for walk in found if walk.depth >= 0]
