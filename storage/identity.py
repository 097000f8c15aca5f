"""Whether a database is an archive of ours, whole, of a schema we know: told before anything is opened or written."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

from storage import seal
from storage.errors import ArchiveDamaged, ArchiveForeign, ArchiveTooNew
from storage.mounts import network_file_system
from storage.translation import damaged, translate

APPLICATION_ID = 0x6261636B  # "back", so that file(1) and we can tell the file from any other database
SCHEMA_VERSION = 3
READABLE_VERSION = 2  # the oldest schema whose tables are today's: only its views are others

# The head of an SQLite file: magic, page size, file format for writing and reading, change counter, pages,
# user version, application id, the change counter for which the number of pages holds.
_HEADER = struct.Struct(">16s H B B 4x I I 28x I 4x I 20x I")
_MAGIC = b"SQLite format 3\x00"
_ROLLBACK_MODE = 1  # the file format of a database that is not in WAL mode


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
        raise damaged(path, "file is not a database")
    _, page, _, mode, changes, pages, version, application, valid_for = _HEADER.unpack(header)
    _judge(application, version, path)
    if any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal")):
        return  # a run is writing, or was cut off: SQLite will put that right before anything else can be said
    if changes == valid_for and size < pages * (65536 if page == 1 else page):
        raise damaged(path, f"it has {size} bytes, fewer than its {pages} pages")
    if mode == _ROLLBACK_MODE:
        with contextlib.closing(connect_read_only(path)) as connection:
            check_identity(connection, path)


def check_not_lost(path: Path) -> None:
    """Raise ArchiveDamaged where an archive was sealed whose database is not there any more, or empty."""
    there = path.exists()
    if there and (path.stat().st_size or path.with_name(f"{path.name}-wal").exists()):
        return
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), open(seal.beside(path), "rb") as stream:
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
        raise damaged(path, "malformed database schema") from error
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


def connect_read_only(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """Connect to a database that is there, read-only, whatever it is."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=check_same_thread)
    except sqlite3.Error as error:
        raise translate(error, path) from error
