"""What will happen in a newsroom, day by day: a plan fixed by seed, days and events a day. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from simulator.chance import Dice
from simulator.content import Content
from simulator.corpus import AUTHOR_BLOCK, AUTHORS_PER_BLOCK
from simulator.events import Event, Kind, Way
from simulator.names import slugify
from simulator.states import PLACES, SPARE_PLACES
from simulator.walltime import Calendar

# What a desk does, and how often in so many events; every bag is shuffled anew.
_BAG: tuple[tuple[int, Kind, tuple[str, ...]], ...] = (
    (20, Kind.PUBLISHED, ()),
    (3, Kind.BACKDATED, ()),
    (6, Kind.EDITED, ("title",)),
    (14, Kind.EDITED, ("contents",)),
    (3, Kind.EDITED, ("title", "contents")),
    (3, Kind.EDITED, ("authors",)),
    (4, Kind.EDITED, ("keywords",)),
    (3, Kind.EDITED, ("attachments",)),
    (2, Kind.EDITED, ()),  # its date moves and nothing else
    (4, Kind.RECATEGORISED, ("categories",)),
    (4, Kind.UNPUBLISHED, ()),
    (2, Kind.RESTORED, ()),
    (3, Kind.SWAPPED, ()),
    (3, Kind.REPLACED, ("attachments",)),
    (2, Kind.REMOVED, ("attachments",)),
    (1, Kind.LOST, ()),
    (5, Kind.VIEWED, ()),
)
_RARE = {1: Kind.MERGED, 3: Kind.RENAMED}  # the last event of one day in so many
RARITY = 5
FRESH = 100  # half of all changes happen to one of so many newest articles
AWAY = 3  # days at least between taking an article down and bringing it back
TRIES = 60  # articles that are looked at for a change before something is published instead
_UNMOVED = "opinionistas"  # a section that shows in the addresses of its articles, which must not change
_Details = dict[str, object]


def plan(content: Content, calendar: Calendar, days: int, per_day: int) -> tuple[Event, ...]:
    """Return what will happen, in order of time, on each of these days.

    `content` is a scratch newsroom as it was founded; afterwards it is what the events made of it. No article has two
    events on one day, so whoever comes every night can miss none; what is taken down stays away for AWAY days.
    """
    desk = _Desk(content, calendar)
    return tuple(event for day in range(1, days + 1) for event in desk.day(day, per_day))


class _Desk:
    """Decides what happens next, by dice and by what there is."""

    def __init__(self, content: Content, calendar: Calendar) -> None:
        self._content, self._corpus, self._calendar = content, content.corpus, calendar
        self._dice = Dice(content.seed, content.corpus.founded, 11)
        self._next = content.corpus.founded
        self._number = self._unpublished = 0
        self._day = 0
        self._busy: set[int] = set()
        self._away: dict[int, int] = {}
        self._bag: list[tuple[Kind, tuple[str, ...]]] = []
        self._makers: dict[Kind, Callable[[tuple[str, ...]], _Details | None]] = {
            Kind.EDITED: self._edit,
            Kind.RECATEGORISED: self._recategorise,
            Kind.UNPUBLISHED: self._unpublish,
            Kind.RESTORED: self._restore,
            Kind.SWAPPED: self._swap,
            Kind.LOST: self._swap,
            Kind.REPLACED: self._replace,
            Kind.REMOVED: self._remove,
            Kind.VIEWED: self._view,
            Kind.MERGED: self._merge,
            Kind.RENAMED: self._rename,
        }

    def day(self, day: int, number: int) -> list[Event]:
        """Return the events of one day."""
        begins, ends = self._calendar.begins(day), self._calendar.begins(day + 1)
        seconds: set[int] = set()
        while len(seconds) < number:
            seconds.add(self._dice.below(int((ends - begins).total_seconds())))
        self._day = day
        self._busy.clear()
        instants = [begins + timedelta(seconds=second) for second in sorted(seconds)]
        return [self._happen(at, _RARE.get(day % RARITY) if at == instants[-1] else None) for at in instants]

    def _happen(self, at: datetime, rare: Kind | None) -> Event:
        kind, changed = (rare, ()) if rare else self._draw()
        local = self._calendar.local(at)
        details = self._makers[kind](changed) if kind in self._makers else None
        if details is None:
            kind = kind if kind is Kind.BACKDATED else Kind.PUBLISHED
            details = self._publish(kind, local)
        self._number += 1
        event = Event(self._number, self._day, at, kind, **({"changed": changed} | details))  # type: ignore[arg-type]
        self._content.apply(event, local)
        return event

    def _draw(self) -> tuple[Kind, tuple[str, ...]]:
        if not self._bag:
            self._bag = [(kind, changed) for number, kind, changed in _BAG for _ in range(number)]
        return self._bag.pop(self._dice.below(len(self._bag)))

    def _publish(self, kind: Kind, local: datetime) -> _Details:
        index, self._next = self._next, self._next + 1
        self._busy.add(index)
        if kind is Kind.BACKDATED:
            local -= timedelta(days=1 + self._dice.below(400), seconds=self._dice.below(40_000))
        return {"article": self._corpus.id(index), "changed": (), "values": (str(local),)}

    def _article(self, fits: Callable[[int], object]) -> int | None:
        """Return an article to which nothing happened today, and mark it."""
        for _ in range(TRIES if self._next else 0):
            newest = self._next - 1
            fresh = self._dice.chance(2)
            index = newest - self._dice.below(min(self._next, FRESH)) if fresh else self._dice.below(self._next)
            if index not in self._busy and self._corpus.state(index).way is None and fits(index):
                self._busy.add(index)
                return index
        return None

    def _of(self, index: int, changed: tuple[str, ...] = (), values: tuple[str, ...] = ()) -> _Details:
        return {"article": self._corpus.id(index), "changed": changed, "values": values}

    def _announced(self, changed: tuple[str, ...]) -> tuple[str, ...]:
        """Return what changed, with the date that says so, or without it as often."""
        return (*changed, "lastUpdate") if not changed or self._dice.chance(2) else changed

    def _edit(self, changed: tuple[str, ...]) -> _Details | None:
        pictured = "attachments" in changed
        index = self._article(lambda index: not pictured or self._shown(index))
        if index is None:
            return None
        values: tuple[str, ...] = ()
        if "authors" in changed:
            values = self._other_authors(index)
        elif "keywords" in changed:
            values = self._other_topics(index)
        details = self._of(index, self._announced(changed), values)
        return details | ({"attachment": self._attachment(index, self._shown(index)[0])} if pictured else {})

    def _other_authors(self, index: int) -> tuple[str, ...]:
        now, block = self._corpus.authors(index), index // AUTHOR_BLOCK * AUTHORS_PER_BLOCK
        others = (str(300_000 + (block + self._dice.below(AUTHORS_PER_BLOCK)) * 3) for _ in range(TRIES))
        new = next(author for author in others if author not in now)
        return (*now, new) if self._dice.chance(2) else (new,)

    def _other_topics(self, index: int) -> tuple[str, ...]:
        now = self._corpus.topics(index)
        if len(now) > 1 and self._dice.chance(3):
            return now[:-1]
        new = self._topic(frozenset(now))
        return (*now, new) if self._dice.chance(2) else (*now[:-1], new)

    def _topic(self, without: frozenset[str]) -> str:
        """Return a keyword in use that no other one has replaced; a new one where there is none."""
        merged = self._corpus.changes.merged
        for _ in range(TRIES):
            for topic in self._corpus.topics(self._dice.below(self._next)):
                if topic not in without and topic not in merged:
                    return topic
        return str(5_000 + (self._next + 1_000) * 4 * 7)

    def _recategorise(self, changed: tuple[str, ...]) -> _Details | None:
        index = self._article(self._other_sections)
        if index is None:
            return None
        now, others = self._corpus.sections(index), self._other_sections(index)
        new = others[self._dice.below(len(others))]
        values = (*now, new) if self._dice.chance(3) else (new, *now[1:])
        return self._of(index, self._announced(changed), values)

    def _other_sections(self, index: int) -> list[str]:
        """Return the sections that an article could move to without changing its publication or its address."""
        known, now = self._corpus.profile.sections, self._corpus.sections(index)
        if known[now[0]].slug == _UNMOVED:
            return []
        home = known[now[0]].publication
        return [s.id for s in known.values() if s.publication == home and s.id not in now and s.slug != _UNMOVED]

    def _unpublish(self, _: tuple[str, ...]) -> _Details | None:
        index = self._article(lambda _: True)
        if index is None:
            return None
        ways = tuple(Way)
        self._unpublished += 1
        self._away[index] = self._day
        return self._of(index, values=(ways[self._unpublished % len(ways)],))

    def _restore(self, _: tuple[str, ...]) -> _Details | None:
        ready = [index for index, since in self._away.items() if self._day - since >= AWAY]
        if not ready:
            return None
        index = ready[self._dice.below(len(ready))]
        del self._away[index]
        self._busy.add(index)
        return self._of(index, values=(str(self._corpus.state(index).way),))

    def _shown(self, index: int) -> tuple[int, ...]:
        """Return the main pictures of an article whose files are there."""
        lost = self._corpus.state(index).lost
        return tuple(place for place in self._content.writer.pictures.main_places(index) if place not in lost)

    def _attachment(self, index: int, place: int) -> str:
        return str(int(self._corpus.id(index)) * PLACES + place)

    def _pictured(self, index: int | None, changed: tuple[str, ...]) -> _Details | None:
        if index is None:
            return None
        shown = self._shown(index)
        attachment = self._attachment(index, shown[self._dice.below(len(shown))])
        return self._of(index, changed) | {"attachment": attachment}

    def _swap(self, _: tuple[str, ...]) -> _Details | None:
        return self._pictured(self._article(self._shown), ())

    def _remove(self, changed: tuple[str, ...]) -> _Details | None:
        return self._pictured(self._article(self._shown), self._announced(changed))

    def _replace(self, changed: tuple[str, ...]) -> _Details | None:
        index = self._article(lambda index: self._shown(index) and self._spare(index))
        details = self._pictured(index, self._announced(changed))
        if index is None or details is None:
            return None
        return details | {"values": (self._attachment(index, self._spare(index)[0]),)}

    def _spare(self, index: int) -> list[int]:
        """Return the places that no picture of an article ever had."""
        used = (*self._content.writer.pictures.main_places(index), *self._corpus.state(index).former)
        return [place for place in SPARE_PLACES if place not in used]

    def _view(self, _: tuple[str, ...]) -> _Details | None:
        index = self._article(lambda _: True)
        return None if index is None else self._of(index, values=(str(1 + self._dice.below(40)),))

    def _merge(self, _: tuple[str, ...]) -> _Details | None:
        if not self._next:
            return None
        old = self._topic(frozenset())
        return {"term": old, "values": (self._topic(frozenset((old,))),)}

    def _rename(self, _: tuple[str, ...]) -> _Details | None:
        """Give a section that still has its first name another one, every other time with another slug."""
        corpus, renamed = self._corpus, self._corpus.changes.sections
        fit = [s for key, s in corpus.profile.sections.items() if key not in renamed and s.slug != _UNMOVED]
        if not fit:
            return None
        section = fit[self._dice.below(len(fit))]
        name = f"{section.name.strip()} Desk"
        return {"term": section.id, "values": (name, section.slug if len(renamed) % 2 else slugify(name))}
