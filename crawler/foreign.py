"""What the HTTP library and the system say when a request fails, turned into our words: at the edge, and only there."""

from __future__ import annotations

import errno
import re
import ssl
import zlib

import aiohttp

from crawler.errors import Fault, FaultKind
from crawler.network import AddressRefused
from crawler.urls import MAX_WIRE_LENGTH, display

_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE})  # no fault of the host's
_TOO_MANY_FILES = (
    "too many open files, so no connection can be made; nothing kept so far is lost. Raise the limit (ulimit -n) "
    "or lower [crawl] concurrency, and run again"
)
_CREDENTIALS = re.compile(r"//[^/?#\s]*@")  # of a URL: the proxy's has a password that must not be archived


def _words(error: Exception) -> str:
    """Return what the system said, without the library's own account of the connection, and without credentials."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status}, {error.message}"
    return _CREDENTIALS.sub("//", str(error)) or type(error).__name__


def translated(error: Exception) -> Fault | OSError:
    """Return the library's error in our words, most specific first; an OSError where the trouble is this machine's."""
    if getattr(error, "errno", None) in _OUR_OWN:
        return OSError(error.errno, _TOO_MANY_FILES)  # type: ignore[attr-defined]
    text = display(_words(error), MAX_WIRE_LENGTH)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return Fault(FaultKind.ADDRESS_REFUSED, str(cause))
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    table: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], FaultKind, str], ...] = (
        ((aiohttp.ClientSSLError, ssl.SSLError), FaultKind.TLS, "no trusted TLS connection"),
        (aiohttp.ClientConnectorDNSError, FaultKind.DNS, "the host name has no address"),
        (aiohttp.ConnectionTimeoutError, FaultKind.CONNECT_TIMEOUT, "no connection in time"),
        ((aiohttp.ServerTimeoutError, TimeoutError), FaultKind.READ_TIMEOUT, "no answer in time"),
        (aiohttp.ClientConnectorError, FaultKind.CONNECTION_REFUSED, "no connection"),
        (aiohttp.ClientPayloadError, FaultKind.SHORT_BODY, "the body broke off"),
        (aiohttp.InvalidURL, FaultKind.BAD_URL, "the URL cannot be requested"),
        (aiohttp.ClientHttpProxyError, FaultKind.PROTOCOL, "the proxy opened no way to the host"),
        (aiohttp.ClientResponseError, FaultKind.PROTOCOL, "the answer is not HTTP"),
        ((aiohttp.ClientConnectionError, OSError), FaultKind.CONNECTION_RESET, "the connection broke"),
        (zlib.error, FaultKind.BAD_ENCODING, "the compressed body cannot be read"),
        (ValueError, FaultKind.PROTOCOL, "the answer cannot be understood"),
    )
    for kinds, fault, sentence in table:
        if isinstance(error, kinds):
            return Fault(fault, f"{sentence} ({text})")
    return Fault(FaultKind.PROTOCOL, text)
