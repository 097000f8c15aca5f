"""The front page: the newest articles, the sections, this day in other years, what changed, what is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from reader import story
from reader.address import PageAddress
from reader.dates import Moment, midnight
from reader.items import Item, Link, items
from reader.room import Room
from reader.view import View
from storage import overviews, shelves
from storage.reading import Reading
from storage.shelves import Name, Shelf

_NEWEST = 13
_SECTIONS = 6
_IN_SECTION = 4
_PAST = 6
_EVENTS = 6
_FIRST_YEAR = 1990


@dataclass(frozen=True, slots=True)
class Section:
    """A category with its newest articles."""

    name: str
    href: str
    articles: int
    rtl: bool
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """An article to which something happened, and when."""

    item: Item
    at: Moment | None
    href: str
    note: str


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The front page of the archive, or of one newsroom in it."""

    site: str
    name: str
    articles: int
    span: tuple[Moment | None, Moment | None]
    newest: tuple[Item, ...]
    sections: tuple[Section, ...]
    today: str
    on_this_day: tuple[Item, ...]
    changed: tuple[Noted, ...]
    gone: tuple[Item, ...]
    newsrooms: tuple[tuple[Link, int], ...]
    everything: str
    archive: str


@dataclass(frozen=True, slots=True)
class _Slow:
    """What looks at many articles, remembered for a minute."""

    sites: dict[str, int]
    sections: tuple[Section, ...]
    on_this_day: tuple[Item, ...]
    changed: tuple[Noted, ...]
    gone: tuple[Item, ...]


async def page(room: Room, request: PageAddress) -> View:
    """Show the front page."""
    site = request.match_info.get("site", "")
    now = datetime.now(UTC)
    slow = await room.minute.get(("front", site), lambda: room.ask(lambda reading: _slow(room, reading, site, now)))
    if site and site not in slow.sites and site not in {one.name for one in room.settings.newsrooms}:
        raise web.HTTPNotFound(text=f"The archive holds nothing of a newsroom called {site}.")
    found = await room.ask(lambda reading: _page(room, reading, site, now, slow))
    return View("front.html", found, found.name)


def _page(room: Room, reading: Reading, site: str, now: datetime, slow: _Slow) -> FrontPage:
    newest = shelves.page(reading.connection, Shelf(site), _NEWEST)
    span = overviews.span(reading.connection) or (None, None)
    local = now.astimezone(room.zones.zone(site))
    several = len(slow.sites) > 1
    return FrontPage(
        site=site,
        name=room.title(site) if site else _name(room, list(slow.sites)),
        articles=slow.sites.get(site, 0) if site else sum(slow.sites.values()),
        span=(room.zones.moment(span[0], site), room.zones.moment(span[1], site)),
        newest=items(room, reading, newest.rows),
        sections=slow.sections,
        today=f"{local:%-d %B}",
        on_this_day=slow.on_this_day,
        changed=slow.changed,
        gone=slow.gone,
        newsrooms=tuple((Link(room.title(one), room.links.front(one)), n) for one, n in slow.sites.items())
        if several and not site
        else (),
        everything=room.links.calendar(site=site),
        archive=room.settings.archive.name,
    )


def _name(room: Room, sites: list[str]) -> str:
    return room.title(sites[0]) if len(sites) == 1 else "The archive"


def _slow(room: Room, reading: Reading, site: str, now: datetime) -> _Slow:
    connection = reading.connection
    busiest = overviews.busiest(connection, "category", site, _SECTIONS)
    return _Slow(
        sites=overviews.sites(connection),
        sections=tuple(_section(room, reading, one) for one in busiest),
        on_this_day=_on_this_day(room, reading, site, now),
        changed=_changed(room, reading, site),
        gone=tuple(one for one in items(room, reading, overviews.gone(connection, _EVENTS)) if site in ("", one.site)),
    )


def _section(room: Room, reading: Reading, counted: overviews.Counted) -> Section:
    name: Name = counted.name
    row = shelves.term_row(reading.connection, name.kind, name.site, name.id)
    rows = shelves.page(reading.connection, Shelf(term=row or -1), _IN_SECTION).rows
    return Section(
        name.name.strip(), room.links.term(name), counted.articles, story.is_rtl(name.name), items(room, reading, rows)
    )


def _on_this_day(room: Room, reading: Reading, site: str, now: datetime) -> tuple[Item, ...]:
    """Return articles of this day in earlier years, the longest ago first, one or two of each."""
    zone = room.zones.zone(site)
    today = now.astimezone(zone).date()
    span = overviews.span(reading.connection)
    first = max(int(span[0][:4]), _FIRST_YEAR) if span else today.year
    rows: list[int] = []
    for year in range(first, today.year):
        try:
            day = today.replace(year=year)
        except ValueError:
            continue  # 29 February
        end = day.fromordinal(day.toordinal() + 1)
        rows += shelves.page(reading.connection, Shelf(site, 0, midnight(day, zone), midnight(end, zone)), 2).rows
    return items(room, reading, rows[:_PAST])


def _changed(room: Room, reading: Reading, site: str) -> tuple[Noted, ...]:
    events = overviews.changed(reading.connection, _EVENTS * 3)
    rows = list(dict.fromkeys(event.row for event in events))
    cards = {card.row: card for card in shelves.cards(reading.connection, rows)}
    found = dict(zip(cards, items(room, reading, list(cards)), strict=True))
    noted = []
    for event in events:
        one = found[event.row]
        if site in ("", one.site):
            href = room.links.comparison(one.site, one.id, event.number - 1, event.number)
            noted.append(Noted(one, room.zones.moment(event.fetched_at, one.site), href, f"revision {event.number}"))
    return tuple(noted[:_EVENTS])
