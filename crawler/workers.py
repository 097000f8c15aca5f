"""The workers: each takes a job, performs it, and records what came of it, were it a failure.

Every failure is one pure decision and one recorded consequence; one row's trouble is never another's.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from crawler import retry, trail
from crawler.captures import page_capture
from crawler.cms.article import Article
from crawler.dispatch import Dispatcher
from crawler.drift import Watch
from crawler.errors import Fault, FaultKind
from crawler.fetch import Answer
from crawler.listing import ListingVisit
from crawler.plan import CrawlSettings, Summary
from crawler.politeness import Outcome, RetryBudget
from crawler.urls import display
from crawler.walk import UNAVAILABLE
from crawler.work import ArticleVisit, MediaVisit, Unread
from storage.articles import Change
from storage.errors import StorageError
from storage.records import Capture, Failure, Job, Kind, ListingStep, Source
from storage.store import Store

log = logging.getLogger(__name__)

_MISTAKE = "a mistake of our own at %s"
_QUICK_TRIES = 2
_FAR = 0.02  # seconds: where answers take longer, time is short, and else the processor
_BUDGET_FROM = 50  # finished jobs of a kind before their failures are held against the budget


@dataclass(frozen=True, slots=True)
class Visits:
    """The three kinds of work."""

    article: ArticleVisit
    listing: ListingVisit
    media: MediaVisit


class Workers:
    """What all workers of a run share: how to perform a job, and the count of what came of them."""

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        settings: CrawlSettings,
        summary: Summary,
        stop: Callable[[str], None],
        on_event: Callable[[str, Job], None],
        limit_reached: Callable[[], str],
    ) -> None:
        """`stop` is called with a reason when the run must end; `on_event` hears of each finished job.

        `limit_reached` names the limit of the run that is reached, if one is.
        """
        self._store = store
        self._dispatcher = dispatcher
        self._settings = settings
        self._summary = summary
        self._stop = stop
        self._on_event = on_event
        self._limit_reached = limit_reached
        self._loop = asyncio.get_running_loop()
        self._random = random.Random()
        self._retries = RetryBudget()
        self._second_chance = False
        self._latency: dict[int, float] = {}  # of the last answer to each job in hand, in seconds
        self._done: Counter[Kind] = Counter()  # jobs that came to a good end
        self._given_up: Counter[Kind] = Counter()
        self._watches: dict[str, Watch] = {}  # by site
        self._put_off: Counter[int] = Counter()  # how often a row was put off at no cost in this run

    def answered(self, job: Job, answer: Answer, size: int) -> None:
        """Note an answer to a job: how long it took, and its size in bytes."""
        self._latency[job.id] = answer.seconds
        self._summary.tally.bytes += size
        if log.isEnabledFor(logging.DEBUG):  # spelling a URL for people costs more than the rest of this
            log.debug("%s: %d, %d bytes in %.3f s", display(answer.url), answer.status, size, answer.seconds)

    async def let_others(self, job: Job, answer: Answer) -> None:
        """Let others ask before the last answer to a job is worked off: the way to a host may be long."""
        if answer.seconds > _FAR:
            self._dispatcher.answered(job)
            await asyncio.sleep(0)  # whoever has an answer, too, lets others ask
            await asyncio.sleep(0)  # they ask

    def learned(self, article: Article) -> None:
        """Note the shape of an article; the run stops when too many of them have another one than usual."""
        if article.record.source is Source.PARTIAL:
            return  # its shape is of our making
        watch = self._watches[article.record.site]
        watch.take(article.shape)
        if watch.share() > self._settings.failure_budget:
            self._stop("drift")

    async def begin_watch(self, sites: Iterable[str], *, anew: bool) -> None:
        """Recall what shape the articles of these sites usually have; `anew`: forget it."""
        for site in sites:
            if anew:
                await self._store.forget_shapes(site)
            self._watches[site] = Watch(site, await self._store.known_shapes(site))

    async def end_watch(self) -> None:
        """Keep the shapes that were seen, unless the run has stopped for them, and say how they differ."""
        for site, watch in self._watches.items():
            self._summary.drift += map(str, watch.findings())
            if self._summary.stopped_by != "drift":
                await self._store.add_shapes(site, watch.seen)

    def begin_second_chance(self) -> None:
        """Everything else is done: from now on, what had its attempts has one more."""
        self._second_chance = True
        self._given_up.clear()

    async def work(self, visits: Visits) -> None:
        """Be one worker until the run is over. Raises StorageError or OSError, which are the whole run's trouble."""
        trail.begin_run(self._summary.run)
        while (job := await self._dispatcher.next()) is not None:
            trail.begin_job(job.kind.value, job.id)
            began = time.monotonic()
            outcome, retry_after = Outcome.OK, None
            try:
                await self._attempt(job, visits)
                self._retries.succeeded()
                self._put_off.pop(job.id, None)
            except Fault as fault:
                if not fault.host:
                    outcome, retry_after = retry.outcome_of(fault.kind), fault.retry_after
                await self._keep_away(fault.host or job.host, fault.retry_after)
                await self._failed(job, fault, visits)
            except (StorageError, OSError):
                raise
            except Exception as error:  # one row must not cost the run; nothing is hidden: it fails, loudly
                log.exception(_MISTAKE, display(job.url))
                outcome = Outcome.NEUTRAL
                await self._failed(job, _mistake(error), visits)
            # Only a job that came to an end is finished: one that was cut off stays in hand, and is given back.
            latency = self._latency.pop(job.id, time.monotonic() - began)
            self._dispatcher.finished(job, outcome, latency, retry_after)
            if limit := self._limit_reached():
                self._stop(limit)

    async def _keep_away(self, host: str, retry_after: float | None) -> None:
        """Let later runs know, too, how long a host wants to be left alone."""
        if retry_after is not None and retry_after > retry.PATIENCE:
            await self._store.stay_away(host, self._store.now() + min(retry_after, retry.LONGEST_RETRY_AFTER))

    async def _attempt(self, job: Job, visits: Visits) -> None:
        """Perform a job; a fault that is worth a second try at once gets one, in the host's next turn."""
        try:
            await self._perform(job, visits)
            return
        except Fault as fault:
            if not self._soon(fault, job, 1):
                raise
            first = fault
        tries = AsyncRetrying(
            retry=lambda state: self._once_more(state, job),
            wait=lambda state: self._pause(state, job, first),
            stop=stop_after_attempt(_QUICK_TRIES),
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                async with self._dispatcher.turn(job.host, again=True):
                    if self._dispatcher.troubled(job.host):  # which nobody knew when this began to wait
                        raise first
                    await self._perform(job, visits)

    def _once_more(self, state: RetryCallState, job: Job) -> bool:
        error = state.outcome.exception() if state.outcome is not None else None
        return isinstance(error, Fault) and self._soon(error, job, 1 + state.attempt_number)

    def _soon(self, fault: Fault, job: Job, tries: int) -> bool:
        """Say whether the worker itself tries again at once: not where the host is in trouble."""
        soon = self._decide(fault, job, tries).verdict is retry.Verdict.SOON
        return soon and not self._dispatcher.troubled(job.host) and self._retries.take()

    def _pause(self, state: RetryCallState, job: Job, first: Fault) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        fault = error if isinstance(error, Fault) else first
        decision = self._decide(fault, job, state.attempt_number)
        return max(0.0, (decision.at or 0.0) - self._store.now())

    def _decide(self, fault: Fault, job: Job, tries: int = 1, *, retry_left: bool = True) -> retry.Decision:
        return retry.decide(
            fault.kind,
            attempt=job.attempts + tries,
            now=self._store.now(),
            retry_after=fault.retry_after,
            random=self._random.random,
            allowance=retry.Allowance(
                attempts=self._settings.attempts,
                put_off=self._put_off[job.id],
                second_chance=self._second_chance,
                retry_left=retry_left,
            ),
        )

    async def _perform(self, job: Job, visits: Visits) -> None:
        tally = self._summary.tally
        what = "done"
        if job.kind is Kind.ARTICLE:
            change, source = await visits.article.perform(job)
            self._summary.partial += source is Source.PARTIAL
            tally.articles_new += change is Change.NEW
            tally.articles_changed += change is Change.CHANGED
            self._summary.worse += change is Change.WORSE
            what = change.value
        elif job.kind is Kind.LISTING:
            step = await visits.listing.perform(job)
            if step.verdict == UNAVAILABLE and job.depth >= 0 and not job.is_sweep:  # it was asked for
                await self._nothing_listed(job, step)
                return
        else:
            new = await visits.media.perform(job)  # on a line of its own: others count meanwhile
            tally.media_new += new
        self._done[job.kind] += 1
        self._on_event(what, job)

    async def _nothing_listed(self, job: Job, step: ListingStep) -> None:
        """Record that a listing's walk has ended, and came to nothing by any route."""
        fault = Fault(FaultKind.NOTHING_LISTED, step.note)
        self._count_given_up(job)
        failure = replace(self._failure(fault, self._decide(fault, job)), counts=False)  # its answers were counted
        await self._store.fail(job, failure, in_run=False)

    async def _failed(self, job: Job, fault: Fault, visits: Visits) -> None:
        """Record a failed attempt and what follows from it."""
        decision = self._decide(fault, job)
        if decision.in_run and decision.counts and job.kind is not Kind.LISTING and not self._retries.take():
            decision = self._decide(fault, job, retry_left=False)
        log.debug("%s: %s (%s)", display(job.url), fault, decision.verdict)
        if decision.verdict is retry.Verdict.STOP:
            self._summary.key_refused = self._summary.key_refused or job.host
            self._stop("key")
        elif not decision.in_run and self._is_absence(job, fault):
            await self._absent(job, fault)
            return
        elif not decision.in_run:
            if job.kind is Kind.LISTING and await visits.listing.route_failed(job, fault):
                self._summary.routes_lost.add(fault.kind.value)
                return
            self._count_given_up(job)
        if not decision.counts:
            self._put_off[job.id] += 1
        failure, capture = self._failure(fault, decision), self._unread(fault)
        if capture is not None:
            await self._store.keep_unread(job, capture, failure, in_run=decision.in_run)
        else:
            await self._store.fail(job, failure, in_run=decision.in_run)

    def unkept(self, job: Job, error: Exception) -> Failure:
        """Say how a rendition failed that had been fetched and could not be kept. Called in the writer's thread."""
        self._loop.call_soon_threadsafe(self._count_unkept, job)
        log.error(_MISTAKE, display(job.url), exc_info=error)
        fault = _mistake(error)
        return self._failure(fault, self._decide(fault, job))

    def _count_unkept(self, job: Job) -> None:
        self._summary.tally.media_new -= 1
        self._done[job.kind] -= 1
        self._count_given_up(job)

    def _failure(self, fault: Fault, decision: retry.Decision) -> Failure:
        return Failure(
            fault=fault.kind.value,
            error=str(fault),
            at=self._store.now(),
            retry_at=decision.at,
            counts=decision.counts,
            http_status=fault.http_status,
        )

    def _unread(self, fault: Fault) -> Capture | None:
        return page_capture(fault.answer, self._store.now(), str(fault)) if isinstance(fault, Unread) else None

    def _is_absence(self, job: Job, fault: Fault) -> bool:
        troubled = self._dispatcher.troubled(fault.host or job.host)
        return retry.is_absence(fault.kind, kind=job.kind.value, http_status=fault.http_status, troubled=troubled)

    async def _absent(self, job: Job, fault: Fault) -> None:
        """Record that an article or a picture is not there: no failure where we hold it."""
        failure = self._failure(fault, self._decide(fault, job))
        absence = await self._store.absent(job, failure, self._unread(fault), self._settings.recheck.confirm_after)
        self._summary.absent += absence.held
        if absence.newly_gone:
            self._summary.gone += 1
            self._summary.tally.articles_gone += job.kind is Kind.ARTICLE and absence.held
        if absence.held:
            self._done[job.kind] += 1
            self._on_event("gone" if absence.newly_gone else "absent", job)
        else:
            self._count_given_up(job)

    def _count_given_up(self, job: Job) -> None:
        """Hold what failed for this run against the failure budget of its kind."""
        self._on_event("failed", job)
        self._given_up[job.kind] += 1
        given_up = self._given_up[job.kind]
        finished = self._done[job.kind] + given_up
        if finished >= _BUDGET_FROM and given_up > self._settings.failure_budget * finished:
            self._stop("budget")


def _mistake(error: Exception) -> Fault:
    return Fault(FaultKind.INTERNAL, f"a mistake of our own ({display(f'{type(error).__name__}: {error}')})")
