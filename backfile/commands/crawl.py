"""`crawl`: archive targets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from backfile import report
from backfile.afterwards import afterwards
from backfile.config import Config
from backfile.context import Context
from backfile.errors import ConfigError, UsageError
from backfile.exits import Exit
from backfile.output import print_json
from backfile.sites import configured_targets
from backfile.values import day, duration
from crawler.sites import Site
from crawler.targets import Target, TargetKind, parse_target
from crawler.wants import Bounds

T = TypeVar("T")


def crawl(
    context: typer.Context,
    targets: Annotated[list[str] | None, typer.Argument(metavar="[TARGET]...", help="What to archive.")] = None,
    depth: Annotated[int, typer.Option(min=0, max=20, help="How many levels of found listings to follow.")] = 0,
    since: Annotated[str, typer.Option(metavar="DATE", help="Only articles published on or after it.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Only articles published on or before it.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many articles from listings; 0: all.")] = 0,
    no_media: Annotated[bool, typer.Option("--no-media", help="Leave the pictures for a later run.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch the target articles again.")] = False,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Read the whole sitemap where a listing is cut short.")
    ] = False,
    new_shape: Annotated[
        bool, typer.Option("--new-shape", help="The CMS sends another shape of article than before, and that is right.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked for; fetch nothing.")] = False,
    time_limit: Annotated[str, typer.Option(metavar="2h", help="Stop after so long; the rest waits.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON document.")] = False,
) -> int:
    """Archive these targets, or the configured ones: articles, and every article that a listing lists.

    With --depth 1 the categories, keywords and authors found in those articles are archived too, and so on. What is
    held already costs no request; an interrupted crawl goes on where it stopped when it is run again. DATE is
    2023-07-06, 2023-07 or 2023.

    Examples:
        backfile crawl https://www.dailymaverick.co.za/article/2023-07-06-as-minusma-exits-mali/

        backfile crawl dm:category/africa --since 2024 --time-limit 2h

        backfile crawl olj:977 olj:keyword/56930 --no-media
    """
    own: Context = context.obj
    config, sites = own.ready()
    chosen = chosen_targets(targets or [], sites, config)
    bounds = _bounds(since, until, limit)
    seconds = _parsed("--time-limit", duration, time_limit) if time_limit else None
    if dry_run:
        for target in chosen:
            own.out.print(f"{target.kind} {target.key} {target.url}", markup=False)
        return Exit.OK
    from backfile import crawling  # aiohttp takes a third of a second to import
    from crawler.plan import CrawlRequest

    request = CrawlRequest(
        targets=chosen,
        command=" ".join(["crawl", *(targets or [])]),
        depth=depth,
        bounds=bounds,
        media=not no_media,
        refresh=refresh,
        exhaustive=exhaustive,
        new_shape=new_shape,
        time_limit=seconds,
    )
    running = crawling.crawl(
        config.archive,
        sites,
        crawling.settings_of(config),
        request,
        min_free_bytes=config.settings.archive.min_free_mb << 20,
        console=own.err,
        show_progress=own.show_progress,
    )
    started = time.time()
    summary, status = asyncio.run(running)
    afterwards(config, "crawl", started, status, summary)
    if as_json:
        print_json(report.facts(summary, status), indent=2)
    elif not own.quiet:
        own.out.print(report.text(summary, str(config.archive)), markup=False)
    if status != Exit.OK:
        own.tell(report.shortcomings(summary, status))
    return status


def chosen_targets(given: list[str], sites: tuple[Site, ...], config: Config) -> tuple[Target, ...]:
    """Return these targets, or the configured ones. Raises ConfigError or TargetError."""
    targets = _parsed_targets(given, sites, config)
    for target in targets:
        site = next(site for site in sites if site.name == target.site)
        if target.kind is TargetKind.PUBLICATION and not (site.api_url and site.api_key):
            raise ConfigError(
                f"{target.key} can only be listed by the API, which needs a key: set api_url and api_key_env for "
                f"{site.name} in {config.source}, and the key in that environment variable"
            )
    return targets


def _parsed_targets(given: list[str], sites: tuple[Site, ...], config: Config) -> tuple[Target, ...]:
    targets = [parse_target(text, sites) for text in given] if given else configured_targets(config, sites)
    if not targets:
        raise ConfigError(
            f"no target is given and {config.source} names none, so there is nothing to crawl. "
            'Give one (backfile crawl dm:category/africa), or set targets = ["dm:category/africa"] in a [[sites]] block'
        )
    return tuple({target.key: target for target in targets}.values())


def _bounds(since: str, until: str, limit: int) -> Bounds:
    first = _parsed("--since", day, since) if since else ""
    last = _parsed("--until", lambda text: day(text, last=True), until) if until else ""
    if first and last and first > last:
        raise UsageError(f"--since {since} is after --until {until}, so nothing could match")
    return Bounds(first, last, limit)


def _parsed(option: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
