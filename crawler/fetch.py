"""The one module that opens connections: a URL in, an Answer out, every foreign error turned into a Fault here.

Redirects are followed by hand, so that each hop is checked and paced, and an API key never leaves its origin.
Bodies are decoded and limited while they stream, so that a bomb costs no more than the limit. What a server repeats
of a key is masked before anybody sees it.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType, TracebackType
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp

from crawler import trail
from crawler.decoding import Decoder
from crawler.errors import BadURL, Fault, FaultKind
from crawler.foreign import translated
from crawler.masking import HiddenKey
from crawler.network import ConnectTo, GuardedResolver, literal_problem, tls_context
from crawler.sites import front_of, host_of
from crawler.statuses import about_the_key, fault_of_status
from crawler.urls import MAX_WIRE_LENGTH, display, for_wire
from crawler.wire import Reply, Wire

_CHUNK = 1 << 16
_MAX_HOPS = 6
_MIN_RATE = 256  # bytes a second below which an answer is given up once the read time-out has passed
_LONGEST = 3600.0  # seconds after which an answer is given up, however lively
_MAX_ERROR_BYTES = 1 << 16  # read of the body of a refusal, which is only quoted
_COOKIES = frozenset({"set-cookie", "set-cookie2"})  # may open a session with our key's rights; never sent back
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


Turn = Callable[[str, int], AbstractAsyncContextManager[None]]
"""From a host, and how many of its places the asker holds already, to a turn there."""


class Sink(Protocol):
    """Where a streamed body goes."""

    def write(self, chunk: bytes, /) -> None:
        """Take the next part."""


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """How to fetch; times in seconds, sizes in bytes."""

    user_agent: str
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    max_page_bytes: int = 64 << 20
    max_media_bytes: int = 256 << 20
    connect_to: tuple[ConnectTo, ...] = ()
    ca_file: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. `body` is empty when it went to a sink; `at` is Unix seconds when it was complete."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    media_type: str
    body: bytes
    at: float
    seconds: float
    hops: int


NOT_MODIFIED = 304
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_NO_CONDITIONS: Mapping[str, str] = MappingProxyType({})


@asynccontextmanager
async def _at_once(_host: str, _held: int) -> AsyncIterator[None]:
    """Wait for nothing."""
    yield


class Fetcher:
    """Fetches URLs of allowed hosts; an async context manager around one connection pool."""

    def __init__(
        self,
        settings: FetchSettings,
        allowed: Callable[[str], bool],
        trusted_hosts: Iterable[str] = (),
        turn: Turn = _at_once,
    ) -> None:
        """`allowed` judges `host[:port]`; `trusted_hosts`, written so too, may be private.

        `turn` is held while a redirect is followed.
        """
        self._settings = settings
        self._allowed = allowed
        self._trusted = frozenset((*trusted_hosts, host_of(settings.proxy)))
        self._turn = turn
        self._wire: Wire | None = None
        self.requests = 0  # sent so far, redirects and failures included

    async def __aenter__(self) -> Fetcher:
        """Open the pool."""
        connector = aiohttp.TCPConnector(
            limit=0,  # concurrency is the dispatcher's business
            resolver=GuardedResolver(self._settings.connect_to, self._trusted),
            ssl=tls_context(self._settings.ca_file),
            ttl_dns_cache=300,
        )
        self._wire = Wire(
            connector,
            user_agent=self._settings.user_agent,
            connect_timeout=self._settings.connect_timeout,
            read_timeout=self._settings.read_timeout,
            proxy=self._settings.proxy,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        if self._wire is not None:
            await self._wire.close()

    async def page(
        self,
        url: str,
        *,
        accept: str = "text/html,*/*;q=0.5",
        api_key: str = "",
        keyed: bool = False,
        conditions: Mapping[str, str] = _NO_CONDITIONS,
    ) -> Answer:
        """Fetch a page or an API answer into memory; `keyed`: the URL itself carries a key.

        `conditions` are headers by which the server may say that nothing has changed. Raises Fault; an Answer's status
        is below 300, or 304 where there are conditions.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip", **conditions}
        try:
            return await self._translated(url, headers, api_key, None, self._settings.max_page_bytes)
        except Fault as fault:
            if keyed or api_key:
                raise about_the_key(fault) from fault
            raise

    async def media(self, url: str, sink: Sink, conditions: Mapping[str, str] = _NO_CONDITIONS) -> Answer:
        """Fetch a media body into `sink`; see `page`. Raises Fault."""
        headers = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity", **conditions}
        return await self._translated(url, headers, "", sink, self._settings.max_media_bytes)

    async def _translated(
        self, url: str, headers: Mapping[str, str], api_key: str, sink: Sink | None, limit: int
    ) -> Answer:
        key = HiddenKey(api_key, url)
        try:
            return _without(key, await self._get(url, headers, api_key, key, sink, limit))
        except Fault as fault:
            raise key.out_of_fault(fault) from fault
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, zlib.error) as error:
            trouble = translated(error)
            raise (key.out_of_fault(trouble) if isinstance(trouble, Fault) else trouble) from error

    async def _get(
        self, url: str, headers: Mapping[str, str], api_key: str, key: HiddenKey, sink: Sink | None, limit: int
    ) -> Answer:
        home = _origin(url)
        hops = 0
        while True:
            wire = _wire(url, hops)
            self._admit(url, wire, hops)
            at_home = _origin(url) == home
            if not at_home and key.is_in(url):
                raise Fault(FaultKind.REDIRECT_REFUSED, "the server redirected our key to another address")
            sent = {**headers, "API-Key": api_key} if api_key and at_home else headers
            async with self._turn(host_of(url), int(host_of(url) == host_of(home))) if hops else nullcontext():
                began = time.monotonic()
                self.requests += 1
                trail.begin_request()
                async with await self._head(wire, sent) as response:
                    if response.status == NOT_MODIFIED and not _CONDITIONS.isdisjoint(headers):
                        return _unchanged(response, url, began, hops)
                    if response.status not in _REDIRECTS or "Location" not in response.headers:
                        return await _receive(response, url, sink, limit, self._settings.read_timeout, began, hops)
                    url = _next_hop(url, response.headers["Location"], hops)
                    hops += 1

    async def _head(self, wire: str, headers: Mapping[str, str]) -> Reply:
        """Send a request, and wait for the head of its answer: all of it, however slowly it drips in."""
        assert self._wire is not None, "the fetcher is not open"
        async with asyncio.timeout(self._settings.connect_timeout + self._settings.read_timeout):
            return await self._wire.get(wire, headers)

    def _admit(self, url: str, wire: str, hops: int) -> None:
        host = host_of(url)
        if not self._allowed(host):
            if hops:
                raise Fault(
                    FaultKind.REDIRECT_REFUSED,
                    f"the server redirected to {_named(url)}, a host that the configuration does not allow",
                )
            raise Fault(FaultKind.HOST_REFUSED, f"{host or _named(url)} is not a host that the configuration allows")
        problem = literal_problem(_name_of(front_of(wire)), trusted=host in self._trusted)
        if problem:
            raise Fault(FaultKind.ADDRESS_REFUSED, f"{problem}: no connection is made there")


def _without(key: HiddenKey, answer: Answer) -> Answer:
    """Return an answer that does not repeat the key it was asked with; the body else stays byte for byte."""
    if not key:
        return answer
    headers = tuple((key.out_of(name), key.out_of(value)) for name, value in answer.headers)
    return replace(answer, url=key.out_of(answer.url), headers=headers, body=key.out_of_bytes(answer.body))


def _named(url: str) -> str:
    return display(url, MAX_WIRE_LENGTH)  # whole, since what is cut could be half a key


@lru_cache(maxsize=4096)
def _name_of(front: str) -> str:
    return urlsplit(front).hostname or ""


def _origin(url: str) -> str:
    """Return scheme, host and port: what a key was given for (RFC 6454)."""
    return f"{url.partition(':')[0].lower()}://{host_of(url)}"


def _wire(url: str, hops: int) -> str:
    """Return a URL as it is sent. Raises Fault for one that cannot be, by a redirect or else."""
    try:
        return for_wire(url)
    except BadURL as error:
        kind = FaultKind.REDIRECT_REFUSED if hops else FaultKind.BAD_URL
        raise Fault(kind, f"redirected to what cannot be requested: {error}" if hops else str(error)) from error


def _next_hop(url: str, location: str, hops: int) -> str:
    if hops + 1 >= _MAX_HOPS:
        raise Fault(FaultKind.REDIRECT_LOOP, f"gave up after {_MAX_HOPS} redirects, the last from {_named(url)}")
    try:
        following = urljoin(url, location.strip())
    except ValueError as error:
        raise Fault(
            FaultKind.REDIRECT_REFUSED, f"redirected to something that is no URL: {_named(location)}"
        ) from error
    if following.split("#", 1)[0] == url.split("#", 1)[0]:
        raise Fault(FaultKind.REDIRECT_LOOP, f"{_named(url)} redirects to itself")
    return following


def _unchanged(response: Reply, url: str, began: float, hops: int) -> Answer:
    headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _COOKIES)
    return Answer(url, response.status, headers, "", b"", time.time(), time.monotonic() - began, hops)


async def _receive(
    response: Reply,
    url: str,
    sink: Sink | None,
    limit: int,
    patience: float,
    began: float,
    hops: int,
) -> Answer:
    """Stream a body to its end, or turn the status into a Fault."""
    good = 200 <= response.status < 300
    pieces: list[bytes] = []
    write = pieces.append if sink is None or not good else sink.write
    encodings = ", ".join(response.headers.getall("Content-Encoding", ()))
    if not good:
        with suppress(Fault, zlib.error):  # a refusal is one whatever its body; that is quoted as far as it goes
            await _stream(response, write, Decoder(encodings, _MAX_ERROR_BYTES), patience)
        raise fault_of_status(response.status, response.headers, b"".join(pieces), time.time())
    decoder = Decoder(encodings, limit)
    await _stream(response, write, decoder, patience)
    decoder.finish()
    headers = tuple((name, value) for name, value in response.headers.items() if name.lower() not in _COOKIES)
    media_type = response.headers.get("Content-Type", "").split(";", 1)[0].strip().lower()
    body = b"".join(pieces)
    return Answer(url, response.status, headers, media_type, body, time.time(), time.monotonic() - began, hops)


async def _stream(response: Reply, write: Callable[[bytes], object], decoder: Decoder, patience: float) -> None:
    """Write a decoded body, as long as it keeps coming. Raises Fault, and the library's errors."""
    if response.content.is_eof():  # a small one comes with its head
        write(decoder.decode(response.content.read_nowait()))
        return
    began = time.monotonic()  # as the event loop's clock
    try:
        async with asyncio.timeout_at(_deadline(began, patience, 0)) as deadline:
            async for chunk in response.content.iter_chunked(_CHUNK):
                write(decoder.decode(chunk))
                deadline.reschedule(_deadline(began, patience, decoder.received))
    except TimeoutError as error:
        elapsed = time.monotonic() - began
        raise Fault(FaultKind.READ_TIMEOUT, f"only {decoder.received} bytes came in {elapsed:.0f} s") from error


def _deadline(began: float, patience: float, received: int) -> float:
    """Return when an answer must have gone on, so that no stream of empty promises holds a worker for ever."""
    return began + min(patience + received / _MIN_RATE, _LONGEST)
