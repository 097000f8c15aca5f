"""Tolerant access to the fields of a CMS object: a wrong type is an absent value, never an error (contract 2.1, 4).

Pure. Numbers come as numbers or as text, an empty map comes as `[]`, a list with gaps as a map with numbers for keys,
and some fields hold JSON as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from crawler.cms import jsontext
from crawler.errors import ParseError

_LARGEST: Final = 2**53  # beyond this, a JSON number may stand for its neighbours
_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]{1,18})\s*")
_HTML_KEYS: Final = ("html", "body", "raw", "rendered", "content", "value", "text")  # contract 4.1, `contents`
_LONGEST_JSON: Final = 1_000_000  # characters of JSON inside a string that are looked into


def text(value: object) -> str:
    """Return a scalar as text: strings as they are, numbers in decimal; '' for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def integer(value: object) -> int | None:
    """Return a whole number that came as one, as text or as a truth value; None for anything else.

    And for one that no JSON number can be relied upon to be (RFC 8259, 6).
    """
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    else:
        match = _INTEGER.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return None
        number = int(match[1])
    return number if abs(number) <= _LARGEST else None


def boolean(value: object) -> bool:
    """Return a flag that came as a truth value, as 0 or 1, or as text."""
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true", "yes")
    return isinstance(value, (int, float)) and bool(value)


def mapping(value: object) -> Mapping[str, object]:
    """Return a map, also one that came as JSON text; an empty one for anything else, PHP's `[]` included."""
    if isinstance(value, str):
        value = _opened(value, "{")
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """Return the entries of a list: of a PHP array with gaps its values, of a lone object the object itself."""
    if isinstance(value, str):
        value = _opened(value, "[{")
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not value:
        return []
    return list(value.values()) if all(key.isdecimal() for key in value) else [value]


def objects(value: object) -> list[Mapping[str, object]]:
    """Return the non-empty maps among the entries of a list."""
    return [found for entry in items(value) if (found := entry if isinstance(entry, dict) else mapping(entry))]


def html(value: object) -> str:
    """Return the HTML of a body, which may come inside an object (contract 4.1, `contents`)."""
    if isinstance(value, dict):
        found = (value.get(key) for key in _HTML_KEYS)
        return next((entry for entry in found if isinstance(entry, str) and entry), "")
    return text(value)


def first(fields: Mapping[str, object], *keys: str) -> str:
    """Return the first of these fields that says something, as text without blanks around it; '' when none does."""
    for key in keys:
        value = fields.get(key)
        found = value.strip() if isinstance(value, str) else text(value)
        if found:
            return found
    return ""


def _opened(value: str, starts: str) -> object:
    """Return what JSON text stands for; any other text as it is."""
    if len(value) > _LONGEST_JSON:
        return value
    stripped = value.strip()
    if stripped[:1] not in starts or not stripped:
        return value
    try:
        return jsontext.decode(stripped)
    except ParseError:
        return value
