"""Which articles exist, when they appeared and what they belong to: arithmetic, nothing held per article."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import overload

from simulator import names
from simulator.chance import roll
from simulator.profiles import CYCLE, Profile

FIRST_DAY = datetime.fromisoformat("2021-03-01T05:00:00")  # site-local, like every date of the CMS
STRIDE = 7  # ids are sparse: one article in every seven numbers
_PACES = ((1_000, 360), (10_000, 60), (10**9, 5))  # so many articles, minutes apart: a newsroom that grows
TWIN_DISTANCE = 37
AUTHOR_BLOCK, AUTHORS_PER_BLOCK = 2_000, 40


class Members(Sequence[int]):
    """Articles of one section, newest first, computed as they are asked for."""

    def __init__(self, slots: tuple[int, ...], count: int) -> None:
        self._slots = slots
        rounds, rest = divmod(count, CYCLE)
        self._size = rounds * len(slots) + sum(slot < rest for slot in slots)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> list[int]: ...

    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self._at(p) for p in range(*place.indices(self._size))]
        if not self._slots or not -self._size <= place < self._size:
            raise IndexError(place)
        return self._at(place % self._size)

    def _at(self, place: int) -> int:
        rounds, rest = divmod(self._size - 1 - place, len(self._slots))
        return rounds * CYCLE + self._slots[rest]


class Corpus:
    """The articles 0 (oldest) to count - 1 (newest); raising the count adds newer ones and changes nothing else."""

    def __init__(self, profile: Profile, seed: int, count: int, quirks: bool) -> None:
        self.profile, self.seed, self.count, self.quirks = profile, seed, count, quirks
        self._base = profile.first_id + seed % 1000 * STRIDE
        self._headlines = names.headlines(seed)
        self._topics = (names.affairs(seed), names.people(seed), names.bodies(seed), names.institutions(seed))
        self._people = names.people(seed + 1)

    def id(self, index: int) -> str:
        """Return the CMS id of an article."""
        return str(self._base + index * STRIDE + roll(self.seed, index, "id", STRIDE))

    def index(self, article_id: str) -> int | None:
        """Return the article with this id."""
        if not (article_id.isascii() and article_id.isdecimal() and len(article_id) < 12):
            return None
        index = (int(article_id) - self._base) // STRIDE
        return index if 0 <= index < self.count and self.id(index) == article_id else None

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
        return 0 <= index < self.count and self.removed_id(index) == article_id

    def published(self, index: int) -> datetime:
        """Return the site-local time of first publication; some legacy articles have a date only."""
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
        return [
            i for i in (number + TWIN_DISTANCE, number) if 0 <= i < self.count and self.headline_number(i) == number
        ]

    def sections(self, index: int) -> tuple[str, ...]:
        """Return the ids of the sections of an article, primary first."""
        return self.profile.slots[index % CYCLE]

    def in_section(self, section: str) -> Members:
        """Return the articles of a section."""
        return self.in_slots(tuple(slot for slot, ids in enumerate(self.profile.slots) if section in ids))

    def in_slots(self, slots: tuple[int, ...]) -> Members:
        """Return the articles at these places of the cycle."""
        return Members(slots, self.count)

    def everything(self) -> Members:
        """Return all articles, newest first."""
        return self.in_slots(tuple(range(CYCLE)))

    def has_topics(self, index: int) -> bool:
        """Say whether an article has keywords at all."""
        return not (self.quirks and index % 17 == 3)

    def topics(self, index: int) -> tuple[str, ...]:
        """Return the keyword ids of an article."""
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
        """Return the articles of a keyword, newest first; none when there is no such keyword."""
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
        return [index for index in reversed(spans[family]) if index < self.count and self.has_topics(index)]

    def all_topics(self) -> list[str]:
        """Return the ids of all keywords that have articles."""
        sizes = (-(-self.count // 5), -(-self.count // 300) * 25, -(-self.count // 30), -(-self.count // 120) * 2)
        ids = (str(5_000 + (group * 4 + f) * 7) for f, size in enumerate(sizes) for group in range(size))
        return [keyword for keyword in ids if self.in_topic(keyword)]

    def has_authors(self, index: int) -> bool:
        """Say whether an article is signed; most of one installation's are not."""
        if self.profile.name == "olj":
            return roll(self.seed, index, "signed", 4) == 0
        return not self.quirks or roll(self.seed, index, "signed", 15) != 0

    def authors(self, index: int) -> tuple[str, ...]:
        """Return the author ids of an article."""
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
        """Return the articles of an author, newest first; none when there is no such author."""
        number, rest = divmod(int(author) - 300_000, 3)
        if rest or number < 0:
            return []
        start = number // AUTHORS_PER_BLOCK * AUTHOR_BLOCK
        stop = min(start + AUTHOR_BLOCK, self.count)
        return [index for index in reversed(range(start, stop)) if author in self.authors(index)]

    def all_authors(self) -> list[str]:
        """Return the ids of all authors that have articles."""
        size = -(-self.count // AUTHOR_BLOCK) * AUTHORS_PER_BLOCK
        return [author for author in (str(300_000 + number * 3) for number in range(size)) if self.by_author(author)]
