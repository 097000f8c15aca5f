"""Full-text search as people use it: best or newest first, a page at a time, with counts to narrow it down by.

What a page costs is bounded. Up to `MANY` results are all ranked; with more of them a rank says little, and the newest
come first. Counts beside the results are of a sample when there are more than `SAMPLE`.
"""

from __future__ import annotations

import difflib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from storage.search import COLUMN_WEIGHTS, match_expression
from storage.shelves import Name

MANY = 10_000
SAMPLE = 500
_WORD = re.compile(r"\w{3,40}(?![\w:])")  # not the name of a field
_NEAR = 0.7  # likeness of a suggested word, as difflib measures it
_LONGER = 2  # letters by which it may be longer or shorter
_FACET_NAMES = 12

Vocabulary = Mapping[str, AbstractSet[str]]


@dataclass(frozen=True, slots=True)
class Filed:
    """A term that every result must have: its row, and its name, by which the index finds candidates."""

    row: int
    name: Name


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for; times are UTC ISO 8601, `until` is the first instant outside."""

    query: str
    filed: tuple[Filed, ...] = ()
    site: str = ""
    since: str = ""
    until: str = ""
    newest: bool = False


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """One result; the snippet marks matches with storage.search's OPEN_MARK and CLOSE_MARK."""

    row: int
    snippet: str


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of the results, or of a sample of them, belong to what."""

    of: int
    categories: tuple[tuple[Name, int], ...] = ()
    authors: tuple[tuple[Name, int], ...] = ()
    years: tuple[tuple[str, int], ...] = ()
    sites: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One page of results; `total` is exact up to MANY, and MANY + 1 for more. `ranked`: best first."""

    articles: tuple[FoundArticle, ...]
    total: int
    ranked: bool
    facets: Facets


def find(connection: sqlite3.Connection, asked: Asked, *, limit: int, offset: int) -> Found:
    """Return a page of results, and what they could be narrowed down by."""
    expression = _expression(asked)
    if not expression:
        return Found((), 0, False, Facets(0))
    search = _Search(connection, asked, expression)
    total = search.count()
    ranked = not asked.newest and total <= MANY
    if ranked:
        rows = search.best(max(SAMPLE, offset + limit))
    elif total <= MANY:
        rows = search.newest(max(SAMPLE, offset + limit))
    else:
        rows = search.newest_of_many(offset + limit)
    shown = rows[offset : offset + limit]
    sample = rows[:SAMPLE] if total <= MANY else search.some(SAMPLE)
    return Found(tuple(search.snippets(shown)), total, ranked, _facets(connection, sample))


def _expression(asked: Asked) -> str:
    """Return the FTS5 expression; terms are looked for by their names, so that few candidates are left to check."""
    expression = match_expression(asked.query)
    if not expression:
        return ""
    fields = {"category": "category", "keyword": "keyword", "author": "author"}
    names = (
        match_expression(f'{fields[one.name.kind]}:"{one.name.name.replace(chr(34), " ")}"') for one in asked.filed
    )
    return " AND ".join(f"({part})" for part in (expression, *names) if part)


_COUNT = "SELECT count(*) FROM (SELECT 1 FROM search {join} WHERE search MATCH :match {conditions} LIMIT :limit)"
_FILED = "EXISTS (SELECT 1 FROM article_term AS t WHERE t.term = :term{place} AND t.article = a.id)"
_WEIGHTS = ", ".join(str(weight) for weight in COLUMN_WEIGHTS)
_BEST = (
    "SELECT search.rowid FROM search {join} WHERE search MATCH :match {conditions} "
    "ORDER BY bm25(search, {weights}), search.rowid DESC LIMIT :limit"
)
_NEWEST = (
    "SELECT a.id FROM search CROSS JOIN article AS a ON a.id = search.rowid WHERE search MATCH :match {conditions} "
    "ORDER BY a.first_published DESC, a.id DESC LIMIT :limit"
)
_NEWEST_OF_MANY = (
    "SELECT a.id FROM article AS a INDEXED BY article_published CROSS JOIN search ON search.rowid = a.id "
    "WHERE search MATCH :match {conditions} ORDER BY a.first_published DESC, a.id DESC LIMIT :limit"
)
_LAST_ARCHIVED = (
    "SELECT search.rowid FROM search {join} WHERE search MATCH :match {conditions} "
    "ORDER BY search.rowid DESC LIMIT :limit"
)
_SNIPPETS = (
    "SELECT wanted.value, snippet(search, -1, char(2), char(3), '…', 32) FROM json_each(:rows) AS wanted "
    "CROSS JOIN search ON search.rowid = wanted.value WHERE search MATCH :match ORDER BY wanted.key"
)


class _Search:
    """One search on one connection."""

    def __init__(self, connection: sqlite3.Connection, asked: Asked, expression: str) -> None:
        self._connection = connection
        conditions = [_FILED.format(place=place) for place, _ in enumerate(asked.filed)]
        conditions += ["a.site = :site"] if asked.site else []
        conditions += ["a.first_published >= :since"] if asked.since else []
        conditions += ["a.first_published < :until"] if asked.until else []
        self._join = "CROSS JOIN article AS a ON a.id = search.rowid" if conditions else ""
        self._conditions = "".join(f" AND {condition}" for condition in conditions)
        self._values = {
            "match": expression,
            "site": asked.site,
            "since": asked.since,
            "until": asked.until,
            **{f"term{place}": one.row for place, one in enumerate(asked.filed)},
        }

    def count(self) -> int:
        """Return how many articles match; MANY + 1 for more than MANY."""
        return self._rows(_COUNT, MANY + 1)[0]

    def best(self, limit: int) -> list[int]:
        """Return the rows of the best matches, best first."""
        return self._rows(_BEST, limit)

    def newest(self, limit: int) -> list[int]:
        """Return the rows of the newest matches, by looking at all of them."""
        return self._rows(_NEWEST, limit)

    def newest_of_many(self, limit: int) -> list[int]:
        """Return the rows of the newest matches, by walking back from today: soon enough when most articles match."""
        return self._rows(_NEWEST_OF_MANY, limit)

    def some(self, limit: int) -> list[int]:
        """Return the rows of the matches that were archived last."""
        return self._rows(_LAST_ARCHIVED, limit)

    def snippets(self, rows: Sequence[int]) -> Iterator[FoundArticle]:
        """Yield these rows, each with the passage that matches best."""
        found = self._connection.execute(_SNIPPETS, {**self._values, "rows": json.dumps(list(rows))})
        return (FoundArticle(row, snippet) for row, snippet in found)

    def _rows(self, sql: str, limit: int) -> list[int]:
        whole = sql.format(join=self._join, conditions=self._conditions, weights=_WEIGHTS)
        return [int(row[0]) for row in self._connection.execute(whole, {**self._values, "limit": limit})]


def _facets(connection: sqlite3.Connection, rows: Sequence[int]) -> Facets:
    chosen = {"rows": json.dumps(list(rows))}
    kinds: dict[str, Counter[Name]] = {"category": Counter(), "author": Counter()}
    for kind, site, cms_id, name, number in connection.execute(
        "SELECT t.kind, t.site, t.cms_id, t.name, count(*) FROM json_each(:rows) AS chosen "
        "CROSS JOIN article_term AS at ON at.article = chosen.value AND at.kind IN ('category', 'author') "
        "JOIN term AS t ON t.id = at.term GROUP BY t.id",
        chosen,
    ):
        kinds[kind][Name(kind, site, cms_id, name)] = number
    years: Counter[str] = Counter()
    sites: Counter[str] = Counter()
    for site, year, number in connection.execute(
        "SELECT a.site, substr(a.first_published, 1, 4) AS year, count(*) FROM json_each(:rows) AS chosen "
        "CROSS JOIN article AS a ON a.id = chosen.value GROUP BY a.site, year",
        chosen,
    ):
        sites[site] += number
        if year:
            years[year] += number
    return Facets(
        len(rows),
        tuple(kinds["category"].most_common(_FACET_NAMES)),
        tuple(kinds["author"].most_common(_FACET_NAMES)),
        tuple(sorted(years.items(), reverse=True)),
        tuple(sites.most_common()),
    )


def vocabulary(connection: sqlite3.Connection) -> Vocabulary:
    """Return the words of all headlines and names, by their first letter; takes a while, and is worth remembering."""
    found: dict[str, set[str]] = {}
    for (text,) in connection.execute("SELECT title FROM article UNION ALL SELECT name FROM term"):
        for word in _WORD.findall(text.lower()):
            found.setdefault(word[0], set()).add(word)
    return found


def better_words(connection: sqlite3.Connection, query: str, known: Vocabulary) -> dict[str, str]:
    """Return for words of a query that no article holds the likest word that some do.

    Among those of headlines and names the first letter is taken to be right; among all words, which cost more to look
    through, the first three.
    """
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab (main, search, row)")
    better = {}
    for word in dict.fromkeys(_WORD.findall(query.lower())):
        if next(connection.execute("SELECT EXISTS (SELECT 1 FROM search WHERE search MATCH ?)", (f'"{word}"',)))[0]:
            continue
        likest = _likest(word, known.get(word[0], ())) or _likest(word, _beginning(connection, word[:3]))
        if likest:
            better[word] = likest
    return better


def _likest(word: str, known: Iterable[str]) -> str:
    near = [other for other in known if abs(len(other) - len(word)) <= _LONGER]
    return next(iter(difflib.get_close_matches(word, near, 1, _NEAR)), "")


def _beginning(connection: sqlite3.Connection, letters: str) -> Iterator[str]:
    """Yield the words of the index that begin with these letters."""
    rows = connection.execute(
        "SELECT term FROM temp.vocabulary WHERE term >= ?1 AND term < ?1 || char(1114111)", (letters,)
    )
    return (term for (term,) in rows)
