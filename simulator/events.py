"""What happens in a newsroom: one frozen record for each event, with what a perfect archivist would make of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from simulator.walltime import stamp


class Kind(StrEnum):
    """What happened; `Event.values` holds what each kind says in brackets."""

    PUBLISHED = "published"  # [naive local time of first publication, which is now]
    BACKDATED = "back-dated"  # [naive local time of first publication, which is not now]
    EDITED = "edited"  # of authors and keywords [their ids from now on]
    RECATEGORISED = "recategorised"  # [ids of the categories from now on, primary first]
    UNPUBLISHED = "unpublished"  # [how it is away: see Way]
    RESTORED = "restored"  # [how it had been away]
    SWAPPED = "picture-swapped"  # other bytes under the same addresses
    REPLACED = "picture-replaced"  # by a new attachment [its id]
    REMOVED = "picture-removed"  # from the article; its files stay
    LOST = "picture-lost"  # its files are 404, though the article still names them
    MERGED = "keyword-merged"  # [id of the keyword it is replaced with]
    RENAMED = "category-renamed"  # [name, slug]; where the slug changes, the old address redirects
    VIEWED = "viewed"  # counters moved [by how much]
    MOVED = "site-moved"  # [the public site's new host]; the old one redirects
    REVOKED = "key-revoked"  # the API key is refused from now on


class Way(StrEnum):
    """How an article can be away."""

    MISSING = "404"  # the API says 404, the page 500 (contract 2.3); listed nowhere
    DELETED = "410"  # API and page say 410; listed nowhere
    WITHHELD = "draft"  # the API answers with this status in place of "publish"; the page is 404; listed nowhere
    UNLISTED = "unlisted"  # API and page answer as ever; listed nowhere


ARTICLE_FIELDS = frozenset({"title", "contents", "authors", "attachments", "keywords", "lastUpdate"})  # can be edited
OF_ARTICLES = frozenset(Kind) - {Kind.MERGED, Kind.RENAMED, Kind.MOVED, Kind.REVOKED}
OF_PICTURES = frozenset({Kind.SWAPPED, Kind.REPLACED, Kind.REMOVED, Kind.LOST})
_FIRST = frozenset({Kind.PUBLISHED, Kind.BACKDATED})
_REVISING = _FIRST | {Kind.EDITED, Kind.RECATEGORISED, Kind.REPLACED, Kind.REMOVED}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an archivist who misses nothing ends up with.

    `revision`: one more revision. `announced`: its `lastUpdate` moved, or it stands on top of the lists. `gone` and
    `returned` speak of the article; being unlisted is not being gone. `renditions`: "new" bytes to be had, "gone", or
    the "same". A term that gets another name or address gives no article a revision: it was not the article's edit.
    """

    revision: bool = False
    announced: bool = False
    gone: bool = False
    returned: bool = False
    renditions: str = "same"


def expectation(kind: Kind, changed: tuple[str, ...] = (), values: tuple[str, ...] = ()) -> Expectation:
    """Return what follows from an event of this kind."""
    hidden = kind in (Kind.UNPUBLISHED, Kind.RESTORED) and Way.UNLISTED not in values
    new = kind in _FIRST or kind in (Kind.SWAPPED, Kind.REPLACED)
    return Expectation(
        revision=kind in _REVISING,
        announced=kind is Kind.PUBLISHED or "lastUpdate" in changed,
        gone=hidden and kind is Kind.UNPUBLISHED,
        returned=hidden and kind is Kind.RESTORED,
        renditions="new" if new else "gone" if kind is Kind.LOST else "same",
    )


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens: on which day of the newsroom, at which instant (UTC), to what.

    `number` counts from 1 in the order of time. `changed` names the article's JSON fields that an editor changed,
    `lastUpdate` among them when the edit was announced.
    """

    number: int
    day: int
    at: datetime
    kind: Kind
    article: str | None = None
    term: str | None = None
    attachment: str | None = None
    changed: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def expected(self) -> Expectation:
        """What an archivist should make of it."""
        return expectation(self.kind, self.changed, self.values)

    def facts(self) -> dict[str, Any]:
        """Return the event for JSON."""
        expected = self.expected
        return {
            "number": self.number,
            "day": self.day,
            "at": stamp(self.at),
            "kind": self.kind,
            "article": self.article,
            "term": self.term,
            "attachment": self.attachment,
            "changed": self.changed,
            "values": self.values,
            "expected": {name: getattr(expected, name) for name in Expectation.__slots__},
        }
