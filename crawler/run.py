"""A crawl: targets in, an archive that holds them out, and a summary that says what it lacks.

N workers pull from the durable frontier through the dispatcher. When everything else is done, what failed for a reason
that may have passed gets a second chance. Stopping, for whatever reason, finishes what is in hand and gives the rest
back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from crawler import retry
from crawler.blockpages import BlockPages
from crawler.dispatch import Dispatcher
from crawler.errors import FaultKind
from crawler.fetch import Fetcher
from crawler.listing import ListingVisit
from crawler.plan import CrawlRequest, CrawlSettings, Summary
from crawler.politeness import LanePolicy
from crawler.rules import RobotRules
from crawler.sites import Site
from crawler.wants import Wants
from crawler.work import ArticleVisit, MediaVisit, Tools
from crawler.workers import Visits, Workers
from storage.records import Job
from storage.store import Store

_NOTE_EVERY = 5.0  # seconds between updates of the run's own row
_SECOND_CHANCES = tuple(kind.value for kind in FaultKind if retry.may_pass(kind))


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
        self._workers: Workers | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._scopes: list[int] = []
        self._second_chance_given = False
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
        for task in self._tasks:
            task.cancel()

    async def run(self) -> Summary:
        """Crawl until nothing due is left, or until stopped. Raises StorageError."""
        began = time.monotonic()
        request, summary = self._request, self.summary
        summary.run = await self._store.begin_run(request.command, self._wants.follow, media=request.media)
        wanted = [self._wants.target(target, request.depth) for target in request.targets]
        self._scopes = await self._store.begin_targets(wanted, refresh=request.refresh)
        dispatcher = self._dispatcher = Dispatcher(self._store, self._scopes, self._policy, self._give_second_chance)
        dispatcher.keep_away(await self._store.pauses())
        self._workers = Workers(self._store, dispatcher, self._settings, summary, self.stop, self._on_event)
        try:
            async with AsyncExitStack() as stack:
                await self._work(stack, dispatcher, self._workers)
        finally:
            await self._store.release([*dispatcher.unstarted(), *dispatcher.in_hand()])
        summary.hosts_given_up = dispatcher.hosts_given_up()
        summary.walks = await self._store.walks(self._scopes)
        summary.left = await self._store.waiting(self._scopes)
        summary.take_failures(await self._store.given_up(self._scopes))
        summary.seconds = time.monotonic() - began
        return summary

    async def _work(self, stack: AsyncExitStack, dispatcher: Dispatcher, workers: Workers) -> None:
        fetcher = await stack.enter_async_context(self._fetcher(dispatcher))
        settings = self._settings
        robots = RobotRules(
            fetcher, settings.fetch.user_agent, dispatcher.turn, dispatcher.slow_down, obey=settings.robots
        )
        blocks = BlockPages(settings.block_patterns)
        tools = Tools(self._store, fetcher, self._wants, robots, dispatcher.turn, blocks, workers.answered)
        visits = Visits(
            ArticleVisit(tools), ListingVisit(tools, exhaustive=self._request.exhaustive), MediaVisit(tools)
        )
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._note_regularly(fetcher))]
            if self._request.time_limit is not None:
                helpers.append(group.create_task(self._stop_after(self._request.time_limit)))
            self._tasks = [group.create_task(workers.work(visits)) for _ in range(settings.concurrency)]
            await dispatcher.run()
            await asyncio.wait(self._tasks)
            for helper in helpers:
                helper.cancel()

    def _fetcher(self, dispatcher: Dispatcher) -> Fetcher:
        allowed = frozenset().union(*(site.allowed_hosts for site in self._sites.values()))
        third_party = self._settings.third_party_media
        return Fetcher(
            self._settings.fetch,
            lambda host: bool(host) and (third_party or host in allowed),
            trusted_hosts=allowed,
            turn=dispatcher.turn,
        )

    async def _give_second_chance(self) -> bool:
        """Make due once more what this run gave up and may have passed; True when there is any."""
        if self._second_chance_given:
            return False
        self._second_chance_given = True
        if self._workers is not None:
            self._workers.begin_second_chance()
        lost = list(self._dispatcher.hosts_given_up()) if self._dispatcher is not None else []
        return await self._store.once_more(self._scopes, _SECOND_CHANCES, lost) > 0

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
