"""A crawl: targets in, an archive that holds them out, and a summary that says what it lacks.

N workers pull from the durable frontier through the dispatcher; every failure is one pure decision and one recorded
consequence. Stopping, for whatever reason, finishes what is in hand and gives the rest back.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from crawler import retry
from crawler.captures import page_capture
from crawler.dispatch import Dispatcher
from crawler.errors import Fault, FaultKind
from crawler.fetch import Answer, Fetcher, FetchSettings
from crawler.listing import ListingVisit
from crawler.politeness import LanePolicy, Outcome
from crawler.rules import RobotRules
from crawler.sites import Site
from crawler.targets import Target
from crawler.urls import display
from crawler.wants import Bounds, Wants
from crawler.work import ArticleVisit, MediaVisit, Tools, Unread
from storage.articles import Change
from storage.errors import StorageError
from storage.listings import Walk
from storage.records import Failure, Job, Kind, Source, Tally
from storage.store import Store

log = logging.getLogger(__name__)

_QUICK_TRIES = 2
_BUDGET_FROM = 50  # finished jobs of a kind before their failures are held against the budget
_NOTE_EVERY = 5.0  # seconds between updates of the run's own row


@dataclass(frozen=True, slots=True)
class CrawlSettings:
    """How to crawl; rates in requests per second and host (0: unlimited), times in seconds."""

    fetch: FetchSettings
    concurrency: int = 16
    per_host_concurrency: int = 4
    rate: float = 4.0
    attempts: int = 5
    robots: bool = True
    third_party_media: bool = False
    failure_budget: float = 0.25  # share of the jobs of one kind that may be given up before the run stops


@dataclass(frozen=True, slots=True)
class CrawlRequest:
    """What one crawl was asked for."""

    targets: tuple[Target, ...]
    command: str
    depth: int = 0
    bounds: Bounds = field(default_factory=Bounds)
    media: bool = True
    refresh: bool = False
    exhaustive: bool = False
    time_limit: float | None = None  # seconds


@dataclass(slots=True)
class Summary:
    """What a crawl did, and what it could not do."""

    run: int = 0
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    partial: int = 0
    worse: int = 0
    failed: dict[str, int] = field(default_factory=dict)  # by kind of row: given up for this run
    causes: dict[str, int] = field(default_factory=dict)  # by fault
    examples: list[str] = field(default_factory=list)  # a few failures in words
    walks: list[Walk] = field(default_factory=list)
    hosts_given_up: dict[str, str] = field(default_factory=dict)  # by host: why
    key_refused: str = ""  # the API host that refused the key
    stopped_by: str = ""  # 'time', 'budget', 'key' or a signal's name; empty: it ran to its end
    left: int = 0  # rows of the run's targets that still wait

    @property
    def truncated(self) -> list[Walk]:
        """The listings of which something may have stayed unseen, those that only helped others aside."""
        return [walk for walk in self.walks if walk.depth >= 0 and walk.verdict in ("truncated", "unavailable")]


class Crawl:
    """One crawl over an open store. `run` it once; `stop` it from a signal handler."""

    def __init__(
        self,
        store: Store,
        sites: Sequence[Site],
        settings: CrawlSettings,
        request: CrawlRequest,
        on_event: Callable[[str, Job], None] = lambda _what, _job: None,
    ) -> None:
        """`on_event` is told of each finished job: what came of it, and the job."""
        self._store = store
        self._sites: Mapping[str, Site] = {site.name: site for site in sites}
        self._settings = settings
        self._request = request
        self._on_event = on_event
        self._wants = Wants(self._sites, request.bounds, request.media, settings.third_party_media)
        self._dispatcher: Dispatcher | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._random = random.Random()
        self._latency: dict[int, float] = {}  # of the last answer to each job in hand, in seconds
        self._done: dict[Kind, int] = {}  # jobs that came to a good end, by kind
        self._put_off: dict[int, int] = {}  # how often a row was put off at no cost in this run
        self.summary = Summary()

    def stop(self, reason: str) -> None:
        """Hand out nothing more; what is in hand is finished."""
        if not self.summary.stopped_by:
            self.summary.stopped_by = reason
        if self._dispatcher is not None:
            self._dispatcher.stop()

    def abandon(self) -> None:
        """Stop at once: what is in hand is dropped, and is due again."""
        self.stop("signal")
        for worker in self._workers:
            worker.cancel()

    async def run(self) -> Summary:
        """Crawl until nothing due is left, or until stopped. Raises StorageError."""
        began = time.monotonic()
        request = self._request
        self.summary.run = await self._store.begin_run(request.command, self._wants.follow, media=request.media)
        wanted = [self._wants.target(target, request.depth) for target in request.targets]
        scopes = await self._store.begin_targets(wanted, refresh=request.refresh)
        dispatcher = self._dispatcher = Dispatcher(self._store, scopes, self._policy)
        try:
            async with AsyncExitStack() as stack:
                await self._work(stack, dispatcher)
        finally:
            await self._store.release([*dispatcher.unstarted(), *dispatcher.in_hand()])
        self.summary.hosts_given_up = dispatcher.hosts_given_up()
        self.summary.walks = await self._store.walks(scopes)
        self.summary.left = await self._store.waiting(scopes)
        self.summary.seconds = time.monotonic() - began
        return self.summary

    async def _work(self, stack: AsyncExitStack, dispatcher: Dispatcher) -> None:
        allowed = frozenset().union(*(site.allowed_hosts for site in self._sites.values()))
        third_party = self._settings.third_party_media
        fetcher = await stack.enter_async_context(
            Fetcher(
                self._settings.fetch,
                lambda host: bool(host) and (third_party or host in allowed),
                trusted_hosts=[host.rpartition(":")[0] or host for host in allowed] + list(allowed),
                turn=dispatcher.turn,
            )
        )
        robots = RobotRules(
            fetcher,
            self._settings.fetch.user_agent,
            dispatcher.turn,
            dispatcher.slow_down,
            obey=self._settings.robots,
        )
        tools = Tools(self._store, fetcher, self._wants, robots, dispatcher.turn, self._count)
        visits = _Visits(
            ArticleVisit(tools), ListingVisit(tools, exhaustive=self._request.exhaustive), MediaVisit(tools)
        )
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._note_regularly(fetcher))]
            if self._request.time_limit is not None:
                helpers.append(group.create_task(self._stop_after(self._request.time_limit)))
            self._workers = [
                group.create_task(self._worker(dispatcher, visits)) for _ in range(self._settings.concurrency)
            ]
            await dispatcher.run()
            await asyncio.wait(self._workers)
            for helper in helpers:
                helper.cancel()

    async def _note_regularly(self, fetcher: Fetcher) -> None:
        try:
            while True:
                await asyncio.sleep(_NOTE_EVERY)
                self.summary.tally.requests = fetcher.requests
                await self._store.note_run(self.summary.tally)
        finally:
            self.summary.tally.requests = fetcher.requests

    async def _stop_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.stop("time")

    def _policy(self, host: str) -> LanePolicy:
        return LanePolicy(rate=self._settings.rate, concurrency=self._settings.per_host_concurrency)

    def _count(self, job: Job, answer: Answer, size: int) -> None:
        self._latency[job.id] = answer.seconds
        self.summary.tally.bytes += size

    # Working -------------------------------------------------------------------------------------------------------

    async def _worker(self, dispatcher: Dispatcher, visits: _Visits) -> None:
        while (job := await dispatcher.next()) is not None:
            began = time.monotonic()
            outcome, retry_after = Outcome.OK, None
            try:
                await self._attempt(job, visits)
            except Fault as fault:
                outcome, retry_after = retry.outcome_of(fault.kind), fault.retry_after
                await self._failed(job, fault, visits)
            except (StorageError, OSError):
                raise  # the disk's or the system's trouble is the whole run's
            except Exception as error:  # one row must not cost the run; nothing is hidden: it fails, loudly
                log.exception("a mistake of our own at %s", display(job.url))
                outcome = Outcome.NEUTRAL
                told = display(f"{type(error).__name__}: {error}")
                await self._failed(job, Fault(FaultKind.INTERNAL, f"a mistake of our own ({told})"), visits)
            # Only a job that came to an end is finished: one that was cut off stays in hand, and is given back.
            latency = self._latency.pop(job.id, time.monotonic() - began)
            dispatcher.finished(job, outcome, latency, retry_after)

    async def _attempt(self, job: Job, visits: _Visits) -> None:
        """Perform a job; a fault that is worth a second try at once gets one, in the host's next turn."""
        try:
            await self._perform(job, visits)
            return
        except Fault as fault:
            if not self._soon(fault, job):
                raise
            first = fault
        tries = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, Fault) and self._soon(error, job)),
            wait=lambda state: self._pause(state, job, first),
            stop=stop_after_attempt(_QUICK_TRIES),
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                assert self._dispatcher is not None
                async with self._dispatcher.turn(job.host, 1):
                    await self._perform(job, visits)

    def _soon(self, fault: Fault, job: Job) -> bool:
        return self._decide(fault, job).verdict is retry.Verdict.SOON

    def _pause(self, state: RetryCallState, job: Job, first: Fault) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        fault = error if isinstance(error, Fault) else first
        decision = self._decide(fault, job, state.attempt_number)
        return max(0.0, (decision.at or 0.0) - time.time())

    def _decide(self, fault: Fault, job: Job, tries: int = 1) -> retry.Decision:
        return retry.decide(
            fault.kind,
            attempt=job.attempts + tries,
            now=time.time(),
            retry_after=fault.retry_after,
            random=self._random.random,
            free_retries=self._put_off.get(job.id, 0),
        )

    async def _perform(self, job: Job, visits: _Visits) -> None:
        tally = self.summary.tally
        what = "done"
        if job.kind is Kind.ARTICLE:
            change, source = await visits.article.perform(job)
            self.summary.partial += source is Source.PARTIAL
            tally.articles_new += change is Change.NEW
            tally.articles_changed += change is Change.CHANGED
            self.summary.worse += change is Change.WORSE
            what = change.value
        elif job.kind is Kind.LISTING:
            await visits.listing.perform(job)
        else:
            await visits.media.perform(job)
            tally.media_new += 1
        self._done[job.kind] = self._done.get(job.kind, 0) + 1
        self._on_event(what, job)

    async def _failed(self, job: Job, fault: Fault, visits: _Visits) -> None:
        """Record a failed attempt and what follows from it."""
        decision = self._decide(fault, job)
        log.debug("%s: %s (%s)", display(job.url), fault, decision.verdict)
        if decision.verdict is retry.Verdict.STOP:
            self.summary.key_refused = self.summary.key_refused or job.host
            self.stop("key")
        if not decision.counts:
            self._put_off[job.id] = self._put_off.get(job.id, 0) + 1
        in_run = decision.verdict in (retry.Verdict.SOON, retry.Verdict.LATER)
        if not in_run and decision.verdict is not retry.Verdict.STOP:
            if job.kind is Kind.LISTING and await visits.listing.route_failed(job, fault):
                return
            self._given_up(job, fault)
        failure = Failure(
            fault=fault.kind.value,
            error=str(fault),
            at=time.time(),
            retry_at=decision.at,
            counts=decision.counts,
            http_status=fault.http_status,
        )
        if isinstance(fault, Unread):
            await self._store.keep_unread(job, page_capture(fault.answer, str(fault)), failure, in_run=in_run)
        else:
            await self._store.fail(job, failure, in_run=in_run)

    def _given_up(self, job: Job, fault: Fault) -> None:
        summary = self.summary
        summary.tally.failures += 1
        summary.failed[job.kind.value] = summary.failed.get(job.kind.value, 0) + 1
        summary.causes[fault.kind.value] = summary.causes.get(fault.kind.value, 0) + 1
        if len(summary.examples) < 10:
            summary.examples.append(f"{display(job.url)}: {fault}")
        self._on_event("failed", job)
        given_up = summary.failed[job.kind.value]
        finished = self._done.get(job.kind, 0) + given_up
        if finished >= _BUDGET_FROM and given_up > self._settings.failure_budget * finished:
            self.stop("budget")


@dataclass(frozen=True, slots=True)
class _Visits:
    """The three kinds of work."""

    article: ArticleVisit
    listing: ListingVisit
    media: MediaVisit
