"""How hard one host may be asked: pace, width, pauses, a circuit breaker, and a budget of retries. Pure.

A `Lane` is told what happens to the requests of its host and says when the next one may start. It knows no clock:
`now` is any monotonic count of seconds. Requests are spaced evenly, so that no second ever sees a burst; a host that
complains or slows down is asked half as often and trusted again with each answer; a host that is down, or fails
whatever it is asked, is left alone but for a few probes.

A complaint is a 429, a 503, a time-out or server error that repeats, or latency that rises. Faults of the content and
connections that break are none: asking less often would not mend them. As long as most of its answers are good, a
host is asked at least half as often as it was able to answer, since what goes wrong then is not for our asking.
"""

from __future__ import annotations

import math
from typing import Final

from crawler.pace import Circuit, LanePolicy, Outcome, Throttle

__all__ = ["Lane", "LanePolicy", "Outcome", "RetryBudget"]

_SPACING: Final = 1.01  # keeps requests that jitter on their way from sharing a second with one too many
_LATE: Final = 0.002  # seconds by which timers are late: a slot used so late does not put off all that follow
_LONGEST_PAUSE: Final = 60.0  # seconds, when the host complains and does not say for how long


class Lane:
    """The state of one host. `started` and `finished` come in pairs; `ready_at` may be asked at any time."""

    def __init__(self, policy: LanePolicy) -> None:
        self.policy = policy
        self.in_flight = 0
        self.down_since: float | None = None  # `now` of the first failure in a row, while the host is unreachable
        self.gave_up = ""  # why nothing more is asked in this run; empty: it is
        self._crawl_delay = policy.crawl_delay
        self._throttle = Throttle(policy)
        self._circuit = Circuit(policy)
        self._started_at = -math.inf
        self._next_slot = -math.inf
        self._paused_until = -math.inf
        self._complaints = 0
        self._complained_at = -math.inf

    def ready_at(self, now: float, *, in_place: bool = False, visiting: bool = False) -> float:
        """Return the earliest time a request may start, not before `now`; inf while there is none to name.

        `in_place` says that the asker has a place, which serves for the next request, too, as when a redirect is
        followed; `visiting` that one of its requests is not over, with its place or without.
        """
        if self.gave_up or (not in_place and self.in_flight >= max(1, self.policy.concurrency)):
            return math.inf
        circuit = self._circuit.ready_at()
        if visiting and circuit == math.inf:  # a probe that was redirected: to wait for itself would be for ever
            circuit = now
        return max(now, self._next_slot, self._paused_until, circuit)

    def started(self, now: float, *, in_place: bool = False) -> None:
        """Note that a request starts, `in_place` where one that is not over keeps the place for both."""
        self.in_flight += not in_place
        self._circuit.started(now)
        self._started_at = now
        slot = self._next_slot if now - self._next_slot <= _LATE else now
        self._next_slot = max(slot + self._interval(), now + self._crawl_delay)

    def answered(self) -> None:
        """Note that a request's answer is in, and its place free, before anybody knows how it went: see `finished`."""
        self.in_flight = max(0, self.in_flight - 1)

    def finished(
        self,
        now: float,
        outcome: Outcome,
        latency: float,
        retry_after: float | None = None,
        *,
        fresh: bool = True,
        answered: bool = False,
    ) -> None:
        """Note that a request has ended, `latency` seconds after it began; `retry_after` in seconds from now.

        `answered` says that its place was given back before, or was another's. `fresh` is False for a URL that has
        failed before: that it fails again says more about it than about the host.
        """
        if not answered:
            self.answered()
        if retry_after is not None:
            self.stay_away(now + retry_after, now)
        self._circuit.finished(now, outcome, latency, fresh=fresh)
        if self._circuit.hopeless:
            self.gave_up = self.gave_up or self._circuit.trouble
        self.down_since = self._circuit.down_since
        slowed = fresh and self._throttle.finished(now, outcome, latency)
        self._count_complaints(now, outcome, latency, asked=retry_after is not None, fresh=fresh)
        if slowed:  # the slot already given out was for the old pace
            self._next_slot = max(self._next_slot, now + self._interval())

    @property
    def troubled(self) -> bool:
        """Say whether the host is down, or fails at everything: nothing is tried twice there."""
        return self._circuit.opened_at is not None

    def is_unmarked(self, now: float) -> bool:
        """Say whether a new lane would ask the host as this one does; `now` as for `ready_at`."""
        slowed = self._throttle.slowed or self._complaints or self._crawl_delay != self.policy.crawl_delay
        return not (self.in_flight or slowed or self._circuit.failing) and self.ready_at(now) <= now

    def pause_until(self, moment: float) -> None:
        """Start nothing before `moment`; a later pause that was asked for stays."""
        self._paused_until = max(self._paused_until, moment)

    def stay_away(self, moment: float, now: float) -> None:
        """Ask nothing before `moment`; when that is beyond our patience, nothing more in this run."""
        self.pause_until(moment)
        if moment - now > self.policy.patience:
            self.gave_up = self.gave_up or f"asked us to stay away for {(moment - now) / 3600:.1f} h"

    def set_crawl_delay(self, seconds: float) -> None:
        """Keep at least this distance between requests, the last one and the next included, as robots.txt asks."""
        self._crawl_delay = max(0.0, seconds)
        self._next_slot = max(self._next_slot, self._started_at + self._crawl_delay)

    @property
    def rate(self) -> float:
        """Requests a second at present; inf when unlimited."""
        interval = self._interval()
        return 1 / interval if interval else math.inf

    def _interval(self) -> float:
        rate = self._throttle.rate
        return max(self._crawl_delay, _SPACING / rate if rate < math.inf else 0.0)

    def _count_complaints(self, now: float, outcome: Outcome, latency: float, *, asked: bool, fresh: bool) -> None:
        """Pause for longer with each complaint in a row, and give up in the end; one burst complains once."""
        if outcome is Outcome.OK:
            self._complaints = 0
        if outcome not in (Outcome.THROTTLED, Outcome.BLOCKED) or now - latency < self._complained_at:
            return
        self._complaints += fresh
        self._complained_at = now
        blocked = outcome is Outcome.BLOCKED
        if not asked and not (blocked and self._complaints <= 1):  # one page may be walled off for its own reasons
            self.pause_until(now + min(2.0**self._complaints, _LONGEST_PAUSE))
        if self._complaints >= self.policy.complaints:
            self.gave_up = self.gave_up or ("blocks us" if blocked else "keeps asking for fewer requests")


class RetryBudget:
    """How many retries a whole run may make: a few, and a share of what succeeds; so that retries never pile up."""

    def __init__(self, floor: float = 30.0, share: float = 1.0, ceiling: float = 100.0) -> None:
        """`floor` retries at the start, `share` more for each success, never more than `ceiling` saved up."""
        self._share = share
        self._ceiling = ceiling
        self._left = floor

    def succeeded(self) -> None:
        """Note a request that succeeded."""
        self._left = min(self._ceiling, self._left + self._share)

    def take(self) -> bool:
        """Take one retry; False when there is none left and the URL must wait for a later run."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
