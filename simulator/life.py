"""A newsroom's clock: what is going to happen in it, what has happened, and how time passes."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulator import orders
from simulator.content import Content
from simulator.corpus import FIRST_DAY
from simulator.days import plan
from simulator.door import Door
from simulator.events import Event, Kind
from simulator.history import History
from simulator.options import Options
from simulator.walltime import Calendar, stamp
from simulator.webhooks import Hooks

DAY = 86_400.0
LONGEST_PAUSE = 1.0  # seconds, while time passes by itself


class Life:
    """Applies events as the clock passes them. Without planned days the clock shows the real time."""

    def __init__(self, content: Content, door: Door, options: Options, vouch: Callable[[str], None]) -> None:
        """Plan what happens; `vouch` is called with the host that the site moves to. Raises ValueError."""
        self._content, self._door, self._options, self._vouch = content, door, options, vouch
        self.calendar = Calendar(content.profile.timezone, _first_day(content, options))
        self._now = self.calendar.begins(1) if options.days else None
        self._plan = list(self._planned())  # in order of time, what has happened included
        self._done = 0
        self.history = History(content.corpus, content.addresses, self.calendar)
        self.hooks = Hooks(options.webhook, options.webhook_secret) if options.webhook else None
        self._task: asyncio.Task[None] | None = None

    def _planned(self) -> Iterable[Event]:
        if not self._options.days:
            return ()
        known, options = self._content, self._options
        scratch = Content(known.profile, known.seed, known.corpus.founded, options.quirks, known.addresses)
        return plan(scratch, self.calendar, options.days, options.events)

    @property
    def now(self) -> datetime:
        """The instant, in UTC."""
        return self._now or datetime.now(UTC)

    @property
    def stands_still(self) -> bool:
        """Whether no days are planned, so that nobody can move the clock."""
        return self._now is None

    def advance(self, to: datetime) -> list[Event]:
        """Let time pass up to an instant, and return what happened. Raises ValueError when that cannot be."""
        if self._now is None:
            raise ValueError("this newsroom shows the real time; plan days to be able to move its clock")
        if to < self._now:
            raise ValueError(
                f"it is {stamp(self._now)} already; time passes forwards, so {stamp(to)} cannot be reached"
            )
        happened = []
        while (event := self._next()) and event.at <= to:
            self._done += 1
            happened.append(self._apply(event))
        self._now = to
        return happened

    def _next(self) -> Event | None:
        """Return what is planned next."""
        return self._plan[self._done] if self._done < len(self._plan) else None

    def order(self, order: orders.Order, at: datetime | None = None) -> Event:
        """Let something happen now, or at a later instant. Raises ValueError when it cannot be done."""
        if at is not None and (self._now is None or at < self._now):
            raise ValueError(f"{stamp(at)} is not ahead of this newsroom's clock, which shows {stamp(self.now)}")
        event = orders.event(order, self._content, self.calendar, at or self.now, self._next_index())
        if at is None:
            return self._apply(event)
        insort(self._plan, event, lo=self._done, key=lambda one: one.at)
        return event

    def _next_index(self) -> int:
        """Return the place of the next article that nobody has planned yet."""
        new = (event.article for event in self._plan if event.kind in (Kind.PUBLISHED, Kind.BACKDATED))
        places = (self._content.corpus.place(article) for article in new if article)
        return max(self._content.corpus.next_index(), *(place + 1 for place in places if place is not None), 0)

    def _apply(self, event: Event) -> Event:
        """Let an event happen; events are numbered as they do."""
        event = replace(event, number=len(self.history.events) + 1)
        local = self.calendar.local(event.at).replace(microsecond=0)
        front = self._content.addresses.host_of("front")
        self._content.apply(event, local)
        if event.kind is Kind.MOVED:
            self._door.move(front, event.values[0])
            self._vouch(event.values[0])
        elif event.kind is Kind.REVOKED:
            self._door.revoke(self._options.api_key)
        self.history.record(event)
        if self.hooks:
            self.hooks.add(event, local)
        return event

    def facts(self) -> dict[str, Any]:
        """Return what the clock shows, for JSON."""
        hooks = self.hooks
        counts = {"delivered": hooks.delivered, "failed": hooks.failed, "waiting": hooks.waiting} if hooks else None
        return {
            "now": stamp(self.now),
            "local": f"{self.calendar.local(self.now):%Y-%m-%d %H:%M:%S}",
            "timezone": self.calendar.timezone,
            "day": self.calendar.day(self.now),
            "days": self._options.days,
            "events": len(self.history.events),
            "planned": len(self._plan) - self._done,
            "webhooks": counts,
        }

    def start(self) -> None:
        """Begin to post webhooks, and to let time pass if it is to pass by itself."""
        if self.hooks:
            self.hooks.start()
        if self._options.day_length and self._now is not None:
            self._task = asyncio.create_task(self._pass_time(DAY / self._options.day_length))

    async def stop(self) -> None:
        """Stop the clock, and post no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self.hooks:
            await self.hooks.stop()

    async def _pass_time(self, speed: float) -> None:
        """Move the clock so many times as fast as real time, event by event."""
        loop = asyncio.get_running_loop()
        latest = loop.time()
        while True:
            event = self._next()
            ahead = (event.at - self.now).total_seconds() / speed if event else LONGEST_PAUSE
            await asyncio.sleep(min(ahead, LONGEST_PAUSE))
            elapsed, latest = loop.time() - latest, loop.time()
            self.advance(self.now + timedelta(seconds=elapsed * speed))


def _first_day(content: Content, options: Options) -> date:
    """Return the date of day 1: as told, or the day after the newest article; where nothing is planned, today."""
    if not options.days:
        return datetime.now(ZoneInfo(content.profile.timezone)).date()
    corpus = content.corpus
    newest = corpus.published(corpus.founded - 1) if corpus.founded else FIRST_DAY
    if options.first_day is None:
        return newest.date() + timedelta(days=1)
    if options.first_day <= newest.date():
        raise ValueError(
            f"first_day {options.first_day} is not after the newest of {corpus.founded} articles, which is of "
            f"{newest.date()}; choose a later day or fewer articles"
        )
    return options.first_day
