"""When an article is looked at again, and what a night with a budget looks at first. Pure; times in Unix seconds.

The one rule: an article is due again when a quarter of its quiet time has passed. Quiet is the time from its
publication, or its last known change, to the last check. So a fresh article is checked within hours, an old one
rarely, none never, and one that was edited is fresh again.

| state | next check | bounds |
|---|---|---|
| never checked | at once | |
| there | `share` of its quiet time, over 1 + the changes of the last year (at most 3) | `shortest` to `longest` |
| captured in part | the same | `shortest` to `partial_longest` |
| absent once | `confirm_after` from the first absence: two spaced ones make it gone (contract 7.2) | 20 h to 3 days |
| gone | `share` of the time it has been gone: it may return | `gone_shortest` to `longest` |

All but the confirmation, which keeps its spacing, vary by up to a tenth with the article's key: what was archived in
one night is not due in one night.

Requests per night. With N articles held, p published a day, one run a day, no edits and no word from listings:

    R = p / s + p / ln(1 + s) * ln((L + 1/2) / (3/2)) + (N - p * L / s) / (L + 1/2)

s is `share`, L is `longest` in days. The first term is what is young enough to be checked each night, the second what
is growing old, the third all the rest; the halves are the wait for the next night. By default that is
R = 25.5 p + (N - 720 p) / 180.5: 1,134 a night for 100,000 articles at 27 a day.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Final

HOUR, DAY = 3600.0, 86400.0
JITTER: Final = 0.1  # of an interval, either way
_YEAR: Final = 365 * DAY
_MOST_CHANGES: Final = 3  # of the last year that count
_CONFIRMABLE: Final = (20 * HOUR, 3 * DAY)
_ROUNDING: Final = 1.0


class Reason(StrEnum):
    """Why an article is looked at again, in words."""

    UNCHECKED = "never checked"
    CONFIRMATION = "absent once, to be confirmed"
    FRESH = "fresh: published or changed lately"
    ANNOUNCED = "the listing says that it has changed"
    PARTIAL = "captured only in part"
    ROUTINE = "a matter of routine"
    RETURN = "gone, but it may return"
    UNLISTED = "a complete listing no longer names it"


# By how long each is put before what is a matter of routine. Finite, so that a routine check that has waited longer
# goes first: nothing starves.
_HEAD_START: Final = {
    Reason.CONFIRMATION: 30 * DAY,
    Reason.FRESH: 7 * DAY,
    Reason.ANNOUNCED: 7 * DAY,
    Reason.UNLISTED: 7 * DAY,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The rechecks that are asked for; `share` and `trust` are factors, the rest seconds. Raises ValueError."""

    share: float = 0.25  # of its quiet time an article is left alone
    shortest: float = 4 * HOUR
    longest: float = 180 * DAY
    partial_longest: float = 30 * DAY
    confirm_after: float = 20 * HOUR  # under a day: cron is not always punctual
    gone_shortest: float = 7 * DAY
    trust: float = 2.0  # intervals from one check to the next while listings say that nothing has changed

    def __post_init__(self) -> None:
        """Refuse what would never check, or always."""
        least, most = _CONFIRMABLE
        if not least <= self.confirm_after <= most:
            raise ValueError(f"confirm_after is {self.confirm_after:g} s: it must lie between 20 hours and 3 days")
        others = min(self.longest, self.partial_longest, self.gone_shortest)
        if not 0 < self.shortest <= others:
            raise ValueError(f"shortest is {self.shortest:g} s: it must be above 0 and at most {others:g} s")
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share:g}: it must be above 0 and at most 1")
        if not 1 <= self.trust <= 10:
            raise ValueError(f"trust is {self.trust:g}: it must lie between 1 and 10")


DEFAULT: Final = Policy()


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of an article.

    `published`: first publication, None when unknown. `checks`: when the CMS gave an answer about it, either way.
    `changes`: when a revision after the first was found. `absent_since`: the first absence since it was last there.
    """

    key: str
    published: float | None = None
    checks: tuple[float, ...] = ()
    changes: tuple[float, ...] = ()
    absent_since: float | None = None
    gone: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Recheck:
    """When an article is due, and why; `interval` is how long after the last check the schedule alone wants it."""

    key: str
    due_at: float
    checked_at: float  # 0: never
    interval: float
    reason: Reason


def plan(past: Past, policy: Policy = DEFAULT) -> Recheck:
    """Return when an article is due next; never before its last check, 0 when there was none."""
    if not past.checks:
        return Recheck(past.key, 0.0, 0.0, 0.0, Reason.UNCHECKED)
    last = max(past.checks)
    if past.absent_since is not None and not past.gone:
        due = max(last, past.absent_since + policy.confirm_after)
        return Recheck(past.key, due, last, due - last, Reason.CONFIRMATION)
    bare, reason = _return(past, last, policy) if past.gone else _visit(past, last, policy)
    interval = bare * _jitter(past.key)
    return Recheck(past.key, last + interval, last, interval, reason)


def confirmed(absences: Iterable[float], policy: Policy = DEFAULT) -> bool:
    """Say whether the absences since an article was last there make it gone: two, as far apart as asked."""
    moments = tuple(absences)
    return len(moments) > 1 and max(moments) - min(moments) >= policy.confirm_after


def announced(planned: Recheck, heard_at: float) -> Recheck:
    """Return the plan of an article of which a listing said at `heard_at` that it has changed, or is back."""
    if planned.reason is Reason.CONFIRMATION:
        return planned  # listings lag: the article itself decides, in its time
    return replace(planned, due_at=min(planned.due_at, heard_at), reason=Reason.ANNOUNCED)


def put_off(planned: Recheck, heard_at: float, policy: Policy = DEFAULT) -> Recheck:
    """Return the plan of an article of which a listing said at `heard_at` that it is the same.

    That counts as half a check: it is due an interval after it, but no later than `trust` intervals, nor the longest,
    after the last real one, since the newsroom edits without a word (contract 7.2). Only an article that is there, and
    whole, is put off.
    """
    if planned.reason not in (Reason.FRESH, Reason.ROUTINE):
        return planned
    limit = planned.checked_at + min(policy.trust * planned.interval, policy.longest * (1 + JITTER))
    return replace(planned, due_at=max(planned.due_at, min(heard_at + planned.interval, limit)))


def select(planned: Iterable[Recheck], now: float, most: int, policy: Policy = DEFAULT) -> list[Recheck]:
    """Return at most `most` of what is due, first things first; the rest waits, and moves up as it waits.

    The longest overdue comes first, with a head start for confirmations and for what is fresh or said to have
    changed. Due further ahead than any plan reaches is due now: a clock was wrong when it was planned.
    """
    horizon = now + max(policy.longest * (1 + JITTER), policy.confirm_after) + _ROUNDING
    due = (one for one in planned if one.due_at <= now or one.due_at > horizon)
    return heapq.nsmallest(most, due, key=lambda one: (turn(one), one.key))


def turn(one: Recheck) -> float:
    """Return what what is due is ordered by: the lowest goes first."""
    return one.due_at - _HEAD_START.get(one.reason, 0.0)


def _visit(past: Past, last: float, policy: Policy) -> tuple[float, Reason]:
    """Return the interval of an article that is there, and the reason to look at it."""
    seen = min(past.checks)  # it was published by then, whatever its date says
    born = seen if past.published is None else min(past.published, seen)
    quiet = last - max((born, *(change for change in past.changes if change <= last)))
    often = sum(last - _YEAR <= change <= last for change in past.changes)
    bare = max(policy.share * quiet / (1 + min(often, _MOST_CHANGES)), policy.shortest)
    if past.partial:
        return min(bare, policy.partial_longest, policy.longest), Reason.PARTIAL
    return min(bare, policy.longest), Reason.FRESH if bare <= DAY else Reason.ROUTINE


def _return(past: Past, last: float, policy: Policy) -> tuple[float, Reason]:
    """Return the interval of an article that is gone, and the reason to look at it."""
    absent = 0.0 if past.absent_since is None else last - past.absent_since
    return min(max(policy.share * absent, policy.gone_shortest), policy.longest), Reason.RETURN


def _jitter(key: str) -> float:
    """Return a factor within a tenth of 1: the same for a key, spread evenly over keys."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return 1 - JITTER + 2 * JITTER * int.from_bytes(digest, "big") / 2**32
