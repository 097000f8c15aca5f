"""The public site: articles, listings, the front page, sitemaps, pictures."""

from __future__ import annotations

import re
from zlib import crc32

from aiohttp import web

from simulator import conditional, listings, render
from simulator.events import Way
from simulator.options import Options
from simulator.pictures import MEDIA_TYPES, picture
from simulator.stock import Hit, Json, Stock

_SITEMAP = re.compile(r"/article-sitemap(\d+)\.xml")
_BY_ID = re.compile(r"/(?:article/)?(\d+)/?")
_BARE_AGENT = re.compile(r"python-requests|python/3|aiohttp/|python-urllib|curl/|wget/|^-?$", re.IGNORECASE)
DUMPED, SERVED_BY_ID = 9, 5  # one article in so many is a dump; one in so many is served under its bare id


def html(text: str, status: int = 200) -> web.Response:
    """Answer with a page."""
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def xml(text: str) -> web.Response:
    """Answer with XML."""
    return web.Response(text=text, content_type="application/xml", charset="utf-8")


class Site:
    """Answers requests for public pages and pictures."""

    def __init__(self, stock: Stock, options: Options) -> None:
        self._stock, self._options, self._conditional = stock, options, options.conditional

    async def media(self, request: web.BaseRequest) -> web.Response:
        """Answer with a picture, or say why not."""
        path = request.rel_url.raw_path
        if self._stock.forged(path):
            return web.Response(text="Forbidden: malformed signature", status=403)
        wanted = self._stock.picture(path)
        if wanted is None:
            return web.Response(text="no such picture", status=404)

        def make() -> web.Response:
            media_type = MEDIA_TYPES.get(wanted.format, "image/jpeg")
            return web.Response(body=picture(wanted, self._stock.seed), content_type=media_type)

        return conditional.answer(request, repr(wanted).encode(), wanted.since, make) if self._conditional else make()

    async def page(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with whatever page is at this address."""
        if self._walled(request):
            return html("<html><body><h1>Access denied</h1><p>Are you a robot?</p></body></html>", 403)
        fixed = self._fixed(request)
        if fixed is not None:
            return fixed
        path = request.path
        hit = self._stock.locate(path)
        if hit is not None:
            return self._article(hit)
        by_id = _BY_ID.fullmatch(path)
        if by_id and self._stock.way(by_id[1]) is Way.MISSING:
            return self._away(Way.MISSING)
        forwarded = self._stock.forwarded(path)
        if forwarded is not None:
            return web.Response(status=301, headers={"Location": forwarded})
        listing = self._stock.listing_at(path)
        if listing is None:
            return html(listings.message_page(self._stock, "Page not found"), 404)
        number = request.query.get(self._options.page_scheme, "1")
        page = max(1, int(number)) if number.isdecimal() and len(number) < 9 else 1
        return html(listings.listing_page(self._stock, listing, page, self._options.page_scheme))

    def _walled(self, request: web.BaseRequest) -> bool:
        """Say whether the wall takes this visitor for a robot; only one installation has a wall."""
        agent = request.headers.get("User-Agent", "").strip()
        return self._stock.profile.name == "olj" and request.path != "/robots.txt" and bool(_BARE_AGENT.search(agent))

    def _fixed(self, request: web.BaseRequest) -> web.Response | None:
        """Answer the addresses that every site has."""
        path, stock = request.path, self._stock
        if path == "/":
            return html(listings.home_page(stock))
        if path == "/robots.txt":
            return web.Response(text=listings.robots(stock))
        if path in ("/sitemap_index.xml", "/sitemap.xml"):
            return xml(listings.sitemap_index(stock))
        if path == "/section-sitemap.xml":
            return xml(listings.section_sitemap(stock))
        if path == "/news-sitemap.xml":
            return xml(listings.news_sitemap(stock))
        match = _SITEMAP.fullmatch(path)
        text = listings.article_sitemap(stock, int(match[1][:6])) if match else None
        return xml(text) if text else None

    def _article(self, hit: Hit) -> web.StreamResponse:
        article: Json | None = self._stock.article(hit.article_id)
        way = self._stock.way(hit.article_id)
        if article is None or way not in (None, Way.UNLISTED):
            return self._away(way)
        if not hit.canonical and crc32(hit.article_id.encode()) % SERVED_BY_ID:
            return web.Response(status=301, headers={"Location": self._stock.summary(hit.article_id)[0]})
        return self.show(article, self._dump(hit.article_id))

    def _away(self, way: Way | None) -> web.Response:
        """Answer for an article that is not public any more."""
        status, text = {
            Way.MISSING: (500, "Something went wrong"),
            Way.DELETED: (410, "This article is no longer available"),
        }.get(way or Way.WITHHELD, (404, "Page not found"))
        return html(listings.message_page(self._stock, text), status)

    def show(self, article: Json, dump: str | None) -> web.Response:
        """Answer with the page of an article; with the JSON as plain text when a dump is given."""
        return html(render.article_page(article, self._stock.profile, dump, listings.frame(self._stock)))

    def _dump(self, article_id: str) -> str | None:
        """Return the JSON to show as plain text, for those articles that do."""
        sometimes = self._options.quirks and crc32(article_id.encode()) % DUMPED == 0
        wanted = self._options.dump_pages or self._options.replay is not None or sometimes
        return self._stock.page_json(article_id) if wanted else None
