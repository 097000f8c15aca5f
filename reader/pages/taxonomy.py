"""Categories, keywords and authors: the page of each, and the index of all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from reader import fields, story
from reader.address import PageAddress
from reader.items import Item, Link, Turn, items, leaf, shortened
from reader.links import PLURALS
from reader.room import Room
from reader.view import View, place
from storage import overviews
from storage.overviews import Counted, TermFacts
from storage.reading import Reading
from storage.shelves import Shelf

_SIZE = 30
_INDEX = 120
_BUSIEST = 24
_YEAR = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a small chart: a year, how many articles, and how high it is in per cent of the highest."""

    label: str
    number: int
    height: float
    href: str


@dataclass(frozen=True, slots=True)
class TermPage:
    """The articles of a category, keyword or author, newest first."""

    kind: str
    name: str
    newsroom: str
    description: str
    url: str
    rtl: bool
    articles: int
    year: str
    years: tuple[Bar, ...]
    items: tuple[Item, ...]
    newer: str
    older: str
    first: str
    search: str
    pictures: str
    index: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A term in an index."""

    name: str
    href: str
    articles: int
    newsroom: str
    rtl: bool


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The index of all categories, keywords or authors."""

    kind: str
    site: str
    words: str
    busiest: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    first: str
    more: str


async def page(room: Room, request: PageAddress) -> View:
    """Show a page of a term's articles."""
    kind, site, cms_id = (request.match_info[name] for name in ("kind", "site", "id"))
    turn = Turn(place(request, "before"), place(request, "after"))
    year = request.query.get("year", "")
    if year and not _YEAR.fullmatch(year):
        raise web.HTTPBadRequest(text=f"year={year[:40]!r} is no year; write four digits")
    facts = await room.ask(lambda reading: overviews.term(reading.connection, kind, site, cms_id))
    if facts is None:
        raise web.HTTPNotFound(text=f"The archive holds no {kind} {cms_id} of {site}.")
    years = await room.while_open.get(
        ("years", kind, site, cms_id),
        lambda: room.ask(lambda reading: overviews.years_of(reading.connection, facts.row)),
    )
    found = await room.ask(lambda reading: _page(room, reading, facts, turn, years, year))
    return View("term.html", found, found.name)


def _page(room: Room, reading: Reading, facts: TermFacts, turn: Turn, years: Mapping[str, int], year: str) -> TermPage:
    name, links = facts.name, room.links
    # Years are UTC's here, as they are in the chart: its bars and the lists behind them agree.
    since, until = (f"{year}-01-01", f"{int(year) + 1:04d}-01-01") if year else ("", "")
    found = leaf(reading, Shelf(term=facts.row, since=since, until=until), turn, _SIZE)
    identity = f"{name.site}:{name.id}"
    return TermPage(
        kind=name.kind,
        name=name.name.strip() or name.id,
        newsroom=room.title(name.site),
        description=_description(facts.json),
        url=facts.url,
        rtl=story.is_rtl(name.name),
        articles=overviews.size(reading.connection, facts.row),
        year=year,
        years=bars({one: (number, links.term(name, year=one)) for one, number in years.items()}),
        items=items(room, reading, found.rows),
        newer=links.term(name, year=year, after=str(found.newer)) if found.newer else "",
        older=links.term(name, year=year, before=str(found.older)) if found.older else "",
        first=links.term(name),
        search=links.search({name.kind: identity}),
        pictures=links.gallery(subject=f"{name.kind}:{identity}"),
        index=links.terms(name.kind),
    )


def bars(counts: Mapping[str, tuple[int, str]]) -> tuple[Bar, ...]:
    """Return a small chart of numbers, each with the address it leads to; years between that have none are shown."""
    highest = max((1, *(number for number, _ in counts.values())))
    labels = list(counts)
    if labels and all(label.isdecimal() for label in labels):
        labels = [f"{year:04d}" for year in range(int(min(labels)), int(max(labels)) + 1)][-60:]
    found = ((label, *counts.get(label, (0, ""))) for label in labels)
    return tuple(Bar(label, number, round(100 * number / highest, 1), href) for label, number, href in found)


def _description(json: str) -> str:
    """Return what the newsroom says of a term, as plain text."""
    try:
        facts = fields.mapping(msgspec.json.decode(json.encode("utf-8", "replace")))
    except (msgspec.DecodeError, RecursionError):
        return ""
    return shortened(story.plain(fields.first(facts, "description", "tagline", "biography", "department")), 400)


async def index(room: Room, request: PageAddress) -> View:
    """Show the index of a kind of term."""
    kind = next(kind for kind, plural in PLURALS.items() if plural == request.match_info["plural"])
    site, words = request.query.get("site", "")[:100], request.query.get("words", "").strip()[:100]
    after = _after(request.query.get("after", ""))
    busiest = await room.while_open.get(
        ("busiest", kind, site),
        lambda: room.ask(lambda reading: overviews.busiest(reading.connection, kind, site, _BUSIEST)),
    )
    listed = await room.minute.get(
        ("listed", kind, site, words, after),
        lambda: room.ask(lambda reading: overviews.listed(reading.connection, kind, site, words, after, _INDEX + 1)),
    )
    last = listed[_INDEX - 1] if len(listed) > _INDEX else None
    found = IndexPage(
        kind=kind,
        site=site,
        words=words,
        busiest=tuple(_entry(room, one) for one in busiest) if not words and after == ("", 0) else (),
        entries=tuple(_entry(room, one) for one, _ in listed[:_INDEX]),
        first=room.links.terms(kind, site=site, words=words),
        more=room.links.terms(kind, site=site, words=words, after=f"{last[1]}~{last[0].name.name}") if last else "",
    )
    return View("terms.html", found, PLURALS[kind].capitalize())


def _entry(room: Room, counted: Counted) -> Entry:
    name = counted.name
    link = Link(name.name.strip() or name.id, room.links.term(name))
    return Entry(link.name, link.href, counted.articles, room.title(name.site), story.is_rtl(name.name))


def _after(text: str) -> tuple[str, int]:
    row, _, name = text.partition("~")
    return (name, int(row[:18])) if row.isascii() and row.isdecimal() else ("", 0)
