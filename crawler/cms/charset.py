"""From the bytes of a page to its text, whatever it is encoded in. Pure."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

_DECLARED: Final = re.compile(rb"(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})", re.IGNORECASE)
_HEAD: Final = 4_096  # bytes in which a page declares its encoding
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# What a page may declare, and what browsers take it for; Python knows others, some of which are traps.
_ENCODINGS: Final = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "windows-1252": "cp1252",
    "cp1252": "cp1252", "iso-8859-15": "iso-8859-15", "windows-1256": "cp1256", "iso-8859-6": "iso-8859-6",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageText:
    """A page as text; `damaged` when some of its bytes meant nothing and stand as U+FFFD."""

    text: str
    damaged: bool = False


def decode(body: bytes) -> PageText:
    """Return a page as text: UTF-8 where it can be, else what it declares; never raises."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], encoding)
    as_utf8 = _decoded(body, "utf-8")
    declared = _DECLARED.search(body[:_HEAD]) if as_utf8.damaged else None
    encoding = _ENCODINGS.get(declared[1].decode().lower(), "") if declared else ""
    return _decoded(body, encoding) if encoding else as_utf8


def _decoded(body: bytes, encoding: str) -> PageText:
    try:
        return PageText(body.decode(encoding))
    except UnicodeDecodeError:
        return PageText(body.decode(encoding, "replace"), damaged=True)
