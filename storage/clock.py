"""Times as storage writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache


def iso(seconds: float) -> str:
    """Return Unix seconds as UTC ISO 8601 to the second, e.g. `2023-07-06T12:54:06Z`."""
    return _iso(math.floor(seconds))


@lru_cache(maxsize=64)  # all that happens in one second is written down with the same words
def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(moment: str) -> float:
    """Return the Unix seconds of a time that `iso` wrote. Raises ValueError."""
    return datetime.fromisoformat(moment).timestamp()
