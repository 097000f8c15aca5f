"""Runs, the answers they got, and the bodies and files that came with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

import zstandard

from storage.consistency import hash_of
from storage.merging.pair import Pair
from storage.received import placeholder
from storage.records import FileRecord

_RUN = (
    "command", "started_at", "finished_at", "exit_status", "requests", "bytes", "articles_new", "articles_changed",
    "articles_gone", "media_new", "failures", "notes", "manifest_root",
)  # fmt: skip
_END_RUN = f"UPDATE run SET {', '.join(f'{name} = ?' for name in _RUN)} WHERE id = ?"  # noqa: S608
# Two machines may begin at the same second, and end at the same. While a run is under way its figures only grow.
_SAME_RUN = """
SELECT id, finished_at IS NULL FROM run WHERE command = ?1 AND started_at = ?2 AND (
    (finished_at IS ?3 AND requests = ?5 AND bytes = ?6 AND articles_new = ?7 AND manifest_root IS ?13)
    OR ((finished_at IS NULL OR ?3 IS NULL) AND iif(?3 IS NULL, requests >= ?5, requests <= ?5)))
ORDER BY finished_at IS NOT ?3, id
"""
_CAPTURE = ("fetched_at", "seconds", "http_status", "media_type", "sha256", "bytes", "headers", "error")
_THEIR_CAPTURES = f"""
SELECT c.id, c.frontier, c.run, coalesce(c.url, f.url, f.key), {", ".join(f"c.{name}" for name in _CAPTURE)}
FROM capture AS c JOIN frontier AS f ON f.id = c.frontier ORDER BY c.id
"""  # noqa: S608
_SAME_CAPTURE = """
SELECT id FROM capture
WHERE frontier = ? AND fetched_at = ? AND sha256 = ? AND http_status = ? AND seconds IS ? AND url IS ? AND id <= ?
"""
_SAME_ATTEMPT = "SELECT 1 FROM attempt WHERE frontier = ? AND at = ? AND fault = ?"


def bring_runs(pair: Pair) -> None:
    """Bring their runs; one that is known, and had not ended when it was brought, gets what it has come to since."""
    for row, *values in pair.read(f"SELECT id, {', '.join(_RUN)} FROM run ORDER BY id"):  # noqa: S608
        known = pair.one(_SAME_RUN, values)
        number = pair.insert("run", _RUN, values) if known is None else known[0]
        if known is not None and known[1]:
            pair.own.execute(_END_RUN, (*values, number))
        pair.note("run", row, number)


def bring_captures(pair: Pair) -> int:
    """Bring their answers; returns how many are new."""
    columns, new = ("frontier", "run", "url", *_CAPTURE), 0
    for row, frontier, run, url, *values in pair.read(_THEIR_CAPTURES):
        own = pair.must("frontier", frontier)
        asked = pair.own.execute("SELECT coalesce(url, key) FROM frontier WHERE id = ?", (own,)).fetchone()[0]
        led = None if url == asked else url
        at, seconds, status, _, sha256, *_ = values
        known = pair.one(_SAME_CAPTURE, (own, at, sha256, status, seconds, led, pair.captured))
        if known is None:
            number = pair.insert("capture", columns, (own, pair.became("run", run), led, *values))
            new += 1
        else:
            (number,) = known
        pair.note("capture", row, number)
    return new


def bring_attempts(pair: Pair) -> None:
    """Bring what failed over there."""
    columns = ("frontier", "run", "at", "fault", "error", "http_status", "capture")
    for frontier, run, *values, capture in pair.read(f"SELECT {', '.join(columns)} FROM attempt ORDER BY id"):  # noqa: S608
        own = pair.must("frontier", frontier)
        if pair.one(_SAME_ATTEMPT, (own, *values[:2])) is None:
            relations = pair.became("run", run), pair.became("capture", capture)
            pair.insert("attempt", columns, (own, relations[0], *values, relations[1]))


def bring_bodies(pair: Pair) -> list[str]:
    """Bring the bodies that we lack, each compared with its hash; returns the hashes of those that are damaged."""
    damaged = []
    decompressor = zstandard.ZstdDecompressor()
    for sha256, frame in pair.read("SELECT sha256, CAST(zstd AS BLOB) FROM body ORDER BY sha256"):
        if pair.one("SELECT 1 FROM body WHERE sha256 = ?", (sha256,)) is not None:
            continue
        if hash_of(frame or b"", decompressor) == sha256:
            pair.own.execute("INSERT INTO body (sha256, zstd) VALUES (?, ?)", (sha256, frame))
        else:
            damaged.append(str(sha256))
    return damaged


_LOST_BODIES = """
SELECT DISTINCT c.sha256 FROM capture AS c CROSS JOIN revision AS r ON r.capture = c.id
WHERE c.id > ? AND NOT EXISTS (SELECT 1 FROM body AS b WHERE b.sha256 = c.sha256)
"""


def lost_bodies(pair: Pair) -> list[str]:
    """Return the hashes of the bodies from which a revision was read that came with it, and that did not come."""
    return [sha256 for (sha256,) in pair.own.execute(_LOST_BODIES, (pair.captured,)).fetchall()]


_FILE = "SELECT sha256, bytes, media_type, extension, width, height FROM file"
_HOLD = """
INSERT INTO holding (frontier, sha256, fetched_at) VALUES (?, ?, ?)
ON CONFLICT (frontier) DO UPDATE SET sha256 = excluded.sha256, fetched_at = excluded.fetched_at
"""


def bring_files(pair: Pair, lost: Collection[str]) -> int:
    """Bring the rows of files, which are in their place, and what each URL holds; returns how many URLs are new.

    `lost`: the hashes of files that could not be brought.
    """
    for row in pair.read(_FILE):
        if row[0] not in lost:
            pair.own.execute("INSERT OR IGNORE INTO file VALUES (?, ?, ?, ?, ?, ?)", row)
    new = 0
    for frontier, sha256, fetched_at in pair.read("SELECT frontier, sha256, fetched_at FROM holding"):
        own, file = pair.must("frontier", frontier), _file(pair.own, sha256)
        if file is None:
            continue
        held = pair.one("SELECT sha256, fetched_at FROM holding WHERE frontier = ?", (own,))
        new += held is None
        if held is None or _is_better(pair.own, (sha256, fetched_at), held):
            pair.own.execute(_HOLD, (own, sha256, fetched_at))
    return new


def _is_better(own: sqlite3.Connection, one: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether of two contents of a URL (SHA-256, when) the one is to be held: the newer, unless a placeholder."""
    earlier, later = sorted((one, other), key=lambda held: (held[1], held[0]))
    return one is (earlier if _is_placeholder(own, later[0], earlier[0]) else later)


def _file(connection: sqlite3.Connection, sha256: str) -> FileRecord | None:
    row = connection.execute(f"{_FILE} WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else FileRecord(*row)


def _is_placeholder(connection: sqlite3.Connection, later: str, earlier: str) -> bool:
    file, held = _file(connection, later), _file(connection, earlier)
    return bool(file and held and placeholder((held.sha256, held.width, held.height), file))
