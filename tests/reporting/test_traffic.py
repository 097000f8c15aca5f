"""How fast and how politely, from answers whose ends are known to the second."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfile.reporting.traffic import (
    Promise,
    latency,
    measure,
    most_at_once,
    most_within,
    percentile,
    shortest_pause,
)
from storage.runtraffic import Answer

T0 = 1_700_000_000
moments = st.lists(st.floats(0, 200).map(lambda value: round(value, 2)), max_size=60)


def answer(at: float, seconds: float | None = 0.1, status: int | None = 200, host: str = "a.example") -> Answer:
    """Return an answer that ended at a time, known to the second."""
    return Answer(host, "article", math.floor(at), seconds, 1_000, status, "", status == 200)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=80), st.integers(1, 100))
def test_a_percentile_is_the_least_value_that_covers_its_share(values: list[float], percent: int) -> None:
    """By nearest rank: one of the values, not exceeded by so many in a hundred, and no smaller one would do."""
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    smaller = [value for value in values if value < found]
    assert len(smaller) * 100 < percent * len(values)


def test_nothing_has_no_latency() -> None:
    """Without a timed answer there is no figure, rather than a nought."""
    assert latency([]).p50 is None
    assert percentile([], 99) is None


@given(moments, st.integers(1, 30))
def test_the_busiest_window_is_found(times: list[float], seconds: int) -> None:
    """As counting from every moment would find it."""
    ordered = sorted(times)
    counted = [sum(1 for other in ordered if moment <= other < moment + seconds) for moment in ordered]
    assert abs(most_within(ordered, seconds) - max(counted, default=0)) <= sum(
        1 for one in ordered for other in ordered if math.isclose(other - one, seconds, abs_tol=1e-6)
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=40))
def test_spans_that_share_a_moment_are_counted(spans: list[tuple[int, int]]) -> None:
    """As counting at every moment would find it; what ends when another begins does not meet it."""
    ends = [(begin, begin + length) for begin, length in spans]
    counted = max((sum(begin <= moment < end for begin, end in ends) for moment in range(75)), default=0)
    assert most_at_once(ends) == counted


def test_the_pause_after_a_complaint_is_to_the_next_that_began() -> None:
    """What was under way already does not count; where nothing followed there was no pause to be short."""
    assert shortest_pause([1.0, 5.0, 9.5, 30.0], [5, 20]) == 4.5
    assert shortest_pause([1.0], [5]) is None


@given(
    st.floats(0.5, 40), st.integers(1, 300), st.floats(0, 1, exclude_max=True),
    st.lists(st.floats(0.001, 20), min_size=1, max_size=20),
)  # fmt: skip
def test_who_keeps_a_promise_is_never_said_to_break_it(
    rate: float, number: int, offset: float, latencies: list[float]
) -> None:
    """Evenly spaced requests keep their rate whatever fractions of seconds the clock of the archive cuts off."""
    begins = [T0 + offset + place / rate for place in range(number)]
    waits = [round(latencies[place % len(latencies)], 4) for place in range(number)]
    answers = [answer(begin + wait, wait) for begin, wait in zip(begins, waits, strict=True)]
    spans = [(begin, begin + wait) for begin, wait in zip(begins, waits, strict=True)]
    together = most_at_once(spans)
    traffic = measure(answers, T0, None, Promise(rate, together))
    (host,) = traffic.hosts
    assert host.kept is True
    assert host.at_once_least <= max(1, together) <= host.at_once_most
    assert traffic.requests == number


@pytest.mark.parametrize("rate, kept", [(10.0, True), (4.0, False), (0.0, True)])
def test_a_broken_promise_is_said(rate: float, kept: bool) -> None:
    """Ten a second for a minute are more than four a second; with no promise of a rate there is none to break."""
    answers = [answer(T0 + place / 10) for place in range(600)]
    (host,) = measure(answers, T0, T0 + 60, Promise(rate, 4)).hosts
    assert host.kept is kept
    assert host.busiest_second == 10
    assert 9 <= host.busiest_rate <= 11


def test_too_many_at_once_are_noticed() -> None:
    """Five answers that took ten seconds and ended together were under way together."""
    answers = [answer(T0 + 30, 10.0) for _ in range(5)]
    assert measure(answers, T0, T0 + 31, Promise(0.0, 4)).hosts[0].kept is False
    assert measure(answers, T0, T0 + 31, Promise(0.0, 5)).hosts[0].kept is True
    assert measure(answers, T0, T0 + 31, None).hosts[0].kept is None


@given(st.lists(st.tuples(st.floats(-500, 90_000), st.sampled_from([200, 404, 503, None])), max_size=60),
       st.floats(0, 86_400) | st.none())  # fmt: skip
def test_no_answer_is_lost_between_the_stretches(found: list[tuple[float, int | None]], length: float | None) -> None:
    """At most 60 equal parts; together they hold every answer, those too that a changed clock put elsewhere."""
    answers = [answer(T0 + at, status=status) for at, status in found]
    traffic = measure(answers, T0, None if length is None else T0 + length, None)
    assert 1 <= len(traffic.stretches) <= 61
    assert sum(part.requests for part in traffic.stretches) == len(answers) == traffic.requests
    assert sum(part.failures for part in traffic.stretches) == traffic.failures
    assert sum(part.bytes for part in traffic.stretches) == traffic.bytes
    assert sum(traffic.statuses.values()) == len(answers)
    assert all(one.at < other.at for one, other in pairwise(traffic.stretches))


def test_hosts_are_told_apart_and_the_busiest_comes_first() -> None:
    """Each host has figures of its own; complaints are 429 and 503."""
    answers = [answer(T0 + place) for place in range(3)] + [
        answer(T0, None, 429, "b.example"), answer(T0 + 40, 0.5, 200, "b.example"),
    ]  # fmt: skip
    traffic = measure(answers, T0, T0 + 41, None)
    assert [host.host for host in traffic.hosts] == ["a.example", "b.example"]
    assert (traffic.hosts[1].complaints, traffic.hosts[1].shortest_pause) == (1, 39.5)
    assert traffic.statuses == {"200": 4, "429": 1}
