"""The server behind `backfile listen`: takes the CMS's webhook in, believes it or not, and leaves a note.

Whoever asks learns nothing but a status: neither why a message was refused nor what came of one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from backfile.settings import Secret
from crawler import webhooks
from crawler.errors import ParseError
from crawler.urls import display
from storage.clock import iso
from storage.errors import StorageError
from storage.notes import Note, Notes

log = logging.getLogger(__name__)

MAX_BODY = 64 << 10  # bytes; those of the contract have some 300
BURST = 60  # refusals of one address at once
_A_SECOND = 0.5  # refusals of it in the long run; beyond that they are not even logged
_PATIENCE = 10.0  # seconds for a body to come in
_PEERS = 1024  # addresses that are remembered


@dataclass(frozen=True, slots=True)
class Sender:
    """A site that may post here: its name, its time zone, and the secret it signs with."""

    site: str
    timezone: str
    secret: Secret


class Allowance:
    """How often each address may be wrong: a burst, and a steady rate after it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with the whole burst for everybody; `clock` is in seconds."""
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # by address: how many, and as of when

    def take(self, peer: str) -> bool:
        """Say whether an address may be wrong once more, and count it."""
        now = self._clock()
        left, since = self._left.pop(peer, (BURST, now))
        left = min(BURST, left + (now - since) * _A_SECOND)
        self._left[peer] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _PEERS:
            self._left.popitem(last=False)
        return left >= 1


class Receiver:
    """Answers the CMS; `on_note` hears of each note that was left."""

    def __init__(self, senders: Mapping[str, Sender], notes: Notes, on_note: Callable[[Note], None]) -> None:
        """Believe these senders, each under its site's name."""
        self._senders = senders
        self._notes = notes
        self._on_note = on_note
        self._allowance = Allowance()

    def application(self) -> web.Application:
        """Return the server: `/hook/<site>` and nothing else."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_post("/hook/{site}", self._receive)
        application.on_response_prepare.append(_anonymous)
        return application

    async def _receive(self, request: web.Request) -> web.Response:
        sender = self._senders.get(request.match_info["site"])
        if sender is None:
            raise self._refusal(request, web.HTTPNotFound())
        body = await _body(request)
        signatures = request.headers.getall(webhooks.SIGNATURE, [])
        if len(signatures) != 1 or not webhooks.is_signed(body, signatures[0], sender.secret.value):
            raise self._refusal(request, web.HTTPUnauthorized())
        try:
            return await self._believed(sender, body)
        except ParseError as error:
            log.warning("a webhook for %s cannot be read: %s", sender.site, display(str(error)))
            raise web.HTTPBadRequest from error
        except StorageError as error:
            log.error("a webhook for %s is lost, and left to the next crawl: %s", sender.site, error)
            raise web.HTTPServiceUnavailable from error

    def _refusal(self, request: web.Request, answer: web.HTTPException) -> web.HTTPException:
        """Return the answer to a stranger, or that it asks too often. Whoever knows a secret may always ask."""
        if not self._allowance.take(request.remote or ""):
            return web.HTTPTooManyRequests(headers={"Retry-After": "60"})
        log.warning("refused %s from %s: %d", display(request.path), request.remote, answer.status)
        return answer

    async def _believed(self, sender: Sender, body: bytes) -> web.Response:
        """Note what a signed message says, unless it is an old one."""
        saved = webhooks.read(body, sender.timezone)
        note = Note(saved.at, sender.site, saved.article, hashlib.sha256(body).hexdigest())
        oldest = webhooks.oldest_believed(self._notes.newest(sender.site), iso(time.time()))
        if note.at < oldest:
            log.warning("a webhook for %s:%s is from %s, long before the last one", note.site, note.article, note.at)
            raise web.HTTPForbidden
        if not await asyncio.to_thread(self._notes.add, note):
            return web.Response(status=200)
        self._on_note(note)
        await asyncio.to_thread(self._notes.forget, note.site, oldest)
        return web.Response(status=202)


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await request.read()
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error


async def _anonymous(_request: web.Request, response: web.StreamResponse) -> None:
    """Name no software versions."""
    response.headers["Server"] = "backfile"
