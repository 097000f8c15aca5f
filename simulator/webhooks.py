"""The CMS's webhook (contract 7.1): a signed POST for each article that an editor saves. Tried once, then forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import datetime

import aiohttp

from simulator.events import Event, Kind

SIGNATURE = "x-webhook-signature"
TRIGGER = "content_publish"  # the only one that was ever seen
TIMEOUT = 5.0  # seconds
SAVED = frozenset(
    {Kind.PUBLISHED, Kind.BACKDATED, Kind.EDITED, Kind.RECATEGORISED, Kind.REPLACED, Kind.REMOVED, Kind.RESTORED}
)


def body(event: Event, local: datetime) -> bytes:
    """Return what is posted for an event: body A for even numbers, B for odd ones, its parameters as text in half."""
    known = {"user_id": "56", "article_id": event.article}
    common = {"timestamp": str(local), "subject": ""}
    if event.number % 2 == 0:
        ids = {"automationId": "2", "queueId": str(event.number)}
        facts = {**ids, **common, **known, "parent_automation_id": "2", "trigger_id": TRIGGER}
        return json.dumps(facts).encode()
    parameters = json.dumps(known) if event.number % 4 == 1 else known
    start = {"automationId": 10, "queueId": event.number, "condition": "condition_success"}
    return json.dumps({**start, "parameters": parameters, **common}).encode()


def sign(secret: str, posted: bytes) -> str:
    """Return the value of the signature's header."""
    return "sha256=" + hmac.new(secret.encode(), posted, hashlib.sha256).hexdigest()


class Hooks:
    """Posts to one URL, one after the other; counts what arrived and what did not."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.delivered = self.failed = 0

    @property
    def waiting(self) -> int:
        """How many are still to be posted."""
        return self._waiting.qsize()

    def start(self) -> None:
        """Begin to post."""
        self._task = asyncio.create_task(self._post_all())

    def add(self, event: Event, local: datetime) -> None:
        """Post about an event, if an editor saved an article."""
        if event.kind in SAVED:
            self._waiting.put_nowait(body(event, local))

    async def settle(self) -> None:
        """Wait until everything was posted."""
        await self._waiting.join()

    async def stop(self) -> None:
        """Post no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _post_all(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session:
            while True:
                posted = await self._waiting.get()
                if await self._arrived(session, posted):
                    self.delivered += 1
                else:
                    self.failed += 1
                self._waiting.task_done()

    async def _arrived(self, session: aiohttp.ClientSession, posted: bytes) -> bool:
        headers = {"Content-Type": "application/json", SIGNATURE: sign(self._secret, posted)}
        try:
            async with session.post(self._url, data=posted, headers=headers) as response:
                return response.status < 400
        except (aiohttp.ClientError, TimeoutError):
            return False
