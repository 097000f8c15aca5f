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

from crawler import nights, noted, retry, trail
from crawler.blockpages import BlockPages
from crawler.dispatch import Dispatcher
from crawler.errors import FaultKind
from crawler.fetch import Fetcher
from crawler.listing import ListingVisit
from crawler.plan import CrawlRequest, CrawlSettings, Summary
from crawler.politeness import LanePolicy
from crawler.rules import RobotRules
from crawler.sites import Site
from crawler.targets import TargetKind
from crawler.wants import Wants
from crawler.work import ArticleVisit, MediaVisit, Tools
from crawler.workers import Visits, Workers
from storage.errors import OutOfSpace
from storage.notes import Notes
from storage.records import Job
from storage.store import Store

_LISTEN_EVERY = 0.5  # seconds
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
        self._notes = Notes(store.folder)
        self._dispatcher: Dispatcher | None = None
        self._workers: Workers | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._scopes: list[int] = []
        self._second_chance_given = False
        self._sent: Callable[[], int] = lambda: 0  # requests so far
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
        summary.run = await self._store.begin_run(
            request.command,
            self._wants.follow,
            media=request.media,
            plan=nights.planner(self._settings.recheck),
            hear=nights.listener(self._settings.recheck),
            night=request.night is not None,
        )
        trail.begin_run(summary.run)
        self._scopes = await self._begin()
        dispatcher = self._dispatcher = Dispatcher(
            self._store, self._scopes, self._policy, self._give_second_chance, self._settings.concurrency
        )
        if summary.stopped_by:  # while the run was being begun
            dispatcher.stop()
        dispatcher.keep_away(await self._store.pauses())
        self._workers = Workers(
            self._store, dispatcher, self._settings, summary, self.stop, self._on_event, self._limit_reached
        )
        await self._workers.begin_watch(self._sites, anew=request.new_shape)
        try:
            async with AsyncExitStack() as stack:
                await self._work(stack, dispatcher, self._workers)
        finally:
            await self._store.release([*dispatcher.unstarted(), *dispatcher.in_hand()])
        await self._workers.end_watch()
        summary.hosts_given_up = dispatcher.hosts_given_up()
        summary.walks = await self._store.walks(self._scopes)
        summary.left = await self._store.waiting(self._scopes)
        summary.take_failures(await self._store.given_up(self._scopes))
        summary.seconds = time.monotonic() - began
        return summary

    async def _begin(self) -> list[int]:
        """Put on the frontier what the run is about, and return the scopes of it."""
        request, store = self._request, self._store
        listings = [target for target in request.targets if target.kind is not TargetKind.ARTICLE]
        sweeps: list[int] = []
        if request.sweep is not None:
            since = store.now() - request.sweep.days * 86_400
            pairs = [(self._wants.target(target, request.depth), self._wants.sweep(target)) for target in listings]
            begun = [
                await store.begin_sweep(target, sweep, unless_since=since, anew=request.sweep.alone)
                for target, sweep in pairs
            ]
            sweeps = [scope for scope in begun if scope is not None]
            if request.sweep.alone:
                return sweeps
        wanted = [self._wants.target(target, request.depth) for target in request.targets]
        scopes = await store.begin_targets(wanted, refresh=request.refresh)
        scopes += await self._noted()
        return [*scopes, *sweeps, *(await self._begin_night() if request.night is not None else ())]

    async def _begin_night(self) -> list[int]:
        """Ask for what is to be looked at again, and take up what earlier runs have left."""
        self.summary.cut_off = await self._store.unfinished_runs()
        await self._ask_rechecks()
        return await self._store.unfinished(list(self._sites))

    async def _ask_rechecks(self) -> bool:
        """Ask for articles that are due, as many as the night has left; True when there are any."""
        night, summary, policy = self._request.night, self.summary, self._settings.recheck
        if night is None or summary.rechecked >= night.rechecks:
            return False
        due, asked = await self._store.ask_rechecks(
            list(self._sites), nights.horizon(policy), policy.confirm_after, night.rechecks - summary.rechecked
        )
        summary.due += due
        summary.rechecked += asked
        return asked > 0

    async def _work(self, stack: AsyncExitStack, dispatcher: Dispatcher, workers: Workers) -> None:
        fetcher = await stack.enter_async_context(self._fetcher(dispatcher))
        settings = self._settings
        robots = RobotRules(
            fetcher,
            settings.fetch.user_agent,
            dispatcher.turn,
            dispatcher.leave,
            dispatcher.slow_down,
            obey=settings.robots,
        )
        blocks = BlockPages(settings.block_patterns)
        tools = Tools(
            self._store,
            fetcher,
            self._wants,
            robots,
            dispatcher.turn,
            dispatcher.has_place,
            blocks,
            on_request=workers.answered,
            let_others=workers.let_others,
            on_article=workers.learned,
            unkept=workers.unkept,
        )
        visits = Visits(ArticleVisit(tools), self._listing_visit(tools), MediaVisit(tools))
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._note_regularly(fetcher)),
                group.create_task(self._take_notes(dispatcher)),
            ]
            if self._request.time_limit is not None:
                helpers.append(group.create_task(self._stop_after(self._request.time_limit)))
            hands = 2 * settings.concurrency  # some wait for answers while others work them off
            self._tasks = [group.create_task(workers.work(visits)) for _ in range(hands)]
            try:
                await dispatcher.run()
            except OutOfSpace:  # there is room yet for what is in hand
                dispatcher.stop()
                await asyncio.wait(self._tasks)
                raise
            await asyncio.wait(self._tasks)
            for helper in helpers:
                helper.cancel()

    def _listing_visit(self, tools: Tools) -> ListingVisit:
        request = self._request
        return ListingVisit(
            tools,
            exhaustive=request.exhaustive,
            down_to_known=request.night is not None,
            sweep_requests=request.sweep.requests if request.sweep is not None else 0,
        )

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
        """Ask for what has become due meanwhile, then once more for what this run gave up and may have passed.

        True when there is any.
        """
        if await self._ask_rechecks():  # of which listings have just said that it has changed
            return True
        if self._second_chance_given:
            return False
        self._second_chance_given = True
        if self._workers is not None:
            self._workers.begin_second_chance()
        lost = list(self._dispatcher.hosts_given_up()) if self._dispatcher is not None else []
        return await self._store.once_more(self._scopes, _SECOND_CHANCES, lost) > 0

    async def _note_regularly(self, fetcher: Fetcher) -> None:
        self._sent = lambda: fetcher.requests
        try:
            while True:
                await asyncio.sleep(_NOTE_EVERY)
                self.summary.tally.requests = fetcher.requests
                await self._store.note_run(self.summary.tally)
        finally:
            self.summary.tally.requests = fetcher.requests

    async def _take_notes(self, dispatcher: Dispatcher) -> None:
        """Take in what the CMS says was saved while we work."""
        while True:
            await asyncio.sleep(_LISTEN_EVERY)
            scopes = await self._noted()
            self._scopes += [scope for scope in scopes if scope not in self._scopes]
            dispatcher.widen(scopes)

    async def _noted(self) -> list[int]:
        alone = self._request.sweep is not None and self._request.sweep.alone
        if alone or not self._request.notes:
            return []
        in_hand = {job.key for job in self._dispatcher.in_hand()} if self._dispatcher is not None else set()
        return await noted.take(self._notes, self._store, self._wants, in_hand)

    def _limit_reached(self) -> str:
        """Return which of the run's limits is reached, '' when none is."""
        request, tally = self._request, self.summary.tally
        if 0 < request.request_limit <= self._sent():
            return "requests"
        return "bytes" if 0 < request.byte_limit <= tally.bytes else ""

    async def _stop_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.stop("time")

    def _policy(self, host: str) -> LanePolicy:
        return LanePolicy(rate=self._settings.rate, concurrency=self._settings.per_host_concurrency)
