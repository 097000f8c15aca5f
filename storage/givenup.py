"""What a run gave up for the time being, and how it is taken up again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage.frontier import CHUNK

_NUMBERS = """
SELECT kind, fault, count(*) FROM frontier AS f WHERE f.scope = ? AND f.state = 'failed'
AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND a.run = ?) GROUP BY 1, 2
"""
_EXAMPLES = """
SELECT coalesce(url, key), error FROM frontier AS f WHERE f.scope = ? AND f.state = 'failed'
AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND a.run = ?) LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What one run could not archive."""

    numbers: tuple[tuple[str, str, int], ...]  # kind, fault, how many
    examples: tuple[tuple[str, str], ...]  # URL, what happened


def revive(connection: sqlite3.Connection, scope: int, run: int, now: float) -> int:
    """Make due now what earlier runs gave up in a scope and may be tried again, some rows at a time.

    Returns how many; 0 when there are none left. All at once, a million of them would take seconds and memory.
    """
    return connection.execute(
        "UPDATE frontier SET state = 'queued', due_at = ? WHERE id IN ("
        "SELECT id FROM frontier AS f WHERE scope = ? AND state = 'failed' AND due_at IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND a.run = ?) LIMIT ?)",
        (now, scope, run, CHUNK),
    ).rowcount


def once_more(
    connection: sqlite3.Connection, scopes: Sequence[int], run: int, faults: Sequence[str], now: float
) -> int:
    """Make due now what this run gave up in its scopes for one of these faults; returns how many rows."""
    query = (
        "UPDATE frontier SET state = 'queued', due_at = ? WHERE id IN (SELECT id FROM frontier AS f "
        "WHERE scope = ? AND state = 'failed' AND due_at IS NOT NULL "
        "AND fault IN (SELECT value FROM json_each(?)) "
        "AND EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND a.run = ?))"
    )
    named = json.dumps(list(faults))
    return sum(connection.execute(query, (now, scope, named, run)).rowcount for scope in scopes)


def given_up(connection: sqlite3.Connection, scopes: Sequence[int], run: int, *, shown: int = 10) -> GivenUp:
    """Return what a run tried in its scopes and could not archive, by kind and fault, with a few examples."""
    numbers: list[tuple[str, str, int]] = []
    examples: list[tuple[str, str]] = []
    for scope in scopes:
        numbers += connection.execute(_NUMBERS, (scope, run))
        examples += connection.execute(_EXAMPLES, (scope, run, shown))
    return GivenUp(tuple(map(tuple, numbers)), tuple(map(tuple, examples[:shown])))  # type: ignore[arg-type]
