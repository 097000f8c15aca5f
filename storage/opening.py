"""Opening an archive for writing, and closing it whatever has happened: lock, seal, connection, writer."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from storage import frontier, search
from storage.database import OwnedConnection, migrate, open_for_writing, settle
from storage.files import MediaTree
from storage.identity import check_not_lost, look
from storage.lock import RUN, locked, make_folder
from storage.sealing import Sealer
from storage.store import Store
from storage.translation import translate
from storage.writer import Writer


@asynccontextmanager
async def open_store(
    folder: Path, *, min_free_bytes: int = 0, now: Callable[[], float] = time.time, holder: str = RUN
) -> AsyncIterator[Store]:
    """Open an archive for writing, creating it when it is not there; `now` gives the time in Unix seconds.

    `holder` is what others who want to write are told.
    Raises ArchiveInUse, ArchiveDamaged (ArchiveForeign, ArchiveTooNew), ArchiveUnwritable or OutOfSpace.
    """
    make_folder(folder)
    path = folder / "archive.db"
    check_not_lost(path)
    if path.exists():
        look(path)  # before anything is touched, even the lock
    with locked(folder, holder), Sealer(path) as sealer:
        connection = await open_for_writing(path)
        media = MediaTree(folder)

        def before_commit(own: sqlite3.Connection) -> None:
            search.index_gathered(own)
            media.sync()

        writer = Writer(connection, path, before_commit, sealer.committed)
        task = asyncio.create_task(writer.run(), name="writer")
        begun = False
        try:
            await connection.run(partial(_begin, sealer=sealer, path=path))
            await connection.run(search.gather)
            media.clear_incoming()
            await writer.call(frontier.recover)
            begun = True
            yield Store(folder, writer, media, min_free_bytes, now)
        finally:
            # Also after an error or a cancellation: units are whole, so what was handed over is worth keeping.
            try:
                if begun:
                    await writer.flush()
            finally:
                await _close(task, connection, sealer, path)


def _begin(connection: sqlite3.Connection, sealer: Sealer, path: Path) -> None:
    """Migrate under the seal, so that what it knows of damage is not forgotten."""
    sealer.begin(connection)
    try:
        migrate(connection, path)
        sealer.committed(connection)
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error


async def _close(task: asyncio.Task[None], connection: OwnedConnection, sealer: Sealer, path: Path) -> None:
    try:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.run(partial(_rest, sealer=sealer))
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error
    finally:
        await connection.close()  # whatever happens: its thread would keep the process alive


def _rest(connection: sqlite3.Connection, sealer: Sealer) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    try:
        settle(connection, sealer.note)
    except BaseException:
        # Closing the connection brings the WAL in, also what was committed right before the trouble.
        with contextlib.suppress(OSError):  # no room for the marks: then the seal says that it says nothing
            sealer.note()
        raise
    sealer.rest()
