"""Articles: the revisions of both archives in one line, and the newest of them in view.

Nothing is read anew: what was derived from a revision in either archive comes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from storage import articles, search
from storage.merging.lines import Revision, in_line, with_looks
from storage.merging.pair import Pair
from storage.merging.terms import bring_terms

_COLUMNS = (
    "site", "cms_id", "url", "title", "status", "content_type", "first_published", "first_published_raw", "last_update",
    "last_update_raw", "summary", "word_count", "source", "content_hash", "first_seen_at", "last_checked_at", "gone_at",
)  # fmt: skip
_DERIVED = _COLUMNS[2:14]
_REVISION = ("fetched_at", "content_hash", "source", "json", "capture")
_WHOLE = f"SELECT {', '.join(_REVISION)} FROM revision WHERE id = ?"  # noqa: S608
_LINE = """
SELECT r.fetched_at, r.content_hash, r.source, r.id, c.media_type
FROM revision AS r JOIN capture AS c ON c.id = r.capture WHERE r.article = ? ORDER BY r.number
"""
# When an article was answered, under its id and under the names that its revisions were fetched by.
_LOOKS = """
SELECT c.fetched_at, c.media_type FROM (
    SELECT f.id FROM article AS a JOIN frontier AS f ON f.kind = 'article' AND f.key = a.site || ':' || a.cms_id
    WHERE a.id = ?1
    UNION SELECT c.frontier FROM revision AS r JOIN capture AS c ON c.id = r.capture WHERE r.article = ?1) AS f
CROSS JOIN capture AS c ON c.frontier = f.id WHERE c.error IS NULL AND c.id <= ?2 ORDER BY c.fetched_at
"""
_RECHECK = ("due_at", "turn", "reason", "checked_at", "interval", "signals", "heard", "answered")
_PLAN = f"""
INSERT INTO recheck (article, {", ".join(_RECHECK)}) VALUES (?{", ?" * len(_RECHECK)})
ON CONFLICT (article) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _RECHECK)}
WHERE excluded.checked_at > checked_at
"""  # noqa: S608
_MENTION = """
INSERT INTO rendition (article, frontier, position, role, attachment_id, transform, removed_at)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (article, frontier) DO UPDATE SET
"""
_ADDED = "removed_at = min(removed_at, excluded.removed_at)"  # what either of them mentions was not removed
_REPLACED = """
position = excluded.position, role = excluded.role, attachment_id = excluded.attachment_id,
transform = excluded.transform,
removed_at = iif(excluded.removed_at IS NULL, NULL, min(removed_at, excluded.removed_at))
"""
_ALL = 1 << 62  # row ids
_SEARCH_ROWS = 500  # texts in memory before they are indexed


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
        bring_terms(pair)
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

    def _bring_new(self, row: int, own: int) -> None:
        self.new += 1
        query = f"SELECT number, {', '.join(_REVISION)} FROM revision WHERE article = ?"  # noqa: S608
        for number, *values, capture in self._pair.read(query, (row,)):
            self._add_revision(own, number, (*values, self._pair.must("capture", capture)))
        self._view(row, own)
        self._add_mentions(row, own, None)
        self._plan(row, own)

    def _join(self, row: int, own: int, theirs: dict[str, Any]) -> None:
        """Put the revisions of both in line, and the newest in view."""
        pair = self._pair
        here = pair.one("SELECT content_hash, word_count FROM article WHERE id = ?", (own,))
        assert here is not None, "it was found"
        content_hash, words = here
        emptied = not words and theirs["word_count"] > 0, words > 0 and not theirs["word_count"]
        ours = _revisions(pair.own.execute(_LINE, (own,)), theirs=False, emptied=emptied[0])
        others = _revisions(pair.read(_LINE, (row,)), theirs=True, emptied=emptied[1])
        looks = pair.own.execute(_LOOKS, (own, pair.captured)), pair.read(_LOOKS, (row, _ALL))
        line = in_line([*with_looks(ours, looks[0]), *with_looks(others, looks[1])])
        newest, same = line[-1], theirs["content_hash"] == content_hash
        if newest.content_hash != (theirs["content_hash"] if newest.theirs else content_hash):
            raise LookupError(f"article {theirs['site']}:{theirs['cms_id']} is not what its newest revision is")
        if newest.theirs:
            self._take_view(row, own, theirs)
        if newest.theirs and not same:
            self._replace_mentions(row, own, newest.fetched_at)
        else:
            self._add_mentions(row, own, None if same else newest.fetched_at)
        self._plan(row, own)
        if line != [revision for revision, _ in ours]:
            self.changed += 1
            self._renumber(own, line)
        pair.own.execute(
            "UPDATE article SET first_seen_at = min(first_seen_at, ?), last_checked_at = max(last_checked_at, ?) "
            "WHERE id = ?",
            (theirs["first_seen_at"], theirs["last_checked_at"], own),
        )

    # Revisions -----------------------------------------------------------------------------------------------------

    def _renumber(self, own: int, line: Sequence[Revision]) -> None:
        """Write a line of revisions: by way of negative numbers, as each step must keep numbers unique."""
        pair = self._pair
        stay = {
            revision.row: -number for number, revision in enumerate(line, 1) if not revision.theirs | revision.again
        }
        for number, revision in enumerate(line, 1):
            if revision.theirs:
                ((_, *values, capture),) = pair.read(_WHOLE, (revision.row,))
                self._add_revision(own, -number, (revision.fetched_at, *values, pair.must("capture", capture)))
            elif revision.again:
                (_, *values) = pair.own.execute(_WHOLE, (revision.row,)).fetchone()
                self._add_revision(own, -number, (revision.fetched_at, *values))
        pair.own.executemany("UPDATE revision SET number = ? WHERE id = ?", ((stay[row], row) for row in stay))
        pair.own.execute("DELETE FROM revision WHERE article = ? AND number > 0", (own,))  # their captures stay
        pair.own.execute("UPDATE revision SET number = -number WHERE article = ?", (own,))

    def _add_revision(self, own: int, number: int, values: Sequence[object]) -> None:
        self._pair.insert("revision", ("article", "number", *_REVISION), (own, number, *values))

    # What is in view -----------------------------------------------------------------------------------------------

    def _take_view(self, row: int, own: int, theirs: dict[str, Any]) -> None:
        """Let their newest revision be what is in view."""
        changes = ", ".join(f"{name} = ?" for name in _DERIVED)
        values = (*(theirs[name] for name in _DERIVED), own)
        self._pair.own.execute(f"UPDATE article SET {changes} WHERE id = ?", values)  # noqa: S608
        self._view(row, own)

    def _replace_mentions(self, row: int, own: int, since: str) -> None:
        """Let theirs say which renditions there are; what only ours mentioned was removed by then."""
        self._pair.own.execute(
            "UPDATE rendition SET removed_at = coalesce(removed_at, ?) WHERE article = ?", (since, own)
        )
        for frontier, *place, removed_at in self._renditions(row):
            self._pair.own.execute(f"{_MENTION} {_REPLACED}", (own, frontier, *place, removed_at))

    def _add_mentions(self, row: int, own: int, since: str | None) -> None:
        """Add the renditions that only theirs mentioned; `since`: they were removed by then (None: they were not)."""
        for frontier, *place, removed_at in self._renditions(row):
            self._pair.own.execute(f"{_MENTION} {_ADDED}", (own, frontier, *place, removed_at or since))

    def _renditions(self, row: int) -> list[tuple[Any, ...]]:
        columns = "frontier, position, role, attachment_id, transform, removed_at"
        rows = self._pair.read(f"SELECT {columns} FROM rendition WHERE article = ?", (row,))  # noqa: S608
        return [(self._pair.must("frontier", frontier), *rest) for frontier, *rest in rows]

    def _view(self, row: int, own: int) -> None:
        """Take over what is derived from their newest revision: terms, and texts to search."""
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
        self._gathered += 1
        if self._gathered % _SEARCH_ROWS == 0:
            search.index_gathered(pair.own)

    def _plan(self, row: int, own: int) -> None:
        """Let the next look at an article be planned by who looked at it last."""
        for values in self._pair.read(f"SELECT {', '.join(_RECHECK)} FROM recheck WHERE article = ?", (row,)):  # noqa: S608
            self._pair.own.execute(_PLAN, (own, *values))


def _revisions(rows: Iterable[Sequence[Any]], *, theirs: bool, emptied: bool) -> list[tuple[Revision, str]]:
    return [
        (Revision(at, content_hash, source, theirs, row, emptied), media_type)
        for at, content_hash, source, row, media_type in rows
    ]
