"""Pictures: a wall of them by date or subject, and each on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from reader import story
from reader.address import PageAddress
from reader.dates import Moment
from reader.figures import UNNAMED, Caption
from reader.items import Item, Link, Turn, items, lead, leaf, stored
from reader.pages.article import caption_of
from reader.pictures import Shown, Stored, show
from reader.room import Room
from reader.view import View, place
from storage import gallery, overviews, shelves
from storage.gallery import Held, Picture
from storage.provenance import newest_json
from storage.reading import Reading
from storage.shelves import Card, Shelf

_SIZE = 40
_MOST_USES = 200


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture on the wall, with the article that shows it."""

    picture: Shown
    title: str
    href: str
    published: Moment | None
    rtl: bool


@dataclass(frozen=True, slots=True)
class WallPage:
    """A wall of pictures, those of the newest articles first."""

    heading: str
    subject: Link | None
    tiles: tuple[Tile, ...]
    newer: str
    older: str


@dataclass(frozen=True, slots=True)
class Rendition:
    """One file of a picture, as the archive holds it; width and height are pixels, 0 where unknown."""

    sha256: str
    href: str
    url: str
    role: str
    transform: str
    media_type: str
    bytes: int
    width: int
    height: int
    captured: Moment | None
    removed: bool


@dataclass(frozen=True, slots=True)
class PicturePage:
    """One picture: its captions, all its renditions, and the articles that show it."""

    sha256: str
    picture: Shown
    captions: tuple[str, ...]
    alt: str
    renditions: tuple[Rendition, ...]
    items: tuple[Item, ...]
    media_type: str


async def wall(room: Room, request: PageAddress) -> View:
    """Show a page of the wall."""
    site, subject = request.query.get("site", "")[:100], request.query.get("subject", "")[:300]
    turn = Turn(place(request, "before"), place(request, "after"))
    found = await room.ask(lambda reading: _wall(room, reading, site, subject, turn))
    return View("pictures.html", found, found.heading)


def _wall(room: Room, reading: Reading, site: str, subject: str, turn: Turn) -> WallPage:
    kind, _, identity = subject.partition(":")
    facts = overviews.term(reading.connection, kind, *identity.split(":", 1)) if ":" in identity else None
    if subject and facts is None:
        raise web.HTTPNotFound(text="The archive holds no pictures of this subject.")
    shelf = Shelf(site, term=facts.row if facts else 0, pictured=True)
    found = leaf(reading, shelf, turn, _SIZE)
    shown = gallery.pictures(reading.connection, found.rows)
    tiles = [_tile(room, card, lead(shown[card.row])) for card in shelves.cards(reading.connection, found.rows)
             if card.row in shown]  # fmt: skip
    name = facts.name.name.strip() if facts else room.title(site) if site else ""
    return WallPage(
        heading=f"Pictures: {name}" if name else "Pictures",
        subject=Link(name, room.links.term(facts.name)) if facts else None,
        tiles=tuple(tile for tile in tiles if tile is not None),
        newer=room.links.gallery(site=site, subject=subject, after=str(found.newer)) if found.newer else "",
        older=room.links.gallery(site=site, subject=subject, before=str(found.older)) if found.older else "",
    )


def _tile(room: Room, card: Card, picture: Picture | None) -> Tile | None:
    shown = show(stored(picture), room.links, wall=True) if picture else None
    if shown is None or not shown.src:
        return None
    title = card.title.strip() or "Without a title"
    published = room.zones.moment(card.first_published, card.site)
    return Tile(shown, title, room.links.article(card.site, card.id), published, story.is_rtl(title))


async def page(room: Room, request: PageAddress) -> View:
    """Show one picture."""
    sha256 = request.match_info["sha256"]
    found = await room.ask(lambda reading: _page(room, reading, sha256))
    return View("picture.html", found, found.captions[0][:80] if found.captions else "A picture")


def _page(room: Room, reading: Reading, sha256: str) -> PicturePage:
    file = gallery.stored_file(reading.connection, sha256)
    if file is None:
        raise web.HTTPNotFound(text="The archive holds no picture with this hash.")
    uses = gallery.uses(reading.connection, sha256, _MOST_USES)
    rows = list(dict.fromkeys(article for article, _ in uses))
    every = gallery.pictures(reading.connection, rows)
    siblings = [picture for pictures in every.values() for picture in pictures if _shows(picture, sha256)]
    held = list({one.url: one for picture in siblings for one in picture.files}.values()) or [one for _, one in uses]
    captions = _captions(reading, siblings, held)
    own = Stored(sha256, file.extension, file.media_type, file.width, file.height)
    return PicturePage(
        sha256=sha256,
        picture=show([_stored(one) for one in held] or [own], room.links),
        captions=tuple(dict.fromkeys(caption.text for caption in captions if caption.text)),
        alt=next((caption.alt for caption in captions if caption.alt), UNNAMED),
        renditions=tuple(_rendition(room, one) for one in sorted(held, key=lambda one: -one.width)),
        items=items(room, reading, rows),
        media_type=file.media_type,
    )


def _shows(picture: Picture, sha256: str) -> bool:
    return any(held.sha256 == sha256 for held in picture.files)


def _captions(reading: Reading, siblings: list[Picture], held: list[Held]) -> list[Caption]:
    """Return what the newsroom wrote under the picture, in the first few articles that show it."""
    urls = {one.url for one in held}
    found = []
    for picture in siblings[:5]:
        told = story.read(newest_json(reading.connection, picture.article))
        found += [
            caption_of(one)
            for one in (*told.attachments, *told.inline)
            if one.url in urls or (one.id and one.id == picture.attachment)
        ]
    return found


def _stored(held: Held) -> Stored:
    return Stored(held.sha256, held.extension, held.media_type, held.width, held.height, held.transform)


def _rendition(room: Room, held: Held) -> Rendition:
    return Rendition(
        sha256=held.sha256,
        href=room.links.media(held.sha256, held.extension),
        url=held.url,
        role=held.role,
        transform=held.transform,
        media_type=held.media_type,
        bytes=held.bytes,
        width=held.width,
        height=held.height,
        captured=room.zones.moment(held.fetched_at),
        removed=held.removed_at is not None,
    )
