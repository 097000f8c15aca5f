"""One request that is about to go wrong, and what a fault is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from simulator.chance import Dice

Json = dict[str, Any]
CONTENT, BATCH, ARTICLE, LISTING, MEDIA, SITEMAP = "content", "batch", "article", "listing", "media", "sitemap"
OTHER = "other"  # robots.txt, the front page, short addresses: spared, unless a rule names the URL
EVERYTHING = frozenset({CONTENT, BATCH, ARTICLE, LISTING, MEDIA, SITEMAP})
JSONS = frozenset({CONTENT, BATCH})
TEXTS = frozenset({CONTENT, BATCH, ARTICLE, LISTING})
SINGLES = frozenset({CONTENT, ARTICLE})
LISTS = frozenset({BATCH, LISTING})
PICTURES = frozenset({MEDIA})


@dataclass(frozen=True, slots=True)
class Visit:
    """A request at an instant of the newsroom, how it would be answered, and the dice for this attempt."""

    request: web.BaseRequest
    kind: str
    after: int
    dice: Dice
    now: datetime
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
    rewrite: Callable[[web.BaseRequest, Callable[[Json], Json]], web.Response | None]

    async def genuine(self) -> web.Response:
        """Return the answer that the newsroom would give."""
        response = await self.answer(self.request)
        assert isinstance(response, web.Response)
        return response

    async def body(self) -> tuple[web.Response, bytes]:
        """Return the genuine answer with its bytes."""
        response = await self.genuine()
        return response, bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: what, for which requests, and how."""

    about: str
    kinds: frozenset[str]
    act: Callable[[Visit], Awaitable[web.StreamResponse]]
    stormy: bool = False
    suffixes: tuple[str, ...] = ()

    def fits(self, kind: str, path: str) -> bool:
        """Say whether the fault can happen to such a request."""
        return kind in self.kinds and (not self.suffixes or path.lower().endswith(self.suffixes))


def changed(response: web.Response, body: bytes, media_type: str | None = None) -> web.Response:
    """Return the answer with another body, and perhaps another media type."""
    kind = media_type or response.content_type
    return web.Response(body=body, status=response.status, content_type=kind)
