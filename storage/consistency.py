"""Rows against rows, kept bodies against their hashes, the search index against the articles, SQLite against itself."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from storage import search
from storage.database import translate
from storage.findings import Finding, Flaw
from storage.fixity import CHUNK, Advance, Chosen, in_order

_PAGE = 64
_SEARCH_PAGE = 500
_FTS_TOLD_BY_SQLITE = (3, 44, 0)  # from here on PRAGMA integrity_check looks into full-text tables, too

# Each rule is a query for what breaks it: the subject, and what is wrong with it. A rule must hold after any crash
# and beside a run that writes; what merely looks odd is no contradiction.
RULES = (
    """
    SELECT 'frontier ' || id, 'its target, row ' || scope || ', is not there, so no run would fetch it'
    FROM frontier AS f WHERE NOT EXISTS (SELECT 1 FROM frontier AS s WHERE s.id = f.scope)
    """,
    """
    SELECT coalesce(url, key), 'queued without a time, so it would never be fetched'
    FROM frontier WHERE state = 'queued' AND due_at IS NULL
    """,
    """
    SELECT coalesce(f.url, f.key), 'archived, but it holds no file'
    FROM frontier AS f WHERE f.kind = 'media' AND f.state = 'done'
    AND NOT EXISTS (SELECT 1 FROM holding AS h WHERE h.frontier = f.id)
    """,
    """
    SELECT coalesce(f.url, f.key), 'a ' || f.kind || ' that holds a file'
    FROM holding AS h JOIN frontier AS f ON f.id = h.frontier WHERE f.kind <> 'media'
    """,
    """
    SELECT coalesce(f.url, f.key), 'holds ' || h.sha256 || ', which no capture of it says it was'
    FROM holding AS h JOIN frontier AS f ON f.id = h.frontier
    WHERE NOT EXISTS (SELECT 1 FROM capture AS c WHERE c.frontier = h.frontier AND c.sha256 = h.sha256)
    """,
    """
    SELECT coalesce(f.url, f.key), 'a ' || f.kind || ' that is a rendition of ' || a.site || ':' || a.cms_id
    FROM rendition AS r JOIN frontier AS f ON f.id = r.frontier JOIN article AS a ON a.id = r.article
    WHERE f.kind <> 'media'
    """,
    """
    SELECT f.key, 'a ' || f.kind || ' with the walk of a listing'
    FROM listing AS l JOIN frontier AS f ON f.id = l.frontier WHERE f.kind <> 'listing'
    """,
    """
    SELECT 'file ' || sha256, 'not the name of a content: ' || sha256 || '.' || extension
    FROM file WHERE length(sha256) <> 64 OR sha256 GLOB '*[^0-9a-f]*'
    OR length(extension) NOT BETWEEN 1 AND 16 OR extension GLOB '*[^0-9a-z]*'
    """,
    """
    SELECT site || ':' || cms_id, 'an article without a revision'
    FROM article AS a WHERE NOT EXISTS (SELECT 1 FROM revision AS r WHERE r.article = a.id)
    """,
    """
    SELECT a.site || ':' || a.cms_id, 'its newest revision has another content hash'
    FROM article AS a JOIN revision AS r ON r.article = a.id
    WHERE r.number = (SELECT max(number) FROM revision WHERE article = a.id) AND r.content_hash <> a.content_hash
    """,
    """
    SELECT a.site || ':' || a.cms_id, count(*) || ' revisions numbered ' || min(number) || ' to ' || max(number)
    FROM revision AS r JOIN article AS a ON a.id = r.article
    GROUP BY r.article HAVING min(number) <> 1 OR max(number) <> count(*)
    """,
    """
    SELECT a.site || ':' || a.cms_id, 'the body that revision ' || r.number || ' was read from is not kept'
    FROM revision AS r JOIN article AS a ON a.id = r.article JOIN capture AS c ON c.id = r.capture
    WHERE NOT EXISTS (SELECT 1 FROM body AS b WHERE b.sha256 = c.sha256)
    """,
    """
    SELECT a.site || ':' || a.cms_id, at.kind || ' ' || at.position || ' is a ' || t.kind
    FROM article_term AS at JOIN term AS t ON t.id = at.term JOIN article AS a ON a.id = at.article
    WHERE at.kind <> t.kind
    """,
    """
    SELECT 'capture ' || id, 'its headers are not JSON' FROM capture WHERE NOT json_valid(headers)
    """,
    """
    SELECT 'body ' || sha256, 'no capture names it' FROM body WHERE sha256 NOT IN (SELECT sha256 FROM capture)
    """,
    """
    SELECT 'counter ' || c.kind || ' ' || c.state, 'says ' || c.n || ', and there are ' || coalesce(r.n, 0)
    FROM counter AS c LEFT JOIN (SELECT kind, state, count(*) AS n FROM frontier GROUP BY kind, state) AS r
    ON r.kind = c.kind AND r.state = c.state WHERE c.n <> coalesce(r.n, 0)
    """,
)
SEARCH_RULES = (
    """
    SELECT a.site || ':' || a.cms_id, 'not in the search index'
    FROM article AS a WHERE NOT EXISTS (SELECT 1 FROM search_content AS c WHERE c.id = a.id)
    """,
    """
    SELECT 'search ' || c.id, 'the search index has an article that is not there'
    FROM search_content AS c WHERE NOT EXISTS (SELECT 1 FROM article AS a WHERE a.id = c.id)
    """,
)
_SIZES = """
SELECT 'capture ' || c.id, c.sha256, 'says ' || c.bytes || ' bytes, and the body kept has ' || frame_size(b.zstd)
FROM capture AS c JOIN body AS b ON b.sha256 = c.sha256 WHERE frame_size(b.zstd) <> c.bytes
"""


def check_rows(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Yield the rows that contradict each other."""
    yield from _dangling(connection)
    for rule in RULES:
        yield from _broken(connection, Flaw.CONTRADICTION, rule)


def _broken(connection: sqlite3.Connection, flaw: Flaw, rule: str) -> Iterator[Finding]:
    try:
        for subject, detail in connection.execute(rule):
            yield Finding(flaw, str(subject), str(detail))
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield Finding(Flaw.DATABASE, "archive.db", f"{error}, on the way to: {' '.join(rule.split())}")


def _dangling(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Yield the rows that refer to one that is not there, for every reference the schema declares."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    for (table,) in tables:
        columns = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,)).fetchall()
        subject = " || ' ' || ".join(f"c.{name}" for (name,) in columns)
        references = connection.execute('SELECT "table", "from", "to" FROM pragma_foreign_key_list(?)', (table,))
        for parent, column, key in references.fetchall():
            # The names are the schema's own.
            rule = (
                f"SELECT '{table} ' || {subject}, '{column} ' || c.{column} || ': there is no such {parent}' "  # noqa: S608
                f"FROM {table} AS c WHERE c.{column} IS NOT NULL "
                f"AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE p.{key} = c.{column})"
            )
            yield from _broken(connection, Flaw.CONTRADICTION, rule)


# Kept bodies ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Body:
    sha256: str
    zstd: bytes
    read: bool


def check_bodies(connection: sqlite3.Connection, chosen: Chosen, advance: Advance) -> Iterator[Finding]:
    """Yield the kept bodies that are not what their hash says."""
    for body, content in in_order(_content, _bodies(connection, chosen), weight=lambda body: len(body.zstd)):
        if content != body.sha256:
            detail = f"its content has the hash {content}" if content else "it cannot be decompressed"
            yield Finding(Flaw.ALTERED, f"body {body.sha256}", detail, body.sha256)
        advance(len(body.zstd))


def check_sizes(connection: sqlite3.Connection, damaged: Collection[str]) -> Iterator[Finding]:
    """Yield the captures that tell another size than their body has, but for the bodies known to be damaged."""
    connection.create_function("frame_size", 1, _frame_size, deterministic=True)
    for subject, sha256, detail in connection.execute(_SIZES):
        if sha256 not in damaged:
            yield Finding(Flaw.CONTRADICTION, subject, detail, sha256)


def _bodies(connection: sqlite3.Connection, chosen: Chosen) -> Iterator[_Body]:
    last = ""
    while rows := connection.execute(
        "SELECT sha256, zstd FROM body WHERE sha256 > ? ORDER BY sha256 LIMIT ?", (last, _PAGE)
    ).fetchall():
        # In a damaged database any column may hold anything.
        yield from (_Body(sha256, zstd if isinstance(zstd, bytes) else b"", chosen()) for sha256, zstd in rows)
        last = rows[-1][0]


def _content(body: _Body) -> tuple[_Body, str]:
    """Return a body with the hash of what it decompresses to; '' when it does not, its own when it is not read."""
    if not body.read:
        return body, body.sha256
    digest = hashlib.sha256()
    try:
        # What a damaged frame claims to hold may be any size: it is read in steps, not at once.
        with zstandard.ZstdDecompressor().stream_reader(body.zstd) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except zstandard.ZstdError:
        return body, ""
    return body, digest.hexdigest()


def _frame_size(frame: object) -> int | None:
    try:
        size = zstandard.frame_content_size(frame)  # type: ignore[arg-type]
    except (zstandard.ZstdError, TypeError):
        return None
    return size if size >= 0 else None


# Search ---------------------------------------------------------------------------------------------------------------


_SEARCHED = """
SELECT s.rowid, a.site || ':' || a.cms_id, a.title, a.summary, s.title, s.summary, s.body, s.authors, s.keywords,
       s.categories, s.folded_title, s.folded_summary, s.folded_body, s.folded_authors, s.folded_keywords,
       s.folded_categories
FROM search AS s JOIN article AS a ON a.id = s.rowid WHERE s.rowid > ? ORDER BY s.rowid LIMIT ?
"""


def check_search(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Yield the articles that the search index lacks, has too many, or has in other words."""
    for rule in SEARCH_RULES:
        yield from _broken(connection, Flaw.SEARCH, rule)
    last = 0
    while rows := connection.execute(_SEARCHED, (last, _SEARCH_PAGE)).fetchall():
        for row in rows:
            _, article, title, summary, *indexed = row
            if indexed != list(search.columns_of(*(str(text) for text in (title, summary, *indexed[2:6])))):
                yield Finding(Flaw.SEARCH, article, "the search index has it in other words")
        last = rows[-1][0]


def check_index(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """Yield whether the words the search index leads to are those of its texts, as FTS5 itself can tell.

    FTS5 only tells on a connection that could write, so it is asked about a copy of its tables.
    """
    if sqlite3.sqlite_version_info >= _FTS_TOLD_BY_SQLITE:
        return
    row = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'search'").fetchone()
    if row is None:
        yield Finding(Flaw.SEARCH, "search", "there is no search index")
        return
    with tempfile.TemporaryDirectory(prefix="backfile-verify-") as folder:
        copy = Path(folder) / "search.db"
        try:
            _copy_index(copy, row[0], path)
            with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                connection.execute("INSERT INTO search (search) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise translate(error, copy) from error
            yield Finding(Flaw.SEARCH, "search", f"the index does not lead to the words of its texts ({error})")


def _copy_index(copy: Path, schema: str, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None, uri=True)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("ATTACH ? AS archive", (f"{path.resolve().as_uri()}?mode=ro",))
        connection.execute(schema)
        connection.execute("BEGIN")  # one view of all the tables, also beside a run that writes
        for table in ("data", "idx", "content", "docsize", "config"):
            connection.execute(f"DELETE FROM main.search_{table}")  # noqa: S608
            connection.execute(f"INSERT INTO main.search_{table} SELECT * FROM archive.search_{table}")  # noqa: S608
        connection.execute("COMMIT")


# SQLite ---------------------------------------------------------------------------------------------------------------


def check_database(connection: sqlite3.Connection, pragma: str) -> Iterator[Finding]:
    """Yield what SQLite says is wrong with the file; `pragma` is integrity_check, or quick_check without indexes."""
    try:
        for (line,) in connection.execute(f"PRAGMA {pragma}"):
            if line != "ok":
                yield Finding(Flaw.SEARCH if "FTS5" in line else Flaw.DATABASE, "archive.db", line)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield Finding(Flaw.DATABASE, "archive.db", str(error))
