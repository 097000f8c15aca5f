"""Opening, checking, migrating and closing the archive's one SQLite file.

While a run writes, the database is in WAL mode; a clean close checkpoints it and returns it to a rollback journal,
so that an archive at rest is one plain file that opens on read-only media. On a network file system, where the shared
memory of WAL mode does not work, it is never in WAL mode.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
import sqlite3
import struct
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TypeVar

import aiosqlite

from storage import seal
from storage.errors import (
    ArchiveDamaged,
    ArchiveForeign,
    ArchiveMissing,
    ArchiveTooNew,
    ArchiveUnwritable,
    OutOfSpace,
    StorageError,
)
from storage.mounts import network_file_system

log = logging.getLogger(__name__)

APPLICATION_ID = 0x6261636B  # "back", so that file(1) and we can tell the file from any other database
SCHEMA_VERSION = 2
BUSY_SECONDS = 30.0
READERS_SECONDS = 3600.0  # so long a run waits to begin when somebody is in the middle of reading
_LET_IN_SECONDS = 5.0  # while it waits, new readers have their turn for as long as it keeps them out

# The head of an SQLite file: magic, page size, file format for writing and reading, change counter, pages,
# user version, application id, the change counter for which the number of pages holds.
_HEADER = struct.Struct(">16s H B B 4x I I 28x I 4x I 20x I")
_MAGIC = b"SQLite format 3\x00"
_ROLLBACK_MODE = 1  # the file format of a database that is not in WAL mode

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


def translate(error: sqlite3.Error | OSError, path: Path) -> StorageError:
    """Turn SQLite's and the system's words into ours; called at the edge, with `raise … from error`."""
    code = getattr(error, "sqlite_errorname", "")
    if _is_for_want_of_space(error, code, path):
        return OutOfSpace(f"no space left for {path}: nothing kept so far is lost; make room and run again")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return _damaged(path, str(error))
    if code == "SQLITE_READONLY_ROLLBACK":
        return ArchiveUnwritable(
            f"{path} was left in the middle of a write, and reading it must not touch it; nothing kept is lost. "
            "Any command that writes (crawl) puts it right"
        )
    return ArchiveUnwritable(
        f"cannot open or write {path} ({error}); nothing kept so far is lost. Check permissions, the file system and "
        "the limit of open files, and run again"
    )


def is_locked(error: sqlite3.Error) -> bool:
    """Say whether SQLite only asks for patience, because another has its turn."""
    return getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def _is_for_want_of_space(error: sqlite3.Error | OSError, code: str, path: Path) -> bool:
    if code == "SQLITE_FULL" or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return True
    # On a full disk SQLite calls some of its failures (those of its shared memory) just an I/O error.
    return code.startswith("SQLITE_IOERR") and path.parent.is_dir() and shutil.disk_usage(path.parent).free < 1 << 16


def _damaged(path: Path, why: str) -> ArchiveDamaged:
    return ArchiveDamaged(
        f"{path} is damaged ({why}); nothing was touched. Restore it from a backup, or rescue what is left "
        f"with: sqlite3 {path} .recover"
    )


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


def look(path: Path) -> None:
    """Refuse what is no archive of ours, damaged or too new, before anything is opened, made or written.

    The first bytes tell. A connection, even a read-only one, would leave files beside a database in WAL mode.
    Raises as `check_identity`.
    """
    try:
        with open(path, "rb") as stream:
            header = stream.read(_HEADER.size)
            size = stream.seek(0, 2)
    except OSError as error:
        raise translate(error, path) from error
    if size == 0:
        return
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise _damaged(path, "file is not a database")
    _, page, _, mode, changes, pages, version, application, valid_for = _HEADER.unpack(header)
    _judge(application, version, path)
    if any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal")):
        return  # a run is writing, or was cut off: SQLite will put that right before anything else can be said
    if changes == valid_for and size < pages * (65536 if page == 1 else page):
        raise _damaged(path, f"it has {size} bytes, fewer than its {pages} pages")
    if mode == _ROLLBACK_MODE:
        with contextlib.closing(_connect_read_only(path)) as connection:
            check_identity(connection, path)


def check_not_lost(path: Path) -> None:
    """Raise ArchiveDamaged where an archive was sealed whose database is not there any more, or empty."""
    there = path.exists()
    if there and (path.stat().st_size or path.with_name(f"{path.name}-wal").exists()):
        return
    with contextlib.suppress(FileNotFoundError), open(seal.beside(path), "rb") as stream:
        if stream.read(len(seal.HEADER)) == seal.HEADER:  # else it was cut off before anything was sealed
            raise ArchiveDamaged(
                f"{path} is {'empty' if there else 'gone'}, and {seal.NAME} says that an archive was here; nothing was "
                "touched. Restore it from a backup; to begin a new archive here, remove that file first"
            )


def at_rest(path: Path, head: Callable[[int], bytes]) -> bool:
    """Say whether no run is under way in a database, nor was cut off; where that cannot be seen, it is not.

    `head` reads its first bytes: whoever has connections to it must not open and close the file for them.
    """
    _, _, mode, *_ = _HEADER.unpack(head(_HEADER.size))
    beside = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal"))
    return mode == _ROLLBACK_MODE and not beside and not network_file_system(path.parent)


def _connect_read_only(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=check_same_thread)
    except sqlite3.Error as error:
        raise translate(error, path) from error


def check_identity(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version of an archive; 0 for an empty file.

    Raises ArchiveForeign, ArchiveTooNew or ArchiveDamaged, and writes nothing.
    """
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise translate(error, path) from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged schema in its complaint
        raise _damaged(path, "malformed database schema") from error
    if tables == 0 and application == 0:
        return 0
    _judge(application, version, path)
    return version


def _judge(application: int, version: int, path: Path) -> None:
    if application != APPLICATION_ID:
        raise ArchiveForeign(
            f"{path} is an SQLite database, but not a backfile archive; nothing was touched. "
            "Name another folder with --archive"
        )
    if version > SCHEMA_VERSION:
        raise ArchiveTooNew(
            f"{path} has schema {version}, newer than the {SCHEMA_VERSION} this program knows; nothing was touched. "
            "Upgrade backfile"
        )


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create or migrate the schema, whole or not at all."""
    version = check_identity(connection, path)
    if version == 0:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{_script('schema.sql')}\nPRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
        )
        return
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
    """Open the archive's database, creating or migrating it. The caller holds the archive's lock."""
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
    connection = _connect_read_only(path, check_same_thread=check_same_thread)
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.row_factory = sqlite3.Row
    try:
        version = check_identity(connection, path)
        if version != SCHEMA_VERSION:
            raise ArchiveForeign(
                f"{path} has schema {version}, this program reads {SCHEMA_VERSION}; "
                "any command that writes (crawl) migrates it"
            )
    except BaseException:
        connection.close()
        raise
    return connection
