"""Rechecks: when each article is looked at again, and what listings have said of it since.

The policy is the crawler's: it is handed in, told the history of an article, and its answer is written down.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from storage import pictures
from storage.clock import seconds_of
from storage.histories import Hear, History, Known, Plan, Planned
from storage.records import RECHECKS

_HISTORY = """
SELECT a.site || ':' || a.cms_id, a.first_published, a.first_seen_at, a.last_checked_at, a.gone_at, a.source, b.since,
       b.seen_at
FROM article AS a
LEFT JOIN frontier AS f ON f.kind = 'article' AND f.key = a.site || ':' || a.cms_id
LEFT JOIN absence AS b ON b.frontier = f.id AND b.returned_at IS NULL
WHERE a.id = ?
"""
_WRITE = """
INSERT INTO recheck (article, due_at, turn, reason, checked_at, interval, signals)
VALUES (:article, :due_at, :turn, :reason, :checked_at, :interval, coalesce(:signals, ''))
ON CONFLICT (article) DO UPDATE SET due_at = excluded.due_at, turn = excluded.turn, reason = excluded.reason,
    checked_at = excluded.checked_at, interval = excluded.interval, signals = coalesce(:signals, signals),
    answered = iif(:checked, heard, answered), heard = iif(:checked, '', heard)
"""
ROUTINE = "a matter of routine"
UNLISTED = "a complete listing no longer names it"
_UNLISTED = """
UPDATE recheck SET due_at = min(due_at, :now), turn = min(turn, :now), reason = :reason WHERE article IN (
    SELECT a.id FROM listing AS l JOIN frontier AS own ON own.id = l.frontier
    JOIN frontier AS target ON target.kind = 'listing'
        AND (target.id = own.id OR target.key = replace(own.key, ':sweep/', ':'))
    JOIN listing_item AS i ON i.frontier = target.id
    JOIN frontier AS f ON f.id = i.item
    JOIN article AS a ON a.site = f.site AND a.cms_id = substr(f.key, length(f.site) + 2)
    WHERE l.frontier = :row AND a.gone_at IS NULL AND a.last_checked_at < l.started_at
    GROUP BY i.item HAVING max(iif(i.frontier = :row, i.walk, 0)) < max(l.walk))
AND due_at > :now AND NOT EXISTS (
    SELECT 1 FROM article AS a JOIN frontier AS f ON f.kind = 'article' AND f.key = a.site || ':' || a.cms_id
    JOIN absence AS b ON b.frontier = f.id AND b.returned_at IS NULL WHERE a.id = recheck.article)
"""
# What failed for good is asked again, too: a person may have changed something since. CROSS JOIN keeps the order: what
# is due comes first, whatever the planner thinks, and what is not costs nothing. +run: as in `storage.givenup`.
_DUE = """
SELECT f.id, r.article, r.reason FROM recheck AS r CROSS JOIN article AS a ON a.id = r.article
CROSS JOIN frontier AS f ON f.kind = 'article' AND f.key = a.site || ':' || a.cms_id
WHERE (r.due_at <= :now OR r.due_at > :horizon)
AND (f.state IN ('done', 'gone') OR (f.state = 'failed' AND coalesce(f.due_at, 0) <= :now))
AND a.site IN (SELECT value FROM json_each(:sites))
AND NOT EXISTS (SELECT 1 FROM capture AS c WHERE c.frontier = f.id AND +c.run = :run)
AND NOT EXISTS (SELECT 1 FROM attempt AS t WHERE t.frontier = f.id AND +t.run = :run)
"""


def replan(connection: sqlite3.Connection, article: int, plan: Plan, now: float, signals: str | None = None) -> None:
    """Plan the next look at an article that was just checked; `signals`: what a listing would say of what is held."""
    planned = plan(_history(connection, article, now))
    _write(connection, article, planned, signals, checked=True)


def hear(connection: sqlite3.Connection, article: int, said: str, judge: Hear) -> None:
    """Let a listing's word about an article bring its next look forward, or put it off."""
    row = connection.execute(
        "SELECT a.site || ':' || a.cms_id, r.due_at, r.turn, r.reason, r.checked_at, r.interval, r.signals, r.answered "
        "FROM recheck AS r JOIN article AS a ON a.id = r.article WHERE r.article = ?",
        (article,),
    ).fetchone()
    if row is None:
        return
    heard = judge(said, Known(Planned(*row[:6]), row[6], row[7]))
    if heard is None:
        return
    _write(connection, article, heard.planned, None, checked=False)
    if heard.note:
        connection.execute("UPDATE recheck SET heard = ? WHERE article = ?", (heard.note, article))


def look_for_unlisted(connection: sqlite3.Connection, listing: int, now: float) -> int:
    """Bring forward the articles that a listing once named and, read to its end, names no longer; returns how many."""
    return connection.execute(_UNLISTED, {"row": listing, "now": now, "reason": UNLISTED}).rowcount


@dataclass(frozen=True, slots=True)
class Asking:
    """What of all that is due is asked for; times in seconds."""

    sites: Sequence[str]
    run: int  # what this run has looked at is not looked at again by it
    now: float
    horizon: float  # due later than so far ahead is due: a clock was wrong
    confirm_after: float  # from an absence to the look that confirms it


def due(connection: sqlite3.Connection, asking: Asking) -> int:
    """Return how many articles are due."""
    return int(connection.execute(f"SELECT count(*) FROM ({_DUE})", _values(asking)).fetchone()[0])  # noqa: S608


def ask(connection: sqlite3.Connection, asking: Asking, most: int) -> int:
    """Make at most `most` of the articles that are due jobs of scope 0, first things first; returns how many.

    With an article that has settled, the originals of its pictures are asked for, too; and so are pictures whose
    absence is to be confirmed.
    """
    values = {**_values(asking), "most": most}
    rows = connection.execute(f"{_DUE} ORDER BY r.turn, r.article LIMIT :most", values).fetchall()
    connection.executemany(
        "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, fault = NULL, error = NULL, scope = ? "
        "WHERE id = ?",
        [(asking.now, RECHECKS, row) for row, _, _ in rows],
    )
    settled = (article for _, article, reason in rows if reason == ROUTINE)
    pictures.ask_originals(connection, settled, RECHECKS, asking.now)
    pictures.ask_absent(connection, RECHECKS, asking.now, asking.confirm_after)
    return len(rows)


def _values(asking: Asking) -> dict[str, object]:
    return {
        "sites": json.dumps(list(asking.sites)),
        "run": asking.run,
        "now": asking.now,
        "horizon": asking.now + asking.horizon,
    }


def _history(connection: sqlite3.Connection, article: int, now: float) -> History:
    """Return what is known of an article; what a wrong clock has put into the future was no later than now."""
    key, published, first_seen, checked, gone_at, source, absent_since, absent_seen = connection.execute(
        _HISTORY, (article,)
    ).fetchone()
    changes = connection.execute("SELECT fetched_at FROM revision WHERE article = ? AND number > 1", (article,))
    last = max(filter(None, (checked, absent_seen)))
    return History(
        key=key,
        published=_moment(published),
        first_seen=min(now, seconds_of(first_seen)),
        checked=min(now, seconds_of(last)),
        changes=tuple(seconds_of(moment) for (moment,) in changes),
        absent_since=None if absent_since is None else min(now, seconds_of(absent_since)),
        gone=gone_at is not None,
        partial=source == "partial",
    )


def _moment(text: str | None) -> float | None:
    with suppress(ValueError, OverflowError):
        return None if text is None else seconds_of(text)
    return None


def _write(
    connection: sqlite3.Connection, article: int, planned: Planned, signals: str | None, *, checked: bool
) -> None:
    values = {"article": article, "signals": signals, "checked": checked}
    values |= {name: getattr(planned, name) for name in ("due_at", "turn", "reason", "checked_at", "interval")}
    connection.execute(_WRITE, values)
