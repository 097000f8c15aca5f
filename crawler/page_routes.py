"""Routes to a listing over public pages: listing pages, the front page, sitemaps (contract 5.1)."""

from __future__ import annotations

from collections.abc import Iterable

from crawler import walk
from crawler.cms import pages
from crawler.errors import Fault, FaultKind
from crawler.paging import PageFacts
from crawler.places import Gave, Place, fingerprint
from crawler.sites import Site
from crawler.targets import Target, TargetKind, classify, spellings
from crawler.urls import with_query
from crawler.wants import date_in_path
from crawler.work import Tools

_ABSENT = frozenset({FaultKind.NOT_FOUND, FaultKind.GONE})
_SITEMAPS = ("/sitemap_index.xml", "/sitemap.xml")
_MOST_SITEMAPS = 5_000  # still to be read; those of a newsroom hold 1,000 articles each, or a month
_XML = "application/xml,*/*;q=0.5"


async def listing_page(tools: Tools, place: Place) -> Gave:
    """Read one public listing page, trying the other spellings of its address where the first is not there."""
    cursor, site = place.cursor, place.site
    known = spellings(place.target, site)
    base = known[min(cursor.spelling, len(known) - 1)]
    url = cursor.url or (base if cursor.page == 1 else with_query(base, site.page_param, str(cursor.page)))
    await tools.robots.check(url)
    try:
        answer = await tools.get(place.job, url)
    except Fault as fault:
        if fault.kind not in _ABSENT:
            raise
        if cursor.page > 1:  # past the end
            return Gave(cursor, facts=PageFacts(0, ""))
        more = cursor.spelling + 1 < len(known)
        return Gave(cursor, step=walk.end_route(cursor, walk.UNAVAILABLE, f"{url}: {fault}", spelling_left=more))
    listing = tools.read(answer, lambda: pages.listing(answer.body, answer.url, site))
    if not listing.articles:
        tools.refuse_block_page(answer)
    facts = PageFacts(
        count=len(listing.articles),
        fingerprint=fingerprint(item.key for item in listing.articles),
        next_url=listing.next_url or "",
        paginated=listing.paginated,
    )
    return Gave(cursor, answer, listing.articles, _dates(listing.articles), facts)


async def front_page(tools: Tools, place: Place) -> Gave:
    """Read the front page: the newest articles, whatever their section."""
    await tools.robots.check(place.target.url)
    answer = await tools.get(place.job, place.target.url)
    listing = tools.read(answer, lambda: pages.listing(answer.body, answer.url, place.site))
    if not listing.articles:
        tools.refuse_block_page(answer)
    outcome = walk.COMPLETE if listing.articles else walk.UNAVAILABLE
    step = walk.end_route(place.cursor, outcome, "the newest articles only")
    return Gave(place.cursor, answer, listing.articles, _dates(listing.articles), step=step)


async def news_sitemap(tools: Tools, place: Place) -> Gave:
    """Read the news sitemap: the articles of the last days."""
    url = f"{place.site.base_url.rstrip('/')}/news-sitemap.xml"
    await tools.robots.check(url)
    answer = await tools.get(place.job, url, accept=_XML)
    sitemap = tools.read(answer, lambda: pages.sitemap(answer.body))
    step = walk.end_route(place.cursor, walk.COMPLETE, "the newest articles only")
    items = _articles((url for url, _ in sitemap.urls), place.site)
    return Gave(place.cursor, answer, items, _dates(items), step=step)


async def sitemap(tools: Tools, place: Place) -> Gave:
    """Read one sitemap; an index adds its children to those still to be read."""
    cursor, site = place.cursor, place.site
    if not cursor.ids:
        announced = await tools.robots.sitemaps(site.base_url)
        cursor = walk.with_sitemaps(cursor, announced or tuple(site.base_url.rstrip("/") + path for path in _SITEMAPS))
    url, rest = cursor.ids[0], cursor.ids[1:]
    try:
        await tools.robots.check(url)
        answer = await tools.get(place.job, url, accept=_XML)
        read = tools.read(answer, lambda: pages.sitemap(answer.body))
    except Fault as fault:
        if fault.kind not in (*_ABSENT, FaultKind.UNREADABLE):
            raise
        return Gave(cursor, step=walk.after_sitemap(cursor, rest, read=False, note=f"{url}: {fault}"))
    known = frozenset(cursor.ids)
    children = tuple(child for child in read.children if child not in known)
    if len(rest) + len(children) > _MOST_SITEMAPS:
        raise Fault(FaultKind.OVER_LIMIT, f"{url} names more than {_MOST_SITEMAPS} sitemaps")
    items = _articles((loc for loc, _ in read.urls), site)
    step = walk.after_sitemap(cursor, (*rest, *children), read=True, note="")
    return Gave(cursor, answer, items, _dates(items), step=step)


def _articles(urls: Iterable[str], site: Site) -> tuple[Target, ...]:
    targets = (classify(url, (site,)) for url in urls)
    return tuple(t for t in targets if isinstance(t, Target) and t.kind is TargetKind.ARTICLE)


def _dates(items: Iterable[Target]) -> tuple[str, ...]:
    return tuple(date_in_path(item.key) for item in items)
