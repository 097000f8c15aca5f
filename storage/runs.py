"""Runs: one row for each time a command worked on the archive."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from storage import manifest
from storage.clock import iso
from storage.records import Tally


def begin(connection: sqlite3.Connection, command: str, now: float) -> int:
    """Open a run and return its id."""
    cursor = connection.execute("INSERT INTO run (command, started_at) VALUES (?, ?)", (command, iso(now)))
    return int(cursor.lastrowid or 0)


def unfinished(connection: sqlite3.Connection, before: int) -> list[str]:
    """Return when each run began that was cut off, of those between the last that ended and run `before`."""
    rows = connection.execute(
        "SELECT started_at FROM run WHERE finished_at IS NULL AND id < ?1"
        " AND id > (SELECT coalesce(max(id), 0) FROM run WHERE finished_at IS NOT NULL AND id < ?1)"
        " ORDER BY id DESC LIMIT 10",
        (before,),
    )
    return [started for (started,) in rows]


def note(connection: sqlite3.Connection, run: int, tally: Tally) -> None:
    """Bring a run's figures up to date."""
    connection.execute(
        "UPDATE run SET requests = ?, bytes = ?, articles_new = ?, articles_changed = ?, articles_gone = ?,"
        " media_new = ?, failures = ? WHERE id = ?",
        (
            tally.requests, tally.bytes, tally.articles_new, tally.articles_changed, tally.articles_gone,
            tally.media_new, tally.failures, run,
        ),
    )  # fmt: skip


def end(
    connection: sqlite3.Connection, run: int, tally: Tally, exit_status: int, notes: Sequence[str], now: float
) -> str:
    """Close a run with its exit status and what a person should know about it; returns the manifest root."""
    note(connection, run, tally)
    root = manifest.bring_up_to_date(connection)
    connection.execute(
        "UPDATE run SET finished_at = ?, exit_status = ?, notes = ?, manifest_root = ? WHERE id = ?",
        (iso(now), exit_status, json.dumps(list(notes), ensure_ascii=False), root, run),
    )
    return root
