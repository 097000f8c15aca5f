"""The recheck schedule, read as a table, pressed for its promises, and played through for a year."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.schedule import (
    DAY,
    DEFAULT,
    HOUR,
    JITTER,
    Past,
    Policy,
    Reason,
    Recheck,
    announced,
    confirmed,
    plan,
    put_off,
    select,
)

NOW = 1_800_000_000.0
MOST = 1 + JITTER

moments = st.floats(0, NOW)
pasts = st.builds(
    Past,
    key=st.text(max_size=8),
    published=st.none() | st.floats(-NOW, 3 * NOW),
    checks=st.lists(moments, min_size=1, max_size=5).map(tuple),
    changes=st.lists(moments, max_size=5).map(tuple),
    absent_since=st.none() | moments,
    gone=st.booleans(),
    partial=st.booleans(),
)


def there(age: float, *, changed: tuple[float, ...] = (), partial: bool = False, key: str = "dm:1") -> Past:
    """An article published `age` before its last check, changed so long before it, first seen when published."""
    changes = tuple(NOW - ago for ago in changed)
    return Past(key, NOW - age, (NOW - age, *changes, NOW), changes, partial=partial)


@pytest.mark.parametrize(
    "past, interval, reason",
    [
        (there(0), 4 * HOUR, Reason.FRESH),
        (there(8 * HOUR), 4 * HOUR, Reason.FRESH),
        (there(2 * DAY), 12 * HOUR, Reason.FRESH),
        (there(28 * DAY), 7 * DAY, Reason.ROUTINE),
        (there(400 * DAY), 100 * DAY, Reason.ROUTINE),
        (there(5_000 * DAY), 180 * DAY, Reason.ROUTINE),
        (there(5_000 * DAY, changed=(1 * HOUR,)), 4 * HOUR, Reason.FRESH),
        (there(5_000 * DAY, changed=(80 * DAY,)), 10 * DAY, Reason.ROUTINE),
        (there(5_000 * DAY, changed=(80 * DAY, 90 * DAY, 100 * DAY)), 5 * DAY, Reason.ROUTINE),
        (there(5_000 * DAY, changed=tuple((80 + step) * DAY for step in range(9))), 5 * DAY, Reason.ROUTINE),
        (there(5_000 * DAY, changed=(400 * DAY,)), 100 * DAY, Reason.ROUTINE),
        (there(5_000 * DAY, partial=True), 30 * DAY, Reason.PARTIAL),
        (Past("dm:1", None, (NOW - 8 * DAY, NOW)), 2 * DAY, Reason.ROUTINE),
        (Past("dm:1", NOW * 2, (NOW - 8 * DAY, NOW)), 2 * DAY, Reason.ROUTINE),
        (Past("dm:1", NOW - DAY, (NOW,), absent_since=NOW - DAY, gone=True), 7 * DAY, Reason.RETURN),
        (Past("dm:1", NOW - DAY, (NOW,), absent_since=NOW - 200 * DAY, gone=True), 50 * DAY, Reason.RETURN),
        (Past("dm:1", NOW - DAY, (NOW,), absent_since=NOW - 9_000 * DAY, gone=True), 180 * DAY, Reason.RETURN),
        (Past("dm:1", NOW - DAY, (NOW,), gone=True), 7 * DAY, Reason.RETURN),
    ],
)
def test_an_article_rests_in_proportion_to_its_quiet(past: Past, interval: float, reason: Reason) -> None:
    """Fresh and edited ones within hours, old ones twice a year, gone ones rarely; a wrong date misleads nobody."""
    planned = plan(past)
    assert planned.reason is reason
    assert planned.interval == pytest.approx(interval, rel=JITTER)
    assert planned.due_at == NOW + planned.interval


def test_what_was_never_checked_is_due_at_once() -> None:
    """An article without a check is the longest overdue of all."""
    assert plan(Past("dm:1", NOW)) == Recheck("dm:1", 0.0, 0.0, 0.0, Reason.UNCHECKED)


def test_an_absence_is_confirmed_the_next_night() -> None:
    """The second look keeps its distance from the first absence, also when somebody looked in between."""
    first = plan(Past("dm:1", NOW - DAY, (NOW,), absent_since=NOW))
    assert (first.due_at, first.reason) == (NOW + 20 * HOUR, Reason.CONFIRMATION)
    assert plan(Past("dm:1", NOW - DAY, (NOW, NOW + HOUR), absent_since=NOW)).due_at == NOW + 20 * HOUR


@pytest.mark.parametrize(
    "hours, gone",
    [((), False), ((0,), False), ((0, 1, 19.9), False), ((0, 20), True), ((0, 1, 500), True), ((30, 0), True)],
)
def test_only_two_spaced_absences_make_an_article_gone(hours: tuple[float, ...], gone: bool) -> None:
    """Asking twice in an evening proves nothing."""
    assert confirmed(NOW + hour * HOUR for hour in hours) is gone


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"confirm_after": 19 * HOUR}, "20 hours"),
        ({"confirm_after": 4 * DAY}, "3 days"),
        ({"shortest": 0.0}, "shortest is 0"),
        ({"longest": HOUR}, "at most 3600"),
        ({"gone_shortest": HOUR}, "at most 3600"),
        ({"share": 0.0}, "share is 0"),
        ({"share": math.nan}, "share is nan"),
        ({"trust": 0.5}, "trust is 0.5"),
        ({"trust": math.inf}, "trust is inf"),
    ],
)
def test_a_policy_that_would_never_check_is_refused(wrong: dict[str, float], named: str) -> None:
    """The message names the value."""
    with pytest.raises(ValueError, match=named):
        Policy(**wrong)


@given(pasts)
def test_a_check_is_never_planned_before_the_last_one_nor_never(past: Past) -> None:
    """Whatever the past: after the last check, and no later than the longest interval, or the confirmation's."""
    planned, last = plan(past), max(past.checks)
    assert planned.due_at >= last
    if planned.reason is Reason.CONFIRMATION:
        assert past.absent_since is not None
        assert planned.due_at - past.absent_since >= 20 * HOUR
        assert planned.due_at - max(last, past.absent_since) <= 3 * DAY
    else:
        assert DEFAULT.shortest * (1 - JITTER) <= planned.interval <= DEFAULT.longest * MOST


@given(st.floats(0, 9_000), st.floats(0, 9_000), st.lists(st.floats(0, 9_000), max_size=4), st.booleans())
def test_the_older_is_never_due_before_the_younger(one: float, other: float, changed: list[float], part: bool) -> None:
    """With the same history otherwise, age only ever lengthens the rest."""
    young, old = sorted((one * DAY, other * DAY))
    changes = tuple(NOW - ago * DAY for ago in changed)
    first, second = (plan(Past("dm:1", NOW - age, (NOW,), changes, partial=part)).due_at for age in (young, old))
    assert first <= second


@given(st.floats(0, 9_000), st.lists(st.floats(0, 9_000), max_size=4), st.floats(0, 9_000))
def test_an_edit_never_puts_a_check_off(age: float, changed: list[float], more: float) -> None:
    """Each further change in its history brings an article forward or leaves it where it was."""
    ages = [ago * DAY for ago in changed]
    without, with_it = (plan(Past("dm:1", NOW - age * DAY, (NOW,), tuple(NOW - ago for ago in agos)))
                        for agos in (ages, [*ages, more * DAY]))  # fmt: skip
    assert with_it.due_at <= without.due_at


@given(st.text(), st.floats(100, 5_000))
def test_the_jitter_is_the_keys_own(key: str, days: float) -> None:
    """Within a tenth either way, and the same each time, whatever the key is made of."""
    planned = plan(there(days * DAY, key=key))
    bare = min(days * DAY / 4, DEFAULT.longest)
    assert abs(planned.interval / bare - 1) <= JITTER + 1e-9
    assert plan(there(days * DAY, key=key)) == planned


def test_a_backfill_of_one_night_is_not_due_in_one_night() -> None:
    """100,000 old articles archived in one night come due over 36 nights, none with more than its share by half."""
    nights: dict[int, int] = defaultdict(int)
    for number in range(0, 100_000, 10):
        nights[math.ceil((plan(there(3_000 * DAY, key=f"dm:{number}")).due_at - NOW) / DAY)] += 10
    assert len(nights) >= 36
    assert max(nights.values()) < 1.5 * 100_000 / 36


@given(st.floats(0, 5_000), st.floats(-5_000, 5_000))
def test_a_listing_puts_a_check_off_but_never_for_ever(days: float, heard: float) -> None:
    """Same as far as it shows: no sooner than planned, at most twice the interval, never beyond the longest."""
    planned = plan(there(days * DAY))
    later = put_off(planned, NOW + heard * DAY)
    assert planned.due_at <= later.due_at <= NOW + 2 * planned.interval + 1e-3
    assert later.due_at <= NOW + DEFAULT.longest * MOST + 1e-3
    assert put_off(later, NOW + heard * DAY).due_at == later.due_at


def test_a_listing_heard_halfway_gives_half_an_interval() -> None:
    """What a listing says counts from when it said it."""
    planned = plan(there(28 * DAY))
    half = NOW + planned.interval / 2
    assert put_off(planned, half).due_at == pytest.approx(half + planned.interval)


@pytest.mark.parametrize(
    "past",
    [
        Past("dm:1"),
        there(DAY, partial=True),
        Past("dm:1", NOW, (NOW,), absent_since=NOW),
        Past("dm:1", NOW, (NOW,), absent_since=NOW, gone=True),
    ],
)
def test_a_listing_puts_off_only_what_is_there_and_whole(past: Past) -> None:
    """What is missing in part or whole is looked at when it was going to be."""
    assert put_off(plan(past), NOW + 9 * DAY) == plan(past)


def test_a_listing_brings_forward_what_it_says_has_changed() -> None:
    """Changed, or back from the gone: due when it was said; a confirmation keeps its spacing."""
    old, gone = there(4_000 * DAY), Past("dm:2", NOW, (NOW,), absent_since=NOW, gone=True)
    for past in (old, gone):
        assert announced(plan(past), NOW + DAY) == Recheck(
            past.key, NOW + DAY, NOW, plan(past).interval, Reason.ANNOUNCED
        )
    assert announced(plan(there(0)), NOW + DAY).due_at == plan(there(0)).due_at
    absent = plan(Past("dm:1", NOW, (NOW,), absent_since=NOW))
    assert announced(absent, NOW + HOUR) == absent


def waiting(key: str, due: float, reason: Reason = Reason.ROUTINE) -> Recheck:
    """Something due at an hour of our choice."""
    return Recheck(key, due, due - DAY, DAY, reason)


def test_a_budget_goes_to_confirmations_and_fresh_ones_and_then_to_the_oldest() -> None:
    """What is not due is not taken; of two alike the longer overdue goes first; the longest waiting before all."""
    forgotten = waiting("forgotten", NOW - 31 * DAY)
    absent = waiting("absent", NOW, Reason.CONFIRMATION)
    fresh = waiting("fresh", NOW - HOUR, Reason.FRESH)
    said = waiting("said", NOW, Reason.ANNOUNCED)
    old, newer = waiting("old", NOW - 2 * DAY), waiting("newer", NOW - DAY)
    later = waiting("later", NOW + 1)
    everything = [newer, later, said, old, fresh, absent, forgotten]
    assert select(everything, NOW, 99) == [forgotten, absent, fresh, said, old, newer]
    assert select(everything, NOW, 2) == [forgotten, absent]
    assert select(everything, NOW, 0) == []


def test_a_plan_made_by_a_wrong_clock_is_due_now() -> None:
    """A due time beyond all plans cannot be right, so nothing waits for the year 2100."""
    far, near = waiting("far", NOW + 70 * 365 * DAY), plan(there(9_000 * DAY))
    assert select([far, near], NOW, 9) == [far]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from(list(Reason))), min_size=1, max_size=30),
    st.integers(1, 3),
    st.sampled_from([Reason.FRESH, Reason.CONFIRMATION, Reason.ANNOUNCED]),
)
def test_nothing_starves(backlog: list[tuple[int, Reason]], most: int, flood: Reason) -> None:
    """However much of the urgent kind comes in night after night, all that waited is served before the flood's excess.

    What can go before an article is what is due up to a head start after it: a flood twice as wide as the budget
    delays it by no more than that many nights, and as many again for each of the nights it takes to drain.
    """
    pending = [waiting(f"backlog {number}", NOW - days * DAY, reason)
               for number, (days, reason) in enumerate(backlog)]  # fmt: skip
    left = {one.key for one in pending}
    head_start = 30  # days, the longest
    for night in range((head_start + 1) * 2 + len(backlog) + 1):
        now = NOW + night * DAY
        pending += [waiting(f"flood {night} {number}", now, flood) for number in range(2 * most)]
        taken = {one.key for one in select(pending, now, most)}
        pending = [one for one in pending if one.key not in taken]
        left -= taken
    assert not left


def expected_requests(articles: float, a_day: float, policy: Policy) -> float:
    """The formula of the schedule's documentation."""
    share, longest = policy.share, policy.longest / DAY
    growing = math.log((longest + 0.5) / 1.5) / math.log(1 + share)
    return a_day * (1 / share + growing) + (articles - a_day * longest / share) / (longest + 0.5)


def test_a_year_of_nights_costs_what_the_formula_says() -> None:
    """365 nights over 100,000 articles of ten years, and those that are published meanwhile: within 3 %.

    Played with every twentieth article: each counts for twenty.
    """
    twentieth, a_day, nights = 20, 27.4, 365
    spacing = twentieth / a_day  # days from one article to the next
    first, last = -round(100_000 / twentieth), round(nights / spacing)
    due: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for number in range(first, last):
        born = number * spacing * DAY
        rest = min(max(-born, 0.0) / 5, DEFAULT.longest)  # what has an interval of this length was checked within it
        start = math.ceil(born / DAY) if born >= 0 else math.floor(number * 0.618 % 1 * rest / DAY)
        due[start].append((f"dm:{number}", born))
    checks = 0
    for night in range(nights):
        for key, born in due.pop(night, ()):
            planned = plan(Past(key, born, (night * DAY,)) if born < 0 else Past(key, born, (born, night * DAY)))
            due[math.ceil(planned.due_at / DAY)].append((key, born))
            checks += twentieth
    mean = expected_requests(100_000 + a_day * nights / 2, a_day, DEFAULT)
    assert checks / nights == pytest.approx(mean, rel=0.03)
    assert expected_requests(100_000, 27.4, DEFAULT) == pytest.approx(1_143, abs=1)
