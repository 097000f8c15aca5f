"""Reading from many places at once: a few threads, each with a read-only connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from storage.database import BUSY_SECONDS, connect_for_reading, open_for_reading
from storage.errors import ArchiveUnwritable, StorageError
from storage.identity import check_identity
from storage.reading import Reading
from storage.translation import translate

T = TypeVar("T")
_CACHE_KB = 8_192  # for each connection; what is asked often stays in memory, the rest is the system's to cache
_Task = tuple[Callable[[Reading], Any], "Future[Any]"]


class Desks:
    """An archive open for several readers at once; made by `open_desks`, closed with `close`."""

    def __init__(self, folder: Path, number: int) -> None:
        """Use `open_desks`."""
        self.folder = folder
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"desk {place}", daemon=True) for place in range(number)
        ]
        for thread in self._threads:
            thread.start()

    async def ask(self, question: Callable[[Reading], T]) -> T:
        """Run a question on the next free desk and return its answer. Raises StorageError.

        A question runs to its end even when the one who asked has gone.
        """
        answer: Future[T] = Future()
        self._tasks.put((question, answer))
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Let every desk finish what it has in hand, and close its connection."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        """Answer questions until there are no more; a connection that fails is made anew for the next one."""
        reading: Reading | None = None
        while (task := self._tasks.get()) is not None:
            question, answer = task
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                reading = reading or Reading(self.folder, _connect(self.folder))
                answer.set_result(question(reading))
            except sqlite3.Error as error:
                answer.set_exception(_translated(error, self.folder))
                _close(reading)
                reading = None
            except Exception as error:  # noqa: BLE001 - it belongs to the one who asked
                answer.set_exception(error)
        _close(reading)


def _close(reading: Reading | None) -> None:
    if reading is not None:
        reading.connection.close()


def _translated(error: sqlite3.Error, folder: Path) -> StorageError:
    said = translate(error, folder / "archive.db")
    said.__cause__ = error
    return said


def _connect(folder: Path) -> sqlite3.Connection:
    connection = _anywhere(folder / "archive.db", connect_for_reading)  # the other desks are reading
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def open_anywhere(path: Path) -> sqlite3.Connection:
    """Open an archive as `open_for_reading` does, and also one that was put on read-only media in WAL mode.

    Such a database needs shared memory beside it, which read-only media cannot give; as nobody can write to it either,
    it may be read as it stands. That holds only when no log is left beside it: a log holds commits that the database
    lacks. Raises as `open_for_reading`.
    """
    return _anywhere(path, open_for_reading)


def _anywhere(path: Path, connect: Callable[[Path], sqlite3.Connection]) -> sqlite3.Connection:
    try:
        return connect(path)
    except ArchiveUnwritable:
        if _may_change(path):
            raise
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    with contextlib.ExitStack() as undo:
        undo.callback(connection.close)
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        connection.row_factory = sqlite3.Row
        check_identity(connection, path)
        undo.pop_all()
    return connection


def _may_change(path: Path) -> bool:
    """Say whether somebody could write to a database, or has written what is not in it yet."""
    log = path.with_name(path.name + "-wal")
    return _writable(path.parent) or (log.exists() and log.stat().st_size > 0)


def _writable(folder: Path) -> bool:
    """Say whether files can be made in a folder; to root, permissions say nothing."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return False
    return os.access(folder, os.W_OK)


def open_desks(folder: Path, number: int = 4) -> Desks:
    """Open an archive for several readers. Raises ArchiveMissing, ArchiveDamaged, ArchiveForeign or ArchiveTooNew."""
    open_anywhere(folder / "archive.db").close()  # so that a mistake is said here, not to the first who asks
    return Desks(folder, number)
