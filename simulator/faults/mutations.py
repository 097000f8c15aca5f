"""Faults inside the article: shapes, sizes and addresses that no newsroom should send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.faults.bodies import LARGE_ARTICLE_MEGABYTES, MEGABYTE
from simulator.faults.visit import Json, Visit

ATTACHMENTS, LONG_URL = 500, 8_000


def mutation(change: Callable[[Json], Json]) -> Callable[[Visit], Awaitable[web.StreamResponse]]:
    """Make a fault that changes the article, in the API and in its page alike."""

    async def act(visit: Visit) -> web.StreamResponse:
        return visit.rewrite(visit.request, change) or await visit.genuine()

    return act


def large_article(article: Json) -> Json:
    """Return the article with 50 MB of text."""
    line = "<p>Nobody will read this paragraph, but somebody has to keep it.</p>"
    return article | {"contents": line * (LARGE_ARTICLE_MEGABYTES * MEGABYTE // len(line))}


def _base(article: Json) -> Json:
    """Return a picture of the article to make more of, or one that does not exist."""
    pictures = article.get("attachments")
    if isinstance(pictures, list) and pictures:
        return dict(pictures[0])
    origin = "/".join(str(article.get("url")).split("/")[:3])
    return {
        "id": "1",
        "name": "",
        "description": "",
        "url": f"{origin}/storage/none.jpg",
        "transforms": [],
        "type": "image",
    }


def many_attachments(article: Json) -> Json:
    """Return the article with 500 pictures that all exist."""
    base = _base(article)
    plain = {key: base.get(key, "") for key in ("name", "description", "focal", "width", "height", "type")}
    copies = [
        {"id": f"{base['id']}{place:03d}", **plain, "url": f"{base['url']}?copy={place}", "transforms": []}
        for place in range(ATTACHMENTS)
    ]
    return article | {"attachments": copies}


def empty_maps(article: Json) -> Json:
    """Return the article with every map replaced by an empty list, as PHP does with empty ones."""
    return article | {key: [] for key, value in article.items() if isinstance(value, dict)}


def contents_object(article: Json) -> Json:
    """Return the article with its text wrapped in an object."""
    return article | {"contents": {"html": article.get("contents")}}


def flat_keywords(article: Json) -> Json:
    """Return the article with keywords that lack their wrapping."""
    keywords = [entry["data"] for entry in article.get("keywords", []) if isinstance(entry.get("data"), dict)]
    return article | {"keywords": [{"id": data["keywordId"], **data} for data in keywords]}


def keyword_cycle(article: Json) -> Json:
    """Return the article with keywords that replace each other in a ring."""
    entries = [entry for entry in article.get("keywords", []) if isinstance(entry.get("data"), dict)]
    ring = []
    for place, entry in enumerate(entries):
        other = entries[(place + 1) % len(entries)]["data"]
        target = {key: other.get(key) for key in ("keywordId", "name", "slug", "url")}
        ring.append(entry | {"data": entry["data"] | {"replacedWith": target}})
    return article | {"keywords": ring}


def hostile_urls(article: Json) -> Json:
    """Return the article with media addresses meant to break out of somewhere."""
    base = _base(article)
    url = str(base["url"])
    origin = "/".join(url.split("/")[:3])
    addresses = (
        f"{url}?pad={'a' * (LONG_URL - len(url) - 5)}",
        f"{origin}/../../../../etc/passwd",
        f"{origin}/storage/%2e%2e/%2e%2e/etc/shadow.jpg",
        f"{url}?name=two words.jpg",
        f"{url}?bell=\x07&line=\r\nX-Injected: yes&escape=\x1b[31m",
        f"{url}?bidi=\u202egpj.exe",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "//",
    )
    extra = [
        {
            "id": f"{base['id']}9{place}",
            "name": "",
            "description": "",
            "url": address,
            "transforms": [],
            "type": "image",
        }
        for place, address in enumerate(addresses)
    ]
    return article | {"attachments": [*article.get("attachments", []), *extra]}


def wrong_types(article: Json) -> Json:
    """Return the article with scalars where lists belong and lists where scalars belong."""
    wrong = {
        "title": None,
        "categories": "africa",
        "keywords": {"0": "mali"},
        "authors": None,
        "content_length": "many",
    }
    return article | wrong | {"attachments": {"0": _base(article)}, "firstPublished": 0}
