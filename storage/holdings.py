"""Holdings: which media URLs hold which file, and what becomes of them when it, or a kept body, is lost."""

from __future__ import annotations

import sqlite3

from storage import manifest
from storage.records import FileRecord

DAMAGED = "damaged"  # the fault of a URL whose file was lost after it had been archived


def file(connection: sqlite3.Connection, sha256: str) -> FileRecord | None:
    """Return the record of a file."""
    row = connection.execute(
        "SELECT sha256, bytes, media_type, extension, width, height FROM file WHERE sha256 = ?", (sha256,)
    ).fetchone()
    return None if row is None else FileRecord(*row)


def holders(connection: sqlite3.Connection, sha256: str) -> list[str]:
    """Return the media URLs that hold a file now."""
    rows = connection.execute(
        "SELECT coalesce(f.url, f.key) FROM holding AS h JOIN frontier AS f ON f.id = h.frontier WHERE h.sha256 = ?",
        (sha256,),
    )
    return [url for (url,) in rows]


def give_up(connection: sqlite3.Connection, sha256: str, reason: str, now: float) -> int:
    """Forget a lost file and make every URL that held it due now; returns how many. Its captures still tell of it."""
    queued = connection.execute(
        "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, fault = ?, error = ? "
        "WHERE id IN (SELECT frontier FROM holding WHERE sha256 = ?)",
        (now, DAMAGED, reason, sha256),
    ).rowcount
    connection.execute("DELETE FROM holding WHERE sha256 = ?", (sha256,))
    connection.execute("DELETE FROM file WHERE sha256 = ?", (sha256,))
    manifest.forget(connection)
    return queued


def frame(connection: sqlite3.Connection, sha256: str) -> bytes | None:
    """Return a kept body as it is kept, compressed and perhaps damaged."""
    row = connection.execute("SELECT CAST(zstd AS BLOB) FROM body WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else bytes(row[0])


def give_up_body(connection: sqlite3.Connection, sha256: str, reason: str, now: float) -> int:
    """Forget a lost body and make every article it was an answer for due now; returns how many."""
    queued = connection.execute(
        "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, fault = ?, error = ? "
        "WHERE kind = 'article' AND id IN (SELECT frontier FROM capture WHERE sha256 = ?)",
        (now, DAMAGED, reason, sha256),
    ).rowcount
    connection.execute("DELETE FROM body WHERE sha256 = ?", (sha256,))
    return queued
