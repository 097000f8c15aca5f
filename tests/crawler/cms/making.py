"""Articles and pages as the CMS would send them, made for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from crawler.sites import Site

SEED_FILE = Path(__file__).parents[2] / "seed" / "article-1758224.json"
SEED = SEED_FILE.read_bytes()
SEED_URL = (
    "https://staging.dailymaverick.co.za/article/2023-07-06-as-minusma-exits-mali-questions-remain-on-regional-leaders"
    "-ability-to-address-security-challenges/"
)
CDN = "https://cdn.example.org"

DM = Site("dm", "https://www.example.co.za/", timezone="Africa/Johannesburg")
STAGING = Site("dm", "https://staging.dailymaverick.co.za/", timezone="Africa/Johannesburg")
OLJ = Site("olj", "https://www.example.com/", hosts=("today.example.com", "ex.me"), timezone="Asia/Beirut")


def seed() -> dict[str, Any]:
    """Return the seed article, decoded."""
    article: dict[str, Any] = json.loads(SEED)
    return article


def a_category(cms_id: str = "3", **changes: Any) -> dict[str, Any]:
    """Return a category as articles carry it."""
    return {
        "id": cms_id,
        "name": "Africa",
        "slug": "africa",
        "objectType": "Category",
        "url": "https://www.example.co.za/category/africa/",
        "image": "",
        "articlesCount": None,
        "typeId": {"typeId": "1", "name": "Example"},
        "parent": [],
        "cached": True,
        **changes,
    }


def a_keyword(cms_id: str = "5966", **changes: Any) -> dict[str, Any]:
    """Return a keyword as articles carry it."""
    data = {"keywordId": cms_id, "name": "russia", "display_name": "Russia", "slug": "russia", "url": "", **changes}
    return {"type": "Keyword", "data": data}


def an_attachment(name: str = "boat", **changes: Any) -> dict[str, Any]:
    """Return an attachment with one transform and the alias of it."""
    small = f"{CDN}/i/AAAAAAAAAAAAAAAAAAAAAAAAAAA=/450x0/smart/file/{name}.jpg"
    return {
        "id": "7",
        "name": "",
        "url": f"{CDN}/{name}.jpg",
        "transforms": [{"x": "450", "y": "0", "url": small}],
        "url_medium": small,
        "type": "image",
        **changes,
    }


def an_article(**changes: Any) -> dict[str, Any]:
    """Return an article with one of everything."""
    return {
        "objectType": "Article",
        "id": "42",
        "signature": "Article:42",
        "url": "https://www.example.co.za/article/2024-02-03-a-boat/",
        "shorturl": "https://www.example.co.za/article/42",
        "slug": "a-boat",
        "contentType": {"id": "1", "name": "Article", "slug": "article"},
        "status": "publish",
        "title": "A boat",
        "firstPublished": "2024-02-03 10:00:00",
        "lastUpdate": "2024-02-03 10:00:00",
        "views": 1,
        "categories": [a_category()],
        "keywords": [a_keyword()],
        "authors": [{"id": "9", "name": "Ada Lane", "url": "https://www.example.co.za/author/ada-lane/", "image": ""}],
        "attachments": [an_attachment()],
        "contents": "<p>A boat sails.</p>",
        "summary": "Sailing.",
        "introduction": "",
        "content_length": 13,
        "options": [],
        "cached": False,
        **changes,
    }


def text_of(article: Mapping[str, Any]) -> str:
    """Return an article as JSON text."""
    return json.dumps(article, ensure_ascii=False)


def island(value: Any) -> list[Any]:
    """Encode a value as the front end's framework encodes props."""
    if isinstance(value, dict):
        return [0, {key: island(entry) for key, entry in value.items()}]
    if isinstance(value, list):
        return [1, [island(entry) for entry in value]]
    return [0, value]


def astro_page(*articles: Any, head: str = "", prop: str = "content") -> bytes:
    """Return a page with one island for each article."""
    islands = "".join(
        f'<astro-island uid="Z{n}" component-url="/_astro/T.abc.js" props="'
        f'{escape(json.dumps({prop: island(article), "ready": [0, True]}))}" ssr></astro-island>'
        for n, article in enumerate(articles)
    )
    return f"<!DOCTYPE html><html><head>{head}</head><body><main>{islands}</main></body></html>".encode()


def canonical_link(url: str) -> str:
    """Return the tag by which a page states its canonical URL."""
    return f'<link rel="canonical" href="{url}">'
