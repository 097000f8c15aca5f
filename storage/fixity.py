"""Files against rows, both ways: every row of `file` has its file, whole and unaltered; every file has its row.

The tree is looked at in 256 parts, by the first two digits of the hash, each with its rows, so that neither is ever
held whole, no read transaction is held long, and a run that writes meanwhile is not taken for damage: files come
before their rows, so a folder is listed first, and what no row names is asked about again at the end of its part.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storage.crew import Crew
from storage.files import MediaTree
from storage.findings import Finding, Flaw

CHUNK = 1 << 20
PARTS = range(256)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTENT_NAME = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,16}")
_FOLDER = re.compile(r"[0-9a-f]{2}")

Advance = Callable[[int], None]
"""Told the bytes that were looked at."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The media tree beside the rows that name its files."""

    connection: sqlite3.Connection
    media: MediaTree
    crew: Crew
    advance: Advance

    def check(self, part: int) -> Iterator[Finding]:
        """Yield what is wrong between a part of the tree and its rows."""
        outer = f"{part:02x}"
        present = _listed(f"{self.media.root}/{outer}")
        for size, finding in self.crew.in_order(self._look, self._named(outer, present), weight=_size):
            if finding is not None:
                yield finding
            self.advance(size)
        for name in sorted(present):
            yield from _strays(self.connection, self.media, f"{outer}/{name}")

    def check_by_names(self, part: int) -> Iterator[Finding]:
        """Yield the files of a part that are not what their own names say, when no row can be believed."""
        outer = f"{part:02x}"
        for name in sorted(_listed(f"{self.media.root}/{outer}")):
            stem = os.path.basename(name).partition(".")[0]
            path = f"{self.media.root}/{outer}/{name}"
            if _SHA256.fullmatch(stem) and os.path.isfile(path):
                flaw, detail, _ = examine(path, stem, None)
                if flaw is not None:
                    yield Finding(flaw, f"media/{outer}/{name}", detail, stem)

    def _named(self, outer: str, present: set[str]) -> Iterator[_Named]:
        for row in self.connection.execute(_ROWS, (outer, f"{outer}~")).fetchall():
            sha256, _, extension = row
            if is_content_name(sha256, extension):  # else no path is made of it; the rules for rows name it
                present.discard(f"{sha256[2:4]}/{sha256}.{extension}")
                yield row

    def _look(self, named: _Named) -> tuple[int, Finding | None]:
        sha256, size, extension = named
        name = f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}.{extension}"
        flaw, detail, _ = examine(f"{self.media.archive}/{name}", sha256, size)
        return size, None if flaw is None else Finding(flaw, name, detail, sha256)


_Named = tuple[str, int, str]
"""A row: hash, bytes, extension."""

# Cast, because in a damaged database any column may hold anything.
_ROWS = """
SELECT CAST(sha256 AS TEXT), ifnull(CAST(bytes AS INTEGER), -1), ifnull(CAST(extension AS TEXT), '')
FROM file WHERE sha256 >= ? AND sha256 < ? ORDER BY sha256
"""


def _size(named: _Named) -> int:
    return named[1]


def is_content_name(sha256: str, extension: str) -> bool:
    """Say whether a row names a file as the tree does; anything else could lead out of it."""
    return _CONTENT_NAME.fullmatch(f"{sha256}.{extension}") is not None


def examine(path: str, sha256: str, size: int | None) -> tuple[Flaw | None, str, str]:
    """Read a file: what is wrong with it, in words, and the hash of its content; `size` None: any will do."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            length, content = _digest(descriptor, size)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return Flaw.MISSING, "the file is not there", ""
    except IsADirectoryError:
        return Flaw.MISSING, "what is there is not a file", ""
    except OSError as error:
        return Flaw.UNREADABLE, f"cannot be read ({error.strerror or error})", ""
    if size is not None and length != size:
        return Flaw.TRUNCATED, f"{length} bytes instead of {size}", content
    if sha256 and content != sha256:
        return Flaw.ALTERED, f"its content has the hash {content}", content
    return None, "", content


def _digest(descriptor: int, size: int | None) -> tuple[int, str]:
    """Return how many bytes there are, and their hash; '' when they are not as many as there should be."""
    # One byte more than there should be is asked for: the only read of most files also tells that it was all.
    data = os.read(descriptor, CHUNK if size is None or size >= CHUNK else max(size, 0) + 1)
    if size is not None and len(data) != min(size, CHUNK):
        return os.fstat(descriptor).st_size, ""
    digest = hashlib.sha256(data)
    length = len(data)
    while length != size or size >= CHUNK:
        if not (data := os.read(descriptor, CHUNK)):
            break
        digest.update(data)
        length += len(data)
    return length, digest.hexdigest()


# Files that no row names ----------------------------------------------------------------------------------------------


def check_outside(connection: sqlite3.Connection, media: MediaTree) -> Iterator[Finding]:
    """Yield the files that are in none of the tree's folders; `incoming` is looked at by itself."""
    for outer in sorted(_entries(str(media.root))):
        if outer != "incoming" and not (_FOLDER.fullmatch(outer) and os.path.isdir(media.root / outer)):
            yield from _strays(connection, media, outer)


def leftovers(media: MediaTree) -> Iterator[Finding]:
    """Yield what a crash left half-received; only for an archive at rest, as a run has such files in hand."""
    for path in _files_below(str(media.root / "incoming")):
        if os.path.lexists(path):
            name = os.path.relpath(path, media.archive)
            yield Finding(Flaw.ORPHANED, name, "left half-received; the next run that writes clears it away")


def _strays(connection: sqlite3.Connection, media: MediaTree, inside: str) -> Iterator[Finding]:
    for path in _files_below(f"{media.root}/{inside}"):
        flaw, detail, digest = examine(path, "", None)
        name = os.path.relpath(path, media.archive)
        if flaw is Flaw.UNREADABLE:
            yield Finding(flaw, name, detail)
        elif flaw is not Flaw.MISSING and (finding := _verdict(connection, media, name, digest)):
            yield finding


def _verdict(connection: sqlite3.Connection, media: MediaTree, name: str, digest: str) -> Finding | None:
    row = connection.execute("SELECT extension FROM file WHERE sha256 = ?", (digest,)).fetchone()
    if row is not None:
        place = media.relative(digest, row[0])
        # A run that writes may have brought the row since the folder was listed.
        return None if place == name else Finding(Flaw.MISNAMED, name, f"its content belongs at {place}", digest)
    stem = os.path.basename(name).partition(".")[0]
    if _SHA256.fullmatch(stem) and stem != digest:
        return Finding(Flaw.MISNAMED, name, f"its content has the hash {digest}, which no row names")
    return Finding(Flaw.ORPHANED, name, "no row names it")


# What lies on the disk ------------------------------------------------------------------------------------------------


def _listed(folder: str) -> set[str]:
    """Return the names below an outer folder of the tree, as `cd/name`; what is not in such a folder by its own."""
    names = set()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:  # else as `_entries`
        for entry in entries:
            if _FOLDER.fullmatch(entry.name) and entry.is_dir():
                names.update([f"{entry.name}/{name}" for name in _entries(entry.path)])
            else:
                names.add(entry.name)
    return names


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # gone, or unreadable: then so is every file that a row says is in it


def _files_below(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in sorted(names))
