"""Values that people type and read: durations, dates, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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


def patterns(texts: Iterable[str]) -> None:
    """Raise ValueError for the first text that is no regular expression."""
    for text in texts:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(
                f"{text!r} is no regular expression ({error}). Write what is meant literally with a \\"
            ) from error


def is_address(url: str) -> bool:
    """Say whether something can be asked at a URL: http or https, a host, a port that there is, no blanks."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return whole and not _CONTROL.search(url) and not any(character.isspace() for character in url)


def proxy(url: str) -> None:
    """Raise ValueError for what is no address of a proxy. Its password is not shown."""
    if not is_address(url):
        raise ValueError(
            f"{without_credentials(url)!r} is no address of a proxy, so nothing could be fetched; write it as "
            "http://127.0.0.1:3128"
        )


def ping_url(url: str) -> None:
    """Raise ValueError for what is no address of a health check. It is a secret, and not shown."""
    if not is_address(url) or "@" in url:
        raise ValueError(
            "this is no address that can be asked, so nobody would hear of a night; write it as "
            "https://hc-ping.com/…, without a user name in it"
        )


def metrics_file(name: str) -> None:
    """Raise ValueError for a path at which no collector would look."""
    if not Path(name).is_absolute() or Path(name).suffix != ".prom":
        raise ValueError(
            f"{name!r} is where no collector would look; write an absolute path that ends in .prom, such as "
            '"/var/lib/prometheus/node-exporter/backfile.prom"'
        )


def without_credentials(url: str) -> str:
    """Return a URL, or what should have been one, with user and password masked."""
    before, at, host = url.rpartition("@")
    scheme, marks, _ = before.rpartition("://")
    return f"{scheme}{marks}********@{host}" if at else url


def header(text: str) -> None:
    """Raise ValueError for text that would end the line of the header it goes into."""
    if _CONTROL.search(text):
        raise ValueError(f"{text!r} holds a line break or another control, which no header can carry; leave it out")


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
