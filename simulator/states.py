"""What events leave behind: how an article, and the terms it is filed under, differ from what they were at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from simulator.events import Event, Kind, Way
from simulator.profiles import Section

PLACES = 10  # an attachment's id is the article's with one digit, its place
SPARE_PLACES = (3, 6, 9)  # for pictures that replace others; the rest are taken from the start


def place_of(attachment: str) -> int:
    """Return an attachment's place in its article."""
    return int(attachment[-1])


@dataclass(frozen=True, slots=True)
class State:
    """An article's changes so far; None where it is still as it was founded. Times without zone are site-local."""

    published: datetime | None = None
    updated: datetime | None = None
    way: Way | None = None
    sections: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    pictures: tuple[int, ...] | None = None  # the main ones, by place
    former: tuple[int, ...] = ()  # pictures that the article no longer shows, but whose files are there
    captions: tuple[int, ...] = ()  # a picture for each time its caption was edited
    swaps: tuple[tuple[int, datetime], ...] = ()  # a picture and the instant, for each time it was swapped
    lost: tuple[int, ...] = ()
    titles: int = 0  # times edited
    texts: int = 0
    views: int = 0
    touched: datetime | None = None  # the instant of the latest change of its JSON

    @property
    def content(self) -> State:
        """The part of the state that shows in the content of the article."""
        return replace(self, way=None, swaps=(), lost=(), views=0, touched=None)

    @property
    def filed_anew(self) -> bool:
        """Whether it may stand elsewhere in the lists than it did."""
        return self.way is not None or self.published is not None or self._terms != (None, None, None)

    @property
    def _terms(self) -> tuple[object, object, object]:
        return self.sections, self.topics, self.authors


AS_FOUNDED = State()


def after(state: State, event: Event, local: datetime, shown: tuple[int, ...]) -> State:
    """Return an article's state after an event, at this site-local time, when it shows these main pictures."""
    changes: dict[str, object] = {"updated": local} if "lastUpdate" in event.changed else {}
    if event.kind not in (Kind.SWAPPED, Kind.LOST):
        changes["touched"] = event.at
    if event.kind is Kind.EDITED:
        changes |= _edited(state, event)
    elif event.attachment is not None:
        changes |= _pictured(state, event, shown)
    else:
        changes |= _filed(state, event)
    return replace(state, **changes)  # type: ignore[arg-type]


def _edited(state: State, event: Event) -> dict[str, object]:
    changes: dict[str, object] = {}
    for name in event.changed:
        match name:
            case "title":
                changes["titles"] = state.titles + 1
            case "contents":
                changes["texts"] = state.texts + 1
            case "attachments":
                assert event.attachment is not None
                changes["captions"] = (*state.captions, place_of(event.attachment))
            case "authors":
                changes["authors"] = event.values
            case "keywords":
                changes["topics"] = event.values
    return changes


def _pictured(state: State, event: Event, shown: tuple[int, ...]) -> dict[str, object]:
    assert event.attachment is not None
    place = place_of(event.attachment)
    if event.kind is Kind.SWAPPED:
        return {"swaps": (*state.swaps, (place, event.at))}
    if event.kind is Kind.LOST:
        return {"lost": (*state.lost, place)}
    new = (place_of(event.values[0]),) if event.kind is Kind.REPLACED else ()
    pictures = tuple(one for known in shown for one in (new if known == place else (known,)))
    return {"pictures": pictures, "former": (*state.former, place)}


def _filed(state: State, event: Event) -> dict[str, object]:
    match event.kind:
        case Kind.PUBLISHED | Kind.BACKDATED:
            return {"published": datetime.fromisoformat(event.values[0])}
        case Kind.RECATEGORISED:
            return {"sections": event.values}
        case Kind.UNPUBLISHED:
            return {"way": Way(event.values[0])}
        case Kind.RESTORED:
            return {"way": None}
        case Kind.VIEWED:
            return {"views": state.views + int(event.values[0])}
    raise ValueError(f"a {event.kind} does not happen to an article")


@dataclass(slots=True)
class Changes:
    """Everything in a newsroom that is no longer as it was founded."""

    articles: dict[int, State] = field(default_factory=dict)  # by place in the corpus
    sections: dict[str, Section] = field(default_factory=dict)  # renamed ones, by id
    slugs: dict[str, str] = field(default_factory=dict)  # former slug of a section → its id
    merged: dict[str, str] = field(default_factory=dict)  # keyword → the one that replaces it

    def keyword(self, keyword: str) -> str:
        """Return the keyword that stands for this one now."""
        while keyword in self.merged:
            keyword = self.merged[keyword]
        return keyword

    def section(self, known: Mapping[str, Section], section_id: str) -> Section:
        """Return a section as it is called now. Raises KeyError."""
        return self.sections.get(section_id) or known[section_id]

    def rename(self, section: Section, name: str, slug: str) -> None:
        """Give a section a name and a slug."""
        if slug != section.slug:
            self.slugs[section.slug] = section.id
            self.slugs.pop(slug, None)
        self.sections[section.id] = replace(section, name=name, slug=slug)
