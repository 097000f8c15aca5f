"""Public pages: the article of an article page, the articles of a listing, the addresses of a sitemap. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from crawler import urls
from crawler.cms import article as reader
from crawler.cms import charset, embedded, html, listings, partial
from crawler.cms.embedded import Embedded
from crawler.cms.listings import PageListing, listing
from crawler.cms.sitemaps import Sitemap, sitemap
from crawler.errors import BadURL, ParseError
from crawler.sites import Site
from crawler.targets import Target, TargetKind, classify
from storage.records import Source

__all__ = ["PageArticle", "PageListing", "Sitemap", "article", "listing", "sitemap"]

_LINK: Final = re.compile(r"<link\b[^<>]*>", re.IGNORECASE)
_CANONICAL: Final = re.compile(r"\srel\s*=\s*[\"']?canonical\b", re.IGNORECASE)
_HREF: Final = re.compile(r"\shref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_ADS_ID: Final = re.compile(r"[\"']?article_id[\"']?\s*:\s*[\"']?([1-9][0-9]{0,17})\b")
_ADS_REACH: Final = 20_000  # characters after `dm_ads` in which its article id is looked for
_DATE: Final = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-")


@dataclass(frozen=True, slots=True)
class PageArticle:
    """The article object of a page as JSON text: as embedded, or assembled (`Source.PARTIAL`)."""

    text: str
    source: Source
    cms_id: str | None


@dataclass(frozen=True, slots=True)
class _Clues:
    """What a page says about which article it shows."""

    cms_id: str
    path: str  # canonical path; '' when the page is known by its id only
    is_front: bool


def article(body: bytes, url: str, site: Site) -> PageArticle:
    """Return the article of the page at `url` (contract 5.2). Raises ParseError, saying what the page looks like."""
    page = charset.decode(body)
    if not page.text.strip():
        raise ParseError("the page is empty")
    clues = _clues(page.text, url, site)
    found = None if clues.is_front else _choose(embedded.articles(page.text), clues)
    if found is not None:
        text, source, cms_id = found.json, Source.PAGE, reader.id_of(found.article)
    else:
        text, source, cms_id = _assembled(page.text, url, site, clues), Source.PARTIAL, clues.cms_id
    if page.damaged and "\ufffd" in text:
        raise ParseError("the page's article is not valid UTF-8")
    return PageArticle(text, source, cms_id)


def _clues(page: str, url: str, site: Site) -> _Clues:
    """Look for the article's id where pages state it: advertising, canonical URL, the page's own URL."""
    canonical = _target(_canonical(page, url), site)
    own = _target(url, site)
    ads = page.find("dm_ads")
    stated = _ADS_ID.search(page, ads, ads + _ADS_REACH) if ads >= 0 else None
    keys = [target.key.partition(":")[2] for target in (canonical, own) if target and target.kind is TargetKind.ARTICLE]
    stands_for = canonical or own
    return _Clues(
        cms_id=stated[1] if stated else next((key for key in keys if key.isdecimal()), ""),
        path=next((key for key in keys if key.startswith("/")), ""),
        is_front=stands_for is not None and stands_for.kind is TargetKind.FRONT,
    )


def _target(url: str, site: Site) -> Target | None:
    """Return what a URL stands for on this site, whichever of its hosts it names."""
    found = classify(url, (site,)) if url else None
    return found if isinstance(found, Target) else None


def _canonical(page: str, url: str) -> str:
    for tag in _LINK.finditer(page):
        if _CANONICAL.search(tag[0]):
            href = _HREF.search(tag[0])
            return urls.join(url, embedded.unescape(href[1] or href[2] or href[3] or "")) if href else ""
    return ""


def _choose(candidates: Iterable[Embedded], clues: _Clues) -> Embedded | None:
    """Return the page's own article: the one it states, or the only one there is. Never one without its texts."""
    others: dict[str, Embedded] = {}
    for candidate in candidates:
        try:
            cms_id = reader.id_of(candidate.article)
        except ParseError:
            continue
        if reader.is_compact(candidate.article) or (clues.cms_id and cms_id != clues.cms_id):
            continue
        if clues.cms_id or _is_at(candidate, clues.path):
            return candidate
        others.setdefault(cms_id, candidate)
    return next(iter(others.values())) if len(others) == 1 else None


def _is_at(candidate: Embedded, path: str) -> bool:
    """Say whether an article belongs to a path, dated or not (contract 5.1)."""
    try:
        own = urls.path_key(str(candidate.article.get("url")))
    except BadURL:
        return False
    return bool(path) and _DATE.sub("", own.rpartition("/")[2]) == _DATE.sub("", path.rpartition("/")[2])


def _assembled(page: str, url: str, site: Site, clues: _Clues) -> str:
    if "<" not in page:
        raise ParseError("the answer is neither an HTML page nor an article")
    tree = html.parse(page)
    if clues.is_front:
        raise ParseError("the page holds no article: it is the front page")
    text = partial.assemble(tree, clues.cms_id, url, site) if clues.cms_id else None
    if text is None:
        raise ParseError(f"the page holds no article: it looks like {_likeness(tree, url, site)}")
    return text


def _likeness(tree: LexborHTMLParser, url: str, site: Site) -> str:
    if partial.linked_data(tree) or partial.meta(tree, "og:type") == "article":
        return "an article whose id it does not state"
    count = len(listings.articles(tree, listings.absolute_links(tree, url), site))
    title = tree.css_first("title")
    named = f"titled “{urls.display(title.text(strip=True), 80)}”" if title is not None else "without a title"
    return f"a listing of {count} articles, {named}" if count > 2 else f"an error page or notice, {named}"
