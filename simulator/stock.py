"""What a newsroom has to serve, whether computed or replayed: the interface between content and routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from simulator.addresses import Addresses
from simulator.events import Way
from simulator.profiles import Profile

Json = dict[str, Any]
KINDS = ("category", "keyword", "author")


@dataclass(frozen=True, slots=True)
class Listing:
    """A category, keyword or author, and the ids of its articles, newest first."""

    kind: str
    id: str
    slug: str
    name: str
    url: str
    ids: Sequence[str]

    @property
    def count(self) -> int:
        """How many articles it has."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a public path leads to: an article, and whether this is its canonical address."""

    article_id: str
    canonical: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """What to draw for a media URL."""

    width: int
    height: int
    format: str
    scene: int
    stamp: str
    original: bool
    since: datetime | None = None  # the instant of the latest change of its bytes, where there was one


class Mapped(Sequence[str]):
    """A sequence of ids over a sequence of places, computed one by one."""

    def __init__(self, places: Sequence[int], name: Callable[[int], str]) -> None:
        self._places, self._name = places, name

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._name(p) for p in self._places[place]]
        return self._name(self._places[place])


class Stock(Protocol):
    """Everything the routes ask of content."""

    profile: Profile
    addresses: Addresses
    seed: int

    def ids(self) -> Sequence[str]:
        """Return the ids of all articles, newest first."""

    def article(self, article_id: str) -> Json | None:
        """Return an article, if the API still answers for it."""

    def raw(self, article_id: str, visit: int | None = None, short: bool = False) -> bytes | None:
        """Return an article's JSON as the API sends it at this visit; short as lists carry it."""

    def filed_under(self, category_ids: Sequence[str], with_children: bool = False) -> Sequence[str]:
        """Return the ids of articles in any of these categories, newest first."""

    def page_json(self, article_id: str) -> str:
        """Return an article's JSON as a page embeds it as text."""

    def way(self, article_id: str) -> Way | None:
        """Return how an article is away that was there once; None for one that is there, or never was."""

    def modified(self, article_id: str) -> datetime | None:
        """Return the instant of the latest change of an article's JSON, where it is known."""

    def removed_ids(self) -> Iterator[str]:
        """Return the ids of articles that were taken down, unless they were only taken out of the lists."""

    def summary(self, article_id: str) -> tuple[str, str, str]:
        """Return address, title and naive local date of an article, without writing the rest of it."""

    def locate(self, path: str) -> Hit | None:
        """Return the article that a public path leads to."""

    def listing(self, kind: str, key: str) -> Listing | None:
        """Return a listing by its id or slug."""

    def listing_at(self, path: str) -> Listing | None:
        """Return the listing that a public path leads to."""

    def forwarded(self, path: str) -> str | None:
        """Return where a listing has moved that was at this path."""

    def listings(self, kind: str) -> Iterator[Listing]:
        """Return all listings of a kind."""

    def category(self, category_id: str) -> Json | None:
        """Return a category with its children."""

    def publication(self, publication_id: str, content_type: str | None) -> Sequence[str] | None:
        """Return the ids of a publication's articles, newest first."""

    def picture(self, path: str) -> Picture | None:
        """Return what to draw for a media path; None when there is nothing there."""

    def forged(self, path: str) -> bool:
        """Say whether a media path carries a signature that is not ours."""
