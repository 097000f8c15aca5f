"""What a run asked and was answered: every answer with its time, and what failed, by cause.

Times of answers are known to the second, how long each took to a tenth of a millisecond. Redirects and robots.txt
leave no rows of their own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from storage.clock import iso
from storage.runfacts import Run, Some


class Answer(NamedTuple):
    """One request that was answered, or was not: there may be a million, so it is a plain tuple.

    `at` is when it was over (Unix seconds, cut to the second), `seconds` how long it took, None where nobody knows.
    `http_status` is None where there was no answer; `used` says whether anything was read from it.
    """

    host: str
    kind: str
    at: int
    seconds: float | None
    bytes: int
    http_status: int | None
    fault: str
    used: bool


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why URLs of a kind failed.

    `attempts` failed for it in the run, at so many `urls`. Of those, `missing` have still not been archived;
    `standing` are URLs that earlier runs left so, and that this one did not try.
    """

    kind: str
    fault: str
    attempts: int
    urls: int
    missing: int
    standing: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A URL that a run tried and could not archive; `next_attempt_at` is '' when it is given up."""

    url: str
    kind: str
    fault: str
    error: str
    attempts: int
    last_attempt_at: str
    next_attempt_at: str


_ANSWERS = """
SELECT f.host, f.kind, CAST(strftime('%s', c.fetched_at) AS INTEGER), c.seconds, c.bytes, c.http_status, '',
       c.error IS NULL
FROM capture AS c CROSS JOIN frontier AS f ON f.id = c.frontier WHERE c.run = :run
UNION ALL
SELECT f.host, f.kind, CAST(strftime('%s', t.at) AS INTEGER), NULL, 0, t.http_status, t.fault, 0
FROM attempt AS t CROSS JOIN frontier AS f ON f.id = t.frontier WHERE t.run = :run AND t.capture IS NULL
AND t.fault NOT IN (SELECT value FROM json_each(:unsent))
"""
_TROUBLED = "(f.state = 'failed' OR (f.state = 'queued' AND f.fault IS NOT NULL))"
_CAUSES = """
SELECT f.kind, t.fault, count(*), count(DISTINCT t.frontier) FROM attempt AS t
CROSS JOIN frontier AS f ON f.id = t.frontier WHERE t.run = ? GROUP BY 1, 2
"""
_MISSING = f"""
SELECT f.kind, f.fault, count(*) FROM (SELECT DISTINCT frontier FROM attempt WHERE run = ?) AS t
CROSS JOIN frontier AS f ON f.id = t.frontier WHERE {_TROUBLED} GROUP BY 1, 2
"""  # noqa: S608 - constants
# Without the index's name all of the frontier would be read, in the order of its kinds.
_ALL_MISSING = f"""
SELECT kind, fault, count(*) FROM frontier AS f INDEXED BY frontier_troubled WHERE {_TROUBLED} GROUP BY 1, 2
"""  # noqa: S608 - constants
_FAILED = f"""
SELECT coalesce(f.url, f.key), f.kind, coalesce(f.fault, ''), coalesce(f.error, ''), f.attempts,
       coalesce(f.last_attempt_at, ''),
       coalesce(strftime('%Y-%m-%dT%H:%M:%SZ', f.due_at, 'unixepoch'), ''), count(*) OVER ()
FROM (SELECT frontier, max(id) AS last FROM attempt WHERE run = :run GROUP BY frontier) AS t
CROSS JOIN frontier AS f ON f.id = t.frontier WHERE {_TROUBLED} ORDER BY t.last DESC LIMIT :limit
"""  # noqa: S608 - constants


def answers(connection: sqlite3.Connection, run: Run, unsent: Sequence[str]) -> Iterator[Answer]:
    """Yield every request of a run that left a row; `unsent` are faults that stopped one before it was sent."""
    cursor = connection.cursor()
    cursor.row_factory = None
    return map(Answer._make, cursor.execute(_ANSWERS, {"run": run.id, "unsent": json.dumps(list(unsent))}))


def causes(connection: sqlite3.Connection, run: Run) -> list[Cause]:
    """Return why URLs failed in a run, and why others were left so by earlier ones; the most frequent first."""
    tried = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(_CAUSES, (run.id,))}
    missing = {(row[0], row[1]): row[2] for row in connection.execute(_MISSING, (run.id,))}
    every = {(row[0], row[1]): row[2] for row in connection.execute(_ALL_MISSING)}
    found = []
    for kind, fault in tried.keys() | every.keys():
        key = (kind, fault)
        attempts, urls = tried.get(key, (0, 0))
        here = missing.get(key, 0)
        found.append(Cause(kind, fault or "", attempts, urls, here, every.get(key, 0) - here))
    return sorted(found, key=lambda one: (-one.urls, -one.standing, one.kind, one.fault))


def failed(connection: sqlite3.Connection, run: Run, limit: int) -> Some[Failed]:
    """Return the URLs that a run tried and that are not archived, the one that it tried last first."""
    rows = connection.execute(_FAILED, {"run": run.id, "limit": limit}).fetchall()
    shown = tuple(Failed(*tuple(row)[:7]) for row in rows)
    return Some(rows[0][7] if rows else 0, shown)


def pauses(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the hosts that asked us to stay away for long, and until when (UTC ISO 8601)."""
    return {str(host): iso(until) for host, until in connection.execute("SELECT host, until FROM pause")}
