"""Between what storage remembers of an article and the recheck schedule: its history in, the next look out. Pure."""

from __future__ import annotations

from crawler import schedule
from crawler.schedule import Past, Policy, Reason, Recheck
from crawler.signals import Verdict, decode, fingerprint, judge
from storage.histories import Hear, Heard, History, Known, Plan, Planned

PUBLIC = ("", "publish")  # the status of what readers may see (contract 8, question 11)


def horizon(policy: Policy) -> float:
    """Return the seconds ahead that no plan reaches: what is due later was planned by a wrong clock."""
    return max(policy.longest * (1 + schedule.JITTER), policy.confirm_after) + 1.0


def planner(policy: Policy) -> Plan:
    """Return what says when a checked article is looked at again."""

    def plan(history: History) -> Planned:
        return _planned(schedule.plan(_past(history), policy))

    return plan


def listener(policy: Policy) -> Hear:
    """Return what says what a listing's word about an article means for its next look."""

    def hear(said: str, known: Known) -> Heard | None:
        listed = decode(said)
        planned = _recheck(known.planned)
        if planned.reason is Reason.RETURN:
            return Heard(_planned(schedule.announced(planned, listed.heard_at)), "")
        held = decode(known.signals).said if known.signals else None
        if held is None or held.id != listed.said.id:
            return None
        verdict = judge(listed.said, held, answered=known.answered)
        if verdict is Verdict.CHANGED:
            return Heard(_planned(schedule.announced(planned, listed.heard_at)), fingerprint(listed.said))
        if verdict is Verdict.SAME:
            return Heard(_planned(schedule.put_off(planned, listed.heard_at, policy)), "")
        return None

    return hear


def _past(history: History) -> Past:
    return Past(
        key=history.key,
        published=history.published,
        checks=(history.first_seen, history.checked),
        changes=history.changes,
        absent_since=history.absent_since,
        gone=history.gone,
        partial=history.partial,
    )


def _planned(one: Recheck) -> Planned:
    return Planned(one.key, one.due_at, schedule.turn(one), one.reason.value, one.checked_at, one.interval)


def _recheck(planned: Planned) -> Recheck:
    known = {reason.value: reason for reason in Reason}
    reason = known.get(planned.reason, Reason.ROUTINE)
    return Recheck(planned.key, planned.due_at, planned.checked_at, planned.interval, reason)
