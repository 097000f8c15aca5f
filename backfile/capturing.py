"""What `backfile listen` does with its notes: a short crawl of their articles whenever nobody else has the archive."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backfile.crawling import GRACE_SECONDS, exit_of
from backfile.exits import Exit
from crawler.plan import CrawlRequest, CrawlSettings, Summary
from crawler.run import Crawl
from crawler.sites import Site, host_of
from crawler.targets import article_target
from storage.errors import ArchiveInUse
from storage.lock import LISTENER
from storage.notes import Note, Notes
from storage.opening import open_store

log = logging.getLogger(__name__)

BUSY_SECONDS = 2.0  # until an archive that is in use is tried again
_PAUSE_SECONDS = 10.0  # between two captures; what is noted meanwhile is captured together
LONGEST_SECONDS = 60.0  # of one capture, so that other runs need not wait long; the rest is on the frontier


@dataclass(frozen=True, slots=True)
class Setting:
    """Where to capture into, from where, and how."""

    archive: Path
    sites: Sequence[Site]
    crawl: CrawlSettings
    min_free_bytes: int


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture: the articles as `site:id`, when it began in Unix seconds, and what came of it."""

    articles: tuple[str, ...]
    started: float
    status: Exit
    summary: Summary


class Capturer:
    """Captures what is noted, until it is stopped."""

    def __init__(self, setting: Setting, notes: Notes, on_capture: Callable[[Captured], None]) -> None:
        """`on_capture` hears of each capture when the archive is at rest again."""
        self._setting = setting
        self._sites = {site.name: site for site in setting.sites}
        self._notes = notes
        self._on_capture = on_capture
        self._news = asyncio.Event()
        self._news.set()  # an earlier process may have left notes
        self._stopped = asyncio.Event()
        self._crawl: Crawl | None = None
        self._held: set[str] = set()  # sites that refused their key: they are asked nothing more by this process

    def wake(self) -> None:
        """Say that there is a new note."""
        self._news.set()

    def stop(self) -> None:
        """Begin no other capture, and end the one in hand within the grace."""
        self._stopped.set()
        self._news.set()
        if self._crawl is not None:
            self._crawl.stop("SIGTERM")
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._crawl.abandon)

    async def run(self) -> None:
        """Capture until stopped. Raises StorageError, but for an archive in use, for which it waits."""
        while not self._stopped.is_set():
            await self._news.wait()
            self._news.clear()
            pause = await self._capture_waiting()
            await self._rest(pause)

    async def _capture_waiting(self) -> float:
        """Capture what waits; returns how long to rest after it, in seconds."""
        noted = self._notes.waiting()
        self._notes.settle(note for note in noted if note.site not in self._sites)  # nobody could ever capture them
        waiting = [note for note in noted if note.site in self._sites and note.site not in self._held]
        if not waiting or self._stopped.is_set():
            return 0.0
        try:
            await self._capture(waiting)
        except ArchiveInUse:
            self._news.set()
            return BUSY_SECONDS
        return _PAUSE_SECONDS

    async def _capture(self, waiting: Sequence[Note]) -> None:
        """Crawl the articles of some notes; what could not be had is on the frontier, for later runs.

        Raises StorageError.
        """
        articles = sorted({(note.site, note.article) for note in waiting})
        targets = tuple(article_target(self._sites[site], article) for site, article in articles)
        request = CrawlRequest(targets, "listen", refresh=True, notes=False, time_limit=LONGEST_SECONDS)
        started = time.time()
        async with open_store(
            self._setting.archive, min_free_bytes=self._setting.min_free_bytes, holder=LISTENER
        ) as store:
            self._crawl = Crawl(store, self._setting.sites, self._setting.crawl, request)
            try:
                summary = await self._crawl.run()
            finally:
                self._crawl = None
            status = exit_of(summary)
            await store.end_run(summary.tally, int(status), summary.examples)
        if summary.key_refused:
            self._hold(summary.key_refused)
        elif not self._stopped.is_set():
            self._notes.settle(waiting)
        self._on_capture(Captured(tuple(target.key for target in targets), started, status, summary))

    def _hold(self, host: str) -> None:
        """Send no other request with a key that a host refused; what is noted waits for another run."""
        sites = self._setting.sites
        asked = [site.name for site in sites if host in (host_of(site.api_url), host_of(site.classic_url))]
        refused = asked or [site.name for site in sites]
        self._held.update(refused)
        self._news.set()
        log.error("%s refused the key: nothing of %s is captured before a restart", host, ", ".join(refused))

    async def _rest(self, seconds: float) -> None:
        """Wait, unless stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            return
