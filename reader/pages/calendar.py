"""The calendar: years, a year's months, a month's days, and what was published on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo

from aiohttp import web

from reader.address import PageAddress
from reader.dates import MONTHS, extent, midnight, starts
from reader.items import Item, Link, Turn, items, leaf
from reader.room import Room
from reader.view import View, place
from storage import overviews
from storage.reading import Reading
from storage.shelves import Shelf

_SIZE = 40
_YEARS = (1000, 9998)
_TINTS = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """A year, month or day: how many articles, and a tint from 0 to 5 that says it at a glance."""

    label: str
    number: int
    tint: int
    href: str
    full: str


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """A stretch of time; `blanks` are the weekdays before the first of a month (Monday first)."""

    depth: int  # 0: all years, 1: a year, 2: a month, 3: a day
    heading: str
    site: str
    zone: str
    total: int
    trail: tuple[Link, ...]
    cells: tuple[Cell, ...]
    months: tuple[tuple[str, tuple[Cell, ...]], ...]
    blanks: int
    undated: int
    items: tuple[Item, ...]
    newer: str
    older: str
    previous: Link | None
    next: Link | None


async def page(room: Room, request: PageAddress) -> View:
    """Show all years, a year, a month or a day."""
    site = request.query.get("site", "")[:100]
    parts = [int(request.match_info[name]) for name in ("year", "month", "day") if name in request.match_info]
    if parts:
        _check(parts)
    turn = Turn(place(request, "before"), place(request, "after"))
    found = await room.minute.get(
        ("calendar", site, *parts, turn), lambda: room.ask(lambda reading: _page(room, reading, site, parts, turn))
    )
    return View("calendar.html", found, found.heading)


def _check(parts: list[int]) -> None:
    try:
        extent(parts)
    except (ValueError, OverflowError) as error:
        raise web.HTTPNotFound(text="There is no such day in the calendar.") from error
    if not _YEARS[0] <= parts[0] <= _YEARS[1]:
        raise web.HTTPNotFound(text=f"The calendar goes from {_YEARS[0]} to {_YEARS[1]}.")


def _page(room: Room, reading: Reading, site: str, parts: list[int], turn: Turn) -> CalendarPage:
    zone = room.zones.zone(site)
    months = _all_months(room, reading, site, zone) if not parts else ()
    cells = _cells(room, reading, site, parts, zone) if 0 < len(parts) < 3 else ()
    listed: tuple[Item, ...] = ()
    newer = older = ""
    if len(parts) >= 2:
        first, end = extent(parts)
        shelf = Shelf(site, since=midnight(first, zone), until=midnight(end, zone))
        found = leaf(reading, shelf, turn, _SIZE)
        listed = items(room, reading, found.rows)
        newer = room.links.calendar(*parts, site=site, after=str(found.newer)) if found.newer else ""
        older = room.links.calendar(*parts, site=site, before=str(found.older)) if found.older else ""
    total = _total(reading, site, parts, zone) if parts else sum(cell.number for _, row in months for cell in row)
    return CalendarPage(
        depth=len(parts),
        heading=heading(parts),
        site=site,
        zone=str(zone),
        total=total,
        trail=tuple(
            Link(heading(parts[:length]), room.links.calendar(*parts[:length], site=site))
            for length in range(len(parts))
        ),
        cells=cells,
        months=months,
        blanks=date(parts[0], parts[1], 1).weekday() if len(parts) == 2 else 0,
        undated=overviews.undated(reading.connection) if not parts else 0,
        items=listed,
        newer=newer,
        older=older,
        previous=_beside(room, site, parts, -1),
        next=_beside(room, site, parts, 1),
    )


def heading(parts: list[int]) -> str:
    """Return a year, month or day in words."""
    words = ["Every year", "{0}", "{month} {0}", "{2} {month} {0}"][len(parts)]
    return words.format(*parts, month=MONTHS[parts[1] - 1] if len(parts) > 1 else "")


def _total(reading: Reading, site: str, parts: list[int], zone: tzinfo) -> int:
    return overviews.between(reading.connection, [midnight(day, zone) for day in extent(parts)], site)[0]


def _cells(room: Room, reading: Reading, site: str, parts: list[int], zone: tzinfo) -> tuple[Cell, ...]:
    days = starts(parts)
    numbers = overviews.between(reading.connection, [midnight(day, zone) for day in days], site)
    highest = max(numbers)
    cells = []
    for day, number in zip(days, numbers, strict=False):
        where = [*parts, day.month if len(parts) == 1 else day.day]
        label = MONTHS[day.month - 1] if len(parts) == 1 else str(day.day)
        href = room.links.calendar(*where, site=site) if number else ""
        cells.append(Cell(label, number, _tint(number, highest), href, heading(where)))
    return tuple(cells)


def _tint(number: int, highest: int) -> int:
    return -(-_TINTS * number // highest) if highest else 0


def _all_months(room: Room, reading: Reading, site: str, zone: tzinfo) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    span = overviews.span(reading.connection)
    if span is None:
        return ()
    first, last = (min(max(int(end[:4]), _YEARS[0]), _YEARS[1]) for end in span)
    years = range(max(first, last - 150), last + 1)
    rows = [(f"{year}", _cells(room, reading, site, [year], zone)) for year in reversed(years)]
    highest = max(cell.number for _, cells in rows for cell in cells)
    return tuple(
        (year, tuple(Cell(c.label, c.number, _tint(c.number, highest), c.href, c.full) for c in cells))
        for year, cells in rows
    )


def _beside(room: Room, site: str, parts: list[int], step: int) -> Link | None:
    """Return the year, month or day before or after."""
    if not parts:
        return None
    first, end = extent(parts)
    other = end if step > 0 else date.fromordinal(first.toordinal() - 1)
    where = [other.year, other.month, other.day][: len(parts)]
    return Link(heading(where), room.links.calendar(*where, site=site)) if _YEARS[0] <= where[0] <= _YEARS[1] else None
