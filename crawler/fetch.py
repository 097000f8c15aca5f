"""The one door to the network, opened by `crawler.wire`: a URL in, an Answer out, foreign errors as Faults of ours.

Redirects are followed by hand, so that each hop is checked and paced, and an API key never leaves its origin. What a
server repeats of a key is masked before anybody sees it.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType, TracebackType
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from crawler import trail
from crawler.bodies import Sink, receive
from crawler.errors import BadURL, Fault, FaultKind
from crawler.foreign import translated
from crawler.masking import HiddenKey
from crawler.network import ConnectTo, GuardedResolver, literal_problem, tls_context
from crawler.sites import front_of, host_of
from crawler.statuses import about_the_key
from crawler.urls import MAX_WIRE_LENGTH, display, for_wire
from crawler.wire import Wire

_MAX_HOPS = 6
_MOST_ADMITTED = 4_096  # fronts that are remembered
_COOKIES = ("set-cookie", "set-cookie2")  # may open a session with our key's rights; never sent back
_NO_TOKEN = re.compile(r"[^\x20-\x7e]")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


Turn = Callable[[str], AbstractAsyncContextManager[None]]
"""From a host to a turn there."""


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


class Answer(msgspec.Struct, frozen=True):
    """What a server answered. `body` is empty when it went to a sink; `at` is Unix seconds when it was complete."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    media_type: str
    body: bytes
    at: float
    seconds: float


NOT_MODIFIED = 304
_PRECONDITION_FAILED = 412
_CONDITIONS = frozenset({"If-None-Match", "If-Modified-Since"})
_NO_CONDITIONS: Mapping[str, str] = MappingProxyType({})
_FOR_MEDIA = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}


@asynccontextmanager
async def _at_once(_host: str) -> AsyncIterator[None]:
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
        self._admitted: set[str] = set()  # fronts of URLs that may be asked for
        self._refused: dict[tuple[str, str], str] = {}  # where which key was refused, and in which words
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
        is below 300, or 304 where there are conditions. They are about `url` alone: a redirect is followed without, and
        a server that cannot cope with them is asked once more without.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip", **conditions}
        shown = (_origin(url), api_key)
        if shown in self._refused:  # others may have waited for their turn meanwhile
            raise Fault(FaultKind.KEY_REFUSED, self._refused[shown])
        try:
            return await self._masked(url, headers, api_key, None, self._settings.max_page_bytes)
        except Fault as fault:
            if not (keyed or api_key):
                raise
            told = about_the_key(fault)
            if api_key and told.kind is FaultKind.KEY_REFUSED:
                self._refused[shown] = str(told)
            raise told from fault

    async def media(self, url: str, sink: Sink, conditions: Mapping[str, str] = _NO_CONDITIONS) -> Answer:
        """Fetch a media body into `sink`; see `page`. Raises Fault."""
        headers = {**_FOR_MEDIA, **conditions} if conditions else _FOR_MEDIA
        return await self._masked(url, headers, "", sink, self._settings.max_media_bytes)

    async def _masked(
        self, url: str, headers: Mapping[str, str], api_key: str, sink: Sink | None, limit: int
    ) -> Answer:
        key = HiddenKey(api_key, url)
        try:
            return _without(key, await self._get(url, headers, api_key, key, sink, limit))
        except Fault as fault:
            raise key.out_of_fault(fault) from fault

    async def _get(
        self, url: str, headers: Mapping[str, str], api_key: str, key: HiddenKey, sink: Sink | None, limit: int
    ) -> Answer:
        home, hops = url, 0
        while True:
            wire = _wire(url, hops)
            self._admit(url, wire, hops)
            at_home = not hops or _origin(url) == _origin(home)
            if not at_home and key.is_in(url):
                raise Fault(FaultKind.REDIRECT_REFUSED, "the server redirected our key to another address")
            sent = {**headers, "API-Key": api_key} if api_key and at_home else headers
            if hops:
                async with self._turn(host_of(url)):
                    found = await self._ask(url, wire, sent, sink, limit, hops)
            else:
                found = await self._ask(url, wire, sent, sink, limit, hops)
            if isinstance(found, Answer):
                return found
            url, hops, headers = found, hops + 1, _unconditional(headers)

    async def _ask(
        self, url: str, wire: str, headers: Mapping[str, str], sink: Sink | None, limit: int, hops: int
    ) -> Answer | str:
        """Make one request; returns its answer, or the URL to ask next, without conditions. Raises Fault."""
        try:
            return await self._exchange(url, wire, headers, sink, limit, hops)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, zlib.error) as error:
            raise translated(error) from error

    async def _exchange(
        self, url: str, wire: str, headers: Mapping[str, str], sink: Sink | None, limit: int, hops: int
    ) -> Answer | str:
        assert self._wire is not None, "the fetcher is not open"
        began = time.monotonic()
        self.requests += 1
        trail.begin_request()
        try:
            answered = await self._wire.get(wire, headers)
        except aiohttp.ClientResponseError:  # as which a 304 that brings a body ends, too
            if _is_conditional(headers):
                return url
            raise
        with answered as reply:
            if reply.status == NOT_MODIFIED and _is_conditional(headers):
                return Answer(url, reply.status, _kept(reply.headers), "", b"", time.time(), _since(began))
            if reply.status == _PRECONDITION_FAILED and _is_conditional(headers):
                return url
            if reply.status in _REDIRECTS and "Location" in reply.headers:
                return _next_hop(url, reply.headers["Location"], hops)
            body = await receive(reply, sink, limit, self._settings.read_timeout)
            media_type = _media_type(reply.headers.get("Content-Type", ""))
            return Answer(url, reply.status, _kept(reply.headers), media_type, body, time.time(), _since(began))

    def _admit(self, url: str, wire: str, hops: int) -> None:
        """Raise Fault unless the configuration allows this host; what says so is its URL's front alone."""
        front = front_of(url)
        if front in self._admitted:
            return
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
        if len(self._admitted) >= _MOST_ADMITTED:
            self._admitted.clear()
        self._admitted.add(front)


def _without(key: HiddenKey, answer: Answer) -> Answer:
    """Return an answer that does not repeat the key it was asked with; the body else stays byte for byte."""
    if not key:
        return answer
    headers = tuple((key.out_of(name), key.out_of(value)) for name, value in answer.headers)
    return msgspec.structs.replace(
        answer, url=key.out_of(answer.url), headers=headers, body=key.out_of_bytes(answer.body)
    )


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


def _is_conditional(headers: Mapping[str, str]) -> bool:
    return not _CONDITIONS.isdisjoint(headers)


def _unconditional(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return headers without conditions: another URL's 304 says nothing about what we hold of the first."""
    return {name: value for name, value in headers.items() if name not in _CONDITIONS}


@lru_cache(maxsize=256)
def _media_type(content_type: str) -> str:
    """Return a Content-Type without parameters; what no media type has in it (RFC 9110, 8.3.1) as U+FFFD."""
    return _NO_TOKEN.sub("\ufffd", content_type.split(";", 1)[0].strip().lower())


def _kept(headers: CIMultiDictProxy[str]) -> tuple[tuple[str, str], ...]:
    if any(name in headers for name in _COOKIES):
        return tuple(pair for pair in headers.items() if pair[0].lower() not in _COOKIES)
    return tuple(headers.items())


def _since(began: float) -> float:
    return time.monotonic() - began
