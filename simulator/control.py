"""The box's own endpoints, for tests in another process: inventory, log, certificate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Protocol

from aiohttp import web

from simulator import orders
from simulator.inventory import Inventory
from simulator.life import Life
from simulator.requestlog import RequestLog
from simulator.walltime import read_stamp

PREFIX = "/_box/"
HELP = (
    "GET inventory.json (?category= ?keyword= ?author=), log.jsonl, clock, history.json, and with TLS ca.pem; "
    "DELETE log; POST clock?days=N or ?seconds=N or ?to=INSTANT; "
    "POST happen?kind=KIND&article=ID&attachment=ID&term=ID&changed=FIELD,FIELD&value=VALUE&at=INSTANT"
)


class Living(Protocol):
    """The newsroom as its control room sees it."""

    inventory: Inventory
    log: RequestLog

    @property
    def life(self) -> Life:
        """What happens in it. Raises TypeError when nothing does."""


class Control:
    """Answers requests under /_box/; they are neither delayed, nor disturbed, nor logged."""

    def __init__(self, newsroom: Living, pem: bytes | None) -> None:
        self._newsroom, self._inventory, self._log, self._pem = newsroom, newsroom.inventory, newsroom.log, pem

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        name = request.path.removeprefix(PREFIX)
        if name == "log" and request.method == "DELETE":
            self._log.clear()
            return web.Response(status=204)
        if name == "log.jsonl":
            return await self._stream(request, (line + "\n" for line in self._log.lines()), "application/jsonl")
        if name == "inventory.json":
            return await self._stream(request, self._articles(request), "application/json")
        if name == "ca.pem" and self._pem is not None:
            return web.Response(body=self._pem, content_type="application/x-pem-file")
        try:
            return await self._living(request, name)
        except (TypeError, ValueError, OverflowError) as wrong:
            return web.Response(status=400, text=f"{wrong}\n")

    async def _living(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        """Answer about what happens, or let it happen."""
        life, posted = self._newsroom.life, request.method == "POST"
        if name == "history.json":
            return await self._stream(request, life.history.parts(life.now), "application/json")
        if name == "clock":
            if posted:
                _move_clock(life, request)
            return web.json_response(life.facts())
        if name == "happen" and posted:
            query, at = request.query, request.query.get("at")
            order = orders.read(query, tuple(query.getall("value", ())))
            return web.json_response(life.order(order, read_stamp(at) if at else None).facts())
        return web.Response(status=404, text=f"{HELP}\n")

    def _articles(self, request: web.BaseRequest) -> Iterator[str]:
        query = request.query
        ids = self._inventory.articles(query.get("category"), query.get("keyword"), query.get("author"))
        yield '{"articles":['
        for place, article_id in enumerate(ids):
            entry = {
                "id": article_id,
                "url": self._inventory.url(article_id),
                "renditions": [asdict(rendition) for rendition in self._inventory.renditions(article_id)],
                "linked": self._inventory.linked(article_id),
            }
            yield ("," if place else "") + json.dumps(entry) + "\n"
        yield "]}"

    async def _stream(self, request: web.BaseRequest, parts: Iterator[str], media_type: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": media_type})
        await response.prepare(request)
        for part in parts:
            await response.write(part.encode())
            await asyncio.sleep(0)  # long answers let others have their turn
        await response.write_eof()
        return response


def _move_clock(life: Life, request: web.BaseRequest) -> None:
    """Let as much time pass as the request says."""
    query = request.query
    if "to" in query:
        life.advance(read_stamp(query["to"]))
    elif "days" in query:
        life.advance(life.calendar.later(life.now, float(query["days"])))
    elif "seconds" in query:
        life.advance(life.now + timedelta(seconds=float(query["seconds"])))
    else:
        raise ValueError("nothing says how far: give days=N, seconds=N or to=INSTANT")
