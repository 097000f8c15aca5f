"""Who works on what, when: hands claimed jobs to workers as each host's politeness allows.

The frontier is asked for due jobs in batches; a job waits here, in memory, only for its host's turn. What is here
when a run stops is given back unharmed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from crawler.claims import Claims, are_pending
from crawler.errors import Fault
from crawler.politeness import Lane, LanePolicy, Outcome
from crawler.queues import Asker, Queue, Visit
from crawler.retry import outcome_of
from storage.records import Job
from storage.store import Store

_MOST_HOSTS = 512  # that are remembered though nothing is to be remembered of them
_MOST_FAILING = 100_000  # rows


class Dispatcher:
    """Feeds workers until nothing due is left in the run's scopes."""

    def __init__(
        self,
        store: Store,
        scopes: Sequence[int],
        policy: Callable[[str], LanePolicy],
        more: Callable[[], Awaitable[bool]],
        width: int,
    ) -> None:
        """`policy` gives the politeness of each host that turns up; `more` is asked for more when nothing is left.

        At most `width` requests are under way, however many workers there are.
        """
        self._store = store
        self._claims = Claims(store, scopes)
        self._policy = policy
        self._more = more
        self._width = width
        self._under_way = 0
        self._pumping = False  # it is going to be pumped in this turn of the event loop
        self._queues: dict[str, Queue] = {}
        self._waiting: deque[asyncio.Future[Job | None]] = deque()
        self._in_hand: dict[int, Visit] = {}  # by the row of its job
        self._visits: dict[asyncio.Task[object] | None, list[Visit]] = {}  # of each task, the outermost first
        self._pauses: dict[str, float] = {}  # Unix seconds until which earlier runs were asked to stay away
        self._failing: set[int] = set()  # rows whose last attempt failed for a reason that may be the host's
        self._need = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    async def run(self) -> None:
        """Claim due jobs as they are needed; returns when nothing is left or the dispatcher was stopped."""
        self._need.set()
        while True:
            await self._wait_for_need()
            if self._stopped:
                break
            finished_before, idle_before = self._claims.finished_count, not self._in_hand
            jobs = await self._claim()
            self._pump()
            if jobs and not self._in_hand and not are_pending(self._queues):
                self._need.set()  # all of them were for hosts that are not to be asked
            settled = idle_before and not self._in_hand and finished_before == self._claims.finished_count
            if settled and not jobs and not are_pending(self._queues) and self._claims.are_over():
                if not await self._more():
                    break
                self._claims.begin_anew()
                self._need.set()
        self.stop()

    async def _claim(self) -> list[Job]:
        """Fill the queues."""
        self._forget_hosts()
        jobs = await self._claims.take(self._queues)
        for job in jobs:
            self._queue(job.host).jobs.append(job)
        for host in {job.host for job in jobs}:
            queue = self._queue(host)
            queue.jobs = deque(sorted(queue.jobs, key=lambda job: job.priority))  # stable: oldest first within each
        return jobs

    def _forget_hosts(self) -> None:
        """Forget hosts of which nothing is to be remembered: pages may name any number, where any host is allowed."""
        if len(self._queues) > _MOST_HOSTS:
            now = time.monotonic()
            self._queues = {host: queue for host, queue in self._queues.items() if not queue.is_idle(now)}

    async def next(self) -> Job | None:
        """Return the next job whose host may be asked now; None when the run is over."""
        if self._stopped:
            return None
        future: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._pump()
        job = await future
        if job is not None:
            self._begin(self._in_hand[job.id])
        return job

    def finished(self, job: Job, outcome: Outcome, latency: float, retry_after: float | None = None) -> None:
        """Say that a job's request is over, and how it went for its host; `latency` in seconds."""
        visit = self._in_hand.pop(job.id)
        self._end(visit)
        self._under_way -= visit.placed
        fresh = job.id not in self._failing
        if outcome in (Outcome.OK, Outcome.NEUTRAL):
            self._failing.discard(job.id)
        else:
            if len(self._failing) >= _MOST_FAILING:
                self._failing.clear()  # those that fail once more are taken at their word once more
            self._failing.add(job.id)
        self._claims.finished(job)
        queue = self._queue(job.host)
        queue.lane.finished(time.monotonic(), outcome, latency, retry_after, fresh=fresh, answered=not visit.placed)
        self._pump_soon()

    def answered(self, job: Job) -> None:
        """Say that a job asks for nothing more: its place is another's while its answer is worked off."""
        self._give_back(self._in_hand[job.id])

    def _give_back(self, visit: Visit) -> None:
        if visit.placed:
            visit.placed = False
            self._under_way -= 1
            self._queue(visit.host).lane.answered()
            self._pump_soon()

    def has_place(self, host: str) -> bool:
        """Say whether the task that asks has a place at a host."""
        return any(visit.placed and visit.host == host for visit in self._mine())

    def leave(self) -> None:
        """Give back the place that the task has, before it waits for what another may need that place for."""
        for visit in self._mine():
            self._queue(visit.host).over(visit)
            self._give_back(visit)

    def _mine(self) -> Sequence[Visit]:
        return self._visits.get(asyncio.current_task(), ())

    @asynccontextmanager
    async def turn(self, host: str, *, again: bool = False) -> AsyncIterator[None]:
        """Hold a turn at a host for a request outside of a job's own: a redirect, robots.txt, a second answer.

        Where the task has a place there, that serves; one that it has elsewhere is given back for good. `again` says
        that it is what has just failed. Raises Fault when the host was given up.
        """
        if not (in_place := self.has_place(host)):
            self.leave()
        visit = Visit(host, placed=not in_place, again=again)
        elsewhere = all(one.job is None or one.job.host != host for one in self._mine())
        began = await self._granted(visit, visiting=any(one.host == host for one in self._mine()))
        self._begin(visit)
        outcome, retry_after = Outcome.NEUTRAL, None
        try:
            yield
            if elsewhere:  # else the end of the job itself says how its own host is
                outcome = Outcome.OK
        except Fault as fault:
            if elsewhere and not fault.host:
                fault.host, outcome, retry_after = host, outcome_of(fault.kind), fault.retry_after
            raise
        finally:
            self._end(visit)
            self._over(visit, time.monotonic() - began, outcome, retry_after)

    def _begin(self, visit: Visit) -> None:
        visit.task = asyncio.current_task()
        self._visits.setdefault(visit.task, []).append(visit)

    def _end(self, visit: Visit) -> None:
        visits = self._visits[visit.task]
        visits.remove(visit)
        if not visits:
            del self._visits[visit.task]

    async def _granted(self, visit: Visit, *, visiting: bool) -> float:
        """Wait for a turn; returns when it was given."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue(visit.host).askers.append(Asker(granted, visit, visiting))
        self._pump()
        try:
            await granted
        except asyncio.CancelledError:
            if not granted.cancelled():  # it had been given already
                self._over(visit, 0.0)
            raise
        return time.monotonic()

    def _over(
        self, visit: Visit, latency: float, outcome: Outcome = Outcome.NEUTRAL, retry_after: float | None = None
    ) -> None:
        queue = self._queue(visit.host)
        queue.over(visit)
        queue.lane.finished(time.monotonic(), outcome, latency, retry_after, answered=not visit.placed)
        self._under_way -= visit.placed
        self._pump()

    def troubled(self, host: str) -> bool:
        """Say whether a host is down, so that only probes are sent there."""
        return self._queue(host).lane.troubled

    def slow_down(self, host: str, crawl_delay: float) -> None:
        """Keep to a host's own wish of so many seconds between requests."""
        self._queue(host).lane.set_crawl_delay(crawl_delay)

    def keep_away(self, pauses: Mapping[str, float]) -> None:
        """Keep to what hosts asked of earlier runs: nothing before a time in Unix seconds."""
        self._pauses = dict(pauses)

    def widen(self, scopes: Sequence[int]) -> None:
        """Work on further scopes, too."""
        if scopes:
            self._claims.widen(scopes)
            self._need.set()

    def stop(self) -> None:
        """Hand out nothing more; workers finish what is in hand."""
        self._stopped = True
        self._need.set()
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)

    def unstarted(self) -> list[Job]:
        """Return the jobs that were claimed and not handed out, and forget them."""
        jobs = [job for queue in self._queues.values() for job in queue.jobs]
        for queue in self._queues.values():
            queue.jobs.clear()
        return jobs

    def in_hand(self) -> list[Job]:
        """Return the jobs that were handed out and are not finished."""
        return [visit.job for visit in self._in_hand.values() if visit.job is not None]

    def hosts_given_up(self) -> dict[str, str]:
        """Return the hosts that could not be reached or asked us to stay away, and why."""
        return {host: queue.lane.gave_up for host, queue in self._queues.items() if queue.lane.gave_up}

    async def _wait_for_need(self) -> None:
        try:
            async with asyncio.timeout(self._claims.due_in()):
                await self._need.wait()
        except TimeoutError:
            pass  # a row has become due
        self._need.clear()

    def _queue(self, host: str) -> Queue:
        queue = self._queues.get(host)
        if queue is None:
            queue = self._queues[host] = Queue(Lane(self._policy(host)))
            if host in self._pauses:
                now = time.monotonic()
                queue.lane.stay_away(now + self._pauses[host] - self._store.now(), now)
        return queue

    def _pump_soon(self) -> None:
        """Pump once for all that happens in this turn of the event loop; whoever asks need not wait for it."""
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._pump_now)

    def _pump_now(self) -> None:
        self._pumping = False
        self._pump()

    def _pump(self) -> None:
        """Match waiting workers with jobs whose hosts are ready; ask for more when little is left."""
        now = time.monotonic()
        soonest = self._grant_turns(now)
        for queue in self._queues.values():
            while queue.jobs and self._may_hand_out() and not queue.askers:
                ready = queue.lane.ready_at(now)
                if ready > now:
                    soonest = min(soonest, ready)
                    break
                self._hand_out(queue, now)
        if soonest < float("inf"):
            self._wake_at(soonest)
        idle = not self._in_hand
        if not self._stopped and self._claims.are_worthwhile(now, self._queues, idle=idle, wanting=self._may_hand_out):
            self._need.set()

    def _grant_turns(self, now: float) -> float:
        """Give turns to those who wait, before any new job; returns when the next can be given."""
        soonest = float("inf")
        for queue in self._queues.values():
            if queue.askers:
                ready, taken = queue.grant(now, self._width - self._under_way)
                self._under_way += taken
                soonest = min(soonest, ready)
        return soonest

    def _may_hand_out(self) -> bool:
        return bool(self._waiting) and self._under_way < self._width and not self._stopped

    def _hand_out(self, queue: Queue, now: float) -> None:
        future = self._waiting.pop()  # whoever asked last is still running
        if future.done():
            return
        job = queue.jobs.popleft()
        queue.lane.started(now)
        self._in_hand[job.id] = Visit(job.host, job)
        self._under_way += 1
        future.set_result(job)

    def _wake_at(self, moment: float) -> None:
        loop = asyncio.get_running_loop()
        delay = max(0.0, moment - time.monotonic())
        if self._timer is not None and not self._timer.cancelled() and loop.time() < self._timer.when():
            if self._timer.when() <= loop.time() + delay:
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay, self._pump)
