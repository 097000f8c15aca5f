"""`report`: what one run did, for a terminal, a browser or a program."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from backfile.output import print_json
from backfile.reporting import terminal
from backfile.reporting.facts import Report, gather
from backfile.reporting.writing import promise_of, put
from storage.reading import Reading, open_reading


def report(
    context: typer.Context,
    run: Annotated[
        int | None, typer.Argument(metavar="RUN", min=1, max=sys.maxsize, help="Its number; default: the last one.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page of the run to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say what one run did: what came in, changed, vanished and failed, and how fast and how politely.

    Every run writes this as a page, reports/RUN.html in the archive, which opens in a browser without a network.

    Examples:
        backfile report

        backfile report 12 --html run-12.html

        backfile report --json | jq .traffic.hosts
    """
    own: Context = context.obj
    config, _ = own.ready()
    with open_reading(config.archive) as reading:
        found = gather(reading, run, promise_of(config))
        if html is not None:
            _write(reading, found, html)
    if as_json:
        print_json(asdict(found), indent=2)
    elif html is not None:
        own.out.print(f"run {found.run.id}: {html}", markup=False)
    else:
        terminal.show(own.out, found)
    return Exit.OK


def _write(reading: Reading, found: Report, path: Path) -> None:
    from backfile.reporting import page  # templates and pictures take a third of a second to import

    text = page.render(reading, found)
    try:
        put(path, text)
    except OSError as error:
        raise UsageError(
            f"--html {path}: the page cannot be written there ({error.strerror}); name a file in a folder that is "
            "there and writable"
        ) from error
