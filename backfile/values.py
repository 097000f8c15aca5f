"""Values that people type and read: durations, dates, sizes."""

from __future__ import annotations

import re
from datetime import date

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def duration(text: str) -> float:
    """Return seconds from `90m`, `1h30m`, `2h`, `3600`. Raises ValueError, naming the value and the forms."""
    compact = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", compact):
        seconds = float(compact)
    elif compact and not _PART.sub("", compact).strip():
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(compact))
    else:
        raise ValueError(f"{text!r} is no duration; write 90m, 2h, 1h30m or a number of seconds")
    if not seconds > 0:
        raise ValueError(f"{text!r} is no time at all; write something longer than zero")
    return seconds


def day(text: str, *, last: bool = False) -> str:
    """Return `YYYY-MM-DD` from a date, a month or a year: its first day, or its last. Raises ValueError."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", text.strip())
    try:
        if match is None:
            raise ValueError
        year = int(match[1])
        month = int(match[2] or (12 if last else 1))
        if match[3]:
            return date(year, month, int(match[3])).isoformat()
        if not last:
            return date(year, month, 1).isoformat()
        following = date(year + month // 12, month % 12 + 1, 1)
        return date.fromordinal(following.toordinal() - 1).isoformat()
    except ValueError:
        raise ValueError(f"{text!r} is no date; write 2023-07-06, 2023-07 or 2023") from None


def size_text(size: float) -> str:
    """Return a size in bytes as people read it, e.g. `12.3 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def duration_text(seconds: float) -> str:
    """Return seconds as people read them, e.g. `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
