"""Where the report of a run goes: `reports/<run>.html` in the archive, whole or not at all."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from backfile.config import Config
from backfile.reporting.facts import gather
from backfile.reporting.traffic import Promise
from storage.reading import open_reading

log = logging.getLogger(__name__)


def promise_of(config: Config) -> Promise:
    """Return how hard one host may be asked, as configured."""
    return Promise(config.settings.crawl.rate, config.settings.crawl.per_host_concurrency)


def write_report(archive: Path, run: int, promise: Promise | None = None) -> Path:
    """Write the page of a run of a closed archive, and return where it is. Raises UsageError, StorageError, OSError."""
    from backfile.reporting import page  # templates and pictures take a third of a second to import

    with open_reading(archive) as reading:
        html = page.render(reading, gather(reading, run, promise))
    path = archive / "reports" / f"{run}.html"
    path.parent.mkdir(exist_ok=True)
    put(path, html)
    return path


def leave_report(archive: Path, run: int, promise: Promise | None = None) -> Path | None:
    """Write the page of a run as `write_report` does; what goes wrong is a warning, and nothing else.

    What the run has archived is safe whatever becomes of its page, so no mistake in it may change the run's result.
    """
    try:
        return write_report(archive, run, promise)
    except Exception as error:  # noqa: BLE001 - a report is told about the run, it is no part of it
        log.warning(
            "the report of run %d could not be written to %s (%s: %s); what the run archived is safe. "
            "Write it with: backfile report %d --html FILE",
            run,
            archive / "reports",
            type(error).__name__,
            error,
            run,
        )
        return None


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader meets the old one or the new one. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
