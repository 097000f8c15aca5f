"""What the crawler raises on purpose.

CrawlError
├── TargetError          the user's target cannot be used                 exit 2
│   ├── UnknownSite      a URL of a site that is not configured           exit 2
│   └── BadURL           text that is no URL, or not one to be requested  exit 2
├── ParseError           an answer that cannot be read; the capture is kept
└── Fault                one attempt failed; `retry.decide` says what follows
"""

from __future__ import annotations

from enum import StrEnum


class CrawlError(Exception):
    """Base of all errors that the crawler raises on purpose."""


class TargetError(CrawlError):
    """A target that the user gave cannot be used; the message names it, and the remedy."""


class UnknownSite(TargetError):
    """A URL of a site that the configuration does not name; the message holds the `[[sites]]` block to add."""


class BadURL(TargetError):
    """Text that is no URL, or no URL that may be requested; the message shows it shortened and escaped."""


class ParseError(CrawlError):
    """An answer of the server that cannot be read as what it should be."""


class FaultKind(StrEnum):
    """Why one attempt failed. Each value is a row of the retry table and of docs/faults."""

    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_RESET = "connection-reset"
    DNS = "dns"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect-timeout"
    READ_TIMEOUT = "read-timeout"
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server-error"
    BOT_WALL = "bot-wall"
    BLOCK_PAGE = "block-page"
    KEY_REFUSED = "key-refused"
    NOT_FOUND = "not-found"
    GONE = "gone"
    UNPUBLISHED = "unpublished"
    HTTP_STATUS = "http-status"
    REDIRECT_LOOP = "redirect-loop"
    REDIRECT_REFUSED = "redirect-refused"
    ADDRESS_REFUSED = "address-refused"
    HOST_REFUSED = "host-refused"
    ROBOTS = "robots"
    SHORT_BODY = "short-body"
    EMPTY_BODY = "empty-body"
    WRONG_TYPE = "wrong-type"
    NOT_A_PICTURE = "not-a-picture"
    TRUNCATED_PICTURE = "truncated-picture"
    PICTURE_TOO_LARGE = "picture-too-large"
    OVER_LIMIT = "over-limit"
    BAD_ENCODING = "bad-encoding"
    UNREADABLE = "unreadable"
    NOTHING_LISTED = "nothing-listed"
    BAD_URL = "bad-url"
    PROTOCOL = "protocol"
    INTERNAL = "internal"


class Fault(CrawlError):
    """One attempt at one URL failed.

    `retry_after` is the server's own wish in seconds from now, already parsed from seconds or a date. `host` is the
    one that failed where that is not the URL's own but one that it led to, or where it was not even asked.
    """

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        http_status: int | None = None,
        retry_after: float | None = None,
        host: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.http_status = http_status
        self.retry_after = retry_after
        self.host = host
