"""Rows against rows, kept bodies against their hashes, the search index against the articles, SQLite against itself."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import zstandard

from storage import rules, search
from storage.database import translate
from storage.findings import Finding, Flaw
from storage.fixity import CHUNK, Advance
from storage.turns import Ask, Turns

_SEARCH_PAGE = 500
_BODIES_PAGE = 64
_FTS_TOLD_BY_SQLITE = (3, 44, 0)  # from here on PRAGMA integrity_check looks into full-text tables, too


def check_rows(ask: Ask, *, at_rest: Callable[[], bool]) -> Iterator[Finding]:
    """Yield the rows that contradict each other; `at_rest` says whether no run is under way just now."""
    yield from rules.broken(ask, rules.references(ask) | rules.ROWS)
    if at_rest():
        found = list(rules.broken(ask, rules.AT_REST))
        if at_rest():  # else a run has begun meanwhile, and what it has in hand is no flaw
            yield from found


# Kept bodies ----------------------------------------------------------------------------------------------------------

# The bodies are read once, as in `storage.rules`: most captures have none, and to learn that one by one takes longest.
_SIZES = """
WITH kept AS MATERIALIZED (SELECT sha256, frame_size(zstd) AS bytes FROM body WHERE typeof(zstd) = 'blob')
SELECT 'capture ' || c.id, c.sha256, 'says ' || c.bytes || ' bytes, and the body kept has ' || k.bytes
FROM capture AS c CROSS JOIN kept AS k ON k.sha256 = c.sha256 WHERE k.bytes <> c.bytes
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


def check_sizes(connection: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
    """Yield the captures that tell another size than their body has; a body that is damaged may have any."""
    connection.create_function("frame_size", 1, _frame_size, deterministic=True)
    for subject, sha256, detail in ask(_SIZES):
        yield Finding(Flaw.CONTRADICTION, subject, detail, sha256)


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


def check_index(ask: Ask, path: Path, turns: Turns) -> Iterator[Finding]:
    """Yield whether the words the search index leads to are those of its texts, as FTS5 itself can tell.

    FTS5 only tells on a connection that could write, so it is asked about a copy of its tables.
    """
    if sqlite3.sqlite_version_info >= _FTS_TOLD_BY_SQLITE:
        return
    schemas = [schema for (schema,) in ask("SELECT sql FROM sqlite_master WHERE name = 'search'")]
    if not schemas:
        yield Finding(Flaw.SEARCH, "search", "there is no search index")
        return
    with tempfile.TemporaryDirectory(prefix="backfile-verify-") as folder:
        copy = Path(folder) / "search.db"
        try:
            with _scratch(copy) as connection:
                _copy_index(connection, schemas[0], path, turns)
            with _scratch(copy) as connection:
                turns.ask(connection, "INSERT INTO search (search) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise translate(error, copy) from error
            yield Finding(Flaw.SEARCH, "search", f"the index does not lead to the words of its texts ({error})")


def _scratch(copy: Path) -> contextlib.closing[sqlite3.Connection]:
    """Open the copy, on a connection that another thread may break off."""
    return contextlib.closing(sqlite3.connect(copy, isolation_level=None, uri=True, check_same_thread=False))


def _copy_index(connection: sqlite3.Connection, schema: str, path: Path, turns: Turns) -> None:
    connection.execute("PRAGMA journal_mode = MEMORY")  # without one, what was broken off could not be taken back
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(schema)
    turns.ask(connection, "ATTACH ? AS archive", (f"{path.resolve().as_uri()}?mode=ro",))
    turns.whole(connection, partial(_fill, connection))


def _fill(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # it was broken off, and is done anew
        connection.execute("ROLLBACK")
    connection.execute("BEGIN")  # one view of all the tables, also beside a run that writes
    for table in ("data", "idx", "content", "docsize", "config"):
        connection.execute(f"DELETE FROM main.search_{table}")  # noqa: S608
        connection.execute(f"INSERT INTO main.search_{table} SELECT * FROM archive.search_{table}")  # noqa: S608
    connection.execute("COMMIT")


# SQLite ---------------------------------------------------------------------------------------------------------------


def check_database(ask: Ask) -> Iterator[Finding]:
    """Yield what SQLite says is wrong with the file."""
    try:
        for (line,) in ask("PRAGMA integrity_check"):
            if line != "ok":
                yield Finding(Flaw.SEARCH if "FTS5" in line else Flaw.DATABASE, "archive.db", line)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield Finding(Flaw.DATABASE, "archive.db", str(error))
