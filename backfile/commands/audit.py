"""`audit`: is the archive complete, and can that be shown?"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from backfile.commands.crawl import chosen_targets
from backfile.config import Config
from backfile.context import Context
from backfile.exits import Exit
from backfile.output import print_json
from crawler.sites import Site
from crawler.targets import Target, TargetKind
from crawler.urls import display
from storage import manifest
from storage.reading import Reading, open_reading, open_reading_beside

_SHOWN, _SHOWN_EXPLAINED = 20, 3


def audit(
    context: typer.Context,
    targets: Annotated[list[str] | None, typer.Argument(metavar="[TARGET]...", help="What to audit.")] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask the CMS nothing: judge by the last sweeps, and say how old they are.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, all that is lacking in it.")
    ] = False,
) -> int:
    """Say whether these targets, or the configured ones, are complete, and prove it as far as that can be done.

    Every listing is read by every route there is, for the ids alone: the API, the classic API, public pages, sitemaps.
    What they name is compared with what is held, article by article; the pictures that each article's raw JSON names
    with the files on the disk. An article that is a target itself is judged by what is held of it. Nothing is fetched
    into the archive; what is found missing waits for the next crawl.

    One line for each target sums it up, and its numbers add up: claimed = archived + gone + failed + explained, and
    what the CMS claims and shows nowhere is unseen. Exit status 1 when anything is missing, or cannot be proven.

    Examples:
        backfile audit dm:category/africa

        backfile audit --offline --json > audit.json
    """
    own: Context = context.obj
    config, sites = own.ready()
    chosen = chosen_targets(targets or [], sites, config)
    listings = [one for one in chosen if one.kind is not TargetKind.ARTICLE]
    judge = partial(_judged, own.err if own.show_progress else None, config, sites, chosen)
    if offline or not listings:
        with open_reading(config.archive) as reading:
            document = judge(reading)
        status = _status_of(document)
    else:
        document, status = _swept(own, config, sites, listings, judge)
    if not document:
        own.tell("backfile: stopped before anything could be said")
    elif as_json:
        print_json(document, indent=2)
    else:
        for one in document["targets"]:
            _show(own.out, one)
        own.out.print(f"manifest {document['manifest_root']}", markup=False)
    return status


def _status_of(document: dict[str, Any]) -> Exit:
    return Exit.OK if all(one["complete"] for one in document["targets"]) else Exit.INCOMPLETE


def _swept(
    own: Context,
    config: Config,
    sites: tuple[Site, ...],
    targets: list[Target],
    judge: Callable[[Reading], dict[str, Any]],
) -> tuple[dict[str, Any], Exit]:
    """Read every listing by every route, and judge before the run ends, which keeps the exit status.

    What could not be read is part of the verdict, so it is no failure here. Without a document it was stopped.
    """
    from backfile import crawling  # aiohttp takes a third of a second to import
    from crawler.plan import CrawlRequest, Sweep

    document: dict[str, Any] = {}

    def conclude(status: Exit) -> Exit:
        with open_reading_beside(config.archive) as reading:
            document.update(judge(reading))
        return max(Exit.OK if status == Exit.INCOMPLETE else status, _status_of(document))

    request = CrawlRequest(targets=tuple(targets), command="audit", media=False, sweep=Sweep(alone=True))
    running = crawling.crawl(
        config.archive,
        sites,
        crawling.settings_of(config),
        request,
        min_free_bytes=config.settings.archive.min_free_mb << 20,
        console=own.err,
        show_progress=own.show_progress,
        conclude=conclude,
    )
    _, status = asyncio.run(running)
    return document, status


def _judged(
    console: Console | None, config: Config, sites: tuple[Site, ...], targets: Sequence[Target], reading: Reading
) -> dict[str, Any]:
    from backfile.auditing import judge
    from crawler.wants import Wants

    named = {site.name: site for site in sites}
    wants = Wants(named, third_party=config.settings.crawl.third_party_media)
    with Progress(console=console, disable=console is None) as progress:
        task = progress.add_task("articles looked at", total=None)
        verdicts = [judge(reading, target, named, wants, lambda: progress.advance(task)) for target in targets]
        root = manifest.computed(reading.connection)
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "archive": str(config.archive),
        "manifest_root": root,
        "targets": [
            asdict(one)
            | {"verdict": one.line, "complete": one.complete, "unseen": one.unseen, "not_proven": one.unprovable}
            for one in verdicts
        ],
    }


def _show(out: Console, found: dict[str, Any]) -> None:
    """Print one target's verdict: the line, then why."""
    lines = [found["verdict"]]
    if found["not_proven"]:
        lines.append(f"  cannot be proven: {found['not_proven']}")
    if found["swept_at"]:
        lines.append(f"  every route was read until {found['swept_at']}: {found['sweep']}")
    for route in found["routes"]:
        claims = "" if route["claimed"] is None else f", claims {route['claimed']}"
        note = f": {route['note']}" if route["note"] else ""
        lines.append(f"    by {route['route']}: {route['seen']} named{claims}, {route['outcome'] or 'under way'}{note}")
    lines += _lacking(found["lacking"])
    if found["addresses"]:
        lines.append(
            f"  {len(found['addresses'])} addresses named besides, of articles that their numbers name already"
        )
    if found["unlisted"]:
        lines.append(f"  {len(found['unlisted'])} held and no longer listed: {_few(found['unlisted'])}")
    if not found["alone"]:
        lines.append(f"  {_holes(found['holes'])}")
    out.print("\n".join(display(line, 4_000) for line in lines), markup=False)


def _lacking(lacking: list[dict[str, Any]]) -> list[str]:
    groups = Counter((one["explained"], one["what"], one["reason"]) for one in lacking)
    lines = []
    for (explained, what, reason), number in sorted(groups.items(), key=lambda group: (group[0][0], -group[1])):
        lines.append(f"  {number} {what}{'s' if number > 1 else ''}: {reason}")
        shown = _SHOWN_EXPLAINED if explained else _SHOWN
        some = [one for one in lacking if (one["what"], one["reason"]) == (what, reason)][:shown]
        lines += [f"    {one['key']} {one['url']}" for one in some]
        if number > shown:
            lines.append(f"    … and {number - shown} more (--json lists all)")
    return lines


def _holes(holes: dict[str, Any]) -> str:
    if not holes["known"]:
        return "no article of the site is known by its number"
    span = f"the site's numbers from {holes['first']} to {holes['last']}: {holes['known']} are articles we know of"
    if not holes["unknown"]:
        return f"{span}; they are shared with other contents, so that the holes prove nothing"
    return f"{span}; {len(holes['unknown'])} holes: {_few([_range(hole) for hole in holes['unknown']])}"


def _range(hole: list[int]) -> str:
    first, last = hole
    return str(first) if first == last else f"{first}–{last}"


def _few(names: list[str]) -> str:
    more = f" … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
