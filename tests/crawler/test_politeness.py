"""Politeness: pace, width, pauses and trust of one host, played through with an invented clock."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.politeness import Lane, LanePolicy, Outcome, RetryBudget

OK, DOWN, THROTTLED = Outcome.OK, Outcome.DOWN, Outcome.THROTTLED

Answer = tuple[Outcome, float, float | None]  # outcome, latency, Retry-After


@dataclass
class Play:
    """Workers that ask a lane as fast as it lets them, and what the server would see."""

    lane: Lane
    answer: Callable[[float, int], Answer]
    now: float = 1000.0
    starts: list[float] = field(default_factory=list)
    widest: int = 0
    _running: list[tuple[float, int, Answer]] = field(default_factory=list)

    def run(self, seconds: float = 60.0, requests: int = 2_000) -> Play:
        end = self.now + seconds
        requests += len(self.starts)
        while self.now < end and len(self.starts) < requests:
            ready = self.lane.ready_at(self.now)
            assert ready >= self.now
            if ready <= self.now:
                self._start()
                continue
            moment = min(ready, self._running[0][0] if self._running else math.inf)
            if moment == math.inf:
                break
            self.now = moment
            self._finish_due()
        return self

    def _start(self) -> None:
        self.lane.started(self.now)
        outcome, latency, retry_after = self.answer(self.now, len(self.starts))
        heapq.heappush(self._running, (self.now + latency, len(self.starts), (outcome, latency, retry_after)))
        self.starts.append(self.now)
        self.widest = max(self.widest, len(self._running))

    def _finish_due(self) -> None:
        while self._running and self._running[0][0] <= self.now:
            _, _, (outcome, latency, retry_after) = heapq.heappop(self._running)
            self.lane.finished(self.now, outcome, latency, retry_after)


def busiest_second(starts: list[float]) -> int:
    """Return the most starts in any window [t, t + 1)."""
    best = first = 0
    for last, moment in enumerate(starts):
        while starts[first] <= moment - 1:
            first += 1
        best = max(best, last - first + 1)
    return best


def always(outcome: Outcome, latency: float = 0.05, retry_after: float | None = None) -> Callable[[float, int], Answer]:
    return lambda _now, _number: (outcome, latency, retry_after)


ANSWERS = st.tuples(
    st.sampled_from([OK, OK, OK, *Outcome]),
    st.floats(0.001, 20),
    st.none() | st.floats(0, 30),
)


@given(
    st.floats(0.2, 200),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.0, 0.5]),
    st.lists(ANSWERS, min_size=1, max_size=30),
)
def test_no_second_sees_more_than_the_rate(rate: float, width: int, delay: float, answers: list[Answer]) -> None:
    """Whatever the host answers, neither rate, concurrency nor crawl delay is ever exceeded.

    A slot may be used 2 ms late without putting off the next one.
    """
    lane = Lane(LanePolicy(rate=rate, concurrency=width, crawl_delay=delay))
    play = Play(lane, lambda _now, number: answers[number % len(answers)]).run(requests=400)
    assert busiest_second(play.starts) <= math.ceil(rate)
    assert play.widest <= width
    gaps = [later - earlier for earlier, later in zip(play.starts, play.starts[1:], strict=False)]
    assert all(gap >= max(delay, 1 / rate - 0.002) - 1e-6 for gap in gaps)


@given(st.lists(ANSWERS, min_size=1, max_size=30), st.integers(1, 8))
def test_a_retry_after_holds_for_the_whole_host(answers: list[Answer], width: int) -> None:
    """After a wish for a pause was heard nothing starts before it is over."""
    lane = Lane(LanePolicy(concurrency=width))
    play = Play(lane, lambda _now, number: answers[number % len(answers)]).run(requests=200)
    for number, start in enumerate(play.starts):
        _, latency, retry_after = answers[number % len(answers)]
        heard = start + latency
        inside = [later for later in play.starts if heard < later < heard + (retry_after or 0.0) - 1e-6]
        assert inside == []


@given(st.lists(ANSWERS, max_size=60), st.just(0.0) | st.floats(0.01, 50))
def test_the_adapted_rate_stays_between_its_bounds(answers: list[Answer], rate: float) -> None:
    """It never exceeds what is configured and never comes to a standstill."""
    lane = Lane(LanePolicy(rate=rate))
    now = 0.0
    for outcome, latency, _ in answers:
        lane.started(now)
        now += latency
        lane.finished(now, outcome, latency)
        assert lane.rate <= (rate or math.inf)
        assert lane.rate >= min(0.1, rate or 0.1) / 1.03


def test_requests_are_spaced_evenly() -> None:
    """There is no burst, not even after a rest."""
    lane = Lane(LanePolicy(rate=4))
    play = Play(lane, always(OK)).run(seconds=3)
    play.now += 100
    play.run(seconds=3)
    gaps = [later - earlier for earlier, later in zip(play.starts, play.starts[1:], strict=False)]
    assert min(gaps) >= 0.25
    assert len(play.starts) >= 22


def test_late_timers_do_not_cost_the_rate() -> None:
    """A slot that is used a millisecond late leaves the next where it was; after a longer wait it is put off."""
    lane, starts = Lane(LanePolicy(rate=50, concurrency=99)), []
    now = 1000.0
    for _ in range(50):
        now = lane.ready_at(now) + 0.001
        lane.started(now)
        starts.append(now)
    assert starts[-1] - starts[0] <= 49 / 50 * 1.012
    lane.started(2000.0)
    assert lane.ready_at(2000.0) >= 2000.0 + 1 / 50


def test_an_answer_gives_its_place_back_once() -> None:
    """What is answered is finished later, without giving back another's place."""
    lane = Lane(LanePolicy(concurrency=2))
    lane.started(1.0)
    lane.started(1.0)
    lane.answered()
    assert lane.ready_at(1.0) == 1.0
    lane.finished(2.0, OK, 1.0, answered=True)
    assert lane.in_flight == 1


def test_an_unlimited_lane_does_not_wait() -> None:
    """Rate 0 means as fast as the width allows."""
    play = Play(Lane(LanePolicy(concurrency=3)), always(OK, 0.5)).run(seconds=10)
    assert len(play.starts) == 60
    assert play.widest == 3


def test_a_lane_at_its_width_names_no_time() -> None:
    """Until something finishes there is nothing to wait for, except for one who holds a place himself."""
    lane = Lane(LanePolicy(concurrency=1))
    lane.started(5.0)
    assert lane.ready_at(5.0) == math.inf
    assert lane.ready_at(5.0, in_place=True) == 5.0
    lane.finished(6.0, OK, 1.0)
    assert lane.ready_at(6.0) == 6.0


def test_a_crawl_delay_learnt_later_is_kept() -> None:
    """robots.txt is read after the lane was made."""
    lane = Lane(LanePolicy(rate=10))
    lane.set_crawl_delay(2.0)
    play = Play(lane, always(OK)).run(seconds=20)
    assert len(play.starts) == 10


def test_a_complaint_halves_the_pace_and_success_restores_it() -> None:
    """One 429 halves the rate, one burst of them no more than that, and recovery is gradual and complete."""
    lane = Lane(LanePolicy(rate=10, concurrency=8))
    full = lane.rate
    play = Play(lane, lambda now, _: (THROTTLED if now < 1001 else OK, 0.9, 0.0)).run(seconds=2)
    assert full / 2 <= lane.rate < full * 0.6
    rates = []
    for _ in range(40):
        play.run(requests=2)
        rates.append(lane.rate)
    assert rates == sorted(rates)
    assert full / 2 < rates[5] < full
    assert lane.rate == full


@pytest.mark.parametrize("outcome", [Outcome.SERVER_ERROR, Outcome.TIMEOUT])
def test_trouble_counts_when_it_repeats(outcome: Outcome) -> None:
    """One error may be one article's; two in a row are the server's."""
    lane = Lane(LanePolicy(rate=10))
    full = lane.rate
    lane.finished(10.0, outcome, 0.1)
    assert lane.rate == full
    lane.finished(20.0, outcome, 0.1)
    assert lane.rate == pytest.approx(full / 2)


def test_rising_latency_slows_an_unlimited_lane_from_its_measured_rate() -> None:
    """A server that becomes four times slower is asked less, starting from what it was really asked."""
    lane = Lane(LanePolicy(concurrency=4))
    play = Play(lane, lambda now, _: (OK, 0.1 if now < 1010 else 2.0, None)).run(seconds=10)
    assert lane.rate == math.inf
    play.run(seconds=10)
    assert lane.rate < 40


def test_a_host_that_stays_slow_is_accepted_as_slow() -> None:
    """Its latency becomes the new usual, and the pace recovers."""
    lane = Lane(LanePolicy(rate=5, concurrency=8))
    full = lane.rate
    play = Play(lane, lambda now, _: (OK, 0.05 if now < 1020 else 1.0, None)).run(seconds=60)
    slowest = lane.rate
    play.run(seconds=300)
    assert lane.rate >= slowest
    assert lane.rate == full


def test_jitter_of_a_fast_host_is_no_complaint() -> None:
    """Milliseconds on a local network vary by more than four times, and mean nothing."""
    lane = Lane(LanePolicy(concurrency=4))
    Play(lane, lambda _now, number: (OK, 0.001 if number % 20 else 0.2, None)).run(seconds=10)
    assert lane.rate == math.inf


def test_a_host_that_is_down_gets_a_handful_of_requests() -> None:
    """After five failures in a row only probes pass, further and further apart, and in the end none."""
    lane = Lane(LanePolicy(concurrency=1))
    play = Play(lane, always(DOWN, 0.01)).run(seconds=3_600)
    assert len(play.starts) == 10
    assert lane.gave_up == "could not be reached"
    assert lane.down_since == pytest.approx(1000.01)
    assert lane.ready_at(play.now) == math.inf
    gaps = [later - earlier for earlier, later in zip(play.starts[4:], play.starts[5:], strict=False)]
    assert [round(gap) for gap in gaps] == [5, 10, 20, 40, 60]


def test_a_wide_lane_probes_with_one_request() -> None:
    """However many workers wait, a host that is down sees one at a time."""
    lane = Lane(LanePolicy(concurrency=8))
    play = Play(lane, always(DOWN, 1.0)).run(seconds=3_600)
    assert len(play.starts) <= 8 + 5 + 5


def test_a_host_that_answers_nothing_but_errors_is_left_alone() -> None:
    """Where everything fails, whatever is asked, asking more would only hurt: probes, and then no more."""
    lane = Lane(LanePolicy(concurrency=4))
    play = Play(lane, lambda now, _: (OK if now < 1010 else Outcome.SERVER_ERROR, 0.05, None)).run(seconds=3_600)
    after = [start for start in play.starts if start >= 1010]
    assert len(after) <= 8 + 4 + 5
    assert lane.gave_up == "answers nothing but server errors (5xx)"


def test_scattered_errors_of_the_server_do_not_open_the_circuit() -> None:
    """Pages that fail for reasons of their own stand between others that answer."""
    lane = Lane(LanePolicy(rate=50))
    play = Play(lane, lambda _now, number: (OK if number % 7 == 0 else Outcome.SERVER_ERROR, 0.01, None))
    play.run(seconds=60)
    assert not lane.gave_up


@pytest.mark.parametrize("rate", [0.0, 50.0])
def test_mixed_weather_does_not_bring_a_host_to_a_standstill(rate: float) -> None:
    """Two answers in five are faulty, whatever the pace: the pace stays near what the host can do."""
    storm = [Outcome.THROTTLED, DOWN, Outcome.SERVER_ERROR, Outcome.TIMEOUT, OK, OK]  # OK: a fault of the content
    chance = random.Random(1)

    def answer(_now: float, _number: int) -> Answer:
        outcome = chance.choice(storm) if chance.random() < 0.4 else OK
        return outcome, 0.5 if outcome is Outcome.TIMEOUT else 0.02, 1.0 if outcome is THROTTLED else None

    lane = Lane(LanePolicy(rate=rate, concurrency=8))
    play = Play(lane, answer, 0.0).run(seconds=120, requests=1_000)
    assert len(play.starts) == 1_000
    assert play.now < 100
    assert not lane.gave_up


def test_a_host_that_mostly_complains_is_asked_ever_less() -> None:
    """Where most answers are complaints the pace sinks to the slowest, and rises again when they end."""
    lane = Lane(LanePolicy(rate=20, concurrency=4))
    full = lane.rate
    play = Play(lane, lambda now, number: (THROTTLED if number % 5 and now < 1300 else OK, 0.1, 0.1))
    play.run(seconds=300)
    assert lane.rate < full / 8
    play.run(seconds=120)
    assert lane.rate == full


@pytest.mark.parametrize("outcome", [DOWN, OK])
def test_what_is_not_for_our_asking_slows_nobody(outcome: Outcome) -> None:
    """A connection that breaks and a fault of the content say nothing about the pace."""
    lane = Lane(LanePolicy(rate=10))
    full = lane.rate
    Play(lane, lambda _now, number: (outcome if number % 3 else OK, 0.01, None)).run(seconds=30)
    assert lane.rate == full


def test_a_host_that_returns_is_used_again_at_once() -> None:
    """One answer closes the circuit, were it to say no."""
    lane = Lane(LanePolicy(concurrency=4))
    play = Play(lane, lambda now, _: (DOWN if now < 1030 else Outcome.BLOCKED, 0.01, None)).run(seconds=36)
    assert lane.down_since is None
    assert not lane.gave_up
    assert play.widest == 4


def test_a_probe_that_tells_nothing_is_followed_by_another() -> None:
    """A request that was never sent neither closes the circuit nor blocks it."""
    lane = Lane(LanePolicy(failures_to_open=1))
    lane.started(0.0)
    lane.finished(0.0, DOWN, 0.0)
    lane.started(5.0)
    assert lane.ready_at(5.0) == math.inf
    lane.finished(5.0, Outcome.NEUTRAL, 0.0)
    assert lane.ready_at(5.0) == 10.0
    assert lane.down_since == 0.0


def test_scattered_failures_do_not_open_the_circuit() -> None:
    """Only failures in a row say that the host is down."""
    lane = Lane(LanePolicy(concurrency=2))
    play = Play(lane, lambda _now, number: (DOWN if number % 4 else OK, 0.01, None)).run(seconds=10)
    assert len(play.starts) == 2_000
    assert play.widest == 2
    assert not lane.gave_up


def test_a_host_that_asks_us_to_stay_away_is_left_alone() -> None:
    """A Retry-After of hours ends the host's part in this run."""
    lane = Lane(LanePolicy())
    lane.started(0.0)
    lane.finished(1.0, THROTTLED, 1.0, retry_after=7_200.0)
    assert lane.gave_up == "asked us to stay away for 2.0 h"


@pytest.mark.parametrize("outcome, why", [(THROTTLED, "keeps asking"), (Outcome.BLOCKED, "blocks us")])
def test_endless_complaints_end_the_asking(outcome: Outcome, why: str) -> None:
    """A host that answers nothing but 429 or 403 is asked ever less, and then not at all."""
    lane = Lane(LanePolicy(concurrency=4))
    play = Play(lane, always(outcome, 0.1)).run(seconds=7_200)
    assert why in lane.gave_up
    assert len(play.starts) <= 40


def test_a_single_refusal_stops_nobody() -> None:
    """One page may be walled off for reasons of its own."""
    lane = Lane(LanePolicy())
    lane.started(0.0)
    lane.finished(0.1, Outcome.BLOCKED, 0.1)
    assert lane.ready_at(0.1) == 0.1


@given(st.lists(st.booleans(), max_size=300))
def test_retries_never_outgrow_successes(events: list[bool]) -> None:
    """A dying server is not beaten by retries: a few, and a share of what succeeded."""
    budget = RetryBudget(floor=5, share=0.25)
    retries = successes = 0
    for succeeded in events:  # fewer than the ceiling can hold
        if succeeded:
            budget.succeeded()
            successes += 1
        else:
            retries += budget.take()
        assert retries <= 5 + 0.25 * successes


def test_the_budget_recovers_with_success() -> None:
    """What was refused once is allowed again when the server is well."""
    budget = RetryBudget(floor=1, share=0.5)
    assert [budget.take(), budget.take()] == [True, False]
    budget.succeeded()
    budget.succeeded()
    assert budget.take()


def test_the_budget_saves_up_no_more_than_its_ceiling() -> None:
    """However much went well before, a server that begins to die meets few retries."""
    budget = RetryBudget(floor=1, share=1.0, ceiling=3)
    for _ in range(1_000):
        budget.succeeded()
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_a_probe_that_is_redirected_does_not_wait_for_itself() -> None:
    """Whoever sent the probe may follow where it is led; nobody else may ask."""
    lane = Lane(LanePolicy(concurrency=4, failures_to_open=1, first_probe=5))
    lane.started(1000)
    lane.finished(1000, DOWN, 0.0)
    assert lane.ready_at(1000) == 1005
    lane.started(1005)
    assert lane.ready_at(1005) == math.inf
    assert lane.ready_at(1005, visiting=True) == 1005


def test_a_crawl_delay_counts_from_the_last_request() -> None:
    """robots.txt was itself a request."""
    lane = Lane(LanePolicy(concurrency=4))
    lane.started(1000)
    lane.set_crawl_delay(10)
    assert lane.ready_at(1001) == 1010


def test_a_lane_is_unmarked_when_a_new_one_would_do_the_same() -> None:
    """Not while a request is under way, nor between two at a limited rate, nor with anything against the host."""
    lane = Lane(LanePolicy(rate=1.0))
    assert lane.is_unmarked(0.0)
    lane.started(0.0)
    assert not lane.is_unmarked(5.0)
    lane.finished(0.1, Outcome.OK, 0.1)
    assert not lane.is_unmarked(0.5)
    assert lane.is_unmarked(2.0)
    for outcome in (Outcome.THROTTLED, Outcome.SERVER_ERROR, Outcome.DOWN, Outcome.TIMEOUT):
        marked = Lane(LanePolicy())
        marked.started(0.0)
        marked.finished(0.1, outcome, 0.1)
        assert not marked.is_unmarked(1_000.0)
    lane.set_crawl_delay(2.0)
    assert not lane.is_unmarked(1_000.0)
    lane = Lane(LanePolicy())
    lane.stay_away(10_000.0, 0.0)
    assert not lane.is_unmarked(20_000.0)
