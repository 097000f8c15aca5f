"""From an article's answer to the article, whichever way it came. Pure; used while crawling and by `reparse`."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from crawler.cms import api, article, pages
from crawler.errors import ParseError
from crawler.sites import Site
from storage.records import Source


def from_api(body: bytes, site: Site) -> article.Article:
    """Read an API answer; without its texts, an article is partial. Raises ParseError."""
    if usual := api.usual(body):
        text, decoded = usual
        found = article.of(decoded, text, site, Source.API)
    else:
        found = article.read(api.single(body), site, Source.API)
    if found.compact:
        return dataclasses.replace(found, record=replace(found.record, source=Source.PARTIAL))
    return found


def from_page(body: bytes, url: str, site: Site) -> article.Article:
    """Read a public page: the embedded object whole, or what can be assembled. Raises ParseError."""
    page = pages.article(body, url, site)
    return article.read(page.text, site, page.source)


def from_kept(body: bytes, media_type: str, url: str, site: Site) -> article.Article:
    """Read a kept answer again. Raises ParseError."""
    if "json" in media_type or body.lstrip()[:1] in (b"{", b"["):
        return from_api(body, site)
    if not body:
        raise ParseError("the body was not kept")
    return from_page(body, url, site)
