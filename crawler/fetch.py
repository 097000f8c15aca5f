"""The one module that opens connections: a URL in, an Answer out, every foreign error turned into a Fault here.

Redirects are followed by hand, so that each hop is checked and paced, and an API key never leaves its host.
Bodies are decoded and limited while they stream, so that a bomb costs no more than the limit.
"""

from __future__ import annotations

import errno
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from crawler.errors import Fault, FaultKind
from crawler.network import AddressRefused, ConnectTo, GuardedResolver, tls_context
from crawler.retry import parse_retry_after
from crawler.sites import host_of
from crawler.urls import display, for_wire

_CHUNK = 1 << 16
_MAX_HOPS = 6
_MIN_RATE = 256  # bytes a second below which an answer is given up once the read time-out has passed
_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE})  # no fault of the host's
_TOO_MANY_FILES = (
    "too many open files, so no connection can be made; nothing kept so far is lost. Raise the limit (ulimit -n) "
    "or lower [crawl] concurrency, and run again"
)
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
        """`allowed` judges `host[:port]`; `turn` is held while a redirect is followed."""
        self._settings = settings
        self._allowed = allowed
        self._trusted = tuple(trusted_hosts)
        self._turn = turn
        self._session: aiohttp.ClientSession | None = None
        self.requests = 0  # sent so far, redirects and failures included

    async def __aenter__(self) -> Fetcher:
        """Open the pool."""
        connector = aiohttp.TCPConnector(
            limit=0,  # concurrency is the dispatcher's business
            resolver=GuardedResolver(self._settings.connect_to, self._trusted),
            ssl=tls_context(self._settings.ca_file),
            ttl_dns_cache=300,
        )
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._settings.connect_timeout, sock_read=self._settings.read_timeout
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": self._settings.user_agent},
            max_line_size=16_384,
            max_field_size=16_384,
            read_bufsize=1 << 18,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def page(
        self, url: str, *, accept: str = "text/html,*/*;q=0.5", api_key: str = "", keyed: bool = False
    ) -> Answer:
        """Fetch a page or an API answer into memory; `keyed`: the URL itself carries a key.

        Raises Fault; an Answer's status is below 300.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        try:
            return await self._translated(url, headers, api_key, None, self._settings.max_page_bytes)
        except Fault as fault:
            if keyed or api_key:
                raise _about_the_key(fault) from fault
            raise

    async def media(self, url: str, sink: Sink) -> Answer:
        """Fetch a media body into `sink`. Raises Fault."""
        headers = {"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity"}
        return await self._translated(url, headers, "", sink, self._settings.max_media_bytes)

    async def _translated(
        self, url: str, headers: Mapping[str, str], api_key: str, sink: Sink | None, limit: int
    ) -> Answer:
        try:
            return await self._get(url, headers, api_key, sink, limit)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, zlib.error) as error:
            if getattr(error, "errno", None) in _OUR_OWN:
                raise OSError(error.errno, _TOO_MANY_FILES) from error  # type: ignore[union-attr]
            raise _fault_of(error) from error

    async def _get(self, url: str, headers: Mapping[str, str], api_key: str, sink: Sink | None, limit: int) -> Answer:
        assert self._session is not None, "the fetcher is not open"
        first_host = host_of(url)
        hops = 0
        while True:
            self._admit(url, hops)
            at_home = host_of(url) == first_host
            sent = {**headers, "API-Key": api_key} if api_key and at_home else headers
            async with self._turn(host_of(url), int(at_home)) if hops else nullcontext():
                began = time.monotonic()
                self.requests += 1
                async with self._session.get(
                    URL(for_wire(url), encoded=True),
                    headers=sent,
                    allow_redirects=False,
                    proxy=self._settings.proxy or None,
                ) as response:
                    if response.status not in _REDIRECTS or "Location" not in response.headers:
                        return await _receive(response, url, sink, limit, self._settings.read_timeout, began, hops)
                    url = _next_hop(url, response.headers["Location"], hops)
                    hops += 1

    def _admit(self, url: str, hops: int) -> None:
        host = host_of(url)
        if url.lower().startswith(("http://", "https://")) and self._allowed(host):
            return
        if hops:
            raise Fault(
                FaultKind.REDIRECT_REFUSED,
                f"the server redirected to {display(url)}, a host that the configuration does not allow",
            )
        raise Fault(FaultKind.HOST_REFUSED, f"{host or display(url)} is not a host that the configuration allows")


def _next_hop(url: str, location: str, hops: int) -> str:
    if hops + 1 >= _MAX_HOPS:
        raise Fault(FaultKind.REDIRECT_LOOP, f"gave up after {_MAX_HOPS} redirects, the last from {display(url)}")
    try:
        following = urljoin(url, location.strip())
    except ValueError as error:
        raise Fault(
            FaultKind.REDIRECT_REFUSED, f"redirected to something that is no URL: {display(location)}"
        ) from error
    if following.split("#", 1)[0] == url.split("#", 1)[0]:
        raise Fault(FaultKind.REDIRECT_LOOP, f"{display(url)} redirects to itself")
    return following


async def _receive(
    response: aiohttp.ClientResponse,
    url: str,
    sink: Sink | None,
    limit: int,
    patience: float,
    began: float,
    hops: int,
) -> Answer:
    """Stream a body to its end, or turn the status into a Fault."""
    pieces: list[bytes] = []
    write = pieces.append if sink is None or response.status >= 300 else sink.write
    decoder = _Decoder(response.headers.get("Content-Encoding", ""), limit)
    async for chunk in response.content.iter_chunked(_CHUNK):
        write(decoder.decode(chunk))
        elapsed = time.monotonic() - began
        if elapsed > patience and decoder.received < elapsed * _MIN_RATE:
            raise Fault(FaultKind.READ_TIMEOUT, f"only {decoder.received} bytes came in {elapsed:.0f} s")
    decoder.finish()
    headers = tuple((name, value) for name, value in response.headers.items())
    media_type = response.headers.get("Content-Type", "").split(";", 1)[0].strip().lower()
    body = b"".join(pieces)
    if not 200 <= response.status < 300:
        raise fault_of_status(response.status, response.headers, body, time.time())
    return Answer(url, response.status, headers, media_type, body, time.time(), time.monotonic() - began, hops)


class _Decoder:
    """Undoes gzip and deflate, counting what comes out."""

    def __init__(self, encoding: str, limit: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Fault(
                FaultKind.BAD_ENCODING, f"the body is encoded as {display(encoding, 40)}, which was not asked for"
            )
        self._inflate = zlib.decompressobj(47) if encoding not in ("", "identity") else None
        self._limit = limit
        self.received = 0
        self._given = 0

    def decode(self, chunk: bytes) -> bytes:
        self.received += len(chunk)
        if self._inflate is not None:
            chunk = self._inflate.decompress(chunk, self._limit - self._given + 1)
        self._given += len(chunk)
        if self._given > self._limit:
            raise Fault(FaultKind.OVER_LIMIT, f"the body is larger than the limit of {self._limit >> 20} MiB")
        return chunk

    def finish(self) -> None:
        if self._inflate is not None and self.received and not self._inflate.eof:
            raise Fault(FaultKind.SHORT_BODY, "the compressed body breaks off before its end")


def fault_of_status(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Fault:
    """Return the Fault that an HTTP status stands for (contract 2.3)."""
    retry_after = parse_retry_after(headers.get("Retry-After"), now)
    kind = {
        403: FaultKind.BOT_WALL, 404: FaultKind.NOT_FOUND, 410: FaultKind.GONE,
        429: FaultKind.RATE_LIMITED, 503: FaultKind.UNAVAILABLE,
    }.get(status, FaultKind.SERVER_ERROR if status >= 500 else FaultKind.HTTP_STATUS)  # fmt: skip
    said = display(" ".join(body[:400].decode("utf-8", "replace").split()), 120) if body[:1] in (b"{", b"[") else ""
    message = f"HTTP {status}" + (f": {said}" if said else "")
    return Fault(kind, message, http_status=status, retry_after=retry_after)


def _about_the_key(fault: Fault) -> Fault:
    """Read a refusal of a request that carried a key: 401, or a 403 that speaks of the key (contract 2.3)."""
    refused = fault.http_status == 401 or (fault.http_status == 403 and "key" in str(fault).lower())
    if not refused:
        return fault
    return Fault(FaultKind.KEY_REFUSED, f"the key was refused ({fault})", http_status=fault.http_status)


def _words(error: Exception) -> str:
    """Return what the system said, without the library's own account of the connection."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__


def _fault_of(error: Exception) -> Fault:
    """Translate the library's errors, most specific first."""
    text = display(_words(error), 200)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return Fault(FaultKind.ADDRESS_REFUSED, display(str(cause), 200))
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    table: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], FaultKind, str], ...] = (
        ((aiohttp.ClientSSLError, ssl.SSLError), FaultKind.TLS, "no trusted TLS connection"),
        (aiohttp.ClientConnectorDNSError, FaultKind.DNS, "the host name has no address"),
        (aiohttp.ConnectionTimeoutError, FaultKind.CONNECT_TIMEOUT, "no connection in time"),
        ((aiohttp.ServerTimeoutError, TimeoutError), FaultKind.READ_TIMEOUT, "no answer in time"),
        (aiohttp.ClientConnectorError, FaultKind.CONNECTION_REFUSED, "no connection"),
        (aiohttp.ClientPayloadError, FaultKind.SHORT_BODY, "the body broke off"),
        (aiohttp.InvalidURL, FaultKind.BAD_URL, "the URL cannot be requested"),
        (aiohttp.ClientResponseError, FaultKind.PROTOCOL, "the answer is not HTTP"),
        ((aiohttp.ClientConnectionError, OSError), FaultKind.CONNECTION_RESET, "the connection broke"),
        (zlib.error, FaultKind.BAD_ENCODING, "the compressed body cannot be read"),
        (ValueError, FaultKind.PROTOCOL, "the answer cannot be understood"),
    )
    for kinds, fault, sentence in table:
        if isinstance(error, kinds):
            return Fault(fault, f"{sentence} ({text})")
    return Fault(FaultKind.PROTOCOL, text)
