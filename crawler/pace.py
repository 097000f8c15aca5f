"""What one host's answers say about it: how fast it may be asked, and whether it is there at all. Pure.

The words that politeness is spoken in, and the two meters that `politeness.Lane` reads: the throttle, which adapts
the rate, and the circuit, which notices that a host is down.
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
    errors_to_open: int = 8  # unreachable or failing (5xx) in a row: the circuit opens
    first_probe: float = 5.0  # from then to the first probe, doubled with each that fails
    longest_probe: float = 60.0
    probes: int = 5  # failed in a row: given up
    complaints: int = 8  # throttled or blocked in a row: given up
    patience: float = 3600.0  # a longer Retry-After: given up


_REACTION: Final = 1.0  # seconds from one slow-down to the next, at least
_STEPS: Final = 50  # good answers from a standstill to the full rate
_JUDGED: Final = 20  # answers by which a host's weather is judged
_LOWEST_SHARE: Final = 0.5  # of the full rate, while most of those answers are good
_SLOWER: Final = 4.0  # times its baseline: latency that counts as a complaint
_NOTICEABLE: Final = 0.25  # seconds below which latency is nobody's trouble
_SAMPLES: Final = 10  # latencies before they are judged
_UNKNOWN: Final = 0.1  # seconds: latency of a host that has not answered yet


class Throttle:
    """The adaptive rate: halved on complaint, raised with each good answer, never above what is configured."""

    def __init__(self, policy: LanePolicy) -> None:
        self._policy = policy
        self._configured = policy.rate if policy.rate > 0 else math.inf
        self.rate = self._configured
        self._answers: deque[bool] = deque(maxlen=_JUDGED)  # good or not
        self._slowed_at = -math.inf
        self._troubles = 0  # server errors and time-outs in a row
        self._latency = _Latency()

    @property
    def slowed(self) -> bool:
        """Say whether the rate is below what is configured."""
        return self.rate < self._configured

    def finished(self, now: float, outcome: Outcome, latency: float) -> bool:
        """Take note of an outcome; True when the rate was lowered."""
        if outcome is Outcome.OK:
            self._troubles = 0
            self._answers.append(True)
            if self._latency.rising(latency):
                return self._slow_down(now, latency)
            if self.slowed:
                self._recover()
            return False
        if outcome in (Outcome.SERVER_ERROR, Outcome.TIMEOUT):
            self._troubles += 1
        complaint = outcome is Outcome.THROTTLED or self._troubles >= 2
        if outcome in (Outcome.THROTTLED, Outcome.SERVER_ERROR, Outcome.TIMEOUT):
            self._answers.append(False)
        return complaint and self._slow_down(now, latency)

    def _slow_down(self, now: float, latency: float) -> bool:
        if now - max(latency, _REACTION) < self._slowed_at:
            return False  # asked at the old pace: it is about that one
        lowered = max(self._floor(), min(self.rate, self._full()) / 2)
        self._slowed_at = now
        self._troubles = 0
        changed, self.rate = lowered < self.rate, min(self.rate, lowered)
        return changed

    def _floor(self) -> float:
        """Return the rate below which no slow-down goes: far lower when the host does little but complain."""
        slowest = min(self._policy.slowest, self._configured)
        fair = len(self._answers) == _JUDGED and sum(self._answers) > _JUDGED / 2
        return max(slowest, self._full() * _LOWEST_SHARE) if fair else slowest

    def _recover(self) -> None:
        self.rate += self._full() / _STEPS
        if self.rate >= self._full():
            self.rate = self._configured

    def _full(self) -> float:
        """Return the full rate: as configured, or what the width of an unlimited lane allows at its usual latency."""
        if self._configured < math.inf:
            return self._configured
        return max(1.0, self._policy.concurrency / max(self._latency.usual or _UNKNOWN, 0.01))


class _Latency:
    """Notices that a host has become slow for its own measure."""

    def __init__(self) -> None:
        self._baseline = 0.0
        self._recent = 0.0
        self._count = 0

    @property
    def usual(self) -> float:
        """Return the usual latency in seconds; 0 while none is known."""
        return self._baseline

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


class Circuit:
    """Closed: requests pass. Open: the host is down or fails at everything; only a probe now and then passes."""

    def __init__(self, policy: LanePolicy) -> None:
        self._policy = policy
        self._failures = 0  # in a row: unreachable
        self._errors = 0  # in a row: unreachable, or answered with an error of the server
        self._failed_probes = 0
        self._probing = False
        self._probe_at = -math.inf
        self.down_since: float | None = None
        self.opened_at: float | None = None
        self.trouble = ""
        self.hopeless = False

    @property
    def failing(self) -> bool:
        """Say whether the last that was heard of the host was that it fails."""
        return self._errors > 0

    def ready_at(self) -> float:
        """Return when the next request may pass: at once, with the next probe, or (inf) after the one under way."""
        if self.opened_at is None:
            return -math.inf
        return math.inf if self._probing else self._probe_at

    def started(self, now: float) -> None:
        """Note that a request starts: a probe, when its time has come."""
        if self.opened_at is not None and now >= self._probe_at:
            self._probing = True

    def finished(self, now: float, outcome: Outcome, latency: float, *, fresh: bool = True) -> None:
        """Take note of an outcome; that a URL fails again (`fresh` False) does not open a closed circuit."""
        if self.opened_at is None and not fresh and outcome is not Outcome.OK:
            return
        if outcome in (Outcome.DOWN, Outcome.TIMEOUT):
            self._failures += 1
            self._failed(now, now - latency, "could not be reached")
        elif outcome is Outcome.SERVER_ERROR:
            self._failures = 0
            self._failed(now, now - latency, "answers nothing but server errors (5xx)")
        elif outcome is not Outcome.NEUTRAL:  # whatever the host said, it is there
            self._failures = self._errors = self._failed_probes = 0
            self._probing = False
            self.down_since = self.opened_at = None
        elif self._probing:  # a probe that told nothing
            self._probing = False
            self._probe_at = now + self._policy.first_probe

    def _failed(self, now: float, began: float, trouble: str) -> None:
        self._errors += 1
        self.trouble = trouble
        self.down_since = now if self.down_since is None else self.down_since
        if self.opened_at is None:
            if self._failures >= self._policy.failures_to_open or self._errors >= self._policy.errors_to_open:
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
