"""Times as readers read them: in the newsroom's own zone, as words, by days that begin at its midnight. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as it is shown: for machines, as a day, and with the time of day."""

    iso: str
    day: str
    full: str
    year: int


class Zones:
    """The zone of each newsroom; an unknown one's is UTC."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Take the zones' names by site."""
        self._zones = {site: _zone(name) for site, name in names.items()}

    def zone(self, site: str = "") -> tzinfo:
        """Return a site's zone; without a site the one that all share, or UTC."""
        if site:
            return self._zones.get(site, UTC)
        shared = {str(zone): zone for zone in self._zones.values()}
        return next(iter(shared.values())) if len(shared) == 1 else UTC

    def moment(self, instant: str | None, site: str = "") -> Moment | None:
        """Return an instant (UTC ISO 8601) in a site's zone; None when there is none."""
        found = parsed(instant)
        if found is None:
            return None
        try:
            local = found.astimezone(self.zone(site))
        except OverflowError:
            local = found
        day = f"{local.day} {MONTHS[local.month - 1]} {local.year}"
        name = local.tzname() or "UTC"
        named = name if name.isalpha() else f"UTC{name}"
        full = f"{_WEEKDAYS[local.weekday()]} {day}, {local:%H:%M} {named}"
        return Moment(instant or "", day, full, local.year)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def parsed(instant: str | None) -> datetime | None:
    """Return an instant from ISO 8601; None when it is none."""
    try:
        found = datetime.fromisoformat(instant) if instant else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def midnight(day: date, zone: tzinfo) -> str:
    """Return the instant, in UTC as the archive writes it, at which a day begins in a zone."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    try:
        return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return f"{day.isoformat()}T00:00:00Z"


def starts(parts: Sequence[int]) -> list[date]:
    """Return the first days of the months of a year, or of the days of a month, and of what follows.

    Raises ValueError for a month that is none.
    """
    if len(parts) == 1:
        return [date(parts[0], month, 1) for month in range(1, 13)] + [_next_month(parts[0], 12)]
    first, end = date(parts[0], parts[1], 1), _next_month(parts[0], parts[1])
    return [first + timedelta(days=number) for number in range((end - first).days + 1)]


def extent(parts: Sequence[int]) -> tuple[date, date]:
    """Return the first day of a year, month or day, and the first after it. Raises ValueError when there is none."""
    if len(parts) == 3:
        day = date(parts[0], parts[1], parts[2])
        return day, day + timedelta(days=1)
    days = starts(parts)
    return days[0], days[-1]


def _next_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)
