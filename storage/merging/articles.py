"""Articles: the revisions of both archives in one line, and the newest of them in view.

Nothing is read anew: what was derived from a revision in either archive comes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from storage import articles, search
from storage.merging.pair import Pair

_COLUMNS = (
    "site", "cms_id", "url", "title", "status", "content_type", "first_published", "first_published_raw", "last_update",
    "last_update_raw", "summary", "word_count", "source", "content_hash", "first_seen_at", "last_checked_at", "gone_at",
)  # fmt: skip
_DERIVED = _COLUMNS[2:14]
_REVISION = ("fetched_at", "content_hash", "source", "json", "capture")
_WHOLE = f"SELECT {', '.join(_REVISION)} FROM revision WHERE id = ?"  # noqa: S608
_LINE = "SELECT fetched_at, content_hash, source = 'partial', id FROM revision WHERE article = ? ORDER BY number"
_TERM = ("kind", "site", "cms_id", "name", "slug", "url", "json")
_RECHECK = ("due_at", "turn", "reason", "checked_at", "interval", "signals", "heard", "answered")
_SEARCH_ROWS = 500  # texts in memory before they are indexed


class Revision(NamedTuple):
    """One state of an article, of either archive; times UTC ISO 8601."""

    fetched_at: str
    content_hash: str
    partial: bool
    theirs: bool
    row: int
    emptied: bool = False  # the newest of its archive, without a word
    again: bool = False  # no revision of its own: so long its archive found the newest one unchanged


def in_line(revisions: Sequence[Revision]) -> list[Revision]:
    """Return the revisions of two archives as one archive would have kept them (see `storage.articles`).

    What repeats the state before it is none; nor is a state that is worse: in part after whole, or without a word. A
    state that one archive found unchanged after the other had found another one is a revision: it was there again.
    """
    kept: list[Revision] = []
    for revision in sorted(revisions, key=lambda one: (one.fetched_at, not one.again, one.content_hash, one.theirs)):
        before = kept[-1] if kept else None
        repeated = before is not None and revision.content_hash == before.content_hash
        worse = before is not None and ((revision.partial and not before.partial) or revision.emptied)
        if not repeated and not worse:
            kept.append(revision)
    return kept


class Articles:
    """Brings the articles, one after the other."""

    def __init__(self, pair: Pair) -> None:
        """`pair`: their URLs, captures and runs are here already."""
        self._pair = pair
        self._gathered = 0
        self.new = 0
        self.changed = 0  # articles that have more revisions than before

    def bring(self) -> None:
        """Bring every article that they hold, with its terms, its place in the search index, and its renditions."""
        pair = self._pair
        self._bring_terms()
        for row, *values in pair.read(f"SELECT id, {', '.join(_COLUMNS)} FROM article ORDER BY id"):  # noqa: S608
            theirs = dict(zip(_COLUMNS, values, strict=True))
            own = articles.find(pair.own, theirs["site"], theirs["cms_id"])
            if own is None:
                own = pair.insert("article", _COLUMNS, values)
                self._bring_new(row, own)
            else:
                self._join(row, own, theirs)
            pair.note("article", row, own)
        search.index_gathered(pair.own)
        for key, article in pair.read("SELECT key, article FROM alias"):
            pair.own.execute("INSERT OR IGNORE INTO alias VALUES (?, ?)", (key, pair.must("article", article)))

    def _bring_terms(self) -> None:
        columns = ", ".join(_TERM)
        for row, *values in self._pair.read(f"SELECT id, {columns} FROM term ORDER BY id"):  # noqa: S608
            known = self._pair.one("SELECT id FROM term WHERE kind = ? AND site = ? AND cms_id = ?", values[:3])
            self._pair.note("term", row, known[0] if known else self._pair.insert("term", _TERM, values))

    def _bring_new(self, row: int, own: int) -> None:
        self.new += 1
        query = f"SELECT number, {', '.join(_REVISION)} FROM revision WHERE article = ?"  # noqa: S608
        for number, *values, capture in self._pair.read(query, (row,)):
            self._add_revision(own, number, (*values, self._pair.must("capture", capture)))
        self._view(row, own)
        for frontier, *place, removed_at in self._renditions(row):
            self._mention(own, frontier, place, removed_at)

    def _join(self, row: int, own: int, theirs: dict[str, Any]) -> None:
        """Put the revisions of both in line, and the newest in view."""
        pair = self._pair
        here = pair.one("SELECT content_hash, word_count, last_checked_at FROM article WHERE id = ?", (own,))
        assert here is not None, "it was found"
        content_hash, words, checked_at = here
        before = _revisions(pair.own.execute(_LINE, (own,)), theirs=False)
        others = _revisions(pair.read(_LINE, (row,)), theirs=True)
        ours = _with_end(before, checked_at, emptied=not words and theirs["word_count"] > 0)
        others = _with_end(others, theirs["last_checked_at"], emptied=words > 0 and not theirs["word_count"])
        line = in_line([*ours, *others])
        newest = line[-1]
        if newest.content_hash != content_hash:
            self._take_view(row, own, theirs, newest.fetched_at)
        else:
            self._add_mentions(row, own, None if theirs["content_hash"] == content_hash else newest.fetched_at)
        if line != before:
            self.changed += 1
            self._renumber(own, before, line)
        pair.own.execute(
            "UPDATE article SET first_seen_at = min(first_seen_at, ?), last_checked_at = max(last_checked_at, ?) "
            "WHERE id = ?",
            (theirs["first_seen_at"], theirs["last_checked_at"], own),
        )

    # Revisions -----------------------------------------------------------------------------------------------------

    def _renumber(self, own: int, before: Sequence[Revision], line: Sequence[Revision]) -> None:
        """Write a line of revisions: by way of negative numbers, as each step must keep numbers unique."""
        pair = self._pair
        kept = {revision.row for revision in line if not revision.theirs}
        gone = [(revision.row,) for revision in before if revision.row not in kept]
        pair.own.executemany("DELETE FROM revision WHERE id = ?", gone)  # their captures stay
        for number, revision in enumerate(line, 1):
            if revision.theirs:
                ((_, *values, capture),) = pair.read(_WHOLE, (revision.row,))
                self._add_revision(own, -number, (revision.fetched_at, *values, pair.must("capture", capture)))
            elif revision.again:
                (_, *values) = pair.own.execute(_WHOLE, (revision.row,)).fetchone()
                self._add_revision(own, -number, (revision.fetched_at, *values))
            else:
                pair.own.execute("UPDATE revision SET number = ? WHERE id = ?", (-number, revision.row))
        pair.own.execute("UPDATE revision SET number = -number WHERE article = ? AND number < 0", (own,))

    def _add_revision(self, own: int, number: int, values: Sequence[object]) -> None:
        self._pair.insert("revision", ("article", "number", *_REVISION), (own, number, *values))

    # What is in view -----------------------------------------------------------------------------------------------

    def _take_view(self, row: int, own: int, theirs: dict[str, Any], since: str) -> None:
        """Let their newest revision be what is in view; what only ours mentioned was removed by then."""
        pair = self._pair
        changes = ", ".join(f"{name} = ?" for name in _DERIVED)
        pair.own.execute(f"UPDATE article SET {changes} WHERE id = ?", (*(theirs[name] for name in _DERIVED), own))  # noqa: S608
        self._view(row, own)
        pair.own.execute("UPDATE rendition SET removed_at = coalesce(removed_at, ?) WHERE article = ?", (since, own))
        for frontier, *place, removed_at in self._renditions(row):
            pair.own.execute("DELETE FROM rendition WHERE article = ? AND frontier = ?", (own, frontier))
            self._mention(own, frontier, place, removed_at)

    def _add_mentions(self, row: int, own: int, since: str | None) -> None:
        """Add the renditions that only theirs mentioned; `since`: they were removed by then (None: they were not)."""
        for frontier, *place, removed_at in self._renditions(row):
            self._mention(own, frontier, place, removed_at or since)

    def _renditions(self, row: int) -> list[tuple[Any, ...]]:
        columns = "frontier, position, role, attachment_id, transform, removed_at"
        rows = self._pair.read(f"SELECT {columns} FROM rendition WHERE article = ?", (row,))  # noqa: S608
        return [(self._pair.must("frontier", frontier), *rest) for frontier, *rest in rows]

    def _mention(self, own: int, frontier: int, place: Sequence[object], removed_at: str | None) -> None:
        self._pair.own.execute(
            "INSERT OR IGNORE INTO rendition (article, frontier, position, role, attachment_id, transform, removed_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (own, frontier, *place, removed_at),
        )

    def _view(self, row: int, own: int) -> None:
        """Take over what is derived from their newest revision: terms, texts to search, the next look."""
        pair = self._pair
        pair.own.execute("DELETE FROM article_term WHERE article = ?", (own,))
        for kind, position, term in pair.read(
            "SELECT kind, position, term FROM article_term WHERE article = ?", (row,)
        ):
            pair.own.execute(
                "INSERT INTO article_term VALUES (?, ?, ?, ?)", (own, kind, position, pair.must("term", term))
            )
        for texts in pair.read(f"SELECT {search.COLUMNS} FROM search WHERE rowid = ?", (row,)):  # noqa: S608
            search.put(pair.own, own, texts)
        for values in pair.read(f"SELECT {', '.join(_RECHECK)} FROM recheck WHERE article = ?", (row,)):  # noqa: S608
            pair.own.execute("DELETE FROM recheck WHERE article = ?", (own,))
            pair.insert("recheck", ("article", *_RECHECK), (own, *values))
        self._gathered += 1
        if self._gathered % _SEARCH_ROWS == 0:
            search.index_gathered(pair.own)


def _revisions(rows: Iterable[Sequence[Any]], *, theirs: bool) -> list[Revision]:
    return [Revision(at, content_hash, bool(partial), theirs, row) for at, content_hash, partial, row in rows]


def _with_end(revisions: Sequence[Revision], checked_at: str, *, emptied: bool) -> list[Revision]:
    """Return the revisions of one archive, and until when it found the newest one unchanged."""
    *earlier, newest = (*revisions[:-1], revisions[-1]._replace(emptied=emptied))
    again = [newest._replace(fetched_at=checked_at, again=True)] if checked_at > newest.fetched_at else []
    return [*earlier, newest, *again]
