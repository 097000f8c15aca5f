"""Opening, migrating and closing the archive's one SQLite file.

While a run writes, the database is in WAL mode; a clean close checkpoints it and returns it to a rollback journal,
so that an archive at rest is one plain file that opens on read-only media. On a network file system, where the shared
memory of WAL mode does not work, it is never in WAL mode.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TypeVar

import aiosqlite

from storage.errors import ArchiveForeign, ArchiveMissing
from storage.identity import (
    APPLICATION_ID,
    READABLE_VERSION,
    SCHEMA_VERSION,
    check_identity,
    check_not_lost,
    connect_read_only,
    look,
)
from storage.mounts import network_file_system
from storage.translation import is_locked, translate

log = logging.getLogger(__name__)

_VIEWS = "-- Public views"  # in schema.sql, before the first of them
BUSY_SECONDS = 30.0
READERS_SECONDS = 3600.0  # so long a run waits to begin when somebody is in the middle of reading
_LET_IN_SECONDS = 5.0  # while it waits, new readers have their turn for as long as it keeps them out

T = TypeVar("T")


class OwnedConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function on its owning thread."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the owning thread; it runs whole even when the caller is cancelled."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result

    def ended(self) -> None:
        """Return when the thread of a connection that could not be made is gone: it still speaks to the loop."""
        self._thread.join()


def _script(name: str) -> str:
    return resources.files("storage").joinpath(name).read_text(encoding="utf-8")


def migrations() -> dict[int, str]:
    """Return the SQL that leads to each schema version after the first, by that version."""
    folder = resources.files("storage").joinpath("migrations")
    found = {}
    for entry in folder.iterdir():
        if entry.name.endswith(".sql"):
            found[int(entry.name.split("_", 1)[0])] = entry.read_text(encoding="utf-8")
    return dict(sorted(found.items()))


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the schema where there is none, whole or not at all."""
    if check_identity(connection, path) == 0:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{_script('schema.sql')}\nPRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
        )


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema of an earlier program up to today's, each step whole or not at all."""
    version = check_identity(connection, path)
    for target, script in migrations().items():
        if target > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {target};\nCOMMIT;")


def set_up(connection: sqlite3.Connection, journal: str) -> None:
    """Make a connection that writes what it is to be; `journal` is SQLite's journal mode, WAL where that can be."""
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA locking_mode = NORMAL")
    # A commit survives the loss of power. Groups are committed, not rows, so that this costs next to nothing.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: a sync alone leaves it to the disk's cache
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA wal_autocheckpoint = 2000")


def _set_up_patiently(connection: sqlite3.Connection, journal: str, path: Path, given_up: threading.Event) -> None:
    """Set up a connection, however long others read; a night must not fail because somebody makes a backup.

    To enter WAL mode nobody else may be in the middle of a statement. `verify` makes room at once; a backup of a large
    archive or a shell in which a query was left open does not.
    """
    deadline = time.monotonic() + READERS_SECONDS
    told = False
    while True:
        try:
            set_up(connection, journal)
            return
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() > deadline:
                raise
            if not told:
                log.warning("somebody is reading %s: waiting for that to end, an hour at most", path)
                told = True
            if given_up.wait(_LET_IN_SECONDS):
                raise


async def open_for_writing(path: Path) -> OwnedConnection:
    """Open the archive's database, creating it when it is not there. The caller holds the archive's lock."""
    if shared := network_file_system(path.parent):
        log.warning(
            "%s is on a network file system (%s): writing goes on without shared memory, slower and safe for one "
            "machine. Do not use it from two at once; an archive is best crawled on a local disk and copied",
            path.parent,
            shared,
        )

    given_up = threading.Event()

    def connector() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=_LET_IN_SECONDS, isolation_level=None, cached_statements=512)
        try:
            if shared:  # a WAL that a crash left is brought in without the shared memory that is not to be had
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            prepare(connection, path)
            _set_up_patiently(connection, "DELETE" if shared else "WAL", path, given_up)
        except BaseException:
            connection.close()
            raise
        return connection

    connection = OwnedConnection(connector, iter_chunk_size=64)
    try:
        await connection
        return connection
    except (sqlite3.Error, OSError) as error:
        connection.ended()
        raise translate(error, path) from error
    except BaseException:
        given_up.set()
        connection.ended()
        raise


def settle(connection: sqlite3.Connection, before_checkpoint: Callable[[], None] = lambda: None) -> None:
    """Bring the database to rest: everything in one file, rollback journal, planner statistics fresh."""
    connection.execute("PRAGMA analysis_limit = 400")
    connection.execute("PRAGMA optimize")
    before_checkpoint()
    connection.execute("PRAGMA busy_timeout = 1000")  # a reader may stay for hours: it is not waited for
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        # A reader has it open just now; the checkpointed WAL is harmless and the next close tidies it.
        return


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the archive read-only, also beside a running crawl and on read-only media.

    Not for a process that has a connection to it already: see `connect_for_reading`. Raises ArchiveMissing, or as
    `check_identity`.
    """
    check_not_lost(path)
    if not path.is_file():
        raise ArchiveMissing(f"there is no archive at {path.parent}: name one with --archive, or crawl first")
    look(path)
    return connect_for_reading(path)


def connect_for_reading(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Connect once more to an archive that `open_for_reading` has taken, without a look at the file by our own means.

    By the rules of POSIX, closing any descriptor of a file takes away all locks that the process has on it, also those
    under which SQLite is reading: a run could then change the pages in the middle of a statement.
    `check_same_thread` False: another thread may take it over. Raises as `check_identity`.
    """
    connection = connect_read_only(path, check_same_thread=check_same_thread)
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.row_factory = sqlite3.Row
    try:
        version = check_identity(connection, path)
        if version < READABLE_VERSION:
            raise ArchiveForeign(
                f"{path} has schema {version}, this program reads {READABLE_VERSION} to {SCHEMA_VERSION}; "
                "any command that writes (crawl) migrates it"
            )
        if version < SCHEMA_VERSION:  # what is on read-only media will never be migrated
            connection.execute("PRAGMA temp_store = MEMORY")
            views = _script("schema.sql").partition(_VIEWS)[2]
            connection.executescript(f"-- {views}".replace("CREATE VIEW", "CREATE TEMP VIEW"))
    except BaseException:
        connection.close()
        raise
    return connection
