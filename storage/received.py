"""Renditions that were received: what each media URL holds now. Units of work, run by the writer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from msgspec.structs import replace

from storage import captures, frontier, pictures
from storage.records import Capture, FileRecord, Job

_FILE = """
INSERT INTO file (sha256, bytes, media_type, extension, width, height) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (sha256) DO NOTHING
"""
_HOLD = """
INSERT INTO holding (frontier, sha256, fetched_at) VALUES (?, ?, ?)
ON CONFLICT (frontier) DO UPDATE SET sha256 = excluded.sha256, fetched_at = excluded.fetched_at
"""
# CROSS JOIN: SQLite begins with the rows that are asked about, never with all that there is.
_KNOWN = """
SELECT h.frontier FROM json_each(:rows) AS r CROSS JOIN holding AS h ON h.frontier = r.value
UNION ALL
SELECT b.frontier FROM json_each(:rows) AS r CROSS JOIN absence AS b ON b.frontier = r.value
WHERE b.returned_at IS NULL
"""


class Received(NamedTuple):
    """A rendition whose file is in its place already; `now` in Unix seconds."""

    job: Job
    capture: Capture
    file: FileRecord
    run: int
    now: float


def keep_all(connection: sqlite3.Connection, many: Sequence[Received]) -> None:
    """Keep renditions, in order, and leave what `keep` would leave for each.

    Nearly all that a crawl receives is new, and takes no decision: a statement at a time for all of them costs less.
    """
    rows = json.dumps([one.job.id for one in many])
    known = {row for (row,) in connection.execute(_KNOWN, {"rows": rows})}

    def is_known(one: Received) -> bool:
        found = one.job.id in known
        known.add(one.job.id)  # the same URL again is known by then
        return found

    for decide, run in groupby(many, is_known):
        if decide:
            for one in run:
                keep(connection, one)
        else:
            _keep_new(connection, list(run))


def _keep_new(connection: sqlite3.Connection, many: list[Received]) -> None:
    """Keep renditions of URLs that hold nothing and were not absent."""
    captures.add_all(connection, ((one.job.id, one.job.url, one.run, one.capture) for one in many))
    connection.executemany(_FILE, (_file_row(one.file) for one in many))
    connection.executemany(_HOLD, ((one.job.id, one.file.sha256, one.capture.fetched_at) for one in many))
    frontier.done_all(connection, ((one.job.id, one.capture.http_status, one.now) for one in many))


def keep(connection: sqlite3.Connection, one: Received) -> None:
    """Keep a rendition; a placeholder never takes the place of a picture."""
    job, capture, file, run, now = one
    held = _held(connection, job.id)
    if worse := placeholder(held, file):
        capture = replace(capture, error=worse)
    captures.add(connection, job.id, job.url, run, capture)
    connection.execute(_FILE, _file_row(file))
    if not worse:
        connection.execute(_HOLD, (job.id, file.sha256, capture.fetched_at))
        if held is not None and held[0] != file.sha256:  # it takes the place of another
            pictures.ask_transforms(connection, job.id, job.scope, now)
    frontier.done(connection, job.id, capture.http_status, now)


def _file_row(file: FileRecord) -> tuple[object, ...]:
    return file.sha256, file.size, file.media_type, file.extension, file.width, file.height


def _held(connection: sqlite3.Connection, frontier: int) -> tuple[str, int | None, int | None] | None:
    """Return hash, width and height of the file that is held for a URL; None when there is none."""
    found: tuple[str, int | None, int | None] | None = connection.execute(
        "SELECT h.sha256, f.width, f.height FROM holding AS h LEFT JOIN file AS f ON f.sha256 = h.sha256 "
        "WHERE h.frontier = ?",
        (frontier,),
    ).fetchone()
    return found


def placeholder(held: tuple[str, int | None, int | None] | None, file: FileRecord) -> str:
    """Say why a picture is worse than the one held for its URL: it shrank to under a quarter; '' if it is not."""
    _, width, height = held or ("", None, None)
    new_width, new_height = file.width, file.height
    if not (width and height and new_width and new_height):
        return ""
    if new_width * new_height * 4 >= width * height:
        return ""
    return f"a placeholder of {new_width}×{new_height} pixels where {width}×{height} are held"
