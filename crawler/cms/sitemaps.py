"""Sitemaps: indexes, sets of URLs, news sitemaps (contract 5.1). Pure.

Read tag by tag instead of as XML: broken ones still tell what they list, and no entity is ever expanded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crawler.cms import charset
from crawler.errors import ParseError

_TAG: Final = re.compile(
    r"<(/?)((?:[\w.-]+:)?)(urlset|sitemapindex|url|sitemap|loc|lastmod)(?=[\s/>])[^<>]*>", re.IGNORECASE
)
_CDATA: Final = re.compile(r"\s{0,99}<!\[CDATA\[")
_LONGEST_VALUE: Final = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What a sitemap lists: further sitemaps, and pages with their last change as it is written."""

    children: tuple[str, ...]
    urls: tuple[tuple[str, str | None], ...]


def sitemap(body: bytes) -> Sitemap:
    """Read a sitemap or an index of sitemaps. Raises ParseError when it is neither."""
    page = charset.decode(body).text
    seen, children, listed = False, [], []
    for kind, loc, lastmod in _entries(page):
        seen = True
        if kind == "sitemap" and loc:
            children.append(loc)
        elif kind == "url" and loc:
            listed.append((loc, lastmod or None))
    if not seen:
        raise ParseError("the answer is not a sitemap")
    return Sitemap(tuple(dict.fromkeys(children)), tuple(dict.fromkeys(listed)))


def _entries(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, address and date of each entry, and the root; what is not closed ends where the next one begins.

    An address with another prefix than its entry's is that of a picture or a video, not of the page.
    """
    kind, prefix, loc, lastmod = "", "", "", ""
    for match in _TAG.finditer(page):
        name = match[3].lower()
        if name in ("urlset", "sitemapindex"):
            yield name, "", ""
        elif name in ("url", "sitemap"):
            if loc:
                yield kind, loc, lastmod
            opens = not match[1] and not match[0].endswith("/>")
            kind, prefix, loc, lastmod = name if opens else "", match[2], "", ""
        elif kind and not match[1] and match[2] == prefix:
            value = _value(page, match.end())
            loc, lastmod = (loc or value, lastmod) if name == "loc" else (loc, lastmod or value)
    if loc:
        yield kind, loc, lastmod


def _value(page: str, start: int) -> str:
    end = start + _LONGEST_VALUE
    cdata = _CDATA.match(page, start, end)
    if cdata:
        return page[cdata.end() : max(cdata.end(), page.find("]]>", cdata.end(), end))].strip()
    close = page.find("<", start, end)
    return html.unescape(page[start : close if close >= 0 else end]).strip()
