"""`nightly`: what cron runs."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Annotated

import typer

from backfile import report
from backfile.commands.crawl import chosen_targets
from backfile.config import Config
from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from backfile.output import print_json
from backfile.values import duration


def nightly(
    context: typer.Context,
    time_limit: Annotated[str, typer.Option(metavar="4h", help="Stop after so long; the rest waits.")] = "",
    requests: Annotated[int | None, typer.Option(min=0, help="Stop after so many requests; 0: no limit.")] = None,
    new_shape: Annotated[
        bool, typer.Option("--new-shape", help="The CMS sends another shape of article than before, and that is right.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
) -> int:
    """Bring the archive up to date: what cron runs.

    For every configured target: archive what is new, newest first, down to what is known; look again at articles that
    may have changed; try again what failed and is due; fetch pictures that are missing; confirm what may be gone; go on
    with the sweep of whole listings; and verify a part of the archive. What does not fit into the limits waits, and the
    longest waiting goes first next time.

    Without a terminal it says nothing when all is well, and one line, on stderr, when anything is not.

    Examples:
        17 3 * * *  backfile --config /etc/backfile/config.toml nightly     (a crontab line)

        backfile nightly --time-limit 4h -v
    """
    own: Context = context.obj
    config, sites = own.ready()
    targets = chosen_targets([], sites, config)
    limit = _seconds(config, time_limit)
    from backfile import nights  # aiohttp takes a third of a second to import

    most = config.settings.nightly.requests if requests is None else requests
    plan = nights.Plan(config, sites, targets, limit, most, new_shape)
    outcome = asyncio.run(nights.run(plan, console=own.err, show_progress=own.show_progress))
    line = report.line(outcome.summary, outcome.status, outcome.checked)
    if as_json:
        facts = report.facts(outcome.summary, outcome.status) | {"verified": asdict(outcome.checked)}
        print_json(facts, indent=2)
    elif own.out.is_terminal and not own.quiet:
        own.out.print(report.text(outcome.summary, str(config.archive)), markup=False)
    if outcome.status != Exit.OK or outcome.summary.cut_off or own.verbose:
        own.tell(line, logging.INFO if outcome.status == Exit.OK else logging.ERROR)
    if outcome.status != Exit.OK and (own.out.is_terminal or own.verbose):
        own.tell(report.shortcomings(outcome.summary, outcome.status))
    return outcome.status


def _seconds(config: Config, given: str) -> float | None:
    """Return the time limit in seconds: as given, else as configured."""
    if not given:
        configured = config.settings.nightly.time_limit
        return duration(configured) if configured else None
    try:
        return duration(given)
    except ValueError as error:
        raise UsageError(f"--time-limit: {error}") from error
