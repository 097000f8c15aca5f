"""`why URL`: why a URL is, or is not, in the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from backfile.logs import Mask
from backfile.output import print_json
from backfile.values import size_text
from crawler.errors import FaultKind, TargetError
from crawler.retry import RULES
from crawler.sites import Site, host_of
from crawler.targets import Target, TargetKind, parse_target
from storage.reading import Reading, open_reading
from storage.records import Kind
from storage.stories import Event, Story, tell

_line = Mask(()).line


def why(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Of an article, a listing, a picture; or site:id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say why a URL is, or is not, in the archive: how it was found, every attempt and answer, what happens next.

    Exit status 0 when it is archived, 1 when it is not, or only in part.
    """
    own: Context = context.obj
    config, sites = own.ready()
    target = _target(url, sites)
    with open_reading(config.archive) as archive:
        story = _story(archive, url, target)
    if as_json:
        told = asdict(story) if story else {"url": url, "state": "unknown", "error": _unknown(url, target, sites)}
        print_json(told, indent=2)
    elif story is None:
        own.out.print(Text(_line(_unknown(url, target, sites))))
    else:
        _print(own.out, story)
    return Exit.OK if story is not None and story.whole else Exit.INCOMPLETE


def _target(text: str, sites: Sequence[Site]) -> Target | None:
    if text.isdecimal():
        raise UsageError(
            f"{text} alone could be of any site; write it with the site's name, such as {_example(sites, text)}"
        )
    try:
        return parse_target(text, sites)
    except TargetError:
        return None  # a picture, or nothing of ours


def _example(sites: Sequence[Site], number: str) -> str:
    return f"{sites[0].name if sites else 'dm'}:{number}"


def _story(archive: Reading, url: str, target: Target | None) -> Story | None:
    media = tell(archive.connection, Kind.MEDIA, url)
    if media is not None or target is None:
        return media
    kind = Kind.ARTICLE if target.kind is TargetKind.ARTICLE else Kind.LISTING
    return tell(archive.connection, kind, target.key)


def _unknown(url: str, target: Target | None, sites: Sequence[Site]) -> str:
    """Say why nothing is known of a URL, and what to do."""
    if target is not None:
        what = "article" if target.kind is TargetKind.ARTICLE else "listing"
        unnamed = f"{target.key} is not known: no {what} or target of this archive named it"
        return f"{unnamed}. To archive it: backfile crawl {url}"
    host = host_of(url)
    if host and not any(host in site.allowed_hosts for site in sites):
        return f"{url} is not known, and {host} is no host of a configured site: nothing is ever fetched from it"
    return f"{url} is not known: no article of this archive mentions it, spelled like this"


def _print(console: Console, story: Story) -> None:
    console.print(Text(_line(story.url), "bold"))
    console.print(Text(_line(_verdict(story)), "green" if story.whole and story.state == "done" else "yellow"))
    path = " ← ".join(story.found_on) if story.found_on else "it was asked for itself"
    console.print(
        Text.assemble(("found   ", "dim"), _line(f"{story.first_seen_at}, on {path}" if story.found_on else path))
    )
    if story.target and story.target != story.key:
        console.print(Text.assemble(("for     ", "dim"), _line(story.target)))
    for use in story.uses:
        removed = f", removed {use.removed_at}" if use.removed_at else ""
        role = f"{use.role} {use.transform or ''}".strip()
        console.print(
            Text.assemble(("used by ", "dim"), _line(f"{use.site}:{use.article_id} {use.title} ({role}{removed})"))
        )
    for event in story.events:
        console.print(Text(_line(_told(event)), "" if not event.fault else "yellow"))
    console.print(Text.assemble(("next    ", "dim"), _line(_next(story))))


def _verdict(story: Story) -> str:
    if story.state == "done" and not story.held:
        return "done, and nothing is held of it: run backfile verify"
    held = f"archived: {story.held}" if story.whole else f"in part: {story.held}" if story.held else "not archived"
    since = {
        "done": "",
        "queued": "waits to be fetched",
        "doing": "being fetched by a run",
        "failed": f"the last attempt failed: {story.error}",
        "gone": f"gone upstream: {story.error}",
        "skipped": f"left out: {story.error}",
    }.get(story.state, story.state)
    return "; ".join(filter(None, (held, since)))


def _told(event: Event) -> str:
    run = f"run {event.run}" if event.run is not None else "no run"
    status = f"HTTP {event.http_status}, " if event.http_status else ""
    kept = (
        f"{event.media_type} of {size_text(event.size)}, sha256 {event.sha256[:12]}…" if event.size is not None else ""
    )
    became = f", revision {event.revision}" if event.revision else ""
    trouble = f"{event.fault}: {event.words}" if event.fault else event.words
    return f"{event.at}  {run}  {status}{'; '.join(filter(None, (trouble, kept)))}{became}"


def _next(story: Story) -> str:
    if story.state == "done":
        return "nothing is left to be done"
    if story.next_attempt_at:
        return f"tried again from {story.next_attempt_at} on, by the next run of {story.target}"
    if story.state == "skipped":
        return "nothing, unless a run asks for it"
    remedy = RULES[FaultKind(story.fault)].remedy if story.fault in set(FaultKind) else ""
    return remedy or "nothing by itself: backfile crawl --refresh asks for it again"
