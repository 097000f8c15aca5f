"""GET over aiohttp's connections and parser, without its session: half the CPU of a small picture was spent there.

The session makes ready for what a crawler never does: bodies to send, cookies, tracing, middlewares, redirects. What it
does for us stays: the connector resolves, connects, pools, tunnels and speaks TLS; the parser reads (llhttp).
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import TracebackType

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy
from yarl import URL

_ORIGIN = re.compile(r"https?://[^/?#@\s]+")
_TARGET = re.compile(r"[\x21\x22\x24-\x7e]*+")  # nothing that ends a line
_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_LONGEST_LINE = 16_384
_BUFFER = 1 << 18  # bytes of a body that may wait to be read
_KEPT_ALIVE = 15.0  # seconds: what has waited for longer may be closed by the server at any moment
_SWITCHING = 101
_BODILESS = frozenset({204, 304})  # whatever their heads say (RFC 9112, 6.3)


@dataclass(frozen=True, slots=True)
class _Origin:
    """What all requests to one origin begin with, and the connections there that wait for another one."""

    request: ClientRequest  # what the connector asks about: host, port, TLS, proxy
    prefix: str  # of the request's target: a proxy is told the whole URL (RFC 9112, 3.2.2)
    head: str  # header lines
    idle: list[tuple[Connection, float]] = field(default_factory=list)  # since when, of the monotonic clock

    def reused(self) -> Connection | None:
        """Return the connection that was used last, if it still is one: the connector's pool costs thrice as much.

        What came over it unasked would be taken for the next answer, so that it is not used again.
        """
        while self.idle:
            connection, since = self.idle.pop()
            protocol = connection.protocol
            in_time = time.monotonic() - since < _KEPT_ALIVE
            if in_time and protocol is not None and protocol.is_connected() and not protocol.should_close:
                return connection
            connection.close()
        return None

    def close_stale(self) -> None:
        """Close what has waited for too long; the first has waited longest."""
        while self.idle and time.monotonic() - self.idle[0][1] >= _KEPT_ALIVE:
            self.idle.pop(0)[0].close()


class _Protocol(ResponseHandler):
    """Reads answers, and tells the reader of a body when it breaks off in ways that the library keeps to itself."""

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """Take what stops the parser, which forgets the body that it was in: its reader would wait for ever."""
        super().set_exception(exc, exc_cause)
        if isinstance(exc, HttpProcessingError):
            problem = exc.message.partition("\n")[0].rstrip(":")
            self._break_off(aiohttp.ClientError(f"the body is not HTTP ({problem})"))

    def eof_received(self) -> None:
        """Take the end of what comes: over TLS anybody on the way could have made it (RFC 9112, 9.8)."""
        if self.transport is not None and not _is_the_servers_own(self.transport):
            self._break_off(aiohttp.ClientPayloadError("the connection ended, and the server had not said so"))
        super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take the end of the connection: an error is not the end of a body that lasts until the close."""
        if exc is not None:
            self._break_off(aiohttp.ClientPayloadError(str(exc)))
        super().connection_lost(exc)

    def _break_off(self, error: aiohttp.ClientError) -> None:
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(error)


def _is_the_servers_own(transport: asyncio.BaseTransport) -> bool:
    """Say whether it is the server that has ended a connection, as far as that can be known: TLS has a word for it."""
    tls = transport.get_extra_info("ssl_object")
    try:
        return tls is None or tls.read(1) == b""
    except ssl.SSLZeroReturnError:
        return True
    except ssl.SSLError:
        return False


class Reply:
    """An answer whose head has come; a context manager around its body."""

    __slots__ = ("_connection", "_origin", "content", "headers", "status")

    def __init__(
        self,
        origin: _Origin,
        connection: Connection,
        status: int,
        headers: CIMultiDictProxy[str],
        content: aiohttp.StreamReader,
    ) -> None:
        """Take over the connection."""
        self._origin, self._connection = origin, connection
        self.status, self.headers, self.content = status, headers, content

    def __enter__(self) -> Reply:
        """Begin to read the body."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the connection back; one whose body was not read to its end, or may still come, is closed."""
        protocol = self._connection.protocol
        if protocol is None or protocol.should_close or (self.status in _BODILESS and self._announces_a_body()):
            self._connection.close()
        else:
            self._origin.idle.append((self._connection, time.monotonic()))

    def _announces_a_body(self) -> bool:
        return "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0"


class Wire:
    """Asks for URLs. Errors are aiohttp's."""

    def __init__(
        self,
        connector: aiohttp.TCPConnector,
        *,
        user_agent: str,
        connect_timeout: float,
        read_timeout: float,
        proxy: str = "",
    ) -> None:
        """Take over `connector`. Times are seconds; `read_timeout` is the longest wait for the head of an answer."""
        self._connector = connector
        self._user_agent = user_agent
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=connect_timeout + read_timeout, sock_connect=connect_timeout
        )
        self._read_timeout = read_timeout
        self._proxy = URL(proxy) if proxy else None
        self._origins: dict[str, _Origin] = {}
        self._loop = asyncio.get_running_loop()
        reads: type[ResponseHandler] = _Protocol
        connector._factory = partial(reads, loop=self._loop)  # noqa: SLF001 - there is no other way in

    async def close(self) -> None:
        """Close the connections."""
        for origin in self._origins.values():
            while origin.idle:
                origin.idle.pop()[0].release()  # to the connector, which waits until they are closed
        await self._connector.close()

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Send a request, and return when the head of its answer has come.

        Raises aiohttp.ClientError, TimeoutError, OSError; ValueError for what cannot be sent.
        """
        origin, request = self._request(url, headers)
        connection = origin.reused() or await self._connect(origin)
        try:
            return await self._ask(origin, connection, request)
        except HttpProcessingError as error:
            connection.close()
            raise aiohttp.ClientResponseError(
                origin.request.request_info, (), status=error.code, message=error.message
            ) from error
        except BaseException:
            connection.close()
            raise

    async def _connect(self, origin: _Origin) -> Connection:
        for other in self._origins.values():  # so that a run over many hosts does not keep a connection to each
            other.close_stale()
        try:
            return await self._connector.connect(origin.request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {origin.request.host}") from error

    async def _ask(self, origin: _Origin, connection: Connection, request: bytes) -> Reply:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the connection was closed before the request was sent")
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=_BUFFER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        transport.write(request)
        late = aiohttp.SocketTimeoutError("the head of the answer did not come")
        timer = self._loop.call_later(self._read_timeout, protocol.set_exception, late)  # however slowly it drips in
        try:
            while True:
                message, content = await protocol.read()
                if not 100 <= message.code < 200 or message.code == _SWITCHING:  # others announce an answer
                    return Reply(origin, connection, message.code, message.headers, content)
        finally:
            timer.cancel()

    def _request(self, url: str, headers: Mapping[str, str]) -> tuple[_Origin, bytes]:
        found = _ORIGIN.match(url)
        target = url[found.end() :].partition("#")[0] if found else ""
        if found is None or not _TARGET.fullmatch(target):
            raise ValueError(f"{url!r} cannot be requested")
        origin = self._origins.get(found[0]) or self._begin(found[0])
        slash = "" if target.startswith("/") else "/"
        lines = _lines(tuple(headers.items()))
        text = f"GET {origin.prefix}{slash}{target} HTTP/1.1\r\n{origin.head}{lines}\r\n"
        return origin, text.encode("utf-8", "surrogateescape")

    def _begin(self, name: str) -> _Origin:
        url = URL(name, encoded=True)
        request = ClientRequest("GET", url, loop=asyncio.get_running_loop(), proxy=self._proxy)
        head = f"Host: {request.headers['Host']}\r\nUser-Agent: {self._user_agent}\r\n"
        prefix = ""
        if self._proxy is not None and url.scheme == "http":
            prefix = name
            if self._proxy.user is not None:
                who = aiohttp.encode_basic_auth(self._proxy.user, self._proxy.password or "")
                head += f"Proxy-Authorization: {who}\r\n"
        origin = self._origins[name] = _Origin(request, prefix, head)
        return origin


@lru_cache(maxsize=64)
def _lines(headers: tuple[tuple[str, str], ...]) -> str:
    """Return headers as they are sent; nearly all requests have the same. Raises ValueError."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    if lines.count("\r\n") != len(headers) or len(_ENDS_A_LINE.findall(lines)) != 2 * len(headers):
        raise ValueError("a header would end its line, and begin another")
    return lines
