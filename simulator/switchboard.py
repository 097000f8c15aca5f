"""Sends each request to the part of the newsroom that answers it, or to the fault that is planned for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from zlib import crc32

from aiohttp import web

from simulator.answers import json_body
from simulator.chance import Dice
from simulator.classic import ClassicApi
from simulator.door import Door
from simulator.faults import FAULTS, Plan, Strike, Visit
from simulator.faults.visit import ARTICLE, BATCH, CONTENT, LISTING, MEDIA, OTHER, SITEMAP
from simulator.options import Options
from simulator.pages import Site
from simulator.stock import Json, Stock
from simulator.v3 import RestApi

API, CLASSIC, PAGE = "api", "classic", "page"
_MEDIA_PATHS = ("/dailymaverick/", "/i/", "/storage/", "/attachments/")


class Switchboard:
    """Knows which request is for whom."""

    def __init__(self, stock: Stock, options: Options, plan: Plan, door: Door, now: Callable[[], datetime]) -> None:
        self._stock, self._options, self._plan, self._door, self._now = stock, options, plan, door, now
        self._strict = options.tls and options.replay is None
        self._site, self._rest, self._classic = (
            Site(stock, options),
            RestApi(stock, options, door),
            ClassicApi(stock, door),
        )

    def kind(self, request: web.BaseRequest) -> str:
        """Return which part of the newsroom a request is for; with real host names, by host too."""
        path = request.path
        if path.startswith("/cms/") and self._on(request, "api"):
            return API
        if path.startswith("/cmsapi/") and self._on(request, "front", "second"):
            return CLASSIC
        known = path.startswith(_MEDIA_PATHS) or self._stock.picture(request.rel_url.raw_path) is not None
        return MEDIA if known and self._on(request, "media") else PAGE

    def _on(self, request: web.BaseRequest, *roles: str) -> bool:
        host = request.host.partition(":")[0]
        return not self._strict or host in {self._stock.addresses.host_of(role) for role in roles}

    def strike(self, request: web.BaseRequest, kind: str) -> tuple[Strike, Visit] | None:
        """Return the fault planned for this request, ready to act."""
        if not self._plan:
            return None
        finer = self._finer_kind(request, kind)
        chosen = self._plan.choose(finer, request.path, request.raw_path)
        if chosen is None:
            return None
        dice = Dice(self._options.seed, crc32(request.raw_path.encode()), chosen.attempt)
        now = self._now()
        visit = Visit(request, finer, chosen.after, dice, now, lambda other: self.answer(other, kind), self._rewrite)
        return chosen, visit

    async def act(self, chosen: Strike, visit: Visit) -> web.StreamResponse:
        """Let the fault happen."""
        return await FAULTS[chosen.name].act(visit)

    def _finer_kind(self, request: web.BaseRequest, kind: str) -> str:
        """Return the kind of request as the table of faults knows it."""
        path = request.path
        if kind == API:
            return CONTENT if path.startswith("/cms/content/") else BATCH
        if kind == CLASSIC:
            return BATCH if path.endswith("content.php") else OTHER
        if kind == MEDIA:
            return MEDIA
        if path.endswith(".xml"):
            return SITEMAP
        hit = self._stock.locate(path)
        if hit is not None:
            return ARTICLE if hit.canonical else OTHER
        return LISTING if self._stock.listing_at(path) is not None else OTHER

    async def answer(self, request: web.BaseRequest, kind: str) -> web.StreamResponse:
        """Answer a request as a healthy newsroom does."""
        if kind in (CLASSIC, PAGE) and self._door.has_left(request.host):
            return web.Response(status=301, headers={"Location": self._stock.addresses.front + request.raw_path})
        if kind == API:
            return await self._rest.answer(request)
        if kind == CLASSIC:
            return await self._classic.answer(request)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="Method not allowed")
        if kind == MEDIA:
            return await self._site.media(request)
        if not self._on(request, "front", "second", "short"):
            return web.Response(status=404, text="no pages on this host")
        return await self._site.page(request)

    def _rewrite(self, request: web.BaseRequest, change: Callable[[Json], Json]) -> web.Response | None:
        """Answer for an article with a changed one: JSON in the API, a page on the site."""
        hit = self._stock.locate(request.path)
        single = request.path.startswith("/cms/content/")
        article = self._stock.article(
            request.path.rstrip("/").rsplit("/", 1)[-1] if single else hit.article_id if hit else ""
        )
        if article is None:
            return None
        changed = change(article)
        if single:
            return json_body(json.dumps({"data": [changed]}).encode())
        dump = json.dumps(changed) if self._options.dump_pages or self._options.replay else None
        return self._site.show(changed, dump)
