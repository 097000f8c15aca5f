"""What follows from a failed attempt: the fault table, and the one function that reads it. Pure.

`tries` is how many attempts a run makes; the last of them, and each `tries`-th after it, puts the URL off to a later
run, each time for twice as long. What is put off for a reason that may have passed meanwhile gets one more attempt
when everything else is done. A server's Retry-After is a lower bound on everything. Clock and chance are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from crawler.errors import FaultKind
from crawler.pace import Outcome


class Verdict(StrEnum):
    """What is done with a URL whose attempt failed."""

    SOON = "soon"  # again within two seconds, by the worker that has it
    LATER = "later"  # back to the frontier, due in this run
    NEXT_RUN = "next-run"  # given up for this run, due in a later one
    NEVER = "never"  # given up until a person changes something or asks for it again
    STOP = "stop"  # the run must stop; the URL stays due


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from one failed attempt.

    `at`: Unix seconds when the URL is due again, None when it is not. `counts`: whether it has cost one of the URL's
    attempts. `reason`: a sentence for reports.
    """

    verdict: Verdict
    at: float | None
    counts: bool
    reason: str

    @property
    def in_run(self) -> bool:
        """Say whether the URL is tried again in this run."""
        return self.verdict in (Verdict.SOON, Verdict.LATER)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the fault table; times in seconds."""

    meaning: str  # what happened, for people
    outcome: Outcome  # what it says about the host
    tries: int = 1  # attempts in one run
    soon: int = 0  # after how many of them the worker itself tries again
    backoff: float = 5.0  # upper bound of the first pause, doubled with each attempt
    again: float = 0.0  # from the last attempt of a run to the first of the next; 0: never again
    free: bool = False  # costs no attempt, the server asked for it
    absent: bool = False  # it says that there is nothing; said twice, far enough apart, it is believed
    remedy: str = ""  # what a person can do where trying again cannot help


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a run still grants a URL."""

    attempts: int = 100  # in one run, at most; the fault table may allow fewer
    put_off: int = 0  # how often the server has put it off without cost: it cannot do so for ever
    second_chance: bool = False  # everything else is done: what has had its attempts has had them all
    retry_left: bool = True  # whether the run has a retry left to spend on it


FULL: Final = Allowance()
MINUTE, HOUR = 60.0, 3600.0
NIGHT: Final = 20 * HOUR  # under a day: what fails at three in the night is due when cron comes the next night at two

SOON_LIMIT: Final = 2.0  # seconds a worker may wait with a URL in hand
LATER_LIMIT: Final = 5 * MINUTE  # cap of the back-off within a run
NEXT_RUN_LIMIT: Final = 30 * 24 * HOUR  # cap of the growing pauses between runs
PATIENCE: Final = HOUR  # a longer Retry-After is not waited for in this run
FREE_RETRIES: Final = 5  # attempts in one run that a server may put off without cost
LONGEST_RETRY_AFTER: Final = 7 * 24 * HOUR
_MOST_DOUBLINGS: Final = 20

_CONFIGURE_HOST: Final = "add the host to the site's hosts or media_hosts if it belongs to it"
_DOWN, _UPSET, _CALM = Outcome.DOWN, Outcome.SERVER_ERROR, Outcome.OK

RULES: Final[dict[FaultKind, Rule]] = {
    # The host could not be reached. The lane of the host knows too, and stops asking when it stays so.
    FaultKind.CONNECTION_REFUSED: Rule("the server refused the connection", _DOWN, 5, again=HOUR),
    FaultKind.DNS: Rule("the host name could not be resolved", _DOWN, 5, again=HOUR),
    FaultKind.TLS: Rule("no trusted TLS connection could be made", _DOWN, 4, again=HOUR),
    FaultKind.CONNECT_TIMEOUT: Rule("the server did not accept a connection in time", _DOWN, 5, again=HOUR),
    FaultKind.CONNECTION_RESET: Rule("the connection was cut off", _DOWN, 5, soon=1, backoff=2, again=HOUR),
    # The host answered badly or slowly.
    FaultKind.READ_TIMEOUT: Rule("the answer did not come in time", Outcome.TIMEOUT, 4, backoff=3, again=HOUR),
    FaultKind.SERVER_ERROR: Rule("the server failed (5xx)", _UPSET, 5, backoff=3, again=HOUR),
    FaultKind.UNAVAILABLE: Rule("the server is not available (503)", Outcome.THROTTLED, 5, backoff=10, again=HOUR),
    FaultKind.RATE_LIMITED: Rule(
        "the server asks for fewer requests (429)", Outcome.THROTTLED, 5, backoff=15, again=HOUR, free=True
    ),
    FaultKind.SHORT_BODY: Rule(
        "the body broke off, or is a part that nobody asked for", _CALM, 5, soon=1, backoff=2, again=HOUR
    ),
    FaultKind.PROTOCOL: Rule("the answer is not valid HTTP", _UPSET, 4, soon=1, backoff=2, again=HOUR),
    # The host does not want us, or not here.
    FaultKind.BOT_WALL: Rule("the server refuses us (403)", Outcome.BLOCKED, 2, backoff=60, again=6 * HOUR),
    FaultKind.BLOCK_PAGE: Rule(
        "a block page came in place of the content", Outcome.BLOCKED, 3, backoff=10, again=6 * HOUR
    ),
    FaultKind.KEY_REFUSED: Rule(
        "the API key is missing, wrong or revoked (401)", _CALM, remedy="set the right key, then run again"
    ),
    # It is not there. Two such answers, far enough apart, make it gone; `absent` says so, and storage counts them.
    FaultKind.NOT_FOUND: Rule("the server does not have it (404)", _CALM, again=NIGHT, absent=True),
    FaultKind.GONE: Rule("the server says it is gone (410)", _CALM, again=NIGHT, absent=True),
    FaultKind.UNPUBLISHED: Rule(
        "the newsroom has taken it back (it is no longer public)", _CALM, again=NIGHT, absent=True
    ),
    FaultKind.HTTP_STATUS: Rule("the server answered with an unexpected status", _CALM, 2, backoff=30, again=NIGHT),
    FaultKind.ROBOTS: Rule("robots.txt asks us not to fetch it", _CALM),
    # The content is not what it should be; seldom by chance, often until an editor notices.
    FaultKind.EMPTY_BODY: Rule("the body is empty", _CALM, 3, soon=1, backoff=2, again=NIGHT),
    FaultKind.WRONG_TYPE: Rule("the content is of the wrong type", _CALM, 3, backoff=2, again=NIGHT),
    FaultKind.NOT_A_PICTURE: Rule("the content is not the picture it should be", _CALM, 3, backoff=2, again=NIGHT),
    FaultKind.TRUNCATED_PICTURE: Rule("the picture breaks off", _CALM, 3, soon=1, backoff=2, again=NIGHT),
    FaultKind.BAD_ENCODING: Rule("the content encoding cannot be undone", _CALM, 3, backoff=2, again=NIGHT),
    FaultKind.UNREADABLE: Rule("the answer was kept but could not be read", _CALM, 3, backoff=2, again=NIGHT),
    FaultKind.NOTHING_LISTED: Rule("no route to the listing names an article", _CALM, again=NIGHT),
    FaultKind.REDIRECT_LOOP: Rule("the server redirects in a circle", _CALM, 2, backoff=30, again=NIGHT),
    FaultKind.PICTURE_TOO_LARGE: Rule("the picture claims more pixels than allowed", _CALM, 3, backoff=2, again=NIGHT),
    # We are the ones who failed; the next version may not.
    FaultKind.INTERNAL: Rule("a mistake of our own, please report it", Outcome.NEUTRAL, again=NIGHT),
    # Trying again cannot help.
    FaultKind.OVER_LIMIT: Rule("the body is over the size limit", _CALM, remedy="raise the limit"),
    FaultKind.BAD_URL: Rule("the URL cannot be requested", Outcome.NEUTRAL),
    FaultKind.HOST_REFUSED: Rule("the host is not configured", Outcome.NEUTRAL, remedy=_CONFIGURE_HOST),
    FaultKind.ADDRESS_REFUSED: Rule(
        "the host name leads to an address that is not public", Outcome.NEUTRAL, remedy=_CONFIGURE_HOST
    ),
    FaultKind.REDIRECT_REFUSED: Rule(
        "the server redirects to a host that is not configured", _CALM, remedy=_CONFIGURE_HOST
    ),
}


def decide(
    fault_kind: FaultKind,
    *,
    attempt: int,
    now: float,
    retry_after: float | None = None,
    random: Callable[[], float],
    allowance: Allowance = FULL,
) -> Decision:
    """Return what follows when attempt number `attempt` (from 1) has failed.

    `retry_after` is the server's wish in seconds; `random` returns values in [0, 1).
    """
    rule = RULES[fault_kind]
    if fault_kind is FaultKind.KEY_REFUSED:
        return Decision(Verdict.STOP, now, counts=False, reason=sentence(fault_kind, Verdict.STOP))
    if not rule.again:
        return Decision(Verdict.NEVER, None, counts=True, reason=sentence(fault_kind, Verdict.NEVER))
    free = rule.free or (fault_kind is FaultKind.UNAVAILABLE and retry_after is not None)
    if free:  # it has cost nothing, so only its own count can end it
        rounds, step, last = 0, allowance.put_off, allowance.put_off >= FREE_RETRIES
    else:
        tries = min(rule.tries, allowance.attempts)
        rounds, step = divmod(max(1, attempt) - 1, tries)
        spent = allowance.second_chance and attempt > tries
        last = step == tries - 1 or spent or not allowance.retry_left
    asked = min(max(0.0, retry_after or 0.0), LONGEST_RETRY_AFTER)
    if last or asked > PATIENCE:
        wait = _doubled(rule.again, rounds, NEXT_RUN_LIMIT / 1.1) * (1 + random() / 10)
        verdict = Verdict.NEXT_RUN
    elif step < rule.soon and asked <= SOON_LIMIT:
        wait = _doubled(rule.backoff, step, SOON_LIMIT) * random()
        verdict = Verdict.SOON
    else:
        wait = _doubled(asked or rule.backoff, step, LATER_LIMIT) * random()
        verdict = Verdict.LATER
    wait = max(wait, asked)
    return Decision(verdict, now + wait, counts=not free, reason=sentence(fault_kind, verdict, wait))


def outcome_of(fault_kind: FaultKind) -> Outcome:
    """Return what a fault says about the host it came from."""
    return RULES[fault_kind].outcome


def is_absence(fault_kind: FaultKind, *, kind: str, http_status: int | None, troubled: bool) -> bool:
    """Say whether a failed attempt is a sign that an article or a picture is no longer there.

    The public page of an article that was removed answers 500 (contract 2.3), so that is one too, unless the host is
    in trouble.
    """
    if kind == "listing":
        return False
    removed_page = kind == "article" and fault_kind is FaultKind.SERVER_ERROR and http_status == 500 and not troubled
    return RULES[fault_kind].absent or removed_page


def may_pass(fault_kind: FaultKind) -> bool:
    """Say whether what was put off to a later run is worth one more attempt at the end of this one."""
    rule = RULES[fault_kind]
    return bool(rule.again) and rule.tries > 1 and rule.outcome is not Outcome.BLOCKED


def sentence(fault_kind: FaultKind, verdict: Verdict | None = None, wait: float | None = None) -> str:
    """Explain a fault to a person: what happened, and what happens next; `wait` in seconds."""
    rule = RULES[fault_kind]
    span = _span(wait or 0.0)
    after = {
        None: "",
        Verdict.SOON: f"; tried again in {span}",
        Verdict.LATER: f"; tried again in {span}",
        Verdict.NEXT_RUN: f"; given up for this run, due again in {span}",
        Verdict.NEVER: f"; not tried again: {rule.remedy}" if rule.remedy else "; not tried again unless asked for",
        Verdict.STOP: f"; the run stops: {rule.remedy}",
    }
    return rule.meaning + after[verdict]


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, from seconds or an HTTP date; None when it says nothing.

    What lies in the past is 0, what lies absurdly far ahead is capped at a week.
    """
    if value is None or len(value) > 100:
        return None
    text = value.strip()
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", text, re.ASCII):
        seconds = float(text)
    else:
        moment = moment_of(text)
        if moment is None:
            return None
        seconds = moment - now
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def moment_of(date: str | None) -> float | None:
    """Return the Unix seconds of an HTTP date, in any of its forms (RFC 9110, 5.6.7); None when it is none."""
    if date is None or len(date) > 100:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (IndexError, OverflowError, TypeError, ValueError):
        return None


def _doubled(first: float, times: int, limit: float) -> float:
    return min(limit, first * 2.0 ** min(times, _MOST_DOUBLINGS))


def _span(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * MINUTE:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < 48 * HOUR:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / 24 / HOUR:.0f} days"
