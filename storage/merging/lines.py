"""The revisions of an article in two archives, put in one line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storage.records import Source


class Revision(NamedTuple):
    """One state of an article, of either archive; times UTC ISO 8601."""

    fetched_at: str
    content_hash: str
    source: str
    theirs: bool
    row: int
    emptied: bool = False  # without a word, where the other archive has some
    again: bool = False  # no revision of its own: its archive found it unchanged then

    @property
    def partial(self) -> bool:
        """Whether it was only to be had in part."""
        return self.source == Source.PARTIAL.value


def in_line(revisions: Sequence[Revision]) -> list[Revision]:
    """Return the revisions of two archives as one archive would have kept them (see `storage.articles`).

    What repeats the state before it is none; nor is a state that is worse: in part after whole, or without a word. A
    state that one archive found unchanged after the other had found another one is a revision: it was there again.
    """
    kept: list[Revision] = []
    for revision in sorted(revisions, key=_order):
        before = kept[-1] if kept else None
        repeated = before is not None and revision.content_hash == before.content_hash
        if not repeated and not (before is not None and _is_worse(revision, before)):
            kept.append(revision)
    return kept


def _order(revision: Revision) -> tuple[object, ...]:
    """What was there already goes first; of two at the same second the order is the same whoever merges whom."""
    return revision.fetched_at, not revision.again, revision.content_hash, revision.source, revision.theirs


def _is_worse(revision: Revision, before: Revision) -> bool:
    return (revision.partial and not before.partial) or (revision.emptied and not before.emptied)


def with_looks(revisions: Sequence[tuple[Revision, str]], looks: Iterable[tuple[str, str]]) -> list[Revision]:
    """Return the revisions of one archive, and each time that it found one of them unchanged.

    `revisions`: each with the media type of its answer, oldest first. `looks`: when the article was answered, and the
    media type, in order of time. An answer of another type may have had only a part, so it proves nothing.
    """
    found = [revision for revision, _ in revisions]
    place = 0
    for at, media_type in looks:
        while place + 1 < len(revisions) and revisions[place + 1][0].fetched_at <= at:
            place += 1
        revision, kind = revisions[place]
        if at > revision.fetched_at and media_type == kind:
            found.append(revision._replace(fetched_at=at, again=True))
    return found
