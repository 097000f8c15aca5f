"""What can be assembled of an article from a page that does not embed it (contract 5.2.3 to 5.2.6). Pure.

The result has the shape of an article object, so that one reader serves all; it never claims to be whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler import urls
from crawler.cms import fields, html, jsontext
from crawler.errors import ParseError
from crawler.sites import Site
from crawler.targets import Target, TargetKind, classify

_NEWS_TYPES: Final = frozenset(
    {"Article", "NewsArticle", "OpinionNewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "Recipe"}
)
_BODIES: Final = (
    "div.article-contents div.max-w-none",
    ".article-contents",
    "[itemprop=articleBody]",
    ".article-body",
    ".article-content",
)
_MISLABELLED: Final = re.compile(r"(?<=[0-9])(?:\.[0-9]+)?(?:Z|\+00:00)$")
_WIDTH: Final = re.compile(r"([0-9]{1,5})w")
_MOST_LINKS: Final = 2_000  # links of a page that are looked at for terms
_MOST_NAMES: Final = 1_000_000  # characters in them; a link inside another is counted, and costs, again


def assemble(tree: LexborHTMLParser, cms_id: str, url: str, site: Site) -> str | None:
    """Return the JSON text of an article-shaped object; None when the page does not show an article."""
    linked = linked_data(tree)
    if not linked and meta(tree, "og:type") != "article" and not _body(tree):
        return None
    links = _terms(tree, url, site)
    sections = _names(linked.get("articleSection")) or _split(meta(tree, "section", "article:section"))
    published = meta(tree, "published") or _naive(linked, tree, "datePublished", "article:published_time")
    article = {
        "objectType": "Article",
        "id": cms_id,
        "url": canonical(tree, url) or url,
        "title": _title(tree, linked),
        "firstPublished": published,
        "lastUpdate": _naive(linked, tree, "dateModified", "article:modified_time"),
        "categories": [_term(name, links[TargetKind.CATEGORY]) for name in sections],
        "keywords": [
            {"type": "Keyword", "data": _term(name, links[TargetKind.KEYWORD])} for name in _keywords(tree, linked)
        ],
        "authors": [_term(name, links[TargetKind.AUTHOR]) for name in _authors(tree, linked)],
        "summary": _inner(tree, ".top-summary"),
        "description": fields.first(linked, "description") or meta(tree, "og:description", "description"),
        "contents": _body(tree) or fields.first(linked, "articleBody"),
        "attachments": _attachments(tree, linked, url),
        "seo": {"social_image": meta(tree, "og:image"), "social_title": meta(tree, "og:title")},
    }
    return jsontext.encode({key: value for key, value in article.items() if value not in ("", [])})


def linked_data(tree: LexborHTMLParser) -> Mapping[str, object]:
    """Return the page's JSON-LD description of its article; empty when it has none."""
    for node in tree.css('script[type="application/ld+json"]'):
        try:
            data = jsontext.decode(node.text())
        except ParseError:
            continue
        for entry in fields.objects(data):
            for found in (entry, *fields.objects(entry.get("@graph"))):
                kinds = _names(found.get("@type"))
                if not _NEWS_TYPES.isdisjoint(kinds):
                    return found
    return {}


def meta(tree: LexborHTMLParser, *names: str) -> str:
    """Return the content of the first of these meta tags that says something; '' when none does."""
    return next((content for name in names for content in _metas(tree, name)), "")


def canonical(tree: LexborHTMLParser, url: str) -> str:
    """Return the canonical URL that a page states; '' when it states none."""
    node = tree.css_first("link[rel~=canonical][href]")
    return urls.join(url, node.attributes.get("href") or "") if node is not None else ""


def _metas(tree: LexborHTMLParser, name: str) -> list[str]:
    found = (node.attributes.get("content") or "" for node in tree.css(f'meta[name="{name}"], meta[property="{name}"]'))
    return [content.strip() for content in found if content.strip()]


def _title(tree: LexborHTMLParser, linked: Mapping[str, object]) -> str:
    heading = tree.css_first("article h1, main h1, h1")
    shown = " ".join(heading.text().split()) if heading is not None else ""
    return shown or fields.first(linked, "headline") or meta(tree, "og:title")


def _naive(linked: Mapping[str, object], tree: LexborHTMLParser, field: str, name: str) -> str:
    """Return a date as site-local time: the front end labels it as UTC, which it is not (contract 4.4)."""
    return _MISLABELLED.sub("", fields.first(linked, field) or meta(tree, name))


def _body(tree: LexborHTMLParser) -> str:
    return next((found for selector in _BODIES if (found := _inner(tree, selector))), "")


def _inner(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    return ((node.inner_html if node is not None else "") or "").strip()


def _authors(tree: LexborHTMLParser, linked: Mapping[str, object]) -> list[str]:
    return _names(linked.get("author")) or _split(meta(tree, "author"))


def _keywords(tree: LexborHTMLParser, linked: Mapping[str, object]) -> list[str]:
    listed = linked.get("keywords")
    named = _split(listed) if isinstance(listed, str) else _names(listed)
    return list(dict.fromkeys(_metas(tree, "article:tag"))) or named or _split(meta(tree, "keywords"))


def _names(value: object) -> list[str]:
    """Return the names in a JSON-LD value: a text, an object with a name, or a list of either."""
    entries = value if isinstance(value, list) else [value]
    named = (
        fields.first(entry, "name") if isinstance(entry, dict) else fields.text(entry).strip() for entry in entries
    )
    return list(dict.fromkeys(name for name in named if name))


def _split(value: str) -> list[str]:
    return list(dict.fromkeys(name for part in value.split(",") if (name := part.strip())))


def _terms(tree: LexborHTMLParser, url: str, site: Site) -> dict[TargetKind, dict[str, str]]:
    """Return the URLs of the categories, keywords and authors that the page links, by their names in lower case."""
    found: dict[TargetKind, dict[str, str]] = {kind: {} for kind in TargetKind}
    left = _MOST_NAMES
    for node in tree.css("a[href]")[:_MOST_LINKS]:
        address = urls.join(url, node.attributes.get("href") or "")
        target = classify(address, (site,)) if address else None
        text = node.text() if isinstance(target, Target) and left > 0 else ""
        left -= len(text)
        name = " ".join(text.split()).lower()
        if name and isinstance(target, Target):
            found[target.kind].setdefault(name, address)
    return found


def _term(name: str, links: Mapping[str, str]) -> dict[str, str]:
    url = links.get(name.lower(), "")
    slug = url.rstrip("/").rpartition("/")[2]
    return {"name": name, "slug": slug, "url": url} if url else {"name": name}


def _attachments(tree: LexborHTMLParser, linked: Mapping[str, object], url: str) -> list[dict[str, object]]:
    node = tree.css_first(".main-image img")
    if node is not None:
        return [_main_image(tree, node, url)]
    images = linked.get("image")
    entries = images if isinstance(images, list) else [images]
    found = (fields.first(entry, "url") if isinstance(entry, dict) else fields.text(entry) for entry in entries)
    return [{"url": image, "type": "image"} for image in dict.fromkeys(found) if image]


def _main_image(tree: LexborHTMLParser, node: LexborNode, url: str) -> dict[str, object]:
    caption = tree.css_first("em.image-caption")
    return {
        "name": caption.text(strip=True) if caption is not None else "",
        "description": node.attributes.get("alt") or "",
        "url": urls.join(url, node.attributes.get("src") or ""),
        "transforms": list(_transforms(node, url)),
        "type": "image",
    }


def _transforms(node: LexborNode, url: str) -> Iterator[dict[str, str]]:
    for candidate, descriptor in html.candidates(node.attributes.get("srcset") or ""):
        width = _WIDTH.fullmatch(descriptor)
        size = {"x": width[1], "y": "0"} if width else {}
        yield {**size, "url": urls.join(url, candidate)}
