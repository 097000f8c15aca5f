"""Text as a database can keep it."""

from __future__ import annotations

import re

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def storable(text: str) -> str:
    """Return `text` with U+FFFD for lone surrogates, which UTF-8 has not: one would end the run that keeps it."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
