"""Which articles stand in which list, newest first: the corpus's arithmetic, woven with what events changed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

from simulator.corpus import Corpus, Places
from simulator.profiles import CYCLE


class Woven(Places):
    """A long computed sequence without some of its places and with others set in; costs only what differs."""

    def __init__(self, base: Sequence[int], without: Iterable[int], inserts: Iterable[tuple[int, int]]) -> None:
        """Weave; `without` are positions in the base, an insert goes before its position in it."""
        super().__init__(0)
        self._starts: list[int] = []
        self._runs: list[Sequence[int]] = []
        self._base = base
        marks = [(position, False, place) for position, place in inserts]
        marks += [(position, True, 0) for position in without]
        marks.sort(key=lambda mark: mark[:2])  # stable: inserts at one position stay in their order
        cursor = 0
        for position, leave_out, place in marks:
            self._add(range(cursor, position))
            cursor = position + leave_out
            if not leave_out:
                self._add((place,))
        self._add(range(cursor, len(base)))

    def _add(self, run: Sequence[int]) -> None:
        if run:
            self._starts.append(self._size)
            self._runs.append(run)
            self._size += len(run)

    def _at(self, place: int) -> int:
        run = bisect_right(self._starts, place) - 1
        found = self._runs[run][place - self._starts[run]]
        return self._base[found] if isinstance(self._runs[run], range) else found


class Filing:
    """Answers who is where; keeps each answer until something changes."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._kept: dict[tuple[str, ...], Sequence[int]] = {}
        self._filed_anew: list[int] | None = None
        self._ranks: dict[int, int] = {}  # never change: nothing is published twice

    def changed(self) -> None:
        """Forget what was worked out."""
        self._kept.clear()
        self._filed_anew = None

    def everything(self) -> Sequence[int]:
        """Return all articles."""
        return self._answer(("all",), lambda: self._slots(lambda _: True), lambda _: True)

    def sections(self, wanted: Iterable[str]) -> Sequence[int]:
        """Return the articles in any of these sections."""
        known = frozenset(wanted)
        slots = self.corpus.profile.slots
        return self._answer(
            ("section", *sorted(known)),
            lambda: self._slots(lambda slot: not known.isdisjoint(slots[slot])),
            lambda index: not known.isdisjoint(self.corpus.sections(index)),
        )

    def publication(self, publication: str) -> Sequence[int]:
        """Return the articles whose primary section is of a publication."""
        sections, slots = self.corpus.profile.sections, self.corpus.profile.slots
        return self._answer(
            ("publication", publication),
            lambda: self._slots(lambda slot: sections[slots[slot][0]].publication == publication),
            lambda index: sections[self.corpus.sections(index)[0]].publication == publication,
        )

    def topic(self, keyword: str) -> Sequence[int] | None:
        """Return the articles of a keyword and of those merged into it; None when no article ever had one of them."""
        merged = self.corpus.changes.merged
        known = {keyword, *(old for old in merged if self.corpus.changes.keyword(old) == keyword)}
        return self._known(
            ("topic", keyword),
            lambda: sorted({index for one in known for index in self.corpus.in_topic(one)}, reverse=True),
            lambda index: not known.isdisjoint(self.corpus.topics(index)),
        )

    def author(self, author: str) -> Sequence[int] | None:
        """Return the articles of an author; None when no article ever had this one."""
        return self._known(
            ("author", author),
            lambda: self.corpus.by_author(author),
            lambda index: author in self.corpus.authors(index),
        )

    def all_topics(self) -> list[str]:
        """Return the ids of all keywords that have a page of their own."""
        changes = self.corpus.changes
        found = dict.fromkeys(self.corpus.all_topics())
        found |= dict.fromkeys(topic for index in changes.articles for topic in self.corpus.topics(index))
        return list(dict.fromkeys(changes.keyword(keyword) for keyword in found))

    def all_authors(self) -> list[str]:
        """Return the ids of all authors."""
        found = dict.fromkeys(self.corpus.all_authors())
        return list(
            found
            | dict.fromkeys(author for index in self.corpus.changes.articles for author in self.corpus.authors(index))
        )

    def _slots(self, fits: Callable[[int], bool]) -> Sequence[int]:
        return self.corpus.in_slots(tuple(slot for slot in range(CYCLE) if fits(slot)))

    def _known(
        self, key: tuple[str, ...], base: Callable[[], Sequence[int]], belongs: Callable[[int], bool]
    ) -> Sequence[int] | None:
        found = self._answer(key, base, belongs)
        known = found or base() or any(belongs(index) for index in self.corpus.changes.articles)
        return found if known else None

    def _answer(
        self, key: tuple[str, ...], base: Callable[[], Sequence[int]], belongs: Callable[[int], bool]
    ) -> Sequence[int]:
        if key not in self._kept:
            self._kept[key] = self._woven(base(), belongs)
        return self._kept[key]

    def _woven(self, base: Sequence[int], belongs: Callable[[int], bool]) -> Sequence[int]:
        """Take out of the founding order whatever is filed anew, and set it in where it belongs now."""
        corpus = self.corpus
        if self._filed_anew is None:
            anew = [index for index, state in corpus.changes.articles.items() if state.filed_anew]
            self._filed_anew = sorted(anew, key=lambda index: (corpus.published(index), index), reverse=True)
        if not self._filed_anew:
            return base
        founding = (index for index in self._filed_anew if index < corpus.founded)
        places = ((bisect_left(base, -index, key=lambda one: -one), index) for index in founding)
        without = [place for place, index in places if place < len(base) and base[place] == index]
        listed = (index for index in self._filed_anew if corpus.state(index).way is None and belongs(index))
        return Woven(base, without, [(self._newer(base, self._rank(index)), index) for index in listed])

    @staticmethod
    def _newer(base: Sequence[int], rank: int) -> int:
        """Return how many founding articles in a list are at this rank or newer."""
        return bisect_left(base, True, key=lambda one: one < rank)

    def _rank(self, index: int) -> int:
        """Return before which founding article another one stands: all from that place on are newer."""
        corpus = self.corpus
        if index < corpus.founded:
            return index + 1
        if index not in self._ranks:
            moment = corpus.published(index)
            self._ranks[index] = bisect_left(
                range(corpus.founded), True, key=lambda one: corpus.published(one) > moment
            )
        return self._ranks[index]
