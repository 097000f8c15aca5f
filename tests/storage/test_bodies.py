"""Kept bodies are what their hashes say, or are found."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from storage.findings import Flaw
from tests.storage import making
from tests.storage.breaking import found, seal_again


def body_of(folder: Path) -> tuple[str, bytes]:
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        row = connection.execute("SELECT sha256, zstd FROM body LIMIT 1").fetchone()
    return row[0], row[1]


def put_body(folder: Path, sha256: str, frame: bytes | str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        connection.execute("UPDATE body SET zstd = ? WHERE sha256 = ?", (frame, sha256))
    seal_again(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame[:-3],
        lambda frame: b"",
        lambda frame: b"\x00" * len(frame),
        lambda frame: zstandard.ZstdCompressor().compress(b"another body"),
        lambda frame: frame[:4] + b"\xe0" + (1 << 50).to_bytes(8, "little") + frame[7:],
        lambda frame: "text",
    ],
    ids=["cut off", "empty", "zeroed", "another", "boasting", "no blob"],
)
def test_a_damaged_body_is_found(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    """A raw body that does not decompress to its hash is altered, whatever its frame claims to hold."""
    sha256, frame = body_of(folder)
    put_body(folder, sha256, damage(frame))
    assert found(folder) == {(Flaw.ALTERED, f"body {sha256}")}


def test_a_body_that_no_capture_names_is_found(folder: Path) -> None:
    """A body by itself says nothing of where it came from."""
    sha256 = making.capture(b"stray").sha256
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        frame = zstandard.ZstdCompressor().compress(b"stray")
        connection.execute("INSERT INTO body VALUES (?, ?)", (sha256, frame))
    seal_again(folder)
    assert found(folder) == {(Flaw.CONTRADICTION, f"body {sha256}")}
