"""What a run gave up for the time being, and how it is taken up again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage.frontier import CHUNK

LONGEST_PAUSE = 31 * 86_400.0  # seconds: nothing that failed is put off for longer

# `+run`: a row has few attempts, a run may have one for each row, and only statistics tell SQLite. They are made
# when a run ends, so the first one goes without.
_NUMBERS = """
SELECT kind, fault, count(*) FROM frontier AS f WHERE f.scope = ? AND f.state = 'failed'
AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND +a.run = ?) GROUP BY 1, 2
"""
_EXAMPLES = """
SELECT coalesce(url, key), error FROM frontier AS f WHERE f.scope = ? AND f.state = 'failed'
AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND +a.run = ?) LIMIT ?
"""


_STANDING = """
SELECT count(*) FROM frontier AS f WHERE f.scope = ? AND f.state = 'failed'
AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND +a.run = ?)
"""


_REVIVE = """
UPDATE frontier SET state = 'queued', due_at = ? WHERE id IN (
    SELECT id FROM frontier AS f WHERE scope = ? AND state = 'failed' AND due_at IS NOT NULL
    AND (NOT ? OR due_at <= ? OR due_at > ?)
    AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND +a.run = ?) LIMIT ?)
"""
_ONCE_MORE = """
UPDATE frontier SET state = 'queued', due_at = ? WHERE id IN (
    SELECT id FROM frontier AS f WHERE scope = ? AND state = 'failed' AND due_at IS NOT NULL
    AND fault IN (SELECT value FROM json_each(?)) AND host NOT IN (SELECT value FROM json_each(?))
    AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND +a.run = ?))
"""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What one run could not archive."""

    numbers: tuple[tuple[str, str, int], ...]  # kind, fault, how many
    examples: tuple[tuple[str, str], ...]  # URL, what happened
    standing: int  # what earlier runs gave up, and this one did not try


def revive(connection: sqlite3.Connection, scope: int, run: int, now: float, *, due: bool = False) -> int:
    """Make due now what earlier runs gave up in a scope and may be tried again, some rows at a time.

    `due`: only what is due by now, or so much later that a clock must have been wrong. Returns how many; 0 when there
    are none left. All at once, a million of them would take seconds and memory.
    """
    return connection.execute(_REVIVE, (now, scope, due, now, now + LONGEST_PAUSE, run, CHUNK)).rowcount


def unfinished(connection: sqlite3.Connection, sites: Sequence[str]) -> list[int]:
    """Return the scopes of these sites in which earlier runs have left something; 0 is always among them."""
    found = {0}
    for state, condition in (("queued", "1"), ("failed", "due_at IS NOT NULL")):
        scope = -1
        while scope is not None:
            query = f"SELECT min(scope) FROM frontier WHERE state = '{state}' AND {condition} AND scope > ?"  # noqa: S608
            scope = connection.execute(query, (scope,)).fetchone()[0]
            found.add(scope or 0)
    marks = json.dumps(list(found)), json.dumps(list(sites))
    known = connection.execute(
        "SELECT id FROM frontier WHERE id IN (SELECT value FROM json_each(?))"
        " AND site IN (SELECT value FROM json_each(?)) ORDER BY id",
        marks,
    )
    return [0, *(row for (row,) in known)]


def once_more(
    connection: sqlite3.Connection,
    scopes: Sequence[int],
    run: int,
    faults: Sequence[str],
    but: Sequence[str],
    now: float,
) -> int:
    """Make due now what this run gave up for one of these faults, `but` not at these hosts; returns how many rows."""
    named = json.dumps(list(faults)), json.dumps(list(but))
    return sum(connection.execute(_ONCE_MORE, (now, scope, *named, run)).rowcount for scope in scopes)


def given_up(connection: sqlite3.Connection, scopes: Sequence[int], run: int, *, shown: int = 10) -> GivenUp:
    """Return what a run tried in its scopes and could not archive, by kind and fault, with a few examples."""
    numbers: list[tuple[str, str, int]] = []
    examples: list[tuple[str, str]] = []
    for scope in scopes:
        numbers += connection.execute(_NUMBERS, (scope, run))
        examples += connection.execute(_EXAMPLES, (scope, run, shown))
    standing = sum(connection.execute(_STANDING, (scope, run)).fetchone()[0] for scope in scopes)
    return GivenUp(tuple(map(tuple, numbers)), tuple(map(tuple, examples[:shown])), standing)  # type: ignore[arg-type]


def stay_away(connection: sqlite3.Connection, host: str, until: float) -> None:
    """Remember that a host asked not to be asked before a time in Unix seconds."""
    connection.execute(
        "INSERT INTO pause (host, until) VALUES (?, ?) "
        "ON CONFLICT (host) DO UPDATE SET until = max(until, excluded.until)",
        (host, until),
    )


def pauses(connection: sqlite3.Connection, now: float) -> dict[str, float]:
    """Return the hosts that are not to be asked yet, and until when; forgets those whose time has come.

    And those whose time is so far off that a clock must have been wrong.
    """
    connection.execute("DELETE FROM pause WHERE until <= ? OR until > ?", (now, now + LONGEST_PAUSE))
    return dict(connection.execute("SELECT host, until FROM pause").fetchall())
