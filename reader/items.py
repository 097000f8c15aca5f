"""Articles in lists: headline, time, section, authors, summary and a small picture, ready for a template or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reader import story
from reader.dates import Moment
from reader.pictures import Shown, Stored, show
from storage import gallery, shelves
from storage.gallery import Picture
from storage.reading import Reading
from storage.shelves import Card, Name, Place, Shelf

if TYPE_CHECKING:  # the room is aiohttp's, and a run's report shows items without it
    from reader.room import Room

_SUMMARY = 280  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """A name that leads somewhere."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Item:
    """An article in a list."""

    site: str
    id: str
    title: str
    href: str
    summary: str
    published: Moment | None
    section: Link | None
    authors: tuple[Link, ...]
    picture: Shown | None
    newsroom: str
    partial: bool
    gone: bool
    rtl: bool


def lead(pictures: Sequence[Picture]) -> Picture | None:
    """Return the picture that stands for an article: its first attachment, else the first one in its text."""
    attached = [one for one in pictures if any(held.role != "inline" for held in one.files)]
    return next(iter(attached or pictures), None)


def stored(picture: Picture) -> list[Stored]:
    """Return the files of a picture that the article still shows."""
    return [
        Stored(held.sha256, held.extension, held.media_type, held.width, held.height, held.transform)
        for held in picture.files
        if held.removed_at is None
    ]


def named(room: Room, names: Sequence[Name]) -> tuple[Link, ...]:
    """Return names with the addresses of their pages."""
    return tuple(Link(name.name.strip() or name.id, room.links.term(name)) for name in names)


def item(room: Room, card: Card, pictures: Sequence[Picture]) -> Item:
    """Return an article for a list."""
    sections = named(room, card.named("category")[:1])
    chosen = lead(pictures)
    picture = show(stored(chosen), room.links, wall=True) if chosen else None
    return Item(
        site=card.site,
        id=card.id,
        title=card.title.strip() or "Without a title",
        href=room.links.article(card.site, card.id),
        summary=shortened(card.summary, _SUMMARY),
        published=room.zones.moment(card.first_published, card.site),
        section=sections[0] if sections else None,
        authors=named(room, card.named("author")),
        picture=picture if picture and picture.src else None,
        newsroom=room.title(card.site),
        partial=card.source == "partial",
        gone=card.gone_at is not None,
        rtl=story.is_rtl(card.title),
    )


def shortened(text: str, limit: int) -> str:
    """Return the beginning of a text, cut between words."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else f"{flat[:limit].rsplit(' ', 1)[0]}…"


def items(room: Room, reading: Reading, rows: Sequence[int]) -> tuple[Item, ...]:
    """Return the articles of these rows, in this order. Runs on a desk."""
    if not rows:
        return ()
    pictures = gallery.pictures(reading.connection, rows)
    return tuple(item(room, card, pictures.get(card.row, ())) for card in shelves.cards(reading.connection, rows))


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page of a list was asked for; at most one of the two is set."""

    before: Place | None = None
    after: Place | None = None


def leaf(reading: Reading, shelf: Shelf, turn: Turn, size: int) -> shelves.Page:
    """Return a page of a shelf; one newer than everything is the first. Runs on a desk."""
    found = shelves.page(reading.connection, shelf, size, before=turn.before, after=turn.after)
    if turn.after is not None and found.newer is None and len(found.rows) < size:
        return shelves.page(reading.connection, shelf, size)
    return found
