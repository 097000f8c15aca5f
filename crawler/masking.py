"""The key of one request, kept out of everything that is kept or shown of its answer. Pure.

Servers repeat what they were sent: in messages, in redirects, in links to the next page. The archive must not.
"""

from __future__ import annotations

from urllib.parse import parse_qs, quote, quote_plus, urlsplit

from crawler.errors import Fault
from crawler.urls import display

MASK = "********"
_LONGEST_MESSAGE = 400  # characters of a Fault
_SHORTEST = 12  # characters of a key that is looked for in bodies; a shorter one could be a word of the article
_PARAMETER = "key"  # contract 2.1


class HiddenKey:
    """What a request's key looks like, sent as a header or in its URL: as it is, or percent-encoded."""

    __slots__ = ("_spellings",)

    def __init__(self, api_key: str, url: str) -> None:
        """Know the keys of a request for `url` with the header `api_key`; '' when there is none."""
        self._spellings: list[str] = []
        if not api_key and _PARAMETER not in url:
            return
        in_url = parse_qs(urlsplit(url).query).get(_PARAMETER, []) if f"{_PARAMETER}=" in url else []
        spelt = [(key, quote(key, safe=""), quote_plus(key)) for key in (api_key, *in_url) if key]
        self._spellings = sorted({spelling for spellings in spelt for spelling in spellings}, key=len, reverse=True)

    def __bool__(self) -> bool:
        """Say whether there is a key at all."""
        return bool(self._spellings)

    def is_in(self, text: str) -> bool:
        """Say whether `text` repeats the key."""
        return any(spelling in text for spelling in self._spellings)

    def out_of(self, text: str) -> str:
        """Return `text` with a mask in place of the key."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text

    def out_of_bytes(self, body: bytes) -> bytes:
        """Return a body with as many asterisks in place of the key."""
        for spelling in self._spellings:
            if len(spelling) >= _SHORTEST:
                body = body.replace(spelling.encode(), b"*" * len(spelling.encode()))
        return body

    def out_of_fault(self, fault: Fault) -> Fault:
        """Return a fault without the key, and no longer than people read: cut last, lest part of the key stays."""
        message = display(self.out_of(str(fault)), _LONGEST_MESSAGE)
        return Fault(fault.kind, message, http_status=fault.http_status, retry_after=fault.retry_after)
