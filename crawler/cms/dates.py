"""Dates of the CMS: site-local, without a zone (contract 4.4). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from crawler.errors import ParseError

_FORM: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?)?"
    r"\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


@lru_cache(maxsize=1024)  # most articles were never updated, and say the same twice
def instant(raw: str, timezone: str) -> str | None:
    """Return a CMS date as UTC in ISO 8601, `2023-07-06T12:54:06Z`; None where it is no date.

    A date without an offset is read in the site's zone, never as UTC (contract 4.4); a lone date is its midnight.
    Where clocks were put back, the first of the two moments is meant; a time that clocks skipped is read with the
    offset that was valid before. Raises ParseError when the configured zone does not exist.
    """
    match = _FORM.fullmatch(raw.strip())
    if match is None:
        return None
    zone = _offset(match[7]) if match[7] else _zone(timezone)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):  # 0000-00-00 00:00:00, the 31st of June, before the year 1
        return None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(sign * timedelta(minutes=min(minutes, 1439)))


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ParseError(f"there is no time zone called {name!r}; correct the site's timezone") from error
