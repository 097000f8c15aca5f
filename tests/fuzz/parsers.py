"""Every parser that reads what came from the network, and the errors that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crawler import pictures, reading
from crawler.cms import api, pages
from crawler.errors import CrawlError
from crawler.retry import parse_retry_after
from crawler.robots import Robots
from crawler.sites import Site
from crawler.targets import classify, listing_target, parse_target, spellings
from crawler.targets.grammar import TargetKind

Read = Callable[[bytes, str, Site], object]
_TERMS = (TargetKind.CATEGORY, TargetKind.KEYWORD, TargetKind.AUTHOR)
DECLARED = (CrawlError,)  # ParseError, Fault, TargetError and BadURL


@dataclass(frozen=True, slots=True)
class Parser:
    """A way to read bytes; `kinds` are the shapes that it is made for."""

    name: str
    kinds: tuple[str, ...]
    read: Read


def _robots(body: bytes, url: str, site: Site) -> object:
    rules = Robots.parse(body, 200, f"{site.base_url}/robots.txt", 0.0)
    return rules.allowed(url, "backfile/1"), rules.crawl_delay("backfile/1"), rules.sitemaps


def _links(body: bytes, _url: str, site: Site) -> object:
    """Read every line as a URL and as a term, as pages and articles name them."""
    found: list[object] = []
    for line in body.decode("utf-8", "replace").split("\n")[:500]:
        target = classify(line, (site,))
        found.append(target)
        found += [spellings(listing_target(site, kind, line[:30], line, line), site) for kind in _TERMS]
    return found


def _typed(body: bytes, _url: str, site: Site) -> object:
    return parse_target(body.rpartition(b"\n")[2].decode("utf-8", "replace"), (site,))


PARSERS: Mapping[str, Parser] = {
    parser.name: parser
    for parser in (
        Parser("article by the API", ("single",), lambda body, _url, site: reading.from_api(body, site)),
        Parser("article of a page", ("article page",), reading.from_page),
        Parser("list of an API", ("list",), lambda body, _url, _site: api.listing(body)),
        Parser("category of an API", ("category",), lambda body, _url, _site: api.category(body)),
        Parser("error of an API", ("single", "list"), lambda body, _url, _site: api.error_message(body)),
        Parser("listing page", ("listing page",), pages.listing),
        Parser("sitemap", ("sitemap",), lambda body, _url, _site: pages.sitemap(body)),
        Parser("robots", ("robots",), _robots),
        Parser("picture", ("picture",), lambda body, url, _site: pictures.check(body, "image/jpeg", url)),
        Parser("links", ("sitemap", "links"), _links),
        Parser("typed target", ("links",), _typed),
        Parser("retry-after", ("links",), lambda body, _u, _s: parse_retry_after(body[:90].decode("latin-1"), 0.0)),
    )
}
