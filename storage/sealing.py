"""Keeping the seal true while a run writes: what is about to change is marked first, and sealed again at rest.

In WAL mode a page of the database's file changes only when the WAL is brought into it. So after every commit the WAL
is read for the pages it holds; each is compared with its seal, which tells of damage that the run would otherwise
write over, and marked; only then may a checkpoint come. It costs as much as what is written, not as what is held.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from storage import seal
from storage.translation import translate

log = logging.getLogger(__name__)

CHECKPOINT_FRAMES = 2_000  # as soon as the WAL has as many pages it is brought into the database
_AT_ONCE = 256  # pages read together
_WAL_HEADER = 32
_SALTS = 8
_FRAME = struct.Struct(">II8s8x")  # page, pages in the database (0: not the end of a commit), salts, checksum
_VERSION = struct.Struct(">60xI")


class Sealer:
    """The one that writes the seal. Its files are opened before SQLite's and closed after them."""

    def __init__(self, path: Path) -> None:
        """Name the database. The caller holds the archive's lock."""
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._database = self._seal = self._log = -1
        self._distrusted = False
        self._page_size = 0
        self._salts = b""  # of the WAL in which we know the place
        self._inherited = b""  # of the WAL that was there when we began
        self._offset = _WAL_HEADER
        self._unsynced = False
        self._told = False  # of damage

    def __enter__(self) -> Self:
        """Open the database's file and its seal. Raises OutOfSpace or ArchiveUnwritable."""
        try:
            # Closed last, because that takes away the locks that SQLite has on the file.
            self._database = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            header = os.pread(self._database, _VERSION.size, 0)
            if len(header) < _VERSION.size or _VERSION.unpack(header)[0] == 0:
                seal.beside(self._path).unlink(missing_ok=True)  # all of it is about to be written
            else:
                self._page_size = seal.page_size(header)
                self._open_seal()
        except OSError as error:
            raise translate(error, self._path) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        for descriptor in (self._database, self._seal, self._log):
            if descriptor >= 0:
                os.close(descriptor)

    # While a run writes --------------------------------------------------------------------------------------------

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take over from SQLite when the WAL is brought in, and mark what a killed run has left in it.

        Raises OutOfSpace or ArchiveUnwritable.
        """
        try:
            self._page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                self._forgo()
                return
            if self._seal < 0 and not self._open_seal():
                return
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            self._inherit()
            self.note()
            self._bring_in(connection)
        except (OSError, sqlite3.Error) as error:
            raise translate(error, self._path) from error

    def _forgo(self) -> None:
        """Without a WAL it cannot be seen what changes: nothing is sealed until all is at rest."""
        seal.beside(self._path).unlink(missing_ok=True)
        if self._seal >= 0:
            os.close(self._seal)
            self._seal = -1

    def _inherit(self) -> None:
        with contextlib.suppress(FileNotFoundError), self._wal.open("rb") as stream:
            self._inherited = stream.read(_WAL_HEADER)[16:24]

    def committed(self, connection: sqlite3.Connection) -> None:
        """Mark what a commit has changed; bring the WAL into the database when it has grown long."""
        if self._seal >= 0:
            self.note()
            if self._offset > CHECKPOINT_FRAMES * (_FRAME.size + self._page_size):
                self._bring_in(connection)

    def note(self) -> None:
        """Mark every page that the WAL holds; to be called before a checkpoint may come. Raises OSError."""
        if self._seal < 0:
            return
        try:
            if self._log < 0:
                self._log = os.open(self._wal, os.O_RDONLY | os.O_CLOEXEC)
            pages, count = self._frames()
            self._extend(count, seal.opened)
            self._mark(pages)
        except FileNotFoundError:
            return  # nothing was written yet
        except OSError:
            self._void()
            raise

    def _void(self) -> None:
        """Say that nothing is sealed, which takes no room: on a full disk SQLite may still bring the WAL in."""
        os.pwrite(self._seal, seal.VOID, 0)
        os.ftruncate(self._seal, len(seal.VOID))
        os.close(self._seal)
        self._seal = -1

    def _bring_in(self, connection: sqlite3.Connection) -> None:
        self._sync()  # a page must not reach the disk before its mark
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _frames(self) -> tuple[set[int], int]:
        """Return the pages that were committed to the WAL since the last look, and how many the database has then.

        What was not committed is never brought in, and may name pages that there will not be.
        """
        salts = os.pread(self._log, _SALTS, 16)
        # Behind the end of a WAL that a killed run left there may be frames that the loss of power cut off from it, and
        # that look like any other. Until SQLite begins another one it is read from its beginning every time.
        offset = self._offset if salts == self._salts else _WAL_HEADER
        pages: set[int] = set()
        begun: set[int] = set()  # of a commit that may not be whole
        count = 0
        while len(frame := os.pread(self._log, _FRAME.size, offset)) == _FRAME.size:
            page, after, mark = _FRAME.unpack(frame)
            if mark != salts:
                break
            begun.add(page)
            offset += _FRAME.size + self._page_size
            if after:
                count = max(count, after)
                pages |= begun
                begun.clear()
                self._offset = offset  # what lies behind the last commit will be written over by the next one
        self._salts = salts if salts != self._inherited else b""
        return pages, count

    # The seal ------------------------------------------------------------------------------------------------------

    def _open_seal(self) -> bool:
        """Open the seal, or begin one; False when there is one that cannot be trusted, and is left as it is."""
        if self._distrusted:
            return False
        path = seal.beside(self._path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        start = os.pread(descriptor, len(seal.HEADER), 0)
        if start not in (b"", seal.VOID, seal.HEADER):
            os.close(descriptor)
            self._distrusted = True
            log.warning("%s is damaged, and nothing is sealed; remove it, and the next run begins another", path)
            return False
        self._seal = descriptor
        if start == seal.HEADER:
            self._clear_beyond(self._pages())
            self._extend(self._pages(), seal.spoiled)  # no entries are missing but those that were lost
        else:
            self._begin_seal()
        self._mark({1})  # a change of the journal mode does not go through the WAL
        self._sync()
        return True

    def _clear_beyond(self, pages: int) -> None:
        """Mark anew what the loss of power has left of marks for pages that were still to come."""
        for page in range(pages + 1, os.fstat(self._seal).st_size // seal.ENTRY):
            if not seal.is_whole(page, os.pread(self._seal, seal.ENTRY, page * seal.ENTRY)):
                self._write(page, seal.opened(page))

    def _begin_seal(self) -> None:
        """Give every page its entry, and only then say that there are any."""
        os.pwrite(self._seal, seal.VOID, 0)
        self._extend(self._pages(), seal.opened)
        self._sync()
        os.pwrite(self._seal, seal.HEADER, 0)
        self._unsynced = True
        _sync_folder(self._path.parent)

    def _extend(self, pages: int, entry: Callable[[int], bytes]) -> None:
        """Give every page up to `pages` that has none an entry."""
        first = max(1, os.fstat(self._seal).st_size // seal.ENTRY)
        if first <= pages:
            self._write(first, b"".join(map(entry, range(first, pages + 1))))

    def _mark(self, pages: Collection[int]) -> None:
        """Say that these pages may change; one that is not what it was when it was sealed is noted for good."""
        for page in pages:
            entry = os.pread(self._seal, seal.ENTRY, page * seal.ENTRY)
            if entry == seal.opened(page) or entry == seal.spoiled(page):
                continue
            if entry == seal.sealed(page, self._content(page)):
                self._write(page, seal.opened(page))
            else:
                self._tell(page)
                self._write(page, seal.spoiled(page))

    def _tell(self, page: int) -> None:
        level = logging.DEBUG if self._told else logging.WARNING  # once is enough: verify names all of them
        log.log(level, "page %d of %s is damaged, and is now written to; see: backfile verify", page, self._path)
        self._told = True

    def spoil(self, pages: Iterable[int]) -> None:
        """Note for good that these pages are damaged."""
        for page in pages:
            self._write(page, seal.spoiled(page))

    def _write(self, page: int, entries: bytes) -> None:
        self._unsynced = True
        place = page * seal.ENTRY
        while entries:  # on a full disk a part of them may find room
            written = os.pwrite(self._seal, entries, place)
            entries, place = entries[written:], place + written

    def _content(self, page: int) -> bytes:
        return os.pread(self._database, self._page_size, (page - 1) * self._page_size)

    def _sealed(self, first: int, number: int) -> Iterator[bytes]:
        """Yield the entries of pages that lie next to each other."""
        size = self._page_size
        content = memoryview(os.pread(self._database, number * size, (first - 1) * size))
        for place in range(number):
            yield seal.sealed(first + place, content[place * size : (place + 1) * size])

    def _pages(self) -> int:
        return os.fstat(self._database).st_size // self._page_size

    def _sync(self) -> None:
        if self._unsynced:
            os.fsync(self._seal)
            self._unsynced = False

    # At rest -------------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Seal every page that is not, now that all of them lie in the database's file."""
        if self._wal.exists() and self._wal.stat().st_size:
            return  # a reader kept some from being brought in; the next run that ends seals them
        if self._seal < 0 and not self._open_seal():
            return
        pages = self._pages()
        for first, number in _stretches(self._open_pages(pages)):
            self._write(first, b"".join(self._sealed(first, number)))
        os.ftruncate(self._seal, (pages + 1) * seal.ENTRY)
        self._sync()

    def _open_pages(self, pages: int) -> Iterator[int]:
        entries = os.pread(self._seal, pages * seal.ENTRY, seal.ENTRY)
        at = entries.find(seal.OPEN)
        while at >= 0:
            if at % seal.ENTRY == 0:
                yield at // seal.ENTRY + 1
            at = entries.find(seal.OPEN, at + 1)


def _stretches(pages: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first of pages that follow each other, and how many they are, so many as are read at once at most."""
    first = number = 0
    for page in pages:
        if number and page == first + number and number < _AT_ONCE:
            number += 1
            continue
        if number:
            yield first, number
        first, number = page, 1
    if number:
        yield first, number


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
