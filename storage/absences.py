"""Absences: what is not there any more when it is asked for, and when that makes it gone (contract 7.2).

Nothing is deleted. Two absences that are far enough apart make a row gone; what is held of it stays readable. When
it is there again its absence ends, and stays on record.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from storage import articles, captures, frontier, pictures, rechecks
from storage.clock import iso, seconds_of
from storage.histories import Plan
from storage.records import Capture, Failure, Job, Kind

_OPEN = "SELECT since, gone_at FROM absence WHERE frontier = ? AND returned_at IS NULL"


@dataclass(frozen=True, slots=True)
class Absence:
    """What an absence meant: whether we hold what is absent, and whether it is now known to be gone."""

    held: bool
    newly_gone: bool


def note(
    connection: sqlite3.Connection,
    job: Job,
    failure: Failure,
    capture: Capture | None,
    *,
    run: int,
    confirm_after: float,
    plan: Plan | None,
) -> Absence:
    """Record that an article or a picture was not there; `confirm_after` is in seconds."""
    row = None if capture is None else captures.add(connection, job.id, job.url, run, capture)
    frontier.fail(connection, job.id, failure, run=run, capture=row, in_run=False)
    since, newly_gone, gone = _judge(connection, job.id, failure, confirm_after)
    article = _article(connection, job)
    held = article is not None or _holds_file(connection, job)
    # What we hold comes back with the rechecks; what we lack is a failure until it is known to be gone.
    state, due = ("gone", None) if gone else ("done", None) if held else ("failed", since + confirm_after)
    connection.execute("UPDATE frontier SET state = ?, due_at = ? WHERE id = ?", (state, due, job.id))
    if newly_gone and job.kind is Kind.MEDIA:
        pictures.ask_transforms(connection, job.id, job.scope, failure.at)
    if article is not None:
        if newly_gone:
            connection.execute("UPDATE article SET gone_at = ? WHERE id = ?", (iso(failure.at), article))
        if plan is not None:
            rechecks.replan(connection, article, plan, failure.at)
    return Absence(held, newly_gone)


def _judge(
    connection: sqlite3.Connection, row: int, failure: Failure, confirm_after: float
) -> tuple[float, bool, bool]:
    """Open or go on with an absence; returns since when, whether it has just become final, and whether it is."""
    found = connection.execute(_OPEN, (row,)).fetchone()
    seen = iso(failure.at)
    if found is None:
        connection.execute(
            "INSERT INTO absence (frontier, since, seen_at, evidence) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (frontier, since) DO UPDATE SET returned_at = NULL",
            (row, seen, seen, failure.error),
        )
        return failure.at, False, False
    since, gone_at = seconds_of(found[0]), found[1]
    newly_gone = gone_at is None and failure.at - since >= confirm_after
    connection.execute(
        "UPDATE absence SET seen_at = max(seen_at, ?), evidence = ?, gone_at = iif(?, ?, gone_at) "
        "WHERE frontier = ? AND returned_at IS NULL",
        (seen, failure.error, newly_gone, seen, row),
    )
    return since, newly_gone, newly_gone or gone_at is not None


def _article(connection: sqlite3.Connection, job: Job) -> int | None:
    if job.kind is not Kind.ARTICLE:
        return None
    site, _, cms_id = job.key.partition(":")
    return articles.find(connection, site, cms_id)


def _holds_file(connection: sqlite3.Connection, job: Job) -> bool:
    return connection.execute("SELECT 1 FROM holding WHERE frontier = ?", (job.id,)).fetchone() is not None
