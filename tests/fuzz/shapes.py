"""Real shapes to start from: the seed article, and what two simulated newsrooms answer on every kind of address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from crawler.sites import Site
from simulator import Newsroom, Options

SEED_FILE = Path(__file__).parents[1] / "seed" / "article-1758224.json"
KEY = "box-key"
_ARTICLES = 40
_PICTURES = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """One real answer: what kind it is, where it came from, and which site it belongs to."""

    kind: str
    url: str
    body: bytes
    site: Site


async def gather() -> list[Shape]:
    """Return shapes of every kind, from both profiles."""
    shapes: list[Shape] = []
    for profile in ("dm", "olj"):
        for dump in (False, True):
            room = Newsroom(Options(profile=profile, articles=_ARTICLES, dump_pages=dump))
            async with room, aiohttp.ClientSession(headers={"User-Agent": "fuzz", "API-Key": KEY}) as session:
                shapes += [shape async for shape in _answers(room, session)]
    first = shapes[0]
    shapes.append(Shape("single", first.url, b'{"data":[' + SEED_FILE.read_bytes() + b"]}", first.site))
    links = "\n".join([*(shape.url for shape in shapes), "room:1758224", "room:category/africa", "/a/../b?x=%41#y"])
    shapes.append(Shape("links", first.url, links.encode(), first.site))
    return shapes


async def _answers(room: Newsroom, session: aiohttp.ClientSession) -> AsyncIterator[Shape]:
    site = Site("room", room.url, timezone="Asia/Beirut", media_hosts=(f"127.0.0.1:{room.port}",))
    for kind, url in _addresses(room):
        async with session.get(url) as answer:
            yield Shape(kind, url, await answer.read(), site)


def _addresses(room: Newsroom) -> list[tuple[str, str]]:
    ids = sorted(room.inventory.articles())[:3]
    category = next(iter(room.inventory.categories()))
    listings = [category, next(iter(room.inventory.keywords())), next(iter(room.inventory.authors()))]
    found = [("article page", room.inventory.url(article)) for article in ids]
    found += [("listing page", listing.url) for listing in listings] + [("listing page", f"{room.url}/")]
    found += [("single", f"{room.url}/cms/content/{article}") for article in ids]
    number = "1" if room.options.profile == "dm" else "17"
    found.append(("list", f"{room.url}/cms/publication/{number}/content?limit=10&page=1"))
    classic = f"{room.url}/cmsapi"
    found.append(("list", f"{classic}/content.php?action=search&category={category.id}&limit=5&page=1&key={KEY}"))
    found.append(("category", f"{classic}/categories.php?action=view&categoryId={category.id}&key={KEY}"))
    found += [("sitemap", f"{room.url}/{name}") for name in ("sitemap_index.xml", "sitemap.xml", "news-sitemap.xml")]
    found.append(("robots", f"{room.url}/robots.txt"))
    pictures = {rendition.url for article in ids for rendition in room.inventory.renditions(article)}
    found += [("picture", url) for url in sorted(pictures)[:_PICTURES]]
    return found
