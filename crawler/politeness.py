"""How hard one host may be asked: pace, width, pauses, a circuit breaker, and a budget of retries. Pure.

A `Lane` is told what happens to the requests of its host and says when the next one may start. It knows no clock:
`now` is any monotonic count of seconds. Requests are spaced evenly, so that no second ever sees a burst; a host that
complains or slows down is asked half as often and trusted again little by little; a host that is down is left alone
but for a few probes.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What a finished request says about its host."""

    OK = "ok"  # it answered, were it to say no
    NEUTRAL = "neutral"  # nothing: the request was never sent, or its story is told elsewhere
    THROTTLED = "throttled"  # it asked for fewer requests
    SERVER_ERROR = "server-error"
    TIMEOUT = "timeout"  # it was too slow
    BLOCKED = "blocked"  # it does not want us
    DOWN = "down"  # it could not be reached


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """The politeness that is asked for; times in seconds."""

    rate: float = 0.0  # requests a second; 0: unlimited
    concurrency: int = 4
    crawl_delay: float = 0.0  # robots.txt; 0: none
    slowest: float = 0.5  # requests a second below which no slow-down goes
    failures_to_open: int = 5  # unreachable in a row: the circuit opens
    first_probe: float = 5.0  # from then to the first probe, doubled with each that fails
    longest_probe: float = 60.0
    probes: int = 5  # failed in a row: given up
    complaints: int = 8  # throttled or blocked in a row: given up
    patience: float = 3600.0  # a longer Retry-After: given up


_SPACING: Final = 1.02  # keeps requests that jitter on their way from sharing a second with one too many
_REACTION: Final = 1.0  # seconds from one slow-down to the next, at least
_CALM: Final = 5  # successes in a row before recovery begins
_STEPS: Final = 50  # successes from a standstill to the full rate
_MEASURED: Final = 20  # starts from which the rate of an unlimited lane is measured
_SLOWER: Final = 4.0  # times its baseline: latency that counts as a complaint
_LONGEST_PAUSE: Final = 60.0  # seconds, when the host complains and does not say for how long
_NOTICEABLE: Final = 0.25  # seconds below which latency is nobody's trouble
_SAMPLES: Final = 10  # latencies before they are judged


class Lane:
    """The state of one host. `started` and `finished` come in pairs; `ready_at` may be asked at any time."""

    def __init__(self, policy: LanePolicy) -> None:
        self.policy = policy
        self.in_flight = 0
        self.down_since: float | None = None  # `now` of the first failure in a row, while the host is unreachable
        self.gave_up = ""  # why nothing more is asked in this run; empty: it is
        self._crawl_delay = policy.crawl_delay
        self._throttle = _Throttle(policy)
        self._circuit = _Circuit(policy)
        self._next_slot = -math.inf
        self._paused_until = -math.inf
        self._complaints = 0
        self._complained_at = -math.inf

    def ready_at(self, now: float, held: int = 0) -> float:
        """Return the earliest time a request may start, not before `now`; inf while there is none to name.

        `held` is how many of the requests in flight the asker holds itself: the next one takes their place, as when
        a redirect is followed.
        """
        if self.gave_up or self.in_flight - held >= max(1, self.policy.concurrency):
            return math.inf
        return max(now, self._next_slot, self._paused_until, self._circuit.ready_at())

    def started(self, now: float) -> None:
        """Note that a request starts."""
        self.in_flight += 1
        self._throttle.started(now)
        self._circuit.started(now)
        self._next_slot = now + self._interval()

    def finished(self, now: float, outcome: Outcome, latency: float, retry_after: float | None = None) -> None:
        """Note that a request has ended, `latency` seconds after it began; `retry_after` in seconds from now."""
        self.in_flight = max(0, self.in_flight - 1)
        if retry_after is not None:
            self.pause_until(now + retry_after)
            if retry_after > self.policy.patience:
                self.gave_up = self.gave_up or f"asked us to stay away for {retry_after / 3600:.1f} h"
        self._circuit.finished(now, outcome, latency)
        if self._circuit.hopeless:
            self.gave_up = self.gave_up or "could not be reached"
        self.down_since = self._circuit.down_since
        slowed = self._throttle.finished(now, outcome, latency)
        self._count_complaints(now, outcome, latency, asked=retry_after is not None)
        if slowed:  # the slot already given out was for the old pace
            self._next_slot = max(self._next_slot, now + self._interval())

    def pause_until(self, moment: float) -> None:
        """Start nothing before `moment`; a later pause that was asked for stays."""
        self._paused_until = max(self._paused_until, moment)

    def set_crawl_delay(self, seconds: float) -> None:
        """Keep at least this distance between requests, as robots.txt asks."""
        self._crawl_delay = max(0.0, seconds)

    @property
    def rate(self) -> float:
        """Requests a second at present; inf when unlimited."""
        interval = self._interval()
        return 1 / interval if interval else math.inf

    def describe(self, now: float) -> str:
        """Return the state in a few words, for status lines."""
        if self.gave_up:
            return f"given up: {self.gave_up}"
        if self.down_since is not None and self._circuit.opened_at is not None:
            return f"down for {now - self.down_since:.0f} s, next probe in {max(0.0, self.ready_at(now) - now):.0f} s"
        if self._paused_until > now:
            return f"paused for {self._paused_until - now:.0f} s"
        if self._throttle.slowed:
            return f"slowed to {self.rate:.2g}/s"
        return "open" if self.rate == math.inf else f"up to {self.rate:.2g}/s"

    def _interval(self) -> float:
        rate = self._throttle.rate
        return max(self._crawl_delay, _SPACING / rate if rate < math.inf else 0.0)

    def _count_complaints(self, now: float, outcome: Outcome, latency: float, *, asked: bool) -> None:
        """Pause for longer with each complaint in a row, and give up in the end; one burst complains once."""
        if outcome is Outcome.OK:
            self._complaints = 0
        if outcome not in (Outcome.THROTTLED, Outcome.BLOCKED) or now - latency < self._complained_at:
            return
        self._complaints += 1
        self._complained_at = now
        blocked = outcome is Outcome.BLOCKED
        if not asked and not (blocked and self._complaints == 1):  # one page may be walled off for its own reasons
            self.pause_until(now + min(2.0**self._complaints, _LONGEST_PAUSE))
        if self._complaints >= self.policy.complaints:
            self.gave_up = self.gave_up or ("blocks us" if blocked else "keeps asking for fewer requests")


class _Throttle:
    """The adaptive rate: halved on complaint, raised step by step on success, never above what is configured."""

    def __init__(self, policy: LanePolicy) -> None:
        self._policy = policy
        self._configured = policy.rate if policy.rate > 0 else math.inf
        self.rate = self._configured
        self._peak = self._configured  # what recovery leads back to; of an unlimited lane, what was measured
        self._starts: deque[float] = deque(maxlen=_MEASURED)
        self._slowed_at = -math.inf
        self._calm = 0
        self._troubles = 0  # server errors and time-outs in a row
        self._latency = _Latency()

    @property
    def slowed(self) -> bool:
        """Say whether the rate is below what is configured."""
        return self.rate < self._configured

    def started(self, now: float) -> None:
        self._starts.append(now)

    def finished(self, now: float, outcome: Outcome, latency: float) -> bool:
        """Take note of an outcome; True when the rate was lowered."""
        if outcome is Outcome.OK:
            self._troubles = 0
            self._calm += 1
            if self._latency.rising(latency):
                return self._slow_down(now, latency)
            if self.slowed and self._calm >= _CALM:
                self._recover()
            return False
        if outcome in (Outcome.SERVER_ERROR, Outcome.TIMEOUT):
            self._troubles += 1
        complaint = outcome is Outcome.THROTTLED or self._troubles >= 2
        return complaint and self._slow_down(now, latency)

    def _slow_down(self, now: float, latency: float) -> bool:
        self._calm = 0
        if now - max(latency, _REACTION) < self._slowed_at:
            return False  # asked at the old pace: it is about that one
        if self.rate == math.inf:
            self._peak = self.rate = self._measured(now)
        floor = min(self._policy.slowest, self._configured)
        self.rate = max(floor, self.rate / 2)
        self._slowed_at = now
        self._troubles = 0
        return True

    def _recover(self) -> None:
        self.rate += self._peak / _STEPS
        if self._configured == math.inf and self.rate >= 4 * self._peak:
            self.rate = math.inf  # far beyond what it complained of: that trouble is over
        self.rate = min(self.rate, self._configured)

    def _measured(self, now: float) -> float:
        """Return the requests a second of late; of few requests, as if they had taken a second."""
        span = now - self._starts[0] if self._starts else 0.0
        return max(1.0, len(self._starts) / max(span, 0.01 if len(self._starts) == _MEASURED else 1.0))


class _Latency:
    """Notices that a host has become slow for its own measure."""

    def __init__(self) -> None:
        self._baseline = 0.0
        self._recent = 0.0
        self._count = 0

    def rising(self, latency: float) -> bool:
        """Take one latency in seconds; True when the recent ones are several times the usual ones."""
        self._count += 1
        if self._count == 1:
            self._baseline = self._recent = latency
            return False
        self._baseline += (latency - self._baseline) / min(self._count, 100)
        self._recent += (latency - self._recent) / 5
        if self._count < _SAMPLES or self._recent < max(_NOTICEABLE, _SLOWER * self._baseline):
            return False
        self._baseline *= 2  # half accepted: a host that stays slow is the new usual, not asked less and less
        self._recent = self._baseline
        return True


class _Circuit:
    """Closed: requests pass. Open: the host is down, and only a probe now and then passes."""

    def __init__(self, policy: LanePolicy) -> None:
        self._policy = policy
        self._failures = 0
        self._failed_probes = 0
        self._probing = False
        self._probe_at = -math.inf
        self.down_since: float | None = None
        self.opened_at: float | None = None
        self.hopeless = False

    def ready_at(self) -> float:
        if self.opened_at is None:
            return -math.inf
        return math.inf if self._probing else self._probe_at

    def started(self, now: float) -> None:
        if self.opened_at is not None and now >= self._probe_at:
            self._probing = True

    def finished(self, now: float, outcome: Outcome, latency: float) -> None:
        if outcome in (Outcome.DOWN, Outcome.TIMEOUT):
            self._failed(now, now - latency)
        elif outcome is not Outcome.NEUTRAL:  # whatever the host said, it is there
            self._failures = self._failed_probes = 0
            self._probing = False
            self.down_since = self.opened_at = None
        elif self._probing:  # a probe that told nothing
            self._probing = False
            self._probe_at = now + self._policy.first_probe

    def _failed(self, now: float, began: float) -> None:
        self._failures += 1
        self.down_since = now if self.down_since is None else self.down_since
        if self.opened_at is None:
            if self._failures >= self._policy.failures_to_open:
                self.opened_at = now
                self._probe_at = now + self._policy.first_probe
            return
        if not self._probing or began < self.opened_at:
            return  # a straggler from before: it says what is known
        self._probing = False
        self._failed_probes += 1
        self.hopeless = self._failed_probes >= self._policy.probes
        wait = self._policy.first_probe * 2.0 ** min(self._failed_probes, 30)
        self._probe_at = now + min(wait, self._policy.longest_probe)


class RetryBudget:
    """How many retries a whole run may make: a few, and a share of what succeeds; so that retries never pile up."""

    def __init__(self, floor: float = 20.0, share: float = 0.2) -> None:
        """`floor` retries at the start, `share` more for each success."""
        self._share = share
        self._left = floor

    def succeeded(self) -> None:
        """Note a request that succeeded."""
        self._left += self._share

    def take(self) -> bool:
        """Take one retry; False when there is none left and the URL must wait for a later run."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
