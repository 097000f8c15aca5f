"""Tolerant access to the fields of a kept article object: a wrong type is an absent value, never an error. Pure.

The shapes that the CMS is known to send are those of the contract, section 4: numbers as text, an empty map as `[]`,
a body inside an object.
"""

from __future__ import annotations

from collections.abc import Mapping

Fields = Mapping[str, object]
_BODY_KEYS = ("html", "body", "raw", "rendered", "content", "value", "text")


def text(value: object) -> str:
    """Return a text or a number as text without blanks around it; '' for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def first(fields: Fields, *keys: str) -> str:
    """Return the first of these fields that says something."""
    return next((found for key in keys if (found := text(fields.get(key)))), "")


def mapping(value: object) -> Fields:
    """Return a map; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Fields]:
    """Return the maps in a list, or among the values of a map that stands for one."""
    entries = value if isinstance(value, list) else list(mapping(value).values())
    return [entry for entry in entries if isinstance(entry, dict) and entry]


def html(value: object) -> str:
    """Return the HTML of a body, which may come inside an object."""
    if isinstance(value, dict):
        return next((found for key in _BODY_KEYS if isinstance(found := value.get(key), str) and found), "")
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list, or a lone text."""
    entries = value if isinstance(value, list) else [value]
    return tuple(found for entry in entries if (found := text(entry)))
