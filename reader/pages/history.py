"""The history of an article: its revisions, what changed between two of them, and where each came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from reader.address import PageAddress
from reader.compare import Comparison, compare
from reader.dates import Moment
from reader.items import Link
from reader.pages.article import find
from reader.room import Room
from reader.versions import version
from reader.view import View
from storage import provenance
from storage.provenance import Origin, Revised
from storage.reading import Reading

_MOST = 60  # revisions that are compared for the list


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision in the list: what changed since the one before."""

    number: int
    captured: Moment | None
    source: str
    aspects: tuple[str, ...]
    announced: bool
    words_removed: int
    words_added: int
    href: str
    comparison: str
    raw: str


@dataclass(frozen=True, slots=True)
class RevisionsPage:
    """The revisions of an article, newest first."""

    title: str
    article: str
    revisions: tuple[Revision, ...]
    uncompared: int


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """What changed between two revisions; `view` is 'side' or 'inline'."""

    title: str
    article: str
    history: str
    old: Revision
    new: Revision
    view: str
    views: tuple[tuple[Link, bool], ...]
    result: Comparison
    previous: str
    next: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a revision came from."""

    origin: Origin
    captured: Moment | None
    headers: tuple[tuple[str, str], ...]
    raw: str
    href: str


@dataclass(frozen=True, slots=True)
class Rendition:
    """One media URL of an article, held or not."""

    url: str
    role: str
    transform: str
    state: str
    sha256: str
    bytes: int
    width: int
    height: int
    href: str
    page: str
    error: str
    captured: Moment | None
    removed: bool


@dataclass(frozen=True, slots=True)
class ProvenancePage:
    """Everything that tells where an article came from, and whether it is whole."""

    title: str
    article: str
    history: str
    url: str
    site: str
    id: str
    first_seen: Moment | None
    last_checked: Moment | None
    gone: Moment | None
    content_hash: str
    sources: tuple[Source, ...]
    renditions: tuple[Rendition, ...]
    held: int


async def revisions(room: Room, request: PageAddress) -> View:
    """List the revisions of an article."""
    site, cms_id = request.match_info["site"], request.match_info["id"]
    found = await room.ask(lambda reading: _revisions(room, reading, site, cms_id))
    return View("revisions.html", found, f"Revisions: {found.title}")


def _revisions(room: Room, reading: Reading, site: str, cms_id: str) -> RevisionsPage:
    row = find(reading, site, cms_id)
    kept = provenance.revisions(reading.connection, row)
    found = []
    title, before = "", None
    for entry in kept[-_MOST:]:
        after = version(provenance.raw_json(reading.connection, row, entry.number) or "")
        found.append(_revision(room, site, cms_id, entry, compare(before, after) if before else None))
        title, before = after.title, after
    return RevisionsPage(title, room.links.article(site, cms_id), tuple(reversed(found)), max(0, len(kept) - _MOST))


def _revision(room: Room, site: str, cms_id: str, entry: Revised, change: Comparison | None) -> Revision:
    number = entry.number
    return Revision(
        number=number,
        captured=room.zones.moment(entry.fetched_at),
        source=entry.source,
        aspects=change.aspects if change else (),
        announced=change.announced if change else True,
        words_removed=change.words_removed if change else 0,
        words_added=change.words_added if change else 0,
        href=room.links.revision(site, cms_id, number),
        comparison=room.links.comparison(site, cms_id, number - 1, number) if change else "",
        raw=room.links.raw(site, cms_id, number),
    )


async def comparison(room: Room, request: PageAddress) -> View:
    """Show what changed between two revisions."""
    site, cms_id = request.match_info["site"], request.match_info["id"]
    numbers = int(request.match_info["old"]), int(request.match_info["new"])
    view = "inline" if request.query.get("view") == "inline" else "side"
    found = await room.ask(lambda reading: _comparison(room, reading, site, cms_id, numbers, view))
    return View("comparison.html", found, f"Revisions {numbers[0]} and {numbers[1]}: {found.title}")


def _comparison(
    room: Room, reading: Reading, site: str, cms_id: str, numbers: tuple[int, int], view: str
) -> ComparisonPage:
    row = find(reading, site, cms_id)
    kept = {one.number: one for one in provenance.revisions(reading.connection, row)}
    for number in numbers:
        if number not in kept:
            raise web.HTTPNotFound(text=f"Article {cms_id} of {site} has no revision {number}.")
    old, new = (version(provenance.raw_json(reading.connection, row, number) or "") for number in numbers)
    result = compare(old, new)
    links = room.links
    step = numbers[1] - numbers[0] == 1
    return ComparisonPage(
        title=new.title or old.title,
        article=links.article(site, cms_id),
        history=links.revisions(site, cms_id),
        old=_revision(room, site, cms_id, kept[numbers[0]], None),
        new=_revision(room, site, cms_id, kept[numbers[1]], result),
        view=view,
        views=tuple(
            (Link(name, links.comparison(site, cms_id, *numbers, view=value)), view == (value or "side"))
            for name, value in (("Side by side", ""), ("In one text", "inline"))
        ),
        result=result,
        previous=links.comparison(site, cms_id, numbers[0] - 1, numbers[0], view) if step and numbers[0] > 1 else "",
        next=links.comparison(site, cms_id, numbers[1], numbers[1] + 1, view)
        if step and numbers[1] + 1 in kept
        else "",
    )


async def origin(room: Room, request: PageAddress) -> View:
    """Show where an article came from."""
    site, cms_id = request.match_info["site"], request.match_info["id"]
    found = await room.ask(lambda reading: _origin(room, reading, site, cms_id))
    return View("provenance.html", found, f"Provenance: {found.title}")


def _origin(room: Room, reading: Reading, site: str, cms_id: str) -> ProvenancePage:
    row = find(reading, site, cms_id)
    kept = reading.show(row)
    if kept is None:
        raise web.HTTPNotFound(text=f"Article {cms_id} of {site} has no revision.")
    facts = kept.article
    renditions = tuple(_rendition(room, entry) for entry in kept.media)
    return ProvenancePage(
        title=facts["title"].strip() or "Without a title",
        article=room.links.article(site, cms_id),
        history=room.links.revisions(site, cms_id),
        url=facts["url"],
        site=site,
        id=cms_id,
        first_seen=room.zones.moment(facts["first_seen_at"]),
        last_checked=room.zones.moment(facts["last_checked_at"]),
        gone=room.zones.moment(facts["gone_at"]),
        content_hash=facts["content_hash"],
        sources=tuple(
            Source(
                one,
                room.zones.moment(one.fetched_at),
                _headers(one.headers),
                room.links.raw(site, cms_id, one.number),
                room.links.revision(site, cms_id, one.number),
            )
            for one in provenance.origins(reading.connection, row)
        ),
        renditions=renditions,
        held=sum(one.state == "stored" for one in renditions),
    )


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    try:
        table = json.loads(text)
    except ValueError:
        return ()
    pairs = table.items() if isinstance(table, dict) else ()
    return tuple((str(name), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
                 for name, value in pairs)  # fmt: skip


def _rendition(room: Room, entry: dict[str, Any]) -> Rendition:
    held = bool(entry["sha256"])
    return Rendition(
        url=entry["url"],
        role=entry["role"],
        transform=entry["transform"] or "",
        state=entry["state"],
        sha256=entry["sha256"] or "",
        bytes=entry["bytes"] or 0,
        width=entry["width"] or 0,
        height=entry["height"] or 0,
        href=room.links.media(entry["sha256"], entry["path"].rpartition(".")[2]) if held else "",
        page=room.links.picture(entry["sha256"]) if held else "",
        error=entry["error"] or "",
        captured=room.zones.moment(entry["fetched_at"]),
        removed=entry["removed_at"] is not None,
    )


async def raw(room: Room, request: web.Request) -> web.Response:
    """Give out the article object of a revision, byte for byte as it came."""
    site, cms_id, number = (request.match_info[name] for name in ("site", "id", "number"))
    text = await room.ask(
        lambda reading: provenance.raw_json(reading.connection, find(reading, site, cms_id), int(number))
    )
    if text is None:
        raise web.HTTPNotFound(text=f"Article {cms_id} of {site} has no revision {number}.")
    name = f"{'.'.join(part for part in (site, cms_id, number) if part.isascii() and part.isalnum())}.json"
    how = "attachment" if "download" in request.query else "inline"
    return web.Response(
        body=text.encode("utf-8", "replace"),
        content_type="application/json",
        charset="utf-8",
        headers={"Content-Disposition": f'{how}; filename="{name}"'},
    )
