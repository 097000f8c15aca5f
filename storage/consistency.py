"""Rows against rows, kept bodies against their hashes, the search index against the articles, SQLite against itself."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial

import zstandard

from storage import rules, search
from storage.errors import OutOfSpace
from storage.findings import Finding, Flaw
from storage.fixity import CHUNK, Advance
from storage.turns import Ask, Turns

_SEARCH_PAGE = 500
_BODIES_PAGE = 64
_FTS_TOLD_BY_SQLITE = (3, 44, 0)  # from here on PRAGMA integrity_check looks into full-text tables, too


def check_references(ask: Ask) -> Iterator[Finding]:
    """Yield the rows that refer to what is not there."""
    yield from rules.broken(ask, rules.references(ask))


def check_rows(ask: Ask, *, at_rest: Callable[[], bool]) -> Iterator[Finding]:
    """Yield the rows that contradict each other; `at_rest` says whether no run is under way just now."""
    yield from rules.broken(ask, rules.ROWS)
    if at_rest():
        found = list(rules.broken(ask, rules.AT_REST))
        if at_rest():  # else a run has begun meanwhile, and what it has in hand is no flaw
            yield from found


# Kept bodies ----------------------------------------------------------------------------------------------------------

# What is kept is read once, and then the captures, as in `storage.rules`: most of them have no body, and to learn that
# one by one takes longest. A file that a URL holds is not asked about: by a rule, what is held was captured.
_CAPTURED = """
WITH kept AS MATERIALIZED (
    SELECT 'body ' AS what, sha256, iif(typeof(zstd) = 'blob', frame_size(zstd), NULL) AS bytes FROM body
    UNION ALL SELECT 'file ', sha256, NULL FROM file AS f
    WHERE NOT EXISTS (SELECT 1 FROM holding AS h WHERE h.sha256 = f.sha256)),
captured AS MATERIALIZED (
    SELECT c.id, c.sha256, c.bytes AS said, k.bytes FROM capture AS c CROSS JOIN kept AS k ON k.sha256 = c.sha256)
SELECT 'capture ' || id, sha256, 'says ' || said || ' bytes, and the body kept has ' || bytes
FROM captured WHERE said <> bytes
UNION ALL SELECT what || sha256, '', 'no capture says where it came from'
FROM kept WHERE length(sha256) = 64 AND sha256 NOT IN (SELECT sha256 FROM captured)
"""


_BODIES = "SELECT sha256, zstd FROM body WHERE sha256 >= ? AND sha256 < ? ORDER BY sha256 LIMIT ?"


def check_bodies(ask: Ask, part: int, advance: Advance) -> Iterator[Finding]:
    """Yield the kept bodies of a part that are not what their hash says."""
    decompressor = zstandard.ZstdDecompressor()
    for sha256, kept in _bodies(ask, f"{part:02x}"):
        frame = kept if isinstance(kept, bytes) else b""  # in a damaged database any column may hold anything
        if not _is_sound(frame, sha256, decompressor) and (content := hash_of(frame, decompressor)) != sha256:
            detail = f"its content has the hash {content}" if content else "it cannot be decompressed"
            yield Finding(Flaw.ALTERED, f"body {sha256}", detail, sha256)
        advance(len(frame))


def _bodies(ask: Ask, prefix: str) -> Iterator[tuple[str, object]]:
    """Yield the bodies of a part; no question is left open while they are read, as a run that begins would wait."""
    start = prefix
    while rows := list(ask(_BODIES, (start, f"{prefix}~", _BODIES_PAGE))):
        yield from rows
        following = f"{rows[-1][0]}\0"  # the least that comes after it
        if len(rows) < _BODIES_PAGE or following <= start:  # in a damaged tree nothing need be in order
            return
        start = following


def _is_sound(frame: bytes, sha256: str, decompressor: zstandard.ZstdDecompressor) -> bool:
    """Say whether a body is small and can be seen at once to be what its hash says; `hash_of` sees to the others."""
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= CHUNK:
            return False
        return hashlib.sha256(decompressor.decompress(frame)).hexdigest() == sha256
    except zstandard.ZstdError:
        return False


def hash_of(frame: bytes, decompressor: zstandard.ZstdDecompressor) -> str:
    """Return the hash of what a compressed body holds; '' when it cannot be decompressed."""
    digest = hashlib.sha256()
    try:
        # What a damaged frame claims to hold may be any size: it is read in steps, not at once.
        with decompressor.stream_reader(frame) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except zstandard.ZstdError:
        return ""
    return digest.hexdigest()


def check_captures(connection: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
    """Yield what is kept and was never captured, and the captures of another size than their body.

    A body that is damaged may have any size.
    """
    connection.create_function("frame_size", 1, _frame_size, deterministic=True)
    for subject, sha256, detail in ask(_CAPTURED):
        yield Finding(Flaw.CONTRADICTION, subject, detail, sha256)


def _frame_size(frame: object) -> int | None:
    try:
        size = zstandard.frame_content_size(frame)  # type: ignore[arg-type]
    except (zstandard.ZstdError, TypeError):
        return None
    return size if size >= 0 else None


# Search ---------------------------------------------------------------------------------------------------------------


_SEARCHED = """
SELECT s.id, a.site || ':' || a.cms_id, a.title, a.summary, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11
FROM search_content AS s CROSS JOIN article AS a ON a.id = s.id WHERE s.id > ? ORDER BY s.id LIMIT ?
"""


def check_search(ask: Ask) -> Iterator[Finding]:
    """Yield the articles that the search index lacks, has too many, or has in other words."""
    yield from rules.broken(ask, rules.SEARCH, Flaw.SEARCH)
    last = 0
    while rows := list(ask(_SEARCHED, (last, _SEARCH_PAGE))):
        for row in rows:
            _, article, title, summary, *indexed = row
            if indexed != list(search.columns_of(*(str(text) for text in (title, summary, *indexed[2:6])))):
                yield Finding(Flaw.SEARCH, article, "the search index has it in other words")
        last = rows[-1][0]


def check_index(connection: sqlite3.Connection, turns: Turns) -> Iterator[Finding]:
    """Yield whether the words the search index leads to are those of its texts, as FTS5 itself can tell.

    FTS5 only tells about tables that could be written to, so it is asked about a copy of the index in a temporary file
    of SQLite's; the texts are read where they are. Raises OutOfSpace when there is no room for that copy.
    """
    if sqlite3.sqlite_version_info >= _FTS_TOLD_BY_SQLITE:
        return
    schemas = turns.ask(connection, "SELECT sql FROM main.sqlite_master WHERE name = 'search'")
    if not schemas:
        yield Finding(Flaw.SEARCH, "search", "there is no search index")
        return
    try:
        turns.whole(connection, partial(_see_where_it_leads, connection, schemas[0][0]))
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            message = "no space left for a copy of the search index; make room where TMPDIR leads to, and verify again"
            raise OutOfSpace(message) from error
        yield Finding(Flaw.SEARCH, "search", f"the index does not lead to the words of its texts ({error})")


def _see_where_it_leads(connection: sqlite3.Connection, schema: str) -> None:
    if connection.in_transaction:  # it was broken off, and is done anew
        connection.execute("ROLLBACK")
    connection.execute("BEGIN")  # one view of all the tables, also beside a run that writes
    columns = connection.execute("SELECT name FROM pragma_table_info('search', 'main') ORDER BY cid").fetchall()
    texts = ", ".join(f'c{place} AS "{name}"' for place, (name,) in enumerate(columns))
    connection.execute(f"CREATE TEMP VIEW texts AS SELECT id, {texts} FROM main.search_content")  # noqa: S608 - the schema's
    declared = schema[schema.index("(") + 1 : schema.rindex(")")]
    connection.execute(f"CREATE VIRTUAL TABLE temp.leads USING fts5 ({declared}, content = texts, content_rowid = id)")
    for table in ("data", "idx", "docsize", "config"):
        connection.execute(f"DELETE FROM temp.leads_{table}")  # noqa: S608
        connection.execute(f"INSERT INTO temp.leads_{table} SELECT * FROM main.search_{table}")  # noqa: S608
    connection.execute("INSERT INTO temp.leads (leads, rank) VALUES ('integrity-check', 1)")  # 1: also with its texts
    connection.execute("ROLLBACK")


# SQLite ---------------------------------------------------------------------------------------------------------------


def check_database(ask: Ask) -> Iterator[Finding]:
    """Yield what SQLite says is wrong with the file."""
    try:
        for (line,) in ask("PRAGMA integrity_check"):
            if line != "ok":
                yield Finding(Flaw.SEARCH if "FTS5" in line else Flaw.DATABASE, "archive.db", line)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield Finding(Flaw.DATABASE, "archive.db", str(error))
