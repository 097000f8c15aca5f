"""The newsroom's days: instants in UTC, and what the clock on its wall says (contract 4.4: site-local, no zone)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def stamp(instant: datetime) -> str:
    """Return an instant as ISO 8601 in UTC, to the second."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_stamp(text: str) -> datetime:
    """Read an instant in ISO 8601. Raises ValueError when it is none, or has no zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write an instant such as 2022-04-22T03:00:00Z")
    return instant.astimezone(UTC)


def instant_of(local: datetime, timezone: str) -> datetime:
    """Return the instant at which clocks in a zone show this.

    Of two such instants, when clocks are put back, the first; of none, when they are put forward, as if they were not.
    """
    return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The site's zone, and the date of its day 1. Days last from midnight to midnight there: 23 to 25 hours."""

    timezone: str
    first_day: date

    def local(self, instant: datetime) -> datetime:
        """Return what the wall clock shows at an instant, without a zone."""
        return instant.astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None, fold=0)

    def instant(self, local: datetime) -> datetime:
        """Return the instant at which the wall clock shows this; see `instant_of`."""
        return instant_of(local, self.timezone)

    def date(self, day: int) -> date:
        """Return the date of a day."""
        return self.first_day + timedelta(days=day - 1)

    def begins(self, day: int) -> datetime:
        """Return the instant at which a day begins."""
        return self.instant(datetime.combine(self.date(day), datetime.min.time()))

    def day(self, instant: datetime) -> int:
        """Return the day of an instant; 0 and less for what was before day 1."""
        return (self.local(instant).date() - self.first_day).days + 1

    def later(self, instant: datetime, days: float) -> datetime:
        """Return when the wall clock shows the same time so many days later; from a day's begin, another's begin."""
        local, day = self.local(instant), self.day(instant)
        if instant == self.begins(day):  # which is no midnight on the wall where clocks skip that
            local = datetime.combine(self.date(day), datetime.min.time())
        return self.instant(local + timedelta(days=days))
