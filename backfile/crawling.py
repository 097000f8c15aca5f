"""Running one crawl from the command line: signals, progress, the summary, the exit status."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from backfile.config import Config
from backfile.errors import ConfigError
from backfile.exits import Exit, most_specific
from backfile.progress import CrawlProgress
from crawler.errors import FaultKind
from crawler.fetch import FetchSettings
from crawler.network import ConnectTo
from crawler.plan import CrawlRequest, CrawlSettings, Summary
from crawler.politeness import Outcome
from crawler.retry import outcome_of
from crawler.run import Crawl
from crawler.schedule import DAY, HOUR, Policy
from crawler.sites import Site
from storage.opening import open_store
from storage.records import Job
from storage.store import Store

GRACE_SECONDS = 10.0  # how long what is in hand may take after the first signal
_REFRESH_SECONDS = 0.5
_DRIFT_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What was found before a run, and counts towards its exit status."""

    status: Exit = Exit.OK
    notes: tuple[str, ...] = ()


class _Stopped(BaseException):
    """A signal has come while nothing was crawled."""


async def crawl(
    archive: Path,
    sites: Sequence[Site],
    settings: CrawlSettings,
    request: CrawlRequest,
    *,
    min_free_bytes: int,
    console: Console,
    show_progress: bool,
    beforehand: Beforehand = Beforehand(),
    conclude: Callable[[Exit], Exit] | None = None,
) -> tuple[Summary, Exit]:
    """Crawl into an archive; returns what came of it and the exit status. Raises StorageError.

    `conclude` is told the status when all is kept, and returns the one that the run is to end with.
    """
    gc.freeze()  # what is loaded by now stays
    async with open_store(archive, min_free_bytes=min_free_bytes) as store:
        progress = CrawlProgress(console, shown=show_progress)

        def on_event(what: str, job: Job) -> None:
            progress.event(what, job.kind.value)

        crawling = Crawl(store, sites, settings, request, on_event)
        with progress:
            async with _stopped_by_signals(crawling), _redrawn(progress, store, crawling, enabled=show_progress):
                summary = await crawling.run()
        status = most_specific([exit_of(summary), beforehand.status])
        if conclude is not None:
            await store.flush()
            status = _concluded(conclude, status)
        notes = [*beforehand.notes, *_notes(summary)]
        summary.manifest_root = await store.end_run(summary.tally, int(status), notes)
        return summary, status


def settings_of(config: Config) -> CrawlSettings:
    """Return the crawler's settings from the configuration."""
    crawl_table, network = config.settings.crawl, config.settings.network
    contact = f" contact: {crawl_table.contact}" if crawl_table.contact else ""
    fetch = FetchSettings(
        user_agent=crawl_table.user_agent + contact,
        connect_timeout=crawl_table.connect_timeout,
        read_timeout=crawl_table.read_timeout,
        max_page_bytes=crawl_table.max_page_mb << 20,
        max_media_bytes=crawl_table.max_media_mb << 20,
        connect_to=tuple(_connect_to(text, config.source) for text in network.connect_to),
        ca_file=_ca_file(network.ca_file, config.source),
        proxy=network.proxy,
    )
    return CrawlSettings(
        fetch=fetch,
        concurrency=crawl_table.concurrency,
        per_host_concurrency=crawl_table.per_host_concurrency,
        rate=crawl_table.rate,
        robots=crawl_table.robots,
        third_party_media=crawl_table.third_party_media,
        attempts=crawl_table.retries + 1,
        block_patterns=crawl_table.block_patterns,
        failure_budget=crawl_table.failure_budget,
        recheck=_policy(config),
    )


def _policy(config: Config) -> Policy:
    table = config.settings.recheck
    try:
        return Policy(
            share=table.share,
            shortest=table.shortest_hours * HOUR,
            longest=table.longest_days * DAY,
            partial_longest=table.partial_longest_days * DAY,
            confirm_after=table.confirm_hours * HOUR,
            gone_shortest=table.gone_shortest_days * DAY,
            trust=table.trust,
        )
    except ValueError as error:
        raise ConfigError(f"{config.source}: [recheck] {error}") from error


def _connect_to(text: str, source: str) -> ConnectTo:
    try:
        return ConnectTo.parse(text)
    except ValueError as error:
        raise ConfigError(
            f'{source}: [network] connect_to: {error}. Write it as "cdn.example.org:443:127.0.0.1:8443"'
        ) from error


def _ca_file(name: str, source: str) -> str:
    path = Path(name).expanduser()
    if not name:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"holds no certificate ({error})"
        raise ConfigError(
            f"{source}: [network] ca_file {name!r} {why}, so no connection could be trusted. Name a PEM file"
        ) from error
    return str(path)


def exit_of(summary: Summary) -> Exit:
    """Return the exit status of a crawl: of several that apply, the most specific."""
    if summary.stopped_by == "SIGINT":
        return Exit.INTERRUPTED
    if summary.stopped_by == "SIGTERM":
        return Exit.TERMINATED
    if summary.stopped_by in ("time", "requests", "bytes"):
        return Exit.LIMIT
    if summary.stopped_by in ("budget", "drift"):
        return Exit.BUDGET
    if summary.hosts_given_up or _nobody_answered(summary):
        return Exit.UNREACHABLE
    if summary.key_refused:
        return Exit.KEY_REFUSED
    lacking = summary.failed or summary.standing or summary.truncated or summary.partial or summary.left
    return Exit.INCOMPLETE if lacking else Exit.OK


def _nobody_answered(summary: Summary) -> bool:
    """Say whether nothing came in, and all that failed did so because a host was down or did not want us."""
    causes = set(summary.causes) - {FaultKind.NOTHING_LISTED.value}  # a consequence
    if all(walk.verdict == "unavailable" for walk in summary.walks):  # else a route that was lost was not needed
        causes |= summary.routes_lost
    outcomes = {outcome_of(FaultKind(cause)) for cause in causes}
    came_in = summary.tally.articles_new + summary.tally.articles_changed + summary.tally.media_new
    return bool(outcomes) and outcomes <= {Outcome.DOWN, Outcome.BLOCKED, Outcome.TIMEOUT} and not came_in


def _notes(summary: Summary) -> list[str]:
    walks = [f"{walk.key}: {walk.verdict}" for walk in summary.truncated]
    hosts = [f"{host}: {reason}" for host, reason in summary.hosts_given_up.items()]
    cut_off = [f"the run of {started} did not finish" for started in summary.cut_off]
    return [*cut_off, *summary.drift[:_DRIFT_SHOWN], *walks, *hosts, *summary.examples]


def _concluded(conclude: Callable[[Exit], Exit], status: Exit) -> Exit:
    """Return what `conclude` makes of a status; a signal ends that at once, so that the run's end is kept."""

    def stop(number: int, _frame: object) -> None:
        raise _Stopped(signal.Signals(number))

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return conclude(status)
    except _Stopped as stopped:
        return Exit.INTERRUPTED if stopped.args == (signal.SIGINT,) else Exit.TERMINATED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.asynccontextmanager
async def _stopped_by_signals(crawling: Crawl) -> AsyncIterator[None]:
    """First signal: finish what is in hand, within the grace; second: at once."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def stop(name: str) -> None:
        if timers:
            crawling.abandon()
            return
        crawling.stop(name)
        timers.append(loop.call_later(GRACE_SECONDS, crawling.abandon))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number.name)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        for timer in timers:
            timer.cancel()


@contextlib.asynccontextmanager
async def _redrawn(progress: CrawlProgress, store: Store, crawling: Crawl, *, enabled: bool) -> AsyncIterator[None]:
    async def redraw() -> None:
        while True:
            counts = await store.counts()
            waiting = {kind: states.get("queued", 0) + states.get("doing", 0) for kind, states in counts.items()}
            progress.update(waiting, crawling.summary.tally.bytes)
            await asyncio.sleep(_REFRESH_SECONDS)

    task = asyncio.create_task(redraw()) if enabled else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
