"""The frontier: every known URL, its state and what happens next. SQL over one connection; the writer's thread runs it.

The database is the referee of "already known": enqueueing is an upsert, and whatever it can answer costs no request.
A claimed row is `doing`; after a crash `recover` makes it due again.

Due times are by the wall clock, which may be wrong for a while. A queued row that is due later than any wait that a
run imposes was written by a wrong clock, and is due now; one that waits for a later run is due with that run,
whatever its time says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storage.clock import iso
from storage.records import Failure, Job, Kind, State, Wanted
from storage.texts import storable

# A wanted row meets a known one: it may be wanted by a new target, deeper, sooner, or no longer skipped.
# A known row that is done stays done.
_UPSERT = """
INSERT INTO frontier (kind, key, url, site, host, scope, priority, depth, state, due_at, found_on, first_seen_at, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET
    scope = CASE WHEN state IN ('queued', 'skipped', 'failed') THEN excluded.scope ELSE scope END,
    priority = min(priority, excluded.priority),
    depth = max(depth, excluded.depth),
    error = CASE WHEN state = 'skipped' THEN excluded.error ELSE error END,
    due_at = CASE WHEN state = 'skipped' THEN excluded.due_at ELSE due_at END,
    state = CASE WHEN state = 'skipped' THEN excluded.state ELSE state END
WHERE depth < excluded.depth OR priority > excluded.priority
   OR (state IN ('queued', 'failed') AND scope <> excluded.scope)
   OR (state = 'skipped' AND (excluded.state = 'queued' OR error <> excluded.error))
"""

_HOSTS = "SELECT min(host) FROM frontier WHERE state = 'queued' AND scope = ? AND host > ?"
_PRIORITIES = "SELECT min(priority) FROM frontier WHERE state = 'queued' AND scope = ? AND host = ? AND priority > ?"
_DUE = """
SELECT id, kind, key, coalesce(url, key) AS url, site, host, scope, priority, depth, attempts, due_at
FROM frontier
WHERE state = 'queued' AND scope = ? AND host = ? AND priority = ? AND due_at <= ?
ORDER BY due_at, id LIMIT ?
"""
_NEXT_DUE = (
    "SELECT min(due_at) FROM frontier WHERE state = 'queued' AND scope = ? AND host = ? AND priority = ? AND due_at > ?"
)
# The rows due last, as only they can be due too late, and no more than CHUNK at a time.
_PUT_RIGHT = """
UPDATE frontier SET due_at = :now WHERE id IN (
    SELECT id FROM (
        SELECT id, fault, due_at FROM frontier
        WHERE state = 'queued' AND scope = :scope AND host = :host AND priority = :priority AND due_at > :fresh
        ORDER BY due_at DESC LIMIT :limit)
    WHERE fault IS NULL OR due_at > :late)
"""
FRESH_WAIT = 600.0  # seconds: no row that has not failed is put off for longer
LONGEST_WAIT = 2 * 3600.0  # seconds: no row is put off for longer within a run
CHUNK = 64  # rows changed at once where there may be a million, at about the cost of as many claims


def enqueue(
    connection: sqlite3.Connection,
    wanted: Iterable[Wanted],
    *,
    scope: int | None,
    found_on: int | None,
    now: float,
) -> None:
    """Make rows for what is wanted; `scope` None: each row is its own scope (the targets of a run)."""
    wanted = list(wanted)
    connection.executemany(_UPSERT, [_row(want, scope or 0, found_on, now) for want in wanted])
    if scope is None:
        connection.executemany(
            "UPDATE frontier SET scope = id WHERE kind = ? AND key = ? AND state IN ('queued', 'failed', 'skipped')",
            [(want.kind.value, want.key) for want in wanted],
        )


def _row(want: Wanted, scope: int, found_on: int | None, now: float) -> tuple[Any, ...]:
    state, due = (State.SKIPPED, None) if want.skip else (State.QUEUED, now)
    return (
        want.kind.value, want.key, None if want.url == want.key else want.url, want.site, want.host, scope,
        want.priority, want.depth, state.value, due, found_on, iso(now), want.skip or None,
    )  # fmt: skip


def find(connection: sqlite3.Connection, kind: Kind, key: str) -> Job | None:
    """Return the row of a natural key as a job, in whatever state it is."""
    row = connection.execute(
        "SELECT id, kind, key, coalesce(url, key), site, host, scope, priority, depth, attempts "
        "FROM frontier WHERE kind = ? AND key = ?",
        (kind.value, key),
    ).fetchone()
    return None if row is None else job_of(row)


def state_of(connection: sqlite3.Connection, frontier: int) -> State:
    """Return the state of a row that exists."""
    return State(connection.execute("SELECT state FROM frontier WHERE id = ?", (frontier,)).fetchone()[0])


def job_of(row: Sequence[Any]) -> Job:
    """Build a job from the columns id … attempts, in the order of the record."""
    return Job(row[0], Kind(row[1]), *row[2:10])


def claim(
    connection: sqlite3.Connection, scopes: Sequence[int], room: Mapping[str, int], default_room: int, now: float
) -> tuple[list[Job], float | None]:
    """Take due rows of the scopes, first priority first, oldest first, as many for each host as it has room.

    Returns the jobs, now `doing`, and when the next row of a host that had room is due (None: none is).
    One query a priority: a single ordered query over all of them would scan what is not due yet.
    """
    jobs: list[Job] = []
    next_due: float | None = None
    left = dict(room)
    for scope in dict.fromkeys(scopes):
        for host in _distinct(connection, _HOSTS, (scope,), ""):
            for priority in _distinct(connection, _PRIORITIES, (scope, host), -1):
                want = left.get(host, default_room)
                if want <= 0:
                    break
                rows = connection.execute(_DUE, (scope, host, priority, now, want)).fetchall()
                jobs.extend(job_of(row) for row in rows)
                left[host] = want - len(rows)
                if len(rows) < want:
                    put_right = _put_right(connection, scope, host, priority, now)
                    due = connection.execute(_NEXT_DUE, (scope, host, priority, now)).fetchone()[0]
                    due = now if put_right else due
                    if due is not None:
                        next_due = due if next_due is None else min(next_due, due)
    connection.executemany("UPDATE frontier SET state = 'doing' WHERE id = ?", [(job.id,) for job in jobs])
    return jobs, next_due


def _put_right(connection: sqlite3.Connection, scope: int, host: str, priority: int, now: float) -> int:
    """Make due now what only a wrong clock can have put off so far; returns how many rows, for the next claim."""
    values = {"now": now, "scope": scope, "host": host, "priority": priority, "limit": CHUNK}
    values |= {"fresh": now + FRESH_WAIT, "late": now + LONGEST_WAIT}
    return connection.execute(_PUT_RIGHT, values).rowcount


def _distinct(connection: sqlite3.Connection, query: str, fixed: tuple[Any, ...], start: Any) -> list[Any]:
    """Hop from one distinct value to the next through the index; DISTINCT would read every row."""
    found = []
    value = connection.execute(query, (*fixed, start)).fetchone()[0]
    while value is not None:
        found.append(value)
        value = connection.execute(query, (*fixed, value)).fetchone()[0]
    return found


def release(connection: sqlite3.Connection, frontier: Iterable[int]) -> None:
    """Give claimed rows back unharmed."""
    connection.executemany(
        "UPDATE frontier SET state = 'queued' WHERE id = ? AND state = 'doing'", [(row,) for row in frontier]
    )


def recover(connection: sqlite3.Connection) -> int:
    """Make due again what a dead run had claimed; returns how many."""
    return connection.execute("UPDATE frontier SET state = 'queued' WHERE state = 'doing'").rowcount


def ask_again(connection: sqlite3.Connection, frontier: int, now: float) -> None:
    """Make one row due now whatever became of it, except while it is being done."""
    connection.execute(
        "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, scope = id WHERE id = ? AND state <> 'doing'",
        (now, frontier),
    )


def done(connection: sqlite3.Connection, frontier: int, http_status: int, now: float) -> None:
    """Mark a row as archived; what was absent is there again."""
    connection.execute(
        "UPDATE absence SET returned_at = ? WHERE frontier = ? AND returned_at IS NULL", (iso(now), frontier)
    )
    done_all(connection, [(frontier, http_status, now)])


def done_all(connection: sqlite3.Connection, many: Iterable[tuple[int, int, float]]) -> None:
    """Mark rows as archived that were not absent before; each is given as to `done`."""
    connection.executemany(
        "UPDATE frontier SET state = 'done', due_at = NULL, attempts = attempts + 1, last_attempt_at = ?, "
        "http_status = ?, fault = NULL, error = NULL WHERE id = ?",
        ((iso(now), http_status, frontier) for frontier, http_status, now in many),
    )


def requeue(connection: sqlite3.Connection, frontier: int, due_at: float) -> None:
    """Put a row that made progress back for its next step."""
    connection.execute(
        "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, fault = NULL, error = NULL WHERE id = ?",
        (due_at, frontier),
    )


def fail(
    connection: sqlite3.Connection, frontier: int, failure: Failure, *, run: int, capture: int | None, in_run: bool
) -> None:
    """Record a failed attempt: `in_run` puts the row back for this run, else it waits for a later one or a person."""
    error = storable(failure.error)
    connection.execute(
        "INSERT INTO attempt (frontier, run, at, fault, error, http_status, capture) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (frontier, run, iso(failure.at), failure.fault, error, failure.http_status, capture),
    )
    connection.execute(
        "UPDATE frontier SET state = ?, due_at = ?, attempts = attempts + ?, last_attempt_at = ?, http_status = ?, "
        "fault = ?, error = ? WHERE id = ?",
        (
            State.QUEUED.value if in_run and failure.retry_at is not None else State.FAILED.value,
            failure.retry_at,
            int(failure.counts),
            iso(failure.at),
            failure.http_status,
            failure.fault,
            error,
            frontier,
        ),
    )


def skip(connection: sqlite3.Connection, frontier: int, reason: str) -> None:
    """Leave a row unfetched, with the reason."""
    connection.execute(
        "UPDATE frontier SET state = 'skipped', due_at = NULL, error = ? WHERE id = ?", (reason, frontier)
    )


def counts(connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Return how many rows of each kind are in each state."""
    table: dict[str, dict[str, int]] = {}
    for kind, state, number in connection.execute("SELECT kind, state, n FROM counter"):
        table.setdefault(kind, {})[state] = number
    return table


def waiting(connection: sqlite3.Connection, scopes: Sequence[int]) -> int:
    """Return how many rows of the scopes are queued."""
    query = "SELECT count(*) FROM frontier WHERE state = 'queued' AND scope = ?"
    return sum(int(connection.execute(query, (scope,)).fetchone()[0]) for scope in scopes)
