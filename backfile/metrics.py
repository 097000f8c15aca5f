"""Metrics of the last runs, as a file for the textfile collector of Prometheus's node_exporter.

The file holds the last run of each command, and the archive as the last of them left it. It is replaced whole, so that
no half of one is ever read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from backfile.config import Config
from backfile.exits import Exit
from storage.errors import StorageError
from storage.measures import Measures, measure
from storage.records import Tally

if TYPE_CHECKING:
    from crawler.plan import Summary

log = logging.getLogger(__name__)

_SUCCESS = "backfile_last_success_timestamp_seconds"
_FAILURES = "backfile_run_failures"
_RUN = ("archive", "command")

# Each with its labels. All are gauges: what the last run counted is not a total since the beginning.
_GAUGES = {
    "backfile_run_exit_status": (_RUN, "Exit status of the last run; see backfile --help."),
    "backfile_run_start_timestamp_seconds": (_RUN, "When the last run began."),
    "backfile_run_duration_seconds": (_RUN, "How long the last run took."),
    "backfile_run_requests": (_RUN, "HTTP requests of the last run."),
    "backfile_run_received_bytes": (_RUN, "Bytes of answers that the last run received."),
    "backfile_run_articles": ((*_RUN, "change"), "Articles that the last run found new, changed or gone."),
    "backfile_run_renditions": (_RUN, "Renditions that the last run archived."),
    _FAILURES: ((*_RUN, "cause"), "URLs that the last run could not archive, by cause."),
    _SUCCESS: (_RUN, "When the last run that ended with exit status 0 ended."),
    "backfile_urls": (("archive", "kind", "state"), "Known URLs, by kind and state."),
    "backfile_failures_standing": (("archive",), "URLs that could not be archived so far."),
    "backfile_archive_bytes": (("archive", "part"), "Size of the archive's database, and of its media."),
    "backfile_free_bytes": (("archive",), "Bytes that are free where the archive is."),
}


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What one run did; `started` in Unix seconds. Without an `archive` it could not be opened."""

    folder: Path  # of the archive
    command: str  # 'crawl', 'nightly' or 'listen'
    status: Exit
    started: float
    seconds: float
    tally: Tally = field(default_factory=Tally)
    causes: Mapping[str, int] = field(default_factory=dict)
    archive: Measures | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the file; the values of its labels are in the order of `_GAUGES`."""

    name: str
    labels: tuple[str, ...]
    value: float


def metrics_file(config: Config) -> Path | None:
    """Return the configured file; None when there is none."""
    name = config.settings.report.metrics_file
    return Path(name) if name else None


def facts_of(archive: Path, command: str, started: float, status: Exit, summary: Summary | None = None) -> RunFacts:
    """Return what to tell of a run that has ended, and of its archive as it is now.

    Without a `summary` it ended before it began to crawl, which its exit status says. `started` in Unix seconds.
    """
    try:
        measures = measure(archive)
    except StorageError:
        measures = None
    if summary is None:
        return RunFacts(archive, command, status, started, time.time() - started, archive=measures)
    return RunFacts(archive, command, status, started, summary.seconds, summary.tally, summary.causes, measures)


def write_metrics(path: Path, facts: RunFacts) -> None:
    """Replace the file at `path`, keeping what it says of other commands. Never raises: trouble is one warning."""
    try:
        samples = list(_samples(facts))
        _write(path, [*_still_true(_read(path), samples, facts), *samples])
    except OSError as error:
        log.warning("the metrics could not be written to %s: %s", path, error.strerror or error)


def _samples(facts: RunFacts) -> Iterator[Sample]:
    tally = facts.tally
    numbers = {
        "backfile_run_exit_status": float(facts.status),
        "backfile_run_start_timestamp_seconds": facts.started,
        "backfile_run_duration_seconds": facts.seconds,
        "backfile_run_requests": tally.requests,
        "backfile_run_received_bytes": tally.bytes,
        "backfile_run_renditions": tally.media_new,
    }
    if facts.status == Exit.OK:
        numbers[_SUCCESS] = facts.started + facts.seconds
    articles = {"new": tally.articles_new, "changed": tally.articles_changed, "gone": tally.articles_gone}
    run = (str(facts.folder), facts.command)
    yield from (Sample(name, run, value) for name, value in numbers.items())
    yield from (Sample("backfile_run_articles", (*run, change), number) for change, number in articles.items())
    yield from (Sample(_FAILURES, (*run, cause), number) for cause, number in facts.causes.items())
    if facts.archive is not None:
        yield from _of_archive(str(facts.folder), facts.archive)


def _of_archive(folder: str, archive: Measures) -> Iterator[Sample]:
    for kind, states in archive.urls.items():
        yield from (Sample("backfile_urls", (folder, kind, state), number) for state, number in states.items())
    yield Sample("backfile_failures_standing", (folder,), archive.standing)
    yield Sample("backfile_archive_bytes", (folder, "database"), archive.database)
    yield Sample("backfile_archive_bytes", (folder, "media"), archive.media)
    yield Sample("backfile_free_bytes", (folder,), archive.free)


def _still_true(old: Iterable[Sample], new: Iterable[Sample], facts: RunFacts) -> Iterator[Sample]:
    """Yield what an earlier file says of other commands, and of what this run does not know."""
    said = {sample.name for sample in new} | {_FAILURES}
    for sample in old:
        of_a_run = _GAUGES[sample.name][0][: len(_RUN)] == _RUN
        another = of_a_run and sample.labels[1] != facts.command
        if sample.labels[0] == str(facts.folder) and (another or sample.name not in said):
            yield sample


def _read(path: Path) -> list[Sample]:
    """Return the samples of an earlier file; none of one that is not there, or that cannot be understood."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
    except ValueError as error:
        log.warning("%s held no metrics (%s), and is written anew", path, error)
        return []
    found = [sample for family in families for sample in family.samples if sample.name in _GAUGES]
    return [
        Sample(sample.name, tuple(sample.labels[name] for name in _GAUGES[sample.name][0]), sample.value)
        for sample in found
        if set(sample.labels) == set(_GAUGES[sample.name][0])
    ]


def _write(path: Path, samples: Iterable[Sample]) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    gauges = {name: Gauge(name, about, labels, registry=registry) for name, (labels, about) in _GAUGES.items()}
    for sample in samples:
        gauges[sample.name].labels(*sample.labels).set(sample.value)
    write_to_textfile(str(path), registry)
