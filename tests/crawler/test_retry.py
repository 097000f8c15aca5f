"""The fault table: what follows from each fault, and when."""

from __future__ import annotations

import re
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import FaultKind
from crawler.retry import (
    FREE_RETRIES,
    HOUR,
    LATER_LIMIT,
    LONGEST_RETRY_AFTER,
    NEXT_RUN_LIMIT,
    NIGHT,
    PATIENCE,
    RULES,
    SOON_LIMIT,
    Allowance,
    Decision,
    Verdict,
    decide,
    may_pass,
    outcome_of,
    parse_retry_after,
    sentence,
)

NOW = 1_800_000_000.0
SOON, LATER, NEXT, NEVER, STOP = Verdict.SOON, Verdict.LATER, Verdict.NEXT_RUN, Verdict.NEVER, Verdict.STOP


def after(kind: FaultKind, attempt: int, *, retry_after: float | None = None, chance: float = 0.5) -> Decision:
    return decide(kind, attempt=attempt, now=NOW, retry_after=retry_after, random=lambda: chance)


def test_every_fault_has_its_row() -> None:
    """No fault is without a rule, a meaning for people and a word about its host."""
    assert set(RULES) == set(FaultKind)
    for kind in FaultKind:
        assert RULES[kind].meaning
        assert outcome_of(kind) is RULES[kind].outcome


@pytest.mark.parametrize(
    "kind, verdicts",
    [
        (FaultKind.CONNECTION_REFUSED, [LATER, LATER, LATER, LATER, NEXT]),
        (FaultKind.DNS, [LATER, LATER, LATER, LATER, NEXT]),
        (FaultKind.TLS, [LATER, LATER, LATER, NEXT]),
        (FaultKind.CONNECT_TIMEOUT, [LATER, LATER, LATER, LATER, NEXT]),
        (FaultKind.CONNECTION_RESET, [SOON, LATER, LATER, LATER, NEXT]),
        (FaultKind.READ_TIMEOUT, [LATER, LATER, LATER, NEXT]),
        (FaultKind.SERVER_ERROR, [LATER, LATER, LATER, LATER, NEXT]),
        (FaultKind.UNAVAILABLE, [LATER, LATER, LATER, LATER, NEXT]),
        (FaultKind.SHORT_BODY, [SOON, LATER, LATER, LATER, NEXT]),
        (FaultKind.PROTOCOL, [SOON, LATER, LATER, NEXT]),
        (FaultKind.BOT_WALL, [LATER, NEXT]),
        (FaultKind.BLOCK_PAGE, [LATER, LATER, NEXT]),
        (FaultKind.HTTP_STATUS, [LATER, NEXT]),
        (FaultKind.REDIRECT_LOOP, [LATER, NEXT]),
        (FaultKind.EMPTY_BODY, [SOON, LATER, NEXT]),
        (FaultKind.WRONG_TYPE, [LATER, LATER, NEXT]),
        (FaultKind.NOT_A_PICTURE, [LATER, LATER, NEXT]),
        (FaultKind.TRUNCATED_PICTURE, [SOON, LATER, NEXT]),
        (FaultKind.BAD_ENCODING, [LATER, LATER, NEXT]),
        (FaultKind.UNREADABLE, [LATER, LATER, NEXT]),
        (FaultKind.NOT_FOUND, [NEXT]),
        (FaultKind.GONE, [NEXT]),
        (FaultKind.UNPUBLISHED, [NEXT]),
        (FaultKind.ROBOTS, [NEVER]),
        (FaultKind.PICTURE_TOO_LARGE, [LATER, LATER, NEXT]),
        (FaultKind.INTERNAL, [NEXT]),
        (FaultKind.OVER_LIMIT, [NEVER]),
        (FaultKind.BAD_URL, [NEVER]),
        (FaultKind.HOST_REFUSED, [NEVER]),
        (FaultKind.ADDRESS_REFUSED, [NEVER]),
        (FaultKind.REDIRECT_REFUSED, [NEVER]),
        (FaultKind.KEY_REFUSED, [STOP]),
    ],
)
def test_the_attempts_of_a_run_end_as_the_table_says(kind: FaultKind, verdicts: list[Verdict]) -> None:
    """What may pass is tried again in the run and in later ones; what cannot pass is not tried again."""
    assert [after(kind, attempt).verdict for attempt in range(1, len(verdicts) + 1)] == verdicts
    if verdicts[-1] is NEXT:
        again = [after(kind, attempt).verdict for attempt in range(len(verdicts) + 1, 2 * len(verdicts) + 1)]
        assert again == verdicts


@pytest.mark.parametrize(
    "kind, first",
    [
        (FaultKind.SERVER_ERROR, HOUR),
        (FaultKind.CONNECTION_REFUSED, HOUR),
        (FaultKind.BOT_WALL, 6 * HOUR),
        (FaultKind.NOT_A_PICTURE, NIGHT),
    ],
)
def test_the_pauses_between_runs_grow(kind: FaultKind, first: float) -> None:
    """Each run that fails doubles the time until the next one tries, up to a month."""
    tries = RULES[kind].tries
    waits = [(after(kind, tries * run, chance=0.0).at or 0.0) - NOW for run in range(1, 40)]
    assert waits[:3] == [first, 2 * first, 4 * first]
    assert waits == sorted(waits)
    assert waits[-1] <= NEXT_RUN_LIMIT


def test_what_fails_tonight_is_due_tomorrow_night() -> None:
    """A nightly run finds yesterday's failure due, though it was noticed late in the run and cron is punctual."""
    at = after(FaultKind.WRONG_TYPE, RULES[FaultKind.WRONG_TYPE].tries, chance=0.999).at
    assert at is not None
    assert at - NOW < 23 * HOUR


def test_the_back_off_doubles() -> None:
    """Within a run each pause may be twice as long as the one before."""
    waits = [(after(FaultKind.SERVER_ERROR, attempt, chance=0.5).at or 0.0) - NOW for attempt in (1, 2, 3, 4)]
    assert waits == [1.5, 3, 6, 12]


@given(
    st.sampled_from(sorted(set(FaultKind))),
    st.integers(1, 10_000),
    st.none() | st.floats(0, 1e9),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 50),
)
def test_any_decision_is_within_bounds(
    kind: FaultKind, attempt: int, retry_after: float | None, chance: float, free: int
) -> None:
    """No pause is negative, shorter than the server asks, or longer than its cap; and every decision is explained."""
    decision = decide(
        kind,
        attempt=attempt,
        now=NOW,
        retry_after=retry_after,
        random=lambda: chance,
        allowance=Allowance(put_off=free),
    )
    assert decision.reason
    assert (decision.at is None) == (decision.verdict is NEVER)
    if decision.at is None or decision.verdict is STOP:
        return
    asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
    limits = {SOON: SOON_LIMIT, LATER: LATER_LIMIT, NEXT: NEXT_RUN_LIMIT}
    assert NOW + asked <= decision.at <= NOW + max(asked, limits[decision.verdict])
    if asked > PATIENCE:
        assert decision.verdict is NEXT


def test_a_second_chance_is_one_attempt() -> None:
    """What had its attempts gets one more at the end of the run, and is put off again when that fails too."""
    tries = RULES[FaultKind.NOT_A_PICTURE].tries
    last = decide(
        FaultKind.NOT_A_PICTURE, attempt=tries + 1, now=NOW, random=lambda: 0.5, allowance=Allowance(second_chance=True)
    )
    assert last.verdict is NEXT
    fresh = decide(
        FaultKind.NOT_A_PICTURE, attempt=1, now=NOW, random=lambda: 0.5, allowance=Allowance(second_chance=True)
    )
    assert fresh.verdict is LATER


def test_only_what_may_pass_gets_a_second_chance() -> None:
    """Not what is permanent, and not the one who does not want us."""
    assert may_pass(FaultKind.SERVER_ERROR)
    assert may_pass(FaultKind.TRUNCATED_PICTURE)
    for kind in (FaultKind.NOT_FOUND, FaultKind.BOT_WALL, FaultKind.BLOCK_PAGE, FaultKind.INTERNAL):
        assert not may_pass(kind)


def test_jitter_spreads_the_retries() -> None:
    """URLs that failed together do not come back together."""
    moments = {after(FaultKind.SERVER_ERROR, 3, chance=number / 10).at for number in range(10)}
    assert len(moments) == 10


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE, FaultKind.SERVER_ERROR])
def test_retry_after_is_obeyed_to_the_second(kind: FaultKind) -> None:
    """The URL is due when the server says, not before, and not much after."""
    decision = after(kind, 1, retry_after=120.0, chance=0.99)
    assert decision.verdict is LATER
    assert decision.at == NOW + 120


def test_a_long_retry_after_is_left_to_a_later_run() -> None:
    """A run does not wait for hours."""
    decision = after(FaultKind.UNAVAILABLE, 1, retry_after=7200.0)
    assert decision.verdict is NEXT
    assert decision.at is not None
    assert decision.at >= NOW + 7200


def test_a_worker_does_not_sit_out_a_retry_after() -> None:
    """Where the worker would try again at once, a wish for more time sends the URL back to the frontier."""
    assert after(FaultKind.CONNECTION_RESET, 1, retry_after=30.0).verdict is LATER


@pytest.mark.parametrize(
    "kind, retry_after, counts",
    [
        (FaultKind.RATE_LIMITED, None, False),
        (FaultKind.RATE_LIMITED, 10.0, False),
        (FaultKind.UNAVAILABLE, 10.0, False),
        (FaultKind.UNAVAILABLE, None, True),
        (FaultKind.SERVER_ERROR, 10.0, True),
        (FaultKind.KEY_REFUSED, None, False),
    ],
)
def test_what_the_server_puts_off_costs_no_attempt(kind: FaultKind, retry_after: float | None, counts: bool) -> None:
    """A 429, and a 503 that names its time, are the server's wish and not the URL's fault."""
    assert after(kind, 1, retry_after=retry_after).counts is counts


def test_a_server_cannot_put_a_url_off_for_ever() -> None:
    """After so many free retries in a run the URL waits for another."""
    for free in range(FREE_RETRIES + 1):
        decision = decide(
            FaultKind.RATE_LIMITED, attempt=1, now=NOW, random=lambda: 0.5, allowance=Allowance(put_off=free)
        )
        assert decision.verdict is (LATER if free < FREE_RETRIES else NEXT)
        assert not decision.counts


def test_a_refused_key_leaves_the_url_due() -> None:
    """The run stops; with the right key the next one takes up where it was."""
    assert after(FaultKind.KEY_REFUSED, 1).at == NOW


def test_the_sentence_says_what_happened_and_what_follows() -> None:
    """A person reads the meaning, the time until the next attempt, and the remedy where there is one."""
    assert sentence(FaultKind.SERVER_ERROR) == "the server failed (5xx)"
    assert sentence(FaultKind.SERVER_ERROR, LATER, 8.2) == "the server failed (5xx); tried again in 8 s"
    assert sentence(FaultKind.DNS, NEXT, 2 * HOUR).endswith("given up for this run, due again in 2 h")
    assert sentence(FaultKind.DNS, NEXT, 600.0).endswith("due again in 10 min")
    assert sentence(FaultKind.DNS, NEXT, 80 * HOUR).endswith("due again in 3 days")
    assert sentence(FaultKind.NOT_FOUND, NEVER).endswith("not tried again unless asked for")
    assert "media_hosts" in sentence(FaultKind.HOST_REFUSED, NEVER)
    assert "set the right key" in after(FaultKind.KEY_REFUSED, 1).reason


@pytest.mark.parametrize(
    "value, seconds",
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("-5", 0.0),
        ("+7", 7.0),
        ("9" * 90, LONGEST_RETRY_AFTER),
        ("9" * 500, None),
        ("1e3", None),
        ("nan", None),
        ("٣", None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW + 90), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
        ("Mon, 01 Jan 0001 00:00:00 +2300", 0.0),
        ("Fri, 99 Foo 2027 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    """Seconds or a date; the past is now, the absurd is capped, the unreadable is nothing."""
    assert parse_retry_after(value, NOW) == seconds


@given(st.text() | st.from_regex(re.compile(r"[A-Z][a-z]{2}, \d{1,6} [A-Z][a-z]{2} \d{1,9} \d\d:\d\d:\d\d \S{0,6}")))
def test_any_retry_after_is_survived(value: str) -> None:
    """A header is the network's text: it never raises and never leaves the bounds."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER


def test_the_table_is_documented() -> None:
    """docs/faults.md has a row for every fault, with the attempts and the words of the table itself."""
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
    for kind, rule in RULES.items():
        _, _, meaning, tries, again, _, remedy, _ = next(
            line for line in text.splitlines() if line.startswith(f"| `{kind}` |")
        ).split("|")
        assert meaning.strip() == rule.meaning
        assert tries.split() == ["as", "often", "as", "it", "asks,", "5", "times"] if rule.free else [str(rule.tries)]
        assert again.strip() == (f"after {rule.again / HOUR:g} h" if rule.again else "never by itself")
        assert remedy.strip() == rule.remedy
