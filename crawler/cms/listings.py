"""The articles that a public listing page lists, and whether there are more (contract 5.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler import urls
from crawler.cms import charset, html, partial
from crawler.errors import BadURL, ParseError
from crawler.sites import Site, host_of
from crawler.targets import Target, TargetKind, classify

# Where a page repeats the same links whatever it lists.
_FRAME: Final = "nav a[href], aside a[href], [role=navigation] a[href], [role=complementary] a[href]"
_EDGES: Final = "header a[href], footer a[href]"
_INSIDE: Final = "main a[href], article a[href]"  # a card may have a header of its own
_BESIDES: Final = ", ".join(
    f"body .{name} a[href]"
    for name in (
        "related", "relatedArticles", "related-articles", "inline-embeded-article", "most-read", "mostread",
        "most-popular", "trending", "sidebar",
    )
)  # fmt: skip
_MOST_LINKS: Final = (
    20_000  # links of a page; each is made absolute, so that a page can ask for far more than it is long
)
_PAGE_PARAMETERS: Final = frozenset({"pagination", "page", "paged"})
_PAGE_PATH: Final = re.compile(r"/page/[0-9]+$")


@dataclass(frozen=True, slots=True)
class PageListing:
    """What a listing page lists, in its order."""

    articles: tuple[Target, ...]
    next_url: str | None
    paginated: bool  # a link to another page of the same listing was seen
    canonical: str


def listing(body: bytes, url: str, site: Site) -> PageListing:
    """Read a listing page, without the links of its frame. Raises ParseError for no page, and for one made to hurt."""
    page = charset.decode(body).text
    if "<" not in page:
        raise ParseError("the answer is empty" if not page.strip() else "the answer is not an HTML page")
    tree = html.parse(page)
    base = _base(tree, url, site)
    links = absolute_links(tree, base)
    next_url = _next(tree, base, url, site)
    return PageListing(
        articles=articles(tree, links, site),
        next_url=next_url,
        paginated=next_url is not None or any(_is_page_of(link, url, site) for _, link in links),
        canonical=partial.canonical(tree, base) or url,
    )


def absolute_links(tree: LexborHTMLParser, base: str) -> list[tuple[LexborNode, str]]:
    """Return the links of a page and where they lead ('' where to no web address). Raises ParseError for too many."""
    nodes = tree.css("a[href]")
    if len(nodes) > _MOST_LINKS:
        raise ParseError(f"the page has {len(nodes):,} links; no more than {_MOST_LINKS:,} are looked at")
    return [(node, urls.join(base, node.attributes.get("href") or "")) for node in nodes]


def articles(tree: LexborHTMLParser, links: Iterable[tuple[LexborNode, str]], site: Site) -> tuple[Target, ...]:
    """Return the articles that a page links outside its frame, each once; those beside the listing only if alone."""
    framed = _ids(tree, _FRAME) | (_ids(tree, _EDGES) - _ids(tree, _INSIDE))
    besides = _ids(tree, _BESIDES)
    listed: dict[str, Target] = {}
    beside: dict[str, Target] = {}
    for node, link in links:
        if not link or node.mem_id in framed:
            continue
        target = classify(link, (site,))
        if isinstance(target, Target) and target.kind is TargetKind.ARTICLE:
            (beside if node.mem_id in besides else listed).setdefault(target.key, target)
    return tuple((listed or beside).values())


def _ids(tree: LexborHTMLParser, selector: str) -> set[int]:
    return {node.mem_id for node in tree.css(selector)}


def _base(tree: LexborHTMLParser, url: str, site: Site) -> str:
    node = tree.css_first("base[href]")
    base = urls.join(url, node.attributes.get("href") or "") if node is not None else ""
    return base if host_of(base) in site.page_hosts and len(base) <= urls.MAX_LENGTH else url


def _next(tree: LexborHTMLParser, base: str, url: str, site: Site) -> str | None:
    """Return the next page that the page itself names, on this site and other than the page itself."""
    for node in tree.css("link[rel~=next][href], a[rel~=next][href]"):
        link = urls.join(base, node.attributes.get("href") or "")
        if link and host_of(link) in site.page_hosts and link != url.partition("#")[0]:
            return link
    return None


def _is_page_of(link: str, url: str, site: Site) -> bool:
    """Say whether a link leads to a numbered page of the listing at `url`."""
    if not link or not _may_number(link):
        return False
    try:
        path, own = urls.path_key(link), urls.path_key(url)
    except BadURL:
        return False
    numbered = _PAGE_PATH.search(path)
    if _PAGE_PATH.sub("", path) != _PAGE_PATH.sub("", own):
        return False
    parameters = _PAGE_PARAMETERS | {site.page_param}
    query = parse_qsl(urlsplit(link).query, max_num_fields=None)
    return numbered is not None or any(name in parameters and value.isdecimal() for name, value in query)


def _may_number(link: str) -> bool:
    return "?" in link or "/page/" in link
