"""Which page an address means, without a server: the patterns of the application, read as it reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from reader.view import Page

_PART = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}")


@dataclass(frozen=True, slots=True)
class Address:
    """A page's address, taken apart: what `PageAddress` asks for."""

    match_info: Mapping[str, str]
    query: Mapping[str, str]


class Routes:
    """The pages there are."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        """Read the patterns."""
        self._pages = [(_compiled(pattern), page) for pattern, page in pages.items()]

    def find(self, address: str) -> tuple[Page, Address] | None:
        """Return the page that an address means; None when it is none of these."""
        parts = urlsplit(address)
        for pattern, page in self._pages:
            if match := pattern.fullmatch(parts.path):
                found = {name: unquote(value) for name, value in match.groupdict().items()}
                return page, Address(found, dict(parse_qsl(parts.query)))
        return None


def _compiled(pattern: str) -> re.Pattern[str]:
    text, end = "", 0
    for part in _PART.finditer(pattern):
        text += re.escape(pattern[end : part.start()]) + f"(?P<{part[1]}>{part[2] or '[^/]+'})"
        end = part.end()
    return re.compile(text + re.escape(pattern[end:]))
