"""Captures: every answer, with its headers, and its body byte for byte."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable

import zstandard

from storage.errors import ArchiveDamaged
from storage.records import Capture
from storage.texts import storable

_LEVEL = 3  # as fast to write as plain text; higher levels gain little on article JSON
_OWN = threading.local()
_ENCODE = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_MAX_BODY_BYTES = 1 << 30  # a frame in a damaged archive may claim any size


def _compressor() -> zstandard.ZstdCompressor:
    """Return this thread's compressor: to make one costs more than to compress an article."""
    if not hasattr(_OWN, "compressor"):
        _OWN.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    found: zstandard.ZstdCompressor = _OWN.compressor
    return found


_CAPTURE = """
INSERT INTO capture (frontier, run, url, fetched_at, seconds, http_status, media_type, sha256, bytes, headers, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def add(connection: sqlite3.Connection, frontier: int, known_url: str, run: int, capture: Capture) -> int:
    """Keep a capture and its body; returns the capture's row id."""
    if capture.body is not None:
        connection.execute(
            "INSERT OR IGNORE INTO body (sha256, zstd) VALUES (?, ?)",
            (capture.sha256, _compressor().compress(capture.body)),
        )
    return int(connection.execute(_CAPTURE, _row(frontier, known_url, run, capture)).lastrowid or 0)


def add_all(connection: sqlite3.Connection, many: Iterable[tuple[int, str, int, Capture]]) -> None:
    """Keep captures whose bodies are not kept in the database; each is given as to `add`."""
    connection.executemany(_CAPTURE, (_row(*one) for one in many))


def _row(frontier: int, known_url: str, run: int, capture: Capture) -> tuple[object, ...]:
    return (
        frontier,
        run,
        None if capture.url == known_url else capture.url,
        capture.fetched_at,
        capture.seconds,
        capture.http_status,
        storable(capture.media_type),
        capture.sha256,
        capture.size,
        headers_json(capture.headers),
        storable(capture.error) or None,
    )


def headers_json(headers: Iterable[tuple[str, str]]) -> str:
    """Return response headers as a JSON object: lower-case names, a list where a name was sent more than once."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    table = {name: sent[0] if len(sent) == 1 else sent for name, sent in values.items()}
    return _ENCODE(table)


def body(connection: sqlite3.Connection, sha256: str) -> bytes | None:
    """Return a kept body, or None when it was not kept in the database. Raises ArchiveDamaged."""
    row = connection.execute("SELECT zstd FROM body WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        return None
    try:
        if zstandard.frame_content_size(row[0]) <= _MAX_BODY_BYTES:
            return zstandard.ZstdDecompressor().decompress(row[0], max_output_size=_MAX_BODY_BYTES)
    except zstandard.ZstdError:
        pass  # said below
    raise ArchiveDamaged(f"the kept body {sha256} is damaged, and cannot be read; `verify` lists all that is")
