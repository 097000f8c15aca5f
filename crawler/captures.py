"""From a server's answer to what storage keeps of it. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from storage.clock import iso
from storage.records import Capture

_SECRET_PARAMETERS = frozenset({"key", "token", "api_key"})
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e\x80-\U0010ffff]")
_STRAY = re.compile(r"[\udc80-\udcff]")  # bytes that were no UTF-8, as Python spells them


class Answered(Protocol):
    """An answer as the fetcher gives it."""

    @property
    def url(self) -> str:
        """Where the answer came from, after redirects."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header names and values as they came."""

    @property
    def media_type(self) -> str:
        """The server's media type, without parameters."""

    @property
    def body(self) -> bytes:
        """The decoded body."""

    @property
    def seconds(self) -> float:
        """How long it took."""


def page_capture(answer: Answered, at: float, error: str = "") -> Capture:
    """Return the capture, at a time in Unix seconds, of an answer whose body is kept in the database."""
    sha256 = hashlib.sha256(answer.body).hexdigest()
    return _capture(answer, at, sha256, len(answer.body), answer.body, error)


def media_capture(answer: Answered, at: float, sha256: str, size: int) -> Capture:
    """Return the capture, at a time in Unix seconds, of an answer whose body is in the media tree."""
    return _capture(answer, at, sha256, size, None, "")


def _capture(answer: Answered, at: float, sha256: str, size: int, body: bytes | None, error: str) -> Capture:
    return Capture(
        url=without_secrets(answer.url),
        fetched_at=iso(at),
        http_status=answer.status,
        headers=_printable(answer.headers),
        media_type=answer.media_type,
        sha256=sha256,
        size=size,
        body=body,
        error=error,
        seconds=round(answer.seconds, 4),
    )


def _printable(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    if "".join([value for _, value in headers]).isprintable():  # as nearly all are
        return headers
    return tuple((name, _UNPRINTABLE.sub("\ufffd", _decoded(value))) for name, value in headers)


def _decoded(value: str) -> str:
    """Return a header that is not UTF-8 as Latin-1, which HTTP once said it was, and which every byte is."""
    if _STRAY.search(value) is None:
        return value
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def without_secrets(url: str) -> str:
    """Return `url` without the query parameters that carry keys (contract 2.1); nothing else is touched."""
    if "?" not in url:
        return url
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, True)  # names may be spelt in any case, and with escapes
    kept = [(name, value) for name, value in pairs if name.lower() not in _SECRET_PARAMETERS]
    return url if len(kept) == len(pairs) else urlunsplit(parts._replace(query=urlencode(kept)))
