"""The frontier: what is known, what is due, and what is counted."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from storage import frontier, givenup
from storage.clock import iso
from storage.records import Failure, Job, Kind, State, Wanted
from tests.storage import making
from tests.storage.making import NOW, wanted


@pytest.fixture
def connection() -> sqlite3.Connection:
    return making.memory()


def enqueue(connection: sqlite3.Connection, *wants: Wanted, scope: int | None = 1, now: float = NOW) -> None:
    frontier.enqueue(connection, wants, scope=scope, found_on=None, now=now)


def row_of(connection: sqlite3.Connection, key: str) -> dict[str, Any]:
    cursor = connection.execute("SELECT * FROM frontier WHERE key = ?", (key,))
    (row,) = cursor.fetchall()
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def job_of(connection: sqlite3.Connection, key: str, kind: Kind = Kind.ARTICLE) -> Job:
    job = frontier.find(connection, kind, key)
    assert job is not None
    return job


def claim(
    connection: sqlite3.Connection,
    *scopes: int,
    room: Mapping[str, int] | None = None,
    default_room: int = 100,
    now: float = NOW,
) -> tuple[list[str], float | None]:
    """Claim, and return the keys claimed and when the next is due."""
    jobs, next_due = frontier.claim(connection, scopes or (1,), room or {}, default_room, now)
    return [job.key for job in jobs], next_due


def failure(**changes: Any) -> Failure:
    return replace(Failure("timeout", "no answer within 30 s", NOW, NOW + 60, http_status=None), **changes)


def test_an_error_that_is_no_text_is_recorded(connection: sqlite3.Connection) -> None:
    """An error may quote what a server sent; a lone surrogate, which SQLite does not keep, does not cost the run."""
    enqueue(connection, wanted("1"))
    row = job_of(connection, "dm:1").id
    frontier.fail(connection, row, failure(error="sent \udcff"), run=1, capture=None, in_run=False)
    assert row_of(connection, "dm:1")["error"] == "sent \ufffd"


# What is known meets what is wanted ---------------------------------------------------------------------------------


def put_in_state(connection: sqlite3.Connection, job: Job, state: State) -> None:
    match state:
        case State.QUEUED:
            pass
        case State.DOING:
            claim(connection, job.scope)
        case State.DONE:
            frontier.done(connection, job.id, 200, NOW)
        case State.FAILED:
            frontier.fail(connection, job.id, failure(), run=1, capture=None, in_run=False)
        case State.SKIPPED:
            frontier.skip(connection, job.id, "not asked for")
        case State.GONE:
            connection.execute("UPDATE frontier SET state = 'gone', due_at = NULL WHERE id = ?", (job.id,))


WANTED_AGAIN = [
    # known as   wanted          becomes           taken over by the new scope
    (State.QUEUED, "", State.QUEUED, True),
    (State.DOING, "", State.DOING, False),
    (State.DONE, "", State.DONE, False),
    (State.FAILED, "", State.FAILED, True),
    (State.GONE, "", State.GONE, False),
    (State.SKIPPED, "", State.QUEUED, True),
    (State.QUEUED, "another reason", State.QUEUED, True),
    (State.DONE, "another reason", State.DONE, False),
    (State.SKIPPED, "another reason", State.SKIPPED, True),
    (State.SKIPPED, "not asked for", State.SKIPPED, False),
]


@pytest.mark.parametrize("known, skip, becomes, taken", WANTED_AGAIN)
def test_a_known_url_is_wanted_again(
    connection: sqlite3.Connection, known: State, skip: str, becomes: State, taken: bool
) -> None:
    """What waits or failed goes to the new target, what was skipped is lifted, what is done stays done."""
    enqueue(connection, wanted("1"))
    put_in_state(connection, job_of(connection, "dm:1"), known)
    before = row_of(connection, "dm:1")
    enqueue(connection, wanted("1", skip=skip), scope=2, now=NOW + 5)
    after = row_of(connection, "dm:1")
    assert after["state"] == becomes
    assert after["scope"] == (2 if taken else 1)
    if known is State.SKIPPED:
        assert after["error"] == (skip or None)
        assert after["due_at"] == (None if skip else NOW + 5)
    else:
        assert (after["due_at"], after["error"]) == (before["due_at"], before["error"])


def test_wanting_again_only_ever_wants_more(connection: sqlite3.Connection) -> None:
    """The deeper depth and the more urgent priority stay, whichever came first."""
    enqueue(connection, wanted("1", depth=2, priority=10))
    enqueue(connection, wanted("1", depth=1, priority=20))
    assert (row_of(connection, "dm:1")["depth"], row_of(connection, "dm:1")["priority"]) == (2, 10)
    enqueue(connection, wanted("1", depth=3, priority=5))
    assert (row_of(connection, "dm:1")["depth"], row_of(connection, "dm:1")["priority"]) == (3, 5)


def test_a_row_keeps_how_it_was_found(connection: sqlite3.Connection) -> None:
    """Who mentioned a URL first, and when, is not overwritten."""
    frontier.enqueue(connection, [wanted("1")], scope=1, found_on=7, now=NOW)
    frontier.enqueue(connection, [wanted("1", priority=1)], scope=1, found_on=8, now=NOW + 60)
    row = row_of(connection, "dm:1")
    assert (row["found_on"], row["first_seen_at"]) == (7, iso(NOW))


def test_targets_are_their_own_scopes(connection: sqlite3.Connection) -> None:
    """Without a scope each row is one, also where it was another's before."""
    enqueue(connection, wanted("1"), wanted("2"), scope=None)
    enqueue(connection, wanted("3"), scope=1)
    enqueue(connection, wanted("3"), scope=None)
    assert making.rows(connection, "SELECT scope FROM frontier ORDER BY id") == [(1,), (2,), (3,)]


def test_what_is_skipped_is_never_due(connection: sqlite3.Connection) -> None:
    """A row recorded with a reason not to fetch it has no time, and is not claimed."""
    enqueue(connection, wanted("1", skip="third party"))
    row = row_of(connection, "dm:1")
    assert (row["state"], row["due_at"], row["error"]) == ("skipped", None, "third party")
    assert claim(connection, now=NOW + 1e9) == ([], None)


def test_a_url_that_is_its_key_is_kept_once(connection: sqlite3.Connection) -> None:
    """A media row does not repeat its URL, and gives it back all the same."""
    url = "https://cdn.example.org/a.jpg"
    enqueue(connection, wanted(url, Kind.MEDIA))
    assert row_of(connection, url)["url"] is None
    assert job_of(connection, url, Kind.MEDIA).url == url


def test_the_same_key_of_two_kinds_is_two_rows(connection: sqlite3.Connection) -> None:
    """Keys are natural inside their kind only."""
    enqueue(connection, wanted("1"), wanted("1", Kind.LISTING))
    assert frontier.find(connection, Kind.ARTICLE, "dm:1") != frontier.find(connection, Kind.LISTING, "dm:1")
    assert frontier.find(connection, Kind.MEDIA, "dm:1") is None


# Claiming -----------------------------------------------------------------------------------------------------------


def test_the_urgent_come_first_then_the_old(connection: sqlite3.Connection) -> None:
    """Within a host: priority, then due time, then age."""
    enqueue(connection, wanted("late", priority=20), now=NOW - 1)
    enqueue(connection, wanted("early", priority=20), now=NOW - 9)
    enqueue(connection, wanted("urgent", priority=10), wanted("urgent too", priority=10))
    assert claim(connection) == (["dm:urgent", "dm:urgent too", "dm:early", "dm:late"], None)


def test_a_claimed_row_is_not_claimed_twice(connection: sqlite3.Connection) -> None:
    """Claiming marks."""
    enqueue(connection, wanted("1"), wanted("2"))
    assert claim(connection, default_room=1) == (["dm:1"], None)
    assert claim(connection) == (["dm:2"], None)
    assert claim(connection) == ([], None)


def test_only_the_scopes_asked_for_are_claimed(connection: sqlite3.Connection) -> None:
    """What an earlier run left under other targets waits for those targets."""
    enqueue(connection, wanted("1"), scope=1)
    enqueue(connection, wanted("2"), scope=2)
    enqueue(connection, wanted("3"), scope=3)
    assert claim(connection, 3, 1) == (["dm:3", "dm:1"], None)


def test_a_host_gets_as_many_as_it_has_room(connection: sqlite3.Connection) -> None:
    """Room is counted over all scopes and priorities; a host not named has the default room."""
    for host in ("a", "b", "c"):
        for number in range(5):
            enqueue(connection, wanted(f"{host}{number}", host=host, priority=number), scope=1 + number % 2)
    keys, _ = claim(connection, 1, 2, room={"a": 3, "b": 0}, default_room=4)
    assert Counter(key[3] for key in keys) == {"a": 3, "c": 4}


def test_the_next_due_time_is_told(connection: sqlite3.Connection) -> None:
    """Of hosts with room left, the soonest row that is not due yet; None when there is none."""
    enqueue(connection, wanted("later", host="a"), now=NOW + 50)
    enqueue(connection, wanted("sooner", host="b", priority=99), now=NOW + 30)
    enqueue(connection, wanted("no room", host="c"), now=NOW + 10)
    enqueue(connection, wanted("now", host="c"))
    assert claim(connection, room={"c": 1}) == (["dm:now"], NOW + 30)
    assert claim(connection, room={"c": 1}, now=NOW + 31) == (["dm:sooner", "dm:no room"], NOW + 50)


def test_claiming_needs_no_reading_of_what_is_not_due(connection: sqlite3.Connection) -> None:
    """Every query of a claim walks an index, so that its cost does not grow with the frontier."""
    asked: list[str] = []
    enqueue(connection, *(wanted(str(n), priority=n % 3) for n in range(50)))
    connection.execute("ANALYZE")  # what the planner learns from a small archive must not mislead it in a large one
    connection.set_trace_callback(asked.append)
    frontier.claim(connection, [1], {}, 10, NOW)
    connection.set_trace_callback(None)
    plans = {
        detail
        for sql in asked
        if sql.startswith(("SELECT", "\nSELECT"))
        for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {sql}")
    }
    assert plans
    assert all(plan.startswith("SEARCH frontier USING") and "frontier_due" in plan for plan in plans), plans


# What becomes of a claimed row ----------------------------------------------------------------------------------------


def test_what_a_dead_run_had_claimed_is_due_again(connection: sqlite3.Connection) -> None:
    """Recovery gives back every claimed row, and only those."""
    enqueue(connection, wanted("1"), wanted("2"), wanted("3"))
    claim(connection, default_room=2)
    assert frontier.recover(connection) == 2
    assert claim(connection)[0] == ["dm:1", "dm:2", "dm:3"]


def test_released_rows_are_as_they_were(connection: sqlite3.Connection) -> None:
    """Giving back costs no attempt; what was finished meanwhile stays finished."""
    enqueue(connection, wanted("1"), wanted("2"))
    before = row_of(connection, "dm:1")
    claim(connection)
    two = job_of(connection, "dm:2")
    frontier.done(connection, two.id, 200, NOW)
    frontier.release(connection, [job_of(connection, "dm:1").id, two.id])
    assert row_of(connection, "dm:1") == before
    assert row_of(connection, "dm:2")["state"] == "done"


FAILURES = [
    # in this run, again at, counts     state, attempts
    (True, NOW + 60, True, State.QUEUED, 1),
    (True, NOW + 60, False, State.QUEUED, 0),
    (False, NOW + 60, True, State.FAILED, 1),
    (False, None, True, State.FAILED, 1),
    (True, None, True, State.FAILED, 1),  # given up is given up
]


@pytest.mark.parametrize("in_run, retry_at, counts, state, attempts", FAILURES)
def test_a_failure_is_recorded_with_what_follows(
    connection: sqlite3.Connection, in_run: bool, retry_at: float | None, counts: bool, state: State, attempts: int
) -> None:
    """Back into this run, to a later one, or to a person; the attempt and its reason stay."""
    enqueue(connection, wanted("1"))
    claim(connection)
    job = job_of(connection, "dm:1")
    one = failure(retry_at=retry_at, counts=counts, http_status=503)
    frontier.fail(connection, job.id, one, run=1, capture=None, in_run=in_run)
    row = row_of(connection, "dm:1")
    assert (row["state"], row["due_at"], row["attempts"]) == (state, retry_at, attempts)
    assert (row["fault"], row["error"], row["http_status"]) == (one.fault, one.error, 503)
    assert making.rows(connection, "SELECT frontier, run, at, fault, error, http_status FROM attempt") == [
        (job.id, 1, iso(NOW), one.fault, one.error, 503)
    ]


def test_success_forgets_the_trouble(connection: sqlite3.Connection) -> None:
    """A row that is done has no fault and is not due, and its attempts are counted."""
    enqueue(connection, wanted("1"))
    job = job_of(connection, "dm:1")
    frontier.fail(connection, job.id, failure(), run=1, capture=None, in_run=True)
    frontier.done(connection, job.id, 200, NOW)
    row = row_of(connection, "dm:1")
    assert (row["state"], row["due_at"], row["fault"], row["error"], row["attempts"]) == ("done", None, None, None, 2)


def test_reviving_gives_what_failed_another_chance(connection: sqlite3.Connection) -> None:
    """Of a scope, what failed and may be tried again is due now; what was given up is not."""
    enqueue(connection, wanted("1"), wanted("2"))
    enqueue(connection, wanted("3"), scope=2)
    for key, retry_at in (("dm:1", NOW + 9e9), ("dm:2", None), ("dm:3", NOW + 9e9)):
        job = job_of(connection, key)
        frontier.fail(connection, job.id, failure(retry_at=retry_at), run=1, capture=None, in_run=False)
    assert givenup.revive(connection, 1, 2, NOW) == 1
    assert claim(connection, 1, 2) == (["dm:1"], None)
    assert job_of(connection, "dm:1").attempts == 1, "what was tried stays counted"


def test_a_run_does_not_revive_what_it_gave_up_itself(connection: sqlite3.Connection) -> None:
    """Else it would never end."""
    enqueue(connection, wanted("1"))
    job = job_of(connection, "dm:1")
    frontier.fail(connection, job.id, failure(), run=1, capture=None, in_run=False)
    assert givenup.revive(connection, 1, 1, NOW) == 0
    assert givenup.revive(connection, 1, 2, NOW) == 1


def test_a_million_failures_are_revived_a_few_at_a_time(connection: sqlite3.Connection) -> None:
    """Each step changes a bounded number of rows, through the index, until none is left."""
    total = frontier.CHUNK + 10
    enqueue(connection, *(wanted(str(n)) for n in range(total)))
    connection.execute("UPDATE frontier SET state = 'failed'")
    assert [givenup.revive(connection, 1, 2, NOW) for _ in range(3)] == [frontier.CHUNK, 10, 0]


# A clock that was wrong -----------------------------------------------------------------------------------------------

HOUR = 3600.0
CLOCKS = [
    # put off by     because       and then
    (20 * 365 * 24 * HOUR, "", "due now"),
    (20 * 365 * 24 * HOUR, "unavailable", "due now"),
    (3 * HOUR, "unavailable", "due now"),
    (HOUR, "", "due now"),
    (HOUR, "unavailable", "waits"),  # as long as a server may ask for
    (60, "", "waits"),  # a listing waits for others
]


@pytest.mark.parametrize("wait, fault, outcome", CLOCKS)
def test_what_a_wrong_clock_put_off_does_not_wait_for_ever(
    connection: sqlite3.Connection, wait: float, fault: str, outcome: str
) -> None:
    """A row due later than any wait that a run imposes is due now; one that honestly waits goes on waiting."""
    enqueue(connection, wanted("1"), now=NOW + wait)
    connection.execute("UPDATE frontier SET fault = nullif(?, '')", (fault,))
    if outcome == "waits":
        assert claim(connection) == ([], NOW + wait)
        assert claim(connection) == ([], NOW + wait)
    else:
        assert claim(connection) == ([], NOW)
        assert claim(connection) == (["dm:1"], None)


def test_a_clock_that_was_behind_only_hurries(connection: sqlite3.Connection) -> None:
    """What was put off in 1970 is due today."""
    enqueue(connection, wanted("1"), now=100.0)
    assert claim(connection) == (["dm:1"], None)


def test_putting_the_clock_right_reads_little(connection: sqlite3.Connection) -> None:
    """However many rows wait, a claim looks at a bounded number of them."""
    enqueue(connection, *(wanted(str(n)) for n in range(frontier.CHUNK + 10)), now=NOW + 24 * HOUR)
    assert claim(connection, default_room=9) == ([], NOW)
    assert len(claim(connection, default_room=9_999)[0]) == frontier.CHUNK


@pytest.mark.parametrize("state", State)
def test_a_target_is_asked_again_whatever_became_of_it(connection: sqlite3.Connection, state: State) -> None:
    """Every row becomes due at once as its own scope, except one that is being done."""
    enqueue(connection, wanted("0"), wanted("1"))
    job = job_of(connection, "dm:1")
    put_in_state(connection, job, state)
    frontier.ask_again(connection, job.id, NOW + 7)
    row = row_of(connection, "dm:1")
    if state is State.DOING:
        assert row["state"] == "doing"
    else:
        assert (row["state"], row["due_at"], row["attempts"], row["scope"]) == ("queued", NOW + 7, 0, job.id)


# Counting -------------------------------------------------------------------------------------------------------------

KEYS = st.sampled_from([str(number) for number in range(6)])
KINDS = st.sampled_from(list(Kind))


class Frontier(RuleBasedStateMachine):
    """Anything may happen to a frontier in any order."""

    @initialize()
    def begin(self) -> None:
        self.connection = making.memory()
        self.now = NOW

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()

    @rule(kind=KINDS, key=KEYS, scope=st.sampled_from([None, 1, 2]), skip=st.sampled_from(["", "why"]), more=KEYS)
    def enqueue(self, kind: Kind, key: str, scope: int | None, skip: str, more: str) -> None:
        wants = [wanted(key, kind, skip=skip), wanted(more, kind, depth=int(more), priority=int(key))]
        frontier.enqueue(self.connection, wants, scope=scope, found_on=None, now=self.now)

    @rule(room=st.integers(0, 3))
    def claim(self, room: int) -> None:
        jobs, _ = frontier.claim(self.connection, [1, 2, 3, 4], {}, room, self.now)
        for job in jobs:
            assert frontier.state_of(self.connection, job.id) is State.DOING
        assert max(Counter(job.host for job in jobs).values(), default=0) <= room

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        row=st.integers(1, 12),
        act=st.sampled_from([
            lambda c, row, now: frontier.done(c, row, 200, now),
            lambda c, row, now: frontier.skip(c, row, "why"),
            frontier.requeue,
            frontier.ask_again,
            lambda c, row, now: frontier.release(c, [row]),
            lambda c, row, now: frontier.fail(c, row, failure(), run=1, capture=None, in_run=True),
            lambda c, row, now: frontier.fail(c, row, failure(retry_at=None), run=1, capture=None, in_run=True),
            lambda c, row, now: frontier.fail(c, row, failure(), run=1, capture=None, in_run=False),
            lambda c, row, now: givenup.revive(c, row, 2, now),
            lambda c, row, now: frontier.recover(c),
        ]),
    )  # fmt: skip
    def act(self, row: int, act: Callable[[sqlite3.Connection, int, float], object]) -> None:
        if making.one(self.connection, "SELECT count(*) FROM frontier WHERE id = ?", row):
            act(self.connection, row, self.now)

    @invariant()
    def counts_are_right(self) -> None:
        if not hasattr(self, "connection"):
            return
        real = dict.fromkeys([(kind.value, state.value) for kind in Kind for state in State], 0)
        real.update(
            {
                (kind, state): n
                for kind, state, n in making.rows(
                    self.connection, "SELECT kind, state, count(*) FROM frontier GROUP BY kind, state"
                )
            }
        )
        kept = {
            (kind, state): n for kind, states in frontier.counts(self.connection).items() for state, n in states.items()
        }
        assert kept == real

    @invariant()
    def what_is_queued_has_a_time(self) -> None:
        if hasattr(self, "connection"):
            lost = making.rows(self.connection, "SELECT * FROM frontier WHERE state = 'queued' AND due_at IS NULL")
            assert lost == []


TestFrontier = Frontier.TestCase
TestFrontier.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
