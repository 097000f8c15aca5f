"""The truth about what the newsroom holds, for comparison with what a client found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from simulator.stock import KINDS, Json, Listing, Stock

_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_SOURCE = re.compile(r'\bsrc="([^"]*)"', re.IGNORECASE)
_SOURCE_SET = re.compile(r'\bsrcset="([^"]*)"', re.IGNORECASE)
_TEXTS = ("contents", "summary", "introduction")


@dataclass(frozen=True, slots=True)
class Rendition:
    """One media URL that an article mentions."""

    url: str
    role: str
    attachment_id: str | None = None
    transform: str | None = None


class Inventory:
    """Answers what exists; computes, holds nothing."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    def articles(
        self, category: str | None = None, keyword: str | None = None, author: str | None = None
    ) -> Iterator[str]:
        """Return article ids, newest first; of one listing (id or slug) when asked."""
        for kind, key in zip(KINDS, (category, keyword, author), strict=True):
            if key is not None:
                found = self._stock.listing(kind, key)
                return iter(found.ids if found else ())
        return iter(self._stock.ids())

    def renditions(self, article_id: str) -> list[Rendition]:
        """Return every picture of ours that the article mentions, each URL once, exactly as written."""
        seen: dict[str, Rendition] = {}
        for rendition in mentioned(self._article(article_id)):
            if rendition.url.startswith(self._stock.addresses.media) or self._elsewhere(rendition.url):
                seen.setdefault(rendition.url, rendition)
        return list(seen.values())

    def _elsewhere(self, url: str) -> bool:
        path = url.partition("://")[2].partition("/")[2]
        return self._stock.picture(f"/{path}") is not None

    def article_json(self, article_id: str) -> bytes:
        """Return the article as the API sends it within `data`, before any volatile field moves."""
        raw = self._stock.raw(article_id)
        if raw is None:
            raise KeyError(article_id)
        return raw

    def url(self, article_id: str) -> str:
        """Return the canonical address of an article."""
        return self._stock.summary(article_id)[0]

    def linked(self, article_id: str) -> list[str]:
        """Return the ids of other articles whose compact objects the article carries."""
        article = self._article(article_id)
        chef = article.get("chef")
        compacts = [*article.get("related", []), *([chef] if isinstance(chef, dict) else [])]
        return [str(entry["id"]) for entry in compacts]

    def removed(self) -> Iterator[str]:
        """Return the ids of articles that existed once: API 404, page 500."""
        return self._stock.removed_ids()

    def categories(self) -> Iterator[Listing]:
        """Return all categories, empty ones too."""
        return self._stock.listings("category")

    def keywords(self) -> Iterator[Listing]:
        """Return all keywords that articles carry."""
        return self._stock.listings("keyword")

    def authors(self) -> Iterator[Listing]:
        """Return all authors who signed articles."""
        return self._stock.listings("author")

    def _article(self, article_id: str) -> Json:
        article = self._stock.article(article_id)
        if article is None:
            raise KeyError(article_id)
        return article


def mentioned(article: Json) -> Iterator[Rendition]:
    """Return every media URL in an article's JSON, in reading order, repeated ones too."""
    for attachment in _objects(article.get("attachments")):
        yield from _attachment(attachment, "original")
    for attachment in _objects(article.get("inline_attachments")):
        yield from _attachment(attachment, "inline")
    for author in _objects(article.get("authors")):
        yield from _named(author, "image", "author")
        yield from _transforms(author.get("image_transforms"), "author", None)
    for category in _objects(article.get("categories")):
        yield from _category(category)
    for keyword in _objects(article.get("keywords")):
        data = keyword.get("data")
        yield from _named(data if isinstance(data, dict) else {}, "image", "other")
    seo = article.get("seo")
    yield from _named(seo if isinstance(seo, dict) else {}, "social_image", "seo")
    for text in _TEXTS:
        yield from _images(article.get(text))


def _objects(value: Any) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _named(entry: Json, key: str, role: str) -> Iterator[Rendition]:
    url = entry.get(key)
    if isinstance(url, str) and url:
        yield Rendition(url, role)


def _attachment(attachment: Json, role: str) -> Iterator[Rendition]:
    picture_id = str(attachment.get("id"))
    url = attachment.get("url")
    if isinstance(url, str) and url:
        yield Rendition(url, role, picture_id)
    yield from _transforms(attachment.get("transforms"), "transform", picture_id)
    for key, value in attachment.items():
        if key.startswith("url_") and isinstance(value, str) and value:
            yield Rendition(value, "transform", picture_id)


def _transforms(value: Any, role: str, picture_id: str | None) -> Iterator[Rendition]:
    for transform in _objects(value):
        if transform.get("url"):
            yield Rendition(str(transform["url"]), role, picture_id, f"{transform.get('x')}x{transform.get('y')}")


def _category(category: Json) -> Iterator[Rendition]:
    for key in ("image", "cover", "logo"):
        yield from _named(category, key, "category")
    if isinstance(category.get("parent"), dict):
        yield from _category(category["parent"])


def _images(html: Any) -> Iterator[Rendition]:
    for tag in _IMAGE.findall(html if isinstance(html, str) else ""):
        source, choices = _SOURCE.search(tag), _SOURCE_SET.search(tag)
        if source and source[1]:
            yield Rendition(unescape(source[1]), "inline")
        for choice in unescape(choices[1]).split(", ") if choices else ():
            yield Rendition(choice.split()[0], "transform")
