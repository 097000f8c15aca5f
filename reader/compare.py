"""What changed between two revisions of an article, word by word. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

SAME, REMOVED, ADDED = "same", "removed", "added"
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_LIKE = 0.4  # how alike two paragraphs are that count as one, rewritten
_MOST_STEPS = 4_000_000  # tokens times tokens: beyond that a text counts as replaced


@dataclass(frozen=True, slots=True)
class Version:
    """One revision, as far as readers see it."""

    title: str
    paragraphs: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    published: str = ""
    updated: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text: 'same', 'removed' or 'added'."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A paragraph beside what became of it: `old` holds same and removed spans, `new` same and added ones."""

    old: tuple[Span, ...]
    new: tuple[Span, ...]
    inline: tuple[Span, ...]

    @property
    def changed(self) -> bool:
        """Whether the two sides differ."""
        return any(span.kind != SAME for span in self.inline)


@dataclass(frozen=True, slots=True)
class Listed:
    """What was added to and removed from a list, such as the authors."""

    what: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two revisions.

    `aspects` names it in words. `announced` says whether the newsroom's own time of update changed as well.
    """

    aspects: tuple[str, ...]
    title: Row
    rows: tuple[Row, ...]
    lists: tuple[Listed, ...]
    published: tuple[str, str]
    updated: tuple[str, str]
    announced: bool
    words_removed: int
    words_added: int


def compare(old: Version, new: Version) -> Comparison:
    """Compare two revisions."""
    title = _row(old.title, new.title)
    rows = tuple(_rows(old.paragraphs, new.paragraphs))
    lists = tuple(_lists(old, new))
    times = old.published != new.published or old.updated != new.updated
    aspects = [
        *(["title"] if title.changed else []),
        *(["text"] if any(row.changed for row in rows) else []),
        *(listed.what for listed in lists),
        *(["times"] if times else []),
    ]
    spans = [span for row in (title, *rows) for span in row.inline]
    return Comparison(
        aspects=tuple(aspects),
        title=title,
        rows=rows,
        lists=lists,
        published=(old.published, new.published),
        updated=(old.updated, new.updated),
        announced=old.updated != new.updated,
        words_removed=_words(spans, REMOVED),
        words_added=_words(spans, ADDED),
    )


def spans(old: str, new: str) -> tuple[Span, ...]:
    """Return how one text became another: what stayed, what went, what came, in reading order."""
    if old == new:
        return (Span(SAME, old),) if old else ()
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(before) * len(after) > _MOST_STEPS:
        return tuple(Span(kind, text) for kind, text in ((REMOVED, old), (ADDED, new)) if text)
    found: list[Span] = []
    for _, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = "".join(before[start:end]), "".join(after[new_start:new_end])
        found += [Span(SAME, gone)] if gone == come else [Span(REMOVED, gone), Span(ADDED, come)]
    return tuple(span for span in found if span.text)


def _row(old: str, new: str) -> Row:
    inline = spans(old, new)
    return Row(
        tuple(span for span in inline if span.kind != ADDED),
        tuple(span for span in inline if span.kind != REMOVED),
        inline,
    )


def _rows(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    """Yield paragraphs beside each other: equal ones first found, between them the rewritten in order."""
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (_row(text, text) for text in old[start:end])
        else:
            yield from _rewritten(old[start:end], new[new_start:new_end])


def _rewritten(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    for before, after in zip_longest(old, new, fillvalue=""):
        if before and after and not _alike(before, after):
            yield _row(before, "")
            yield _row("", after)
        else:
            yield _row(before, after)


def _alike(old: str, new: str) -> bool:
    """Say whether two paragraphs share enough words to be one and the same."""
    before, after = set(old.lower().split()), set(new.lower().split())
    return len(before & after) >= _LIKE * max(1, min(len(before), len(after)))


def _lists(old: Version, new: Version) -> Iterator[Listed]:
    for what in ("pictures", "authors", "categories", "keywords"):
        before, after = getattr(old, what), getattr(new, what)
        removed = tuple(entry for entry in before if entry not in after)
        added = tuple(entry for entry in after if entry not in before)
        if removed or added:
            yield Listed(what, removed, added)


def _words(found: Sequence[Span], kind: str) -> int:
    return sum(len(re.findall(r"\w+", span.text)) for span in found if span.kind == kind)
