"""An article: the newsroom's words and pictures, and where they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from reader import body, embeds, story
from reader.address import PageAddress
from reader.body import Surroundings
from reader.dates import Moment
from reader.figures import REASONS, UNNAMED, Caption
from reader.items import Link, item, named
from reader.pictures import Album, Shown
from reader.room import Room
from reader.story import Attachment, Story
from reader.view import View
from storage import overviews, shelves
from storage.reading import Reading
from storage.reading import Shown as Kept
from storage.shelves import Name, Place


@dataclass(frozen=True, slots=True)
class Plate:
    """A picture beside the text, with what is written under it."""

    picture: Shown
    caption: str
    alt: str
    why: str


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """An article as one revision has it; the `_html` fields are clean."""

    site: str
    id: str
    newsroom: str
    url: str
    title: str
    kicker: str
    subtitle: str
    language: str
    rtl: bool
    published: Moment | None
    published_raw: str
    updated: Moment | None
    first_seen: Moment | None
    last_checked: Moment | None
    captured: Moment | None
    gone: Moment | None
    partial: bool
    source: str
    revision: int
    revisions: int
    latest: bool
    authors: tuple[Link, ...]
    byline: str
    sections: tuple[Link, ...]
    keywords: tuple[Link, ...]
    standfirst_html: str
    introduction_html: str
    body_html: str
    lead: Plate | None
    gallery: tuple[Plate, ...]
    embeds: tuple[Link, ...]
    facts: tuple[tuple[str, str], ...]
    related: tuple[Link, ...]
    sponsor: str
    credit: str
    words: int
    older: Link | None
    newer: Link | None
    href: str
    provenance: str
    history: str
    raw: str


async def page(room: Room, request: PageAddress) -> View:
    """Show an article, as it stands or as one of its revisions has it."""
    site, cms_id = request.match_info["site"], request.match_info["id"]
    number = int(request.match_info["number"]) if "number" in request.match_info else None
    found = await room.ask(lambda reading: build(room, reading, site, cms_id, number))
    return View("article.html", found, found.title)


def find(reading: Reading, site: str, cms_id: str) -> int:
    """Return the row of an article. Raises HTTPNotFound."""
    row = reading.find_article(site, cms_id)
    if row is None or not site:
        raise web.HTTPNotFound(text=f"The archive holds no article {cms_id} of {site}.")
    return row


def build(room: Room, reading: Reading, site: str, cms_id: str, number: int | None) -> ArticlePage:
    """Return an article's page. Runs on a desk."""
    row = find(reading, site, cms_id)
    kept = reading.show(row, number)
    if kept is None:
        raise web.HTTPNotFound(text=f"Article {cms_id} of {site} has no revision {number}.")
    told = story.read(kept.json)
    album = Album(kept.media, room.links)
    captions = _captions((*told.attachments, *told.inline), album)
    base = kept.article["url"]
    texts = (told.summary_html, told.introduction_html, told.contents_html)
    inside = _inside(room, reading, [url for text in texts for url in body.web_links(text, base)])
    around = Surroundings(base, album.picture, captions, lambda url: inside.get(url, ""))
    standfirst, introduction, contents = (body.render(text, around) for text in texts)
    shown_urls = [url for part in (standfirst, introduction, contents) for url in part.pictures]
    shown_embeds = [url for part in (standfirst, introduction, contents) for url in part.embeds]
    lead, gallery = _plates(told, album, shown_urls)
    older, newer = _neighbours(room, reading, row, kept)
    return ArticlePage(
        **_facts(room, kept),
        title=told.title.strip() or kept.article["title"].strip() or "Without a title",
        kicker=told.kicker,
        subtitle=told.subtitle,
        language=told.language,
        rtl=told.rtl,
        **_terms(room, kept, told),
        standfirst_html=standfirst.html,
        introduction_html=introduction.html,
        body_html=contents.html,
        lead=lead,
        gallery=gallery,
        embeds=_videos(told, shown_embeds),
        facts=told.facts,
        related=_related(room, reading, site, told),
        sponsor=told.sponsor,
        credit=told.source,
        older=older,
        newer=newer,
    )


def _facts(room: Room, kept: Kept) -> dict[str, Any]:
    """Return what the archive knows about the article, beyond the newsroom's words."""
    facts, links = kept.article, room.links
    site, cms_id = facts["site"], facts["id"]
    shown = next(entry for entry in kept.revisions if entry["number"] == kept.revision)
    return {
        "site": site,
        "id": cms_id,
        "newsroom": room.title(site),
        "url": facts["url"],
        "published": room.zones.moment(facts["first_published"], site),
        "published_raw": facts["first_published_raw"] or "",
        "updated": room.zones.moment(facts["last_update"], site),
        "first_seen": room.zones.moment(facts["first_seen_at"]),
        "last_checked": room.zones.moment(facts["last_checked_at"]),
        "captured": room.zones.moment(shown["fetched_at"]),
        "gone": room.zones.moment(facts["gone_at"]),
        "partial": shown["source"] == "partial",
        "source": shown["source"],
        "revision": kept.revision,
        "revisions": len(kept.revisions),
        "latest": kept.revision == kept.revisions[-1]["number"],
        "words": facts["word_count"],
        "href": links.article(site, cms_id),
        "provenance": links.provenance(site, cms_id),
        "history": links.revisions(site, cms_id),
        "raw": links.raw(site, cms_id, kept.revision),
    }


def _terms(room: Room, kept: Kept, told: Story) -> dict[str, Any]:
    site = kept.article["site"]
    by_kind: dict[str, list[Name]] = {"author": [], "category": [], "keyword": []}
    for term in kept.terms:
        by_kind[term["kind"]].append(Name(term["kind"], site, term["id"], term["name"]))
    authors = named(room, by_kind["author"])
    plain = told.byline.casefold().removeprefix("by ").removeprefix("par ").strip()
    return {
        "authors": authors,
        "byline": "" if plain in {author.name.casefold() for author in authors} else told.byline,
        "sections": named(room, by_kind["category"]),
        "keywords": named(room, by_kind["keyword"]),
    }


def _captions(attachments: Iterable[Attachment], album: Album) -> Callable[[str], Caption]:
    """Return how to find what the newsroom wrote under a picture, by any URL of it."""
    known: dict[str, Caption] = {}
    for one in attachments:
        caption = caption_of(one)
        known.setdefault(one.url, caption)
        known.setdefault(album.group(one.url), caption)
    return lambda url: known.get(url) or known.get(album.group(url) or url, Caption())


def caption_of(one: Attachment) -> Caption:
    """Return an attachment's caption: its name and its description, or the one that says both."""
    texts = [text for text in (one.description, one.name) if text]
    longest = max(texts, key=len, default="")
    parts = [longest, *(text for text in texts if text not in longest)]
    return Caption(" — ".join(parts), one.description or one.name)


def _plates(told: Story, album: Album, shown: Sequence[str]) -> tuple[Plate | None, tuple[Plate, ...]]:
    """Return the lead picture, and those that neither it nor the text shows."""
    lead = plate(told.attachments[0], album) if told.attachments else None
    seen = {album.group(url) or url for url in shown}
    if told.attachments:
        seen.add(album.group(told.attachments[0].url) or told.attachments[0].url)
    rest = []
    for one in (*told.attachments[1:], *told.inline):
        group = album.group(one.url) or one.url
        if one.url and group not in seen:
            seen.add(group)
            rest.append(plate(one, album))
    return lead, tuple(rest)


def plate(one: Attachment, album: Album) -> Plate:
    """Return an attachment as it is shown beside the text."""
    picture, caption = album.picture(one.url), caption_of(one)
    why = "" if picture.src else REASONS.get(picture.state, REASONS["unknown"])
    return Plate(picture, caption.text, caption.alt or UNNAMED, why)


def _videos(told: Story, shown: Sequence[str]) -> tuple[Link, ...]:
    """Return the videos that the article names and its text does not show."""
    links = []
    for video in told.videos:
        if not any(video in url for url in shown):
            url = f"https://www.youtube.com/watch?v={video}"
            links.append(Link(embeds.kind_of(url), url))
    return tuple(links)


def _related(room: Room, reading: Reading, site: str, told: Story) -> tuple[Link, ...]:
    links = []
    for cms_id, title in dict(told.related).items():
        held = reading.find_article(site, cms_id)
        links.append(Link(title or f"Article {cms_id}", room.links.article(site, cms_id) if held else ""))
    return tuple(links)


def _neighbours(room: Room, reading: Reading, row: int, kept: Kept) -> tuple[Link | None, Link | None]:
    place = Place(kept.article["first_published"] or "", row)
    found = shelves.neighbours(reading.connection, kept.article["site"], place)
    cards = {card.row: card for card in shelves.cards(reading.connection, [one for one in found if one is not None])}
    links = [item(room, cards[one], ()) if one is not None else None for one in found]
    older, newer = (Link(one.title, one.href) if one else None for one in links)
    return older, newer


def _inside(room: Room, reading: Reading, urls: Sequence[str]) -> dict[str, str]:
    """Return which of these addresses lead to something archived, and to which page of ours."""
    found = {}
    for url in urls[:500]:
        meaning = room.settings.classify(url)
        address = _address(room, reading, *meaning) if meaning else ""
        if address:
            found[url] = address
    return found


def _address(room: Room, reading: Reading, kind: str, key: str) -> str:
    if kind == "article":
        row = reading.find_by_key(key)
        cards = shelves.cards(reading.connection, [row]) if row is not None else []
        return room.links.article(cards[0].site, cards[0].id) if cards else ""
    site, _, rest = key.partition(":")
    slug = rest.partition("/")[2]
    term = overviews.term(reading.connection, kind, site, slug)
    name = term.name if term else overviews.term_by_slug(reading.connection, kind, site, slug)
    return room.links.term(name) if name else ""
