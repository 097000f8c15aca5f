"""The dispatcher over a real frontier: order, hosts, endings."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from crawler.dispatch import Dispatcher
from crawler.errors import Fault, FaultKind
from crawler.politeness import LanePolicy, Outcome
from storage.opening import open_store
from storage.records import Failure, Job, Kind, Wanted
from storage.store import Store


def want(kind: Kind, name: str, host: str, priority: int) -> Wanted:
    """Return a row that wants `name` from `host`."""
    return Wanted(kind, name, f"https://{host}/{name}", "dm", host, priority)


def policy(_host: str) -> LanePolicy:
    """Return a policy without a rate."""
    return LanePolicy(rate=0.0, concurrency=2)


async def no_more() -> bool:
    """Say that there is no more than what was wanted."""
    return False


@asynccontextmanager
async def running(store: Store, *wanted: Wanted, width: int = 16) -> AsyncIterator[Dispatcher]:
    """Run a dispatcher over these rows until the test is done with it."""
    await store.begin_run("test")
    dispatcher = Dispatcher(store, await store.begin_targets(wanted), policy, no_more, width)
    task = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        await task


async def finish(store: Store, dispatcher: Dispatcher, job: Job) -> None:
    """Leave a job for good, as one that cannot be fetched."""
    await store.skip(job, "done with it")
    dispatcher.finished(job, Outcome.OK, 0.01)


async def test_jobs_come_by_priority_and_the_run_ends(tmp_path: Path) -> None:
    """Listings go before articles, articles before media; when nothing is left every worker is told."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.MEDIA, "m", "a", 2), want(Kind.ARTICLE, "dm:1", "a", 1), want(Kind.LISTING, "l", "a", 0)]
        async with running(store, *rows) as dispatcher:
            keys = []
            while (job := await dispatcher.next()) is not None:
                keys.append(job.key)
                await finish(store, dispatcher, job)
            assert keys == ["l", "dm:1", "m"]
            assert await dispatcher.next() is None


async def test_a_host_gets_no_more_than_its_places(tmp_path: Path) -> None:
    """With two places a third job waits until one is free, while another host is served."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(3)] + [want(Kind.MEDIA, "m", "b", 2)]
        async with running(store, *rows) as dispatcher:
            jobs = [await dispatcher.next() for _ in range(3)]
            assert sorted(job.host for job in jobs if job) == ["a", "a", "b"]
            waiting = asyncio.create_task(dispatcher.next())
            first = next(job for job in jobs if job and job.host == "a")
            assert not waiting.done()
            await finish(store, dispatcher, first)
            third = await waiting
            assert third is not None
            assert third.host == "a"


async def test_an_answered_job_leaves_its_place_to_others(tmp_path: Path) -> None:
    """While an answer is worked off its place at the host is another's; it holds none that a turn could be taken in."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(4)]
        async with running(store, *rows) as dispatcher:
            first, second = await dispatcher.next(), await asyncio.create_task(dispatcher.next())
            assert first is not None
            assert second is not None
            third = asyncio.create_task(dispatcher.next())
            assert dispatcher.has_place("a")
            dispatcher.answered(first)
            dispatcher.answered(first)
            assert not dispatcher.has_place("a")
            fourth = asyncio.create_task(dispatcher.next())
            assert (await third) is not None
            assert not fourth.done()
            await finish(store, dispatcher, first)
            assert not fourth.done()
            await finish(store, dispatcher, second)
            assert (await fourth) is not None


async def test_no_more_are_under_way_than_the_run_may_have(tmp_path: Path) -> None:
    """Of two hosts with two places each, three are asked at once where that is the width."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "ab"[n % 2], 1) for n in range(4)]
        async with running(store, *rows, width=3) as dispatcher:
            jobs = [await dispatcher.next() for _ in range(3)]
            fourth = asyncio.create_task(dispatcher.next())
            await asyncio.sleep(0)
            assert not fourth.done()
            assert jobs[0] is not None
            dispatcher.answered(jobs[0])
            assert (await fourth) is not None


async def test_what_is_taken_during_a_claim_does_not_end_the_claims(tmp_path: Path) -> None:
    """A host of which a claim brought all that was asked for has more, though workers took some meanwhile."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(200)]
        async with running(store, *rows, width=99) as dispatcher:
            in_hand = [await dispatcher.next()]  # never finished: nothing but claims can bring more
            for _ in range(199):
                job = in_hand[-1]
                assert job is not None
                dispatcher.answered(job)
                await asyncio.sleep(0)  # a claim may begin
                async with asyncio.timeout(5):
                    in_hand.append(await dispatcher.next())
            assert len({job.id for job in in_hand if job}) == 200


async def test_a_turn_goes_before_new_jobs(tmp_path: Path) -> None:
    """A redirect that waits for a place is served before the next job of that host."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(3)]
        async with running(store, *rows) as dispatcher:
            first, _second = await dispatcher.next(), await dispatcher.next()
            order: list[str] = []

            async def redirect() -> None:
                async with dispatcher.turn("a"):
                    order.append("turn")

            async def work() -> None:
                await dispatcher.next()
                order.append("job")

            async with asyncio.TaskGroup() as group:
                group.create_task(work())
                group.create_task(redirect())
                await asyncio.sleep(0)
                assert first is not None
                await finish(store, dispatcher, first)
            assert order == ["turn", "job"]


async def test_a_turn_in_ones_own_place_does_not_wait_for_another(tmp_path: Path) -> None:
    """Whoever holds all places of a host can still follow a redirect there."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(2)]
        async with running(store, *rows) as dispatcher:
            await dispatcher.next()
            await dispatcher.next()
            async with asyncio.timeout(5), dispatcher.turn("a"):
                pass


async def at_once(*askers: Callable[[], Awaitable[None]]) -> None:
    """Let tasks ask, none of which may wait for ever."""
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for asker in askers:
            group.create_task(asker())  # type: ignore[arg-type]


async def test_a_turn_within_a_turn_needs_no_further_place(tmp_path: Path) -> None:
    """Jobs that have all places of a host, are tried again, and then redirected there, do not wait for each other."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(4)]
        async with running(store, *rows) as dispatcher:

            async def work() -> None:
                while (job := await dispatcher.next()) is not None:
                    async with dispatcher.turn("a"), dispatcher.turn("a"):
                        await asyncio.sleep(0)
                    await finish(store, dispatcher, job)

            await at_once(work, work, work)


async def test_who_has_a_place_does_not_queue_behind_who_needs_one(tmp_path: Path) -> None:
    """A stranger is redirected to a host whose places are all taken by jobs that are redirected there, too."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(2)]
        async with running(store, *rows) as dispatcher:
            taken, waiting = asyncio.Event(), asyncio.Event()

            async def work() -> None:
                job = await dispatcher.next()
                assert job is not None
                taken.set()
                await waiting.wait()
                async with dispatcher.turn("a"):
                    await finish(store, dispatcher, job)

            async def stranger() -> None:
                await taken.wait()
                asyncio.get_running_loop().call_soon(waiting.set)
                async with dispatcher.turn("a"):
                    pass

            await at_once(work, work, stranger)


async def test_hosts_that_redirect_to_each_other_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """A job whose request goes elsewhere gives its own host's place to others, and waits for one when it comes back."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "ab"[n % 2], 1) for n in range(8)]
        async with running(store, *rows) as dispatcher:
            together = asyncio.Barrier(4)
            asked: Counter[str] = Counter()

            @asynccontextmanager
            async def asking(host: str) -> AsyncIterator[None]:
                asked[host] += 1
                assert asked[host] <= 2
                yield
                await asyncio.sleep(0)
                asked[host] -= 1

            async def work() -> None:
                for _ in range(2):
                    job = await dispatcher.next()
                    assert job is not None
                    async with asking(job.host):
                        await together.wait()
                    for host in ("b" if job.host == "a" else "a", job.host):
                        async with dispatcher.turn(host), asking(host):
                            pass
                    await finish(store, dispatcher, job)

            await at_once(work, work, work, work)


async def test_what_has_just_failed_is_asked_again_by_one_at_a_time(tmp_path: Path) -> None:
    """Until the first is back, or has left for another host, the others do not ask again: the host may be down."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(2)]
        async with running(store, *rows) as dispatcher:
            asking, most = 0, 0
            begun = asyncio.Barrier(2)

            async def work() -> None:
                nonlocal asking, most
                assert await dispatcher.next() is not None
                await begun.wait()
                async with dispatcher.turn("a", again=True):
                    asking += 1
                    most = max(most, asking)
                    await asyncio.sleep(0)
                    asking -= 1
                    async with dispatcher.turn("b"):
                        await begun.wait()  # here both are: who has left keeps nobody waiting

            await at_once(work, work)
            assert most == 1


async def test_what_is_tried_again_counts_among_what_is_under_way(tmp_path: Path) -> None:
    """A job that was answered, and asks again, waits until the run may have one more request under way."""
    async with open_store(tmp_path) as store:
        rows = [want(Kind.MEDIA, f"m{n}", "ab"[n], 1) for n in range(2)]
        async with running(store, *rows, width=1) as dispatcher:
            first = await dispatcher.next()
            assert first is not None
            dispatcher.answered(first)
            assert await asyncio.create_task(dispatcher.next()) is not None
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0), dispatcher.turn(first.host):
                    pass


async def test_a_turn_that_nobody_takes_any_more_leaves_no_place_taken(tmp_path: Path) -> None:
    """A task that is cancelled right after it was given a turn has not used it."""
    async with open_store(tmp_path) as store, running(store, width=1) as dispatcher:
        there = asyncio.Event()

        async def ask() -> None:
            async with dispatcher.turn("a"):
                there.set()

        async def make_way() -> None:
            async with dispatcher.turn("a"):
                asker = asyncio.create_task(ask())
                await asyncio.sleep(0)  # it waits
            asker.cancel()  # it was given its turn, and has not gone on

        await make_way()
        await asyncio.sleep(0)
        assert not there.is_set()
        await at_once(ask)


async def test_a_row_put_off_is_waited_for(tmp_path: Path) -> None:
    """A job that is to be tried again shortly comes back in the same run."""
    async with open_store(tmp_path) as store, running(store, want(Kind.ARTICLE, "dm:1", "a", 1)) as dispatcher:
        job = await dispatcher.next()
        assert job is not None
        await store.fail(job, Failure("server-error", "HTTP 500", 0.0, 1.0), in_run=True)
        dispatcher.finished(job, Outcome.SERVER_ERROR, 0.01)
        again = await dispatcher.next()
        assert again is not None
        assert (again.key, again.attempts) == ("dm:1", 1)


async def test_a_host_that_gave_us_up_ends_the_run_and_keeps_its_rows(tmp_path: Path) -> None:
    """Rows of a host that cannot be reached stay queued, and the run ends without them."""
    async with open_store(tmp_path) as store:
        async with running(store, *[want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(5)]) as dispatcher:
            job = await dispatcher.next()
            assert job is not None
            dispatcher.finished(job, Outcome.THROTTLED, 0.01, retry_after=99_999.0)
            assert await dispatcher.next() is None
            assert "a" in dispatcher.hosts_given_up()
            with pytest.raises(Fault):
                async with dispatcher.turn("a"):
                    pass
            await store.release(dispatcher.unstarted())
        assert (await store.counts())["article"]["queued"] == 4


async def test_stopping_gives_everything_back(tmp_path: Path) -> None:
    """What was claimed and not handed out when a run stops is queued again."""
    async with open_store(tmp_path) as store:
        async with running(store, *[want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(9)]) as dispatcher:
            job = await dispatcher.next()
            dispatcher.stop()
            assert await dispatcher.next() is None
            assert job is not None
            await store.release([*dispatcher.unstarted(), job])
        counts = await store.counts()
        assert (counts["article"]["queued"], counts["article"]["doing"]) == (9, 0)


async def test_trouble_elsewhere_is_the_trouble_of_that_host(tmp_path: Path) -> None:
    """A host that redirects to one that is down is well; the one that is down is given up, and not even asked."""
    wanted = [want(Kind.ARTICLE, f"dm:{n}", "a", 1) for n in range(3)]
    async with open_store(tmp_path) as store, running(store, *wanted) as dispatcher:
        job = await dispatcher.next()
        assert job is not None
        with pytest.raises(Fault) as caught:
            async with dispatcher.turn("b"):
                raise Fault(FaultKind.UNAVAILABLE, "not for a day", retry_after=99_999.0)
        assert caught.value.host == "b"
        assert list(dispatcher.hosts_given_up()) == ["b"]
        with pytest.raises(Fault, match="given up") as caught:
            async with dispatcher.turn("b"):
                raise AssertionError("it is not asked")
        assert caught.value.host == "b"
        with pytest.raises(Fault) as caught:
            async with dispatcher.turn("a", again=True):
                raise Fault(FaultKind.CONNECTION_RESET, "its own host's, as the end of the job says")
        assert caught.value.host == ""
        await finish(store, dispatcher, job)
        assert (await dispatcher.next()) is not None


async def test_what_goes_well_elsewhere_is_known_there(tmp_path: Path) -> None:
    """Failures in between do not add up to a host that is down."""
    async with open_store(tmp_path) as store, running(store) as dispatcher:
        for _ in range(9):
            with suppress(Fault):
                async with dispatcher.turn("b"):
                    raise Fault(FaultKind.CONNECTION_REFUSED, "now and then")
            async with dispatcher.turn("b"):
                pass
        assert not dispatcher.troubled("b")
        for _ in range(5):
            with suppress(Fault):
                async with dispatcher.turn("b"):
                    raise Fault(FaultKind.CONNECTION_REFUSED, "always")
        assert dispatcher.troubled("b")


async def test_hosts_are_forgotten_when_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a host that answered nothing is kept; one that gave trouble, or has work waiting, is remembered."""
    monkeypatch.setattr("crawler.dispatch._MOST_HOSTS", 4)
    async with open_store(tmp_path) as store:
        rows = [want(Kind.MEDIA, f"m{number}", f"host{number}", 2) for number in range(20)]
        async with running(store, want(Kind.MEDIA, "bad", "troubled", 1), *rows) as dispatcher:
            while (job := await dispatcher.next()) is not None:
                await store.skip(job, "done with it")
                outcome = Outcome.SERVER_ERROR if job.host == "troubled" else Outcome.OK
                dispatcher.finished(job, outcome, 0.01)
            assert set(dispatcher._queues) == {"troubled"}


async def test_failing_rows_are_forgotten_when_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is remembered so that it does not count twice against its host: of so many rows, and no more."""
    monkeypatch.setattr("crawler.dispatch._MOST_FAILING", 3)
    async with open_store(tmp_path) as store:
        rows = [want(Kind.MEDIA, f"m{number}", f"host{number}", 2) for number in range(8)]
        async with running(store, *rows) as dispatcher:
            while (job := await dispatcher.next()) is not None:
                await store.skip(job, "done with it")
                dispatcher.finished(job, Outcome.SERVER_ERROR, 0.01)
                assert 0 < len(dispatcher._failing) <= 3
