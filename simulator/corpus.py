"""Which articles exist, when they appeared and what they belong to: arithmetic, and what has changed since.

The newsroom is founded with a number of articles, of which nothing is held. Only what events changed is remembered.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import overload

from simulator import names
from simulator.chance import roll
from simulator.profiles import CYCLE, Profile, Section
from simulator.states import AS_FOUNDED, Changes, State

FIRST_DAY = datetime.fromisoformat("2021-03-01T05:00:00")  # site-local, like every date of the CMS
STRIDE = 7  # ids are sparse: one article in every seven numbers
_PACES = ((1_000, 360), (10_000, 60), (10**9, 5))  # so many articles, minutes apart: a newsroom that grows
TWIN_DISTANCE = 37
AUTHOR_BLOCK, AUTHORS_PER_BLOCK = 2_000, 40


class Places(Sequence[int]):
    """Articles by their place in the corpus, newest first, computed as they are asked for."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self._at(p) for p in range(*place.indices(self._size))]
        if not -self._size <= place < self._size:
            raise IndexError(place)
        return self._at(place % self._size)

    @abstractmethod
    def _at(self, place: int) -> int:
        """Return what is at a place that exists."""


class Members(Places):
    """The founding articles of some slots of the cycle."""

    def __init__(self, slots: tuple[int, ...], count: int) -> None:
        rounds, rest = divmod(count, CYCLE)
        super().__init__(rounds * len(slots) + sum(slot < rest for slot in slots))
        self._slots = slots

    def _at(self, place: int) -> int:
        rounds, rest = divmod(self._size - 1 - place, len(self._slots))
        return rounds * CYCLE + self._slots[rest]


class Corpus:
    """The articles 0 (oldest) to founded - 1 (newest), and later ones as events brought them."""

    def __init__(self, profile: Profile, seed: int, founded: int, quirks: bool) -> None:
        self.profile, self.seed, self.founded, self.quirks = profile, seed, founded, quirks
        self.changes = Changes()
        self._base = profile.first_id + seed % 1000 * STRIDE
        self._headlines = names.headlines(seed)
        self._topics = (names.affairs(seed), names.people(seed), names.bodies(seed), names.institutions(seed))
        self._people = names.people(seed + 1)

    def with_changes(self, changes: Changes) -> Corpus:
        """Return the same newsroom with another past."""
        other = copy(self)
        other.changes = changes
        return other

    def id(self, index: int) -> str:
        """Return the CMS id of an article."""
        return str(self._base + index * STRIDE + roll(self.seed, index, "id", STRIDE))

    def index(self, article_id: str) -> int | None:
        """Return the article with this id."""
        index = self.place(article_id)
        return index if index is not None and self.exists(index) else None

    def place(self, article_id: str) -> int | None:
        """Return the place of this id, whether its article has appeared yet or not."""
        if not (article_id.isascii() and article_id.isdecimal() and len(article_id) < 12):
            return None
        index = (int(article_id) - self._base) // STRIDE
        return index if index >= 0 and self.id(index) == article_id else None

    def exists(self, index: int) -> bool:
        """Say whether an article was ever published."""
        return 0 <= index < self.founded or index in self.changes.articles

    def state(self, index: int) -> State:
        """Return how an article differs from what it was at first."""
        return self.changes.articles.get(index, AS_FOUNDED)

    def next_index(self) -> int:
        """Return the place of the next article."""
        return max(self.founded, 1 + max(self.changes.articles, default=-1))

    def removed_id(self, index: int) -> str | None:
        """Return the id of the article that was taken down near this one, if one was."""
        if index % 25 != 7:
            return None
        offset = (roll(self.seed, index, "id", STRIDE) + 3) % STRIDE
        return str(self._base + index * STRIDE + offset)

    def was_removed(self, article_id: str) -> bool:
        """Say whether an article with this id existed once."""
        if not (article_id.isascii() and article_id.isdecimal() and len(article_id) < 12):
            return False
        index = (int(article_id) - self._base) // STRIDE
        return 0 <= index < self.founded and self.removed_id(index) == article_id

    def published(self, index: int) -> datetime:
        """Return the site-local time of first publication; some legacy articles have a date only."""
        return self.state(index).published or self.published_at_first(index)

    def published_at_first(self, index: int) -> datetime:
        """Return when an article appears if the newsroom goes on at its own pace."""
        moment = self._moment(index)
        first_of_day = index == 0 or self._moment(index - 1).date() < moment.date()
        if self.quirks and first_of_day and roll(self.seed, index, "midnight", 6) == 0:
            return moment.replace(hour=0, minute=0, second=0)
        return moment

    def _moment(self, index: int) -> datetime:
        minutes, rest = 0, index
        for stretch, pace in _PACES:
            if rest < stretch:
                break
            minutes, rest = minutes + stretch * pace, rest - stretch
        seconds = (minutes + rest * pace) * 60 + roll(self.seed, index, "second", pace * 60)
        return FIRST_DAY + timedelta(seconds=seconds)

    def headline_number(self, index: int) -> int:
        """Return the number of the headline; a few articles share one with an older article."""
        twin = self.quirks and index % 101 == 50
        return index - TWIN_DISTANCE if twin else index

    def headline(self, index: int) -> str:
        """Return the English headline, capitalised."""
        text = self._headlines[self.headline_number(index)]
        return text[0].upper() + text[1:]

    def by_slug(self, slug: str) -> list[int]:
        """Return the articles with this headline slug, newest first."""
        number = self._headlines.find(slug)
        if number is None:
            return []
        return [i for i in (number + TWIN_DISTANCE, number) if self.exists(i) and self.headline_number(i) == number]

    def sections(self, index: int) -> tuple[str, ...]:
        """Return the ids of the sections of an article, primary first."""
        sections = self.state(index).sections
        return self.profile.slots[index % CYCLE] if sections is None else sections

    def section(self, section_id: str) -> Section:
        """Return a section as it is called now. Raises KeyError."""
        return self.changes.section(self.profile.sections, section_id)

    def section_by_slug(self, slug: str) -> Section | None:
        """Return the section that has this slug, or had it."""
        known = (self.section(section_id) for section_id in self.profile.sections)
        found = next((section for section in known if section.slug.rstrip("-") == slug.rstrip("-")), None)
        former = self.changes.slugs.get(slug)
        return self.section(former) if found is None and former else found

    def in_slots(self, slots: tuple[int, ...]) -> Members:
        """Return the founding articles at these places of the cycle."""
        return Members(slots, self.founded)

    def has_topics(self, index: int) -> bool:
        """Say whether an article has keywords at all."""
        return not (self.quirks and index % 17 == 3)

    def topics(self, index: int) -> tuple[str, ...]:
        """Return the keyword ids of an article."""
        topics = self.state(index).topics
        return self._topics_at_first(index) if topics is None else topics

    def _topics_at_first(self, index: int) -> tuple[str, ...]:
        if not self.has_topics(index):
            return ()
        groups = (index // 5, index // 300 * 25 + index % 25, index // 30, index // 120 * 2 + index % 2)
        return tuple(str(5_000 + (group * 4 + family) * 7) for family, group in enumerate(groups))

    def topic_name(self, keyword: str) -> str:
        """Return the name of a keyword."""
        group, family = divmod((int(keyword) - 5_000) // 7, 4)
        return self._topics[family][group]

    def topic_by_slug(self, slug: str) -> str | None:
        """Return the id of the keyword with this slug."""
        for family, words in enumerate(self._topics):
            group = words.find(slug)
            if group is not None and names.slug_of(words[group]) == slug:
                return str(5_000 + (group * 4 + family) * 7)
        return None

    def in_topic(self, keyword: str) -> list[int]:
        """Return the founding articles of a keyword, newest first; none when there is no such keyword."""
        place, rest = divmod(int(keyword) - 5_000, 7)
        if rest or place < 0:
            return []
        group, family = divmod(place, 4)
        spans = (
            range(group * 5, group * 5 + 5),
            range(group // 25 * 300 + group % 25, group // 25 * 300 + 300, 25),
            range(group * 30, group * 30 + 30),
            range(group // 2 * 120 + group % 2, group // 2 * 120 + 120, 2),
        )
        return [index for index in reversed(spans[family]) if index < self.founded and self.has_topics(index)]

    def all_topics(self) -> list[str]:
        """Return the ids of all keywords that founding articles have."""
        count = self.founded
        sizes = (-(-count // 5), -(-count // 300) * 25, -(-count // 30), -(-count // 120) * 2)
        ids = (str(5_000 + (group * 4 + f) * 7) for f, size in enumerate(sizes) for group in range(size))
        return [keyword for keyword in ids if self.in_topic(keyword)]

    def has_authors(self, index: int) -> bool:
        """Say whether an article is signed; most of one installation's are not."""
        if self.profile.name == "olj":
            return roll(self.seed, index, "signed", 4) == 0
        return not self.quirks or roll(self.seed, index, "signed", 15) != 0

    def authors(self, index: int) -> tuple[str, ...]:
        """Return the author ids of an article."""
        authors = self.state(index).authors
        return self._authors_at_first(index) if authors is None else authors

    def _authors_at_first(self, index: int) -> tuple[str, ...]:
        if not self.has_authors(index):
            return ()
        block = index // AUTHOR_BLOCK * AUTHORS_PER_BLOCK
        first = block + index % AUTHORS_PER_BLOCK
        second = block + (index * 7 + 3) % AUTHORS_PER_BLOCK
        numbers = (first, second) if index % 9 == 0 and second != first else (first,)
        return tuple(str(300_000 + number * 3) for number in numbers)

    def author_name(self, author: str) -> str:
        """Return the name of an author record, which may hold several people."""
        number = (int(author) - 300_000) // 3
        name = self._people[number]
        if self.quirks and number % 10 == 4:
            return f"{name}, {self._people[number + 6_001]} and {self._people[number + 6_002]}"
        return name

    def author_by_slug(self, slug: str) -> str | None:
        """Return the id of the author with this slug."""
        number = self._people.find(slug)
        if number is None:
            return None
        author = str(300_000 + number * 3)
        return author if names.slug_of(self.author_name(author)) == slug else None

    def by_author(self, author: str) -> list[int]:
        """Return the founding articles of an author, newest first; none when there is no such author."""
        number, rest = divmod(int(author) - 300_000, 3)
        if rest or number < 0:
            return []
        start = number // AUTHORS_PER_BLOCK * AUTHOR_BLOCK
        stop = min(start + AUTHOR_BLOCK, self.founded)
        return [index for index in reversed(range(start, stop)) if author in self._authors_at_first(index)]

    def all_authors(self) -> list[str]:
        """Return the ids of all authors of founding articles."""
        size = -(-self.founded // AUTHOR_BLOCK) * AUTHORS_PER_BLOCK
        return [author for author in (str(300_000 + number * 3) for number in range(size)) if self.by_author(author)]
