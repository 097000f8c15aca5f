"""One night: a part of the archive verified, then one run over everything that is due."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from backfile import crawling, report
from backfile.afterwards import afterwards
from backfile.config import Config
from backfile.exits import Exit, exit_of
from backfile.health import Stage, monitor_of, ping, stage_of
from crawler.plan import CrawlRequest, Night, Summary, Sweep
from crawler.sites import Site
from crawler.targets import Target
from storage.errors import StorageError
from storage.findings import Flaw
from storage.lock import wait_for_listener
from storage.rounds import Round
from storage.verify import verify

_EXAMPLES = 5
PATIENCE = 75.0  # seconds: longer than `backfile listen` holds an archive


@dataclass(frozen=True, slots=True)
class Plan:
    """What a night is about; `time_limit` in seconds."""

    config: Config
    sites: Sequence[Site]
    targets: Sequence[Target]
    time_limit: float | None
    requests: int
    new_shape: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What the verification of a part of the archive has found."""

    percent: float = 0.0
    findings: dict[str, int] = field(default_factory=dict)  # by flaw
    examples: tuple[str, ...] = ()

    @property
    def status(self) -> Exit:
        """What it means for the night's exit status."""
        if Flaw.DATABASE.value in self.findings:
            return Exit.DAMAGED
        return Exit.INCOMPLETE if self.findings else Exit.OK


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a night."""

    summary: Summary
    status: Exit
    checked: Checked


async def run(plan: Plan, *, console: Console, show_progress: bool) -> Outcome:
    """Spend a night, and tell of it. Raises StorageError, ArchiveInUse before anything is read."""
    config, started = plan.config, time.time()
    monitor = monitor_of(config, crawling.settings_of(config).fetch)
    await ping(monitor, Stage.START)
    try:
        outcome = await _spend(plan, console, show_progress=show_progress)
    except StorageError as error:
        status = exit_of(error) or Exit.INCOMPLETE
        afterwards(config, "nightly", started, status, None)
        await ping(monitor, stage_of(status), f"nightly: exit {int(status)}: {error}")
        raise
    afterwards(config, "nightly", started, outcome.status, outcome.summary)
    line = report.line(outcome.summary, outcome.status, outcome.checked)
    await ping(monitor, stage_of(outcome.status), line)
    return outcome


async def _spend(plan: Plan, console: Console, *, show_progress: bool) -> Outcome:
    settings = plan.config.settings
    checked = check(plan.config.archive, settings.nightly.verify_percent, time.time())
    if checked.status is Exit.DAMAGED:
        return Outcome(Summary(), checked.status, checked)  # a run would write over what may be rescued
    summary, status = await crawling.crawl(
        plan.config.archive,
        plan.sites,
        crawling.settings_of(plan.config),
        request_of(plan),
        min_free_bytes=settings.archive.min_free_mb << 20,
        console=console,
        show_progress=show_progress,
        beforehand=crawling.Beforehand(checked.status, checked.examples),
    )
    return Outcome(summary, status, checked)


def request_of(plan: Plan) -> CrawlRequest:
    """Return what a night asks of the crawler."""
    table = plan.config.settings.nightly
    return CrawlRequest(
        targets=tuple(plan.targets),
        command="nightly",
        new_shape=plan.new_shape,
        time_limit=plan.time_limit,
        request_limit=plan.requests,
        byte_limit=table.megabytes * 1_000_000,
        night=Night(rechecks=table.rechecks),
        sweep=Sweep(requests=table.sweep_requests, days=table.sweep_days),
    )


def check(archive: Path, percent: float, now: float) -> Checked:
    """Verify so many percent of an archive, what was verified longest ago first. Raises StorageError.

    The archive must not be open for writing in this process: reading the database's file takes away SQLite's locks.
    """
    if not (archive / "archive.db").is_file():
        return Checked()
    wait_for_listener(archive, PATIENCE)  # a second run on the same archive ends here, before it reads a part of it
    if not percent:
        return Checked()
    counts: Counter[str] = Counter()
    examples: list[str] = []
    with Round(archive, percent if percent < 100 else None, now) as this:
        for finding in verify(archive, parts=this.parts, rows=this.rows, done=this.done):
            counts[finding.flaw.value] += 1
            if len(examples) < _EXAMPLES:
                examples.append(f"{finding.flaw.value}: {finding.subject} {finding.detail}")
    return Checked(percent, dict(counts), tuple(examples))
