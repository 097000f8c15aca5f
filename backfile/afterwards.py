"""What follows when a run has ended and its archive is closed: its report, and the metrics."""

from __future__ import annotations

from backfile.config import Config
from backfile.exits import Exit
from crawler.plan import Summary


def afterwards(config: Config, command: str, started: float, status: Exit, summary: Summary | None) -> None:
    """Write what is to be written; `started` in Unix seconds. Without a summary the run ended before it began.

    What goes wrong is a warning: what the run has archived is safe.
    """
    from backfile.metrics import facts_of, metrics_file, write_metrics
    from backfile.reporting.writing import leave_report, promise_of

    if summary is not None and summary.run:
        leave_report(config.archive, summary.run, promise_of(config))
    if path := metrics_file(config):
        write_metrics(path, facts_of(config.archive, command, started, status, summary))
