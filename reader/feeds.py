"""New captures as an Atom feed (RFC 4287)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree

from aiohttp import web

from reader.items import Item, items
from reader.room import Room
from storage import overviews
from storage.overviews import Event
from storage.reading import Reading

_SIZE = 50
_ATOM = "http://www.w3.org/2005/Atom"
_UNPRINTABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344)))


@dataclass(frozen=True, slots=True)
class _Entry:
    event: Event
    item: Item


async def feed(room: Room, request: web.Request) -> web.Response:
    """Give out what was captured last: new articles and new revisions."""
    entries = await room.ask(lambda reading: _entries(room, reading))
    root = str(request.url.origin())
    document = _document(room, root, entries)
    return web.Response(body=document, content_type="application/atom+xml", charset="utf-8")


def _entries(room: Room, reading: Reading) -> list[_Entry]:
    events = overviews.captured(reading.connection, _SIZE)
    rows = list(dict.fromkeys(event.row for event in events))
    shown = dict(zip(rows, items(room, reading, rows), strict=True))
    return [_Entry(event, shown[event.row]) for event in events]


def _document(room: Room, root: str, entries: list[_Entry]) -> bytes:
    ElementTree.register_namespace("", _ATOM)
    made = ElementTree.Element(f"{{{_ATOM}}}feed")
    _add(made, "id", f"tag:backfile,2023:{quote(room.settings.archive.name)}")
    _add(made, "title", "New in the archive")
    _add(made, "updated", entries[0].event.fetched_at if entries else "1970-01-01T00:00:00Z")
    _add(_add(made, "author"), "name", "backfile")
    _add(made, "link", rel="self", href=root + room.links.feed())
    _add(made, "link", rel="alternate", href=root + room.links.front())
    for one in entries:
        _entry(_add(made, "entry"), room, root, one)
    document: bytes = ElementTree.tostring(made, encoding="utf-8", xml_declaration=True)
    return document


def _entry(made: ElementTree.Element, room: Room, root: str, one: _Entry) -> None:
    item, number = one.item, one.event.number
    _add(made, "id", f"tag:backfile,2023:{quote(item.site)}:{quote(item.id)}:{number}")
    _add(made, "title", item.title if number == 1 else f"{item.title} (revision {number})")
    _add(made, "updated", one.event.fetched_at)
    if item.published:
        _add(made, "published", item.published.iso)
    href = item.href if number == 1 else room.links.comparison(item.site, item.id, number - 1, number)
    _add(made, "link", rel="alternate", href=root + href)
    for author in item.authors:
        _add(_add(made, "author"), "name", author.name)
    if item.summary:
        _add(made, "summary", item.summary)


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    child.text = text.translate(_UNPRINTABLE) or None
    return child
