"""Full-text search over FTS5: folding for French and Arabic, a safe query language, snippets of the page shown."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from storage.records import ArticleRecord

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ﬁ": "fi", "ﬂ": "fl"})
# Letters that Arabic writers use for one another, and the stretching sign.
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ؤ": "و", "ئ": "ي", "ـ": None})
_ARABIC_LETTER = re.compile(r"[\u0600-\u06ff]")
_FOLDED = re.compile(r"[œŒæÆßﬁﬂ\u0600-\u06ff]")
_COLUMNS = ("title", "summary", "body", "authors", "keywords", "categories")
_EVERY = (*_COLUMNS, *(f"folded_{column}" for column in _COLUMNS))
COLUMNS = ", ".join(_EVERY)
_MARKS = ", ".join("?" * (1 + len(_EVERY)))
_INDEX = f"INSERT INTO search (rowid, {COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 - constants
_GATHER = f"INSERT OR REPLACE INTO gathered VALUES ({_MARKS})"  # noqa: S608 - constants
_WEIGHTS = (10.0, 4.0, 1.0, 6.0, 6.0, 3.0)
COLUMN_WEIGHTS = (*_WEIGHTS, *(weight / 2 for weight in _WEIGHTS))  # the folded columns follow the others
_FIELDS = {"title": "title", "author": "authors", "keyword": "keywords", "category": "categories", "text": "body"}
_SHORTEST_BEGINNING = 3  # letters
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r'(?P<minus>-?)(?:(?P<field>[a-z]+):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
OPEN_MARK, CLOSE_MARK = "\x02", "\x03"  # cannot occur in archived text, so a page can make them into anything safe


def fold(text: str) -> str:
    """Return `text` in the spelling that is indexed beside the original: no Arabic vowel signs, no ligatures."""
    if text.isascii() or not _FOLDED.search(text):  # to look for such letters is ten times as fast as to replace them
        return text
    text = text.translate(_LIGATURES)
    if _ARABIC_LETTER.search(text):
        text = "".join(c for c in unicodedata.normalize("NFC", text) if not unicodedata.combining(c))
        text = text.translate(_ARABIC)
    return text


def _plain(text: str) -> str:
    return text.replace(OPEN_MARK, " ").replace(CLOSE_MARK, " ").replace("\x00", " ")


def row_of(record: ArticleRecord) -> tuple[str, ...]:
    """Return the search row of an article: its columns, then each in its folded spelling where that differs."""
    names = {
        kind: ", ".join(t.name for t in record.terms if t.kind == kind) for kind in ("author", "keyword", "category")
    }
    return columns_of(record.title, record.summary, record.text, names["author"], names["keyword"], names["category"])


def columns_of(*texts: str) -> tuple[str, ...]:
    """Return the columns of the index for the texts of the first six."""
    columns = tuple(_plain(text) for text in texts)
    return (*columns, *("" if (folded := fold(text)) == text else folded for text in columns))


def texts_of(connection: sqlite3.Connection, article: int) -> dict[str, str]:
    """Return the texts that an article is found by, by column; empty when it is not indexed."""
    row = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM search WHERE rowid = ?", (article,)).fetchone()  # noqa: S608
    return {} if row is None else {name: text or "" for name, text in zip(_COLUMNS, row, strict=True)}


def gather(connection: sqlite3.Connection) -> None:
    """Let `replace` on this connection only note what is to be indexed; `index_gathered` must precede every commit.

    FTS5 writes a part of its index whenever a savepoint begins, also that of a single statement. One article at a time
    makes as many small parts, which cost more to write and to merge than the words cost to find.
    """
    connection.execute(f"CREATE TEMP TABLE gathered (article INTEGER PRIMARY KEY, {COLUMNS})")


def index_gathered(connection: sqlite3.Connection) -> None:
    """Index all that was gathered since the last time."""
    connection.execute("DELETE FROM search WHERE rowid IN (SELECT article FROM gathered)")
    connection.execute(f"INSERT INTO search (rowid, {COLUMNS}) SELECT * FROM gathered")  # noqa: S608
    connection.execute("DELETE FROM gathered")


def replace(connection: sqlite3.Connection, article: int, record: ArticleRecord) -> None:
    """Index an article anew, or note that it is to be where that is gathered."""
    put(connection, article, row_of(record))


def put(connection: sqlite3.Connection, article: int, columns: Sequence[str]) -> None:
    """Index an article by the columns of its search row, as `replace` does by its record."""
    row = (article, *columns)
    if connection.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'gathered'").fetchone():
        connection.execute(_GATHER, row)
        return
    connection.execute("DELETE FROM search WHERE rowid = ?", (article,))
    connection.execute(_INDEX, row)


def rebuild(connection: sqlite3.Connection) -> None:
    """Make the index anew from the texts it holds; for when it no longer leads to their words."""
    connection.execute("INSERT INTO search (search) VALUES ('rebuild')")


@dataclass(frozen=True, slots=True)
class Filters:
    """What else a hit must satisfy; dates are UTC ISO 8601 prefixes, names or slugs match without regard to case."""

    category: str = ""
    keyword: str = ""
    author: str = ""
    since: str = ""
    until: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One found article; the snippet marks matches with OPEN_MARK and CLOSE_MARK."""

    site: str
    id: str
    url: str
    title: str
    first_published: str | None
    authors: tuple[str, ...]
    snippet: str
    score: float


def match_expression(query: str) -> str:
    """Translate a person's query into FTS5: words are ANDed; `"phrases"`, `-not`, `prefix*` and `field:` work.

    A prefix has three letters or more; a shorter one is looked for as a word.

    Anything else a person types is quoted text; no query is a syntax error. '' when nothing can match.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for token in _TOKEN.finditer(_sound(query)):
        expression = _term(token)
        if expression:
            (unwanted if token["minus"] else wanted).append(expression)
    if not wanted:
        return ""
    expression = " AND ".join(wanted)
    return expression if not unwanted else f"({expression}) NOT ({' OR '.join(unwanted)})"


def _term(token: re.Match[str]) -> str:
    name = token["field"] or ""
    text = token["phrase"] if token["phrase"] is not None else token["word"]
    if name and name not in _FIELDS:
        text, name = f"{name}:{text}", ""
    prefix = "*" if token["phrase"] is None and text.endswith("*") and _is_long_enough(text) else ""
    text = text.replace('"', " ").replace("\x00", " ")
    if not any(c.isalnum() for c in text):
        return ""
    columns = " ".join(f"{column} folded_{column}" for column in ((_FIELDS[name],) if name else _COLUMNS))
    # Either spelling may meet either: the folded query also finds texts that were never written otherwise.
    return "(" + " OR ".join(f'{{{columns}}} : "{t}"{prefix}' for t in dict.fromkeys((text, fold(text)))) + ")"


def _is_long_enough(beginning: str) -> bool:
    """Say whether the index knows which words begin so (`prefix` in schema.sql); it would look through all of them."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", beginning) if not unicodedata.combining(c))
    words = _WORD.findall(plain)
    return bool(words) and len(words[-1]) >= _SHORTEST_BEGINNING


def _sound(text: str) -> str:
    """Return `text` without what no database takes: half characters, as a terminal or a cut-off JSON may give them."""
    return text.encode("utf-8", "replace").decode("utf-8")


# Rank first and snippet only the page that is shown: a snippet for every candidate costs more than the ranking.
_QUERY = """
WITH ranked AS MATERIALIZED (
    SELECT search.rowid AS article, bm25(search, {weights}) AS score
    FROM search {joins}
    WHERE search MATCH :match {conditions}
    ORDER BY score, search.rowid DESC LIMIT :limit OFFSET :offset
)
SELECT a.site, a.cms_id, a.url, a.title, a.first_published,
       (SELECT group_concat(name, char(31)) FROM (
            SELECT t.name FROM article_term AS at JOIN term AS t ON t.id = at.term
            WHERE at.article = a.id AND at.kind = 'author' ORDER BY at.position)),
       snippet(search, -1, char(2), char(3), '…', 24), ranked.score
FROM ranked JOIN search ON search.rowid = ranked.article JOIN article AS a ON a.id = ranked.article
WHERE search MATCH :match
ORDER BY ranked.score, ranked.article DESC
"""
_HAS_TERM = (
    "EXISTS (SELECT 1 FROM article_term AS at JOIN term AS t ON t.id = at.term WHERE at.article = article.id "
    "AND at.kind = '{kind}' AND (t.name = :{kind} COLLATE NOCASE OR t.slug = :{kind} COLLATE NOCASE "
    "OR t.cms_id = :{kind}))"
)


def conditions_of(filters: Filters) -> list[str]:
    """Return what the `article` table must satisfy, in SQL that takes the filters' fields as named values."""
    conditions = [_HAS_TERM.format(kind=k) for k in ("category", "keyword", "author") if getattr(filters, k)]
    if filters.since:
        conditions.append("article.first_published >= :since")
    if filters.until:
        # An until of `2023-07` includes all of July: compare as many characters as were given.
        conditions.append("substr(article.first_published, 1, length(:until)) <= :until")
    if filters.site:
        conditions.append("article.site = :site")
    return conditions


def find(
    connection: sqlite3.Connection, query: str, filters: Filters, *, limit: int = 20, offset: int = 0
) -> list[Hit]:
    """Return the best hits for a person's query, best first."""
    expression = match_expression(query)
    if not expression:
        return []
    joins = "JOIN article ON article.id = search.rowid"
    weights = ", ".join(str(weight) for weight in COLUMN_WEIGHTS)
    conditions = "".join(f"AND {one} " for one in conditions_of(filters))
    sql = _QUERY.format(weights=weights, joins=joins, conditions=conditions)
    values = {
        "match": expression,
        "limit": limit,
        "offset": offset,
        **{name: _sound(value) for name, value in asdict(filters).items()},
    }
    return [
        Hit(site, cms_id, url, title, published, tuple((authors or "").split("\x1f")) if authors else (), text, -score)
        for site, cms_id, url, title, published, authors, text, score in connection.execute(sql, values)
    ]
