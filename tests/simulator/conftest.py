"""A running newsroom and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from simulator import Newsroom, Options


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    text: str

    def json(self) -> Any:
        """Return the body as JSON."""
        import json

        return json.loads(self.body)


class Client:
    """Asks a newsroom; follows no redirects unless told."""

    def __init__(self, newsroom: Newsroom, session: aiohttp.ClientSession) -> None:
        self.newsroom, self.session = newsroom, session

    async def get(self, where: str, **options: Any) -> Answer:
        """GET a path or URL."""
        url = where if "://" in where else self.newsroom.url + where
        options.setdefault("allow_redirects", False)
        async with self.session.get(url, **options) as response:
            body = await response.read()
            return Answer(response.status, response.headers, body, body.decode("utf-8", "replace"))


Start = Callable[..., Awaitable[tuple[Newsroom, Client]]]
AGENT = {"User-Agent": "backfile-tests/1 (+https://example.org)"}


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start newsrooms that end with the test."""
    async with AsyncExitStack() as stack:

        async def begin(*, key: str | None = "box-key", **options: Any) -> tuple[Newsroom, Client]:
            newsroom = await stack.enter_async_context(Newsroom(Options(**options)))
            headers = AGENT | ({"API-Key": key} if key else {})
            timeout = aiohttp.ClientTimeout(total=20, sock_read=1.0)
            session = aiohttp.ClientSession(headers=headers, timeout=timeout)
            session._retry_connection = False  # or aiohttp repeats a broken request without a word
            return newsroom, Client(newsroom, await stack.enter_async_context(session))

        yield begin
