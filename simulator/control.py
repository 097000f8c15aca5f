"""The box's own endpoints, for tests in another process: inventory, log, certificate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Protocol

from aiohttp import web

from simulator.inventory import Inventory
from simulator.requestlog import RequestLog

PREFIX = "/_box/"
HELP = (
    "GET inventory.json (?category= ?keyword= ?author=), log.jsonl, and with TLS ca.pem; "
    "DELETE log; POST publish?number=N, withdraw?id=ID, revise?id=ID"
)


class Living(Protocol):
    """The newsroom as its control room sees it."""

    inventory: Inventory
    log: RequestLog

    def publish(self, number: int) -> list[str]:
        """Bring out more articles."""

    def withdraw(self, article_id: str) -> None:
        """Take an article down."""

    def revise(self, article_id: str) -> None:
        """Edit an article."""


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
        if request.method == "POST" and self._change(
            name, request.query.get("id", ""), request.query.get("number", "1")
        ):
            return web.Response(status=204)
        return web.Response(status=404, text=HELP)

    def _change(self, name: str, article_id: str, number: str) -> bool:
        """Let something happen in the newsroom."""
        changes = {"withdraw": self._newsroom.withdraw, "revise": self._newsroom.revise}
        if name == "publish" and number.isdecimal():
            self._newsroom.publish(int(number))
            return True
        try:
            changes[name](article_id)
        except KeyError:
            return False
        return True

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
        await response.write_eof()
        return response
