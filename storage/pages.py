"""The database's file against its seal: every page is what was written, or it is named."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from storage import seal
from storage.findings import Finding, Flaw
from storage.turns import Ask

_CHUNK_PAGES = 256
_SHOWN = 8
_SCHEMA = "sqlite_schema"
_FILES = "file"  # the table that says which files there should be
_PENDING = 0x4000_0000  # the byte that SQLite locks to say that it waits for all reading to end
_FLOCK = struct.Struct("@hhqqi4x")  # Linux: type, whence, start, length, process

_OWNERS = "SELECT pageno, name FROM dbstat WHERE pageno IN (SELECT value FROM json_each(?))"


@dataclass(slots=True)
class Comparison:
    """What has been found so far."""

    altered: list[int] = field(default_factory=list)  # pages that are not what was written
    spoiled: list[int] = field(default_factory=list)  # and that were written to since
    entries: list[int] = field(default_factory=list)  # pages whose entries are damaged
    lacking: int = 0  # pages without an entry
    unsealed: int = 0  # pages that a run has in hand, or was cut off with: nothing can be said of them


class Pages:
    """A database's file and its seal, open for reading.

    Not for a process that writes to the archive, and to be closed after every connection to it: closing them takes away
    the locks that SQLite holds on the file.
    """

    def __init__(self, path: Path) -> None:
        """Open both; a missing seal is no error. Raises OSError."""
        self.found = Comparison()
        self._seal = -1
        self._database = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.suppress(FileNotFoundError):
            self._seal = os.open(seal.beside(path), os.O_RDONLY | os.O_CLOEXEC)
        self._page = seal.page_size(os.pread(self._database, 18, 0))
        self.count = os.fstat(self._database).st_size // self._page
        self._header = os.pread(self._seal, len(seal.HEADER), 0) if self._seal >= 0 else b""

    def __enter__(self) -> Self:
        """Begin to look."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close both."""
        os.close(self._database)
        if self._seal >= 0:
            os.close(self._seal)

    @property
    def size(self) -> int:
        """Return the bytes in all pages."""
        return self.count * self._page

    def head(self, size: int) -> bytes:
        """Return the first bytes of the database as they are now, without opening it anew."""
        return os.pread(self._database, size, 0)

    def is_awaited(self) -> bool:
        """Say whether another process waits for all reading of the database to pause; only Linux tells."""
        if sys.platform != "linux":
            return False
        asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, _PENDING, 1, 0)
        with contextlib.suppress(OSError):  # a file system without locks
            return bool(_FLOCK.unpack(fcntl.fcntl(self._database, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK)
        return False

    def compare(self, part: int, parts: int) -> Iterator[int]:
        """Compare one of so many parts of the pages; yields, now and then, how many bytes were read."""
        if self._header == seal.VOID:
            self.found.unsealed = self.count
        if self._header != seal.HEADER:
            return
        first, end = 1 + part * self.count // parts, 1 + (part + 1) * self.count // parts
        for start in range(first, end, _CHUNK_PAGES):
            number = min(_CHUNK_PAGES, end - start)
            entries = self._entries(start, number)
            content = os.pread(self._database, number * self._page, (start - 1) * self._page)
            for place in range(number):
                entry = entries[place * seal.ENTRY : (place + 1) * seal.ENTRY]
                page = content[place * self._page : (place + 1) * self._page]
                if entry != seal.sealed(start + place, page):
                    self._judge(start + place, entry)
            yield len(content)

    def not_as_written(self) -> int:
        """Compare all pages, and return how many are known to be damaged."""
        for _ in self.compare(0, 1):
            pass
        return len(self.found.altered) + len(self.found.spoiled)

    def _judge(self, page: int, entry: bytes) -> None:
        """Say why a page does not fit; one that was marked or sealed meanwhile is looked at again."""
        while entry != (now := self._entries(page, 1)):
            entry = now
            if entry == seal.sealed(page, os.pread(self._database, self._page, (page - 1) * self._page)):
                return
        if len(entry) < seal.ENTRY:
            self.found.lacking += 1
        elif entry == seal.opened(page):
            self.found.unsealed += 1
        elif entry == seal.spoiled(page):
            self.found.spoiled.append(page)
        elif not seal.is_whole(page, entry):
            self.found.entries.append(page)
        else:
            self.found.altered.append(page)

    def _entries(self, page: int, number: int) -> bytes:
        return os.pread(self._seal, number * seal.ENTRY, page * seal.ENTRY)

    def _cut_off(self) -> int:
        """Return how many pages were sealed that are not there any more."""
        if self._header != seal.HEADER:
            return 0
        last = os.fstat(self._seal).st_size // seal.ENTRY - 1
        length = os.fstat(self._database).st_size  # after the seal's: what was sealed by then was there by then
        there = length // self._page
        return sum(seal.is_digest(page, self._entries(page, 1)) for page in range(there + 1, last + 1))

    # What it means --------------------------------------------------------------------------------------------------

    def findings(self, ask: Ask) -> Iterator[Finding]:
        """Yield what all that was compared so far amounts to."""
        if self._seal >= 0 and os.pread(self._seal, len(seal.VOID), 0) == seal.VOID:
            return  # also when a run has found no room for its marks meanwhile
        for flaw, detail in self._of_seal():
            yield Finding(flaw, seal.NAME, detail)
        for detail in self._of_database(ask):
            yield Finding(Flaw.DATABASE, "archive.db", detail)

    def _of_seal(self) -> Iterator[tuple[Flaw, str]]:
        remedy = "the next run that writes makes one, of the database as it then is"
        if self._seal < 0:
            yield Flaw.MISSING, f"so nobody can tell whether archive.db was altered; {remedy}"
        elif len(self._header) < len(seal.HEADER):
            yield Flaw.TRUNCATED, f"it says nothing of archive.db; when it is removed, {remedy}"
        elif self._header != seal.HEADER:
            yield Flaw.ALTERED, f"it does not begin as a seal does; when it is removed, {remedy}"
        if self.found.entries:
            yield Flaw.ALTERED, f"what it says of {_listed(self.found.entries)} is damaged"
        if self.found.lacking:
            yield Flaw.TRUNCATED, f"it says nothing of {self.found.lacking} pages of archive.db"

    def _of_database(self, ask: Ask) -> Iterator[str]:
        if cut := self._cut_off():
            yield f"{cut} pages at its end are gone"
        if surplus := os.fstat(self._database).st_size % self._page:
            yield f"{surplus} bytes too many at its end"
        if self.found.altered:
            yield f"not as it was written: {self._told(ask, self.found.altered)}"
        if self.found.spoiled:
            yield f"not as it was written, before a run wrote to it: {self._told(ask, self.found.spoiled)}"

    def files_are_told(self, ask: Ask) -> bool:
        """Say whether the rows that name files can be believed, as far as was compared."""
        suspect = self.found.altered + self.found.spoiled
        if not suspect:
            return True
        owners = _owners(ask, suspect)
        return len(owners) == len(suspect) and not {_SCHEMA, _FILES} & set(owners.values())

    def _told(self, ask: Ask, pages: list[int]) -> str:
        owners = _owners(ask, pages)
        parts = Counter(owners.get(page, "what is free, or unknown") for page in pages)
        return f"{_listed(pages)} ({', '.join(parts)})"


def _owners(ask: Ask, pages: list[int]) -> dict[int, str]:
    """Return which table or index each page belongs to, as far as SQLite can still tell."""
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        return dict(ask(_OWNERS, (json.dumps(pages),)))
    return {}


def _listed(pages: list[int]) -> str:
    words = ", ".join(str(page) for page in pages[:_SHOWN])
    more = f" and {len(pages) - _SHOWN} more" if len(pages) > _SHOWN else ""
    return f"page{'s' if len(pages) > 1 else ''} {words}{more}"
