"""The v3 REST API: single contents, publication lists, and the list that only administrators get."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import web

from simulator import conditional
from simulator.answers import error, json_body, number
from simulator.door import ADMIN_KEY, Door
from simulator.events import Way
from simulator.options import Options
from simulator.stock import Stock

DEFAULT_LIMIT, MOST = 30, 100
_CONTENT = re.compile(r"/cms/content/([^/]+)/?")
_PUBLICATION = re.compile(r"/cms/publication/([^/]+)/content/?")


class RestApi:
    """Answers requests under /cms/."""

    def __init__(self, stock: Stock, options: Options, door: Door) -> None:
        self._stock, self._door, self._conditional = stock, door, options.conditional
        self._paging = options.paging or stock.profile.paging
        self._visit = 0

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        self._visit += 1
        key = request.headers.get("API-Key")
        if key is None:
            return error(request, 401, "Missing API-Key header")
        if not self._door.admits(key):
            return error(request, 401, "Unauthorized: Invalid API key")
        if request.method not in ("GET", "HEAD"):
            return error(request, 405, "Method not allowed: this newsroom is read-only")
        single, listed = _CONTENT.fullmatch(request.path), _PUBLICATION.fullmatch(request.path)
        if single:
            return self._single(request, single[1])
        if listed:
            return self._publication(request, listed[1])
        if request.path.rstrip("/") == "/cms/content":
            return self._everything(request, key)
        return error(request, 404, "Unknown endpoint")

    def _single(self, request: web.BaseRequest, article_id: str) -> web.Response:
        raw = self._stock.raw(article_id, self._visit)
        if raw is None:
            deleted = self._stock.way(article_id) is Way.DELETED
            return error(request, 410 if deleted else 404, "Content not found")

        def make() -> web.Response:
            return json_body(b'{"data":[' + raw + b"]}")

        if not self._conditional:
            return make()
        quiet = self._stock.raw(article_id)
        return conditional.answer(request, quiet or raw, self._stock.modified(article_id), make)

    def _publication(self, request: web.BaseRequest, publication: str) -> web.Response:
        ids = self._stock.publication(publication, request.query.get("content_type"))
        return self._batch(request, ids if ids is not None else (), self._page(request))

    def _page(self, request: web.BaseRequest) -> int:
        """Return the page that is served: where paging is broken, always the first."""
        return 1 if self._paging == "broken" else max(1, number(request, "page", 1) or 1)

    def _batch(self, request: web.BaseRequest, ids: Sequence[str], page: int) -> web.Response:
        limit = number(request, "limit", DEFAULT_LIMIT)
        if limit is None or not 1 <= limit <= MOST:
            return error(request, 400, f"Invalid limit specified. Must be 1-{MOST}")
        shown = ids[(page - 1) * limit : page * limit]
        items = [self._stock.raw(article_id, self._visit, short=True) for article_id in shown]
        body = b",".join(item for item in items if item is not None)
        return json_body(b'{"total":%d,"page":%d,"data":[' % (len(ids), page) + body + b"]}")

    def _everything(self, request: web.BaseRequest, key: str) -> web.Response:
        if key != ADMIN_KEY:
            return error(request, 403, "Forbidden: this key may not list all content")
        for kind in ("category", "keyword"):
            if request.query.get(kind):
                listing = self._stock.listing(kind, request.query[kind])
                return self._batch(request, listing.ids if listing else (), self._page(request))
        return self._batch(request, self._stock.ids(), self._page(request))
