"""Creating, opening, refusing and closing the archive's one database file."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage import database, translation
from storage.database import OwnedConnection, open_for_reading, open_for_writing, settle
from storage.errors import (
    ArchiveDamaged,
    ArchiveForeign,
    ArchiveMissing,
    ArchiveTooNew,
    ArchiveUnwritable,
    OutOfSpace,
    StorageError,
)
from storage.identity import APPLICATION_ID, SCHEMA_VERSION
from storage.opening import open_store
from tests.storage import making


@asynccontextmanager
async def written(path: Path) -> AsyncIterator[OwnedConnection]:
    """Open a database for writing and bring it to rest afterwards."""
    connection = await open_for_writing(path)
    try:
        yield connection
        await connection.run(settle)
    finally:
        await connection.close()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return the database of an archive at rest that holds one run."""
    path = tmp_path / "archive.db"
    async with written(path) as connection:
        await connection.run(lambda c: c.execute("INSERT INTO run (command, started_at) VALUES ('crawl', '')").close())
    return path


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


async def test_a_new_database_says_what_it_is(path: Path) -> None:
    """The file carries our application id and schema version."""
    with closing(sqlite3.connect(path)) as connection:
        assert pragma(connection, "application_id") == APPLICATION_ID
        assert pragma(connection, "user_version") == SCHEMA_VERSION


async def test_opening_again_keeps_what_is_there(path: Path) -> None:
    """A second opening neither creates nor loses anything."""
    async with written(path) as connection:
        assert await connection.run(lambda c: making.one(c, "SELECT command FROM run")) == "crawl"


async def test_an_archive_at_rest_is_one_plain_file(path: Path) -> None:
    """While it is written the database is in WAL mode; closed, it is one file in rollback mode."""
    async with written(path) as connection:
        assert await connection.run(lambda c: pragma(c, "journal_mode")) == "wal"
    assert [p.name for p in path.parent.iterdir()] == ["archive.db"]
    with closing(sqlite3.connect(path)) as connection_at_rest:
        assert pragma(connection_at_rest, "journal_mode") == "delete"


async def test_a_reader_does_not_keep_the_writer_from_closing(path: Path) -> None:
    """With a reader in the middle of something the close succeeds, and the next one tidies up."""
    async with written(path):
        reader = open_for_reading(path)
        rows = reader.execute("SELECT * FROM frontier UNION ALL SELECT * FROM frontier")
        rows.fetchone()
    reader.close()
    async with written(path):
        pass
    assert [p.name for p in path.parent.iterdir()] == ["archive.db"]


READING = """
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT * FROM sqlite_master")
rows.fetchone()
print("reading", flush=True)
sys.stdin.read()
"""


@contextmanager
def somebody_reading(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process stay in the middle of a statement until it is spoken to."""
    command = [sys.executable, "-c", READING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        try:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
            yield reader
        finally:
            reader.kill()


class Told(logging.Handler):
    """Says when something was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.something = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take it down."""
        self.said.append(record.getMessage())
        self.something.set()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Return what is logged by writers that soon lose patience."""
    monkeypatch.setattr(database, "_LET_IN_SECONDS", 0.05)
    handler = Told()
    database.log.addHandler(handler)
    yield handler
    database.log.removeHandler(handler)


async def test_a_writer_waits_for_a_long_reader_and_says_so(path: Path, told: Told) -> None:
    """Somebody in the middle of reading an archive at rest delays a run, and does not make it fail."""
    with somebody_reading(path) as reader:
        opening = asyncio.create_task(open_for_writing(path))
        assert await asyncio.to_thread(told.something.wait, 30)
        assert told.said == [f"somebody is reading {path}: waiting for that to end, an hour at most"]
        await asyncio.to_thread(reader.communicate)
        connection = await opening
        assert await connection.run(lambda c: pragma(c, "journal_mode")) == "wal"
        assert await connection.run(lambda c: pragma(c, "busy_timeout")) == database.BUSY_SECONDS * 1000
        await connection.close()


async def test_a_writer_that_waits_for_a_reader_can_be_stopped(path: Path, told: Told) -> None:
    """It does not wait for its hour when nobody wants it to, and nothing of it is left."""
    before = set(threading.enumerate())
    with somebody_reading(path):
        opening = asyncio.create_task(open_for_writing(path))
        assert await asyncio.to_thread(told.something.wait, 30)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert {thread for thread in set(threading.enumerate()) - before if "asyncio" not in thread.name} == set()


async def test_a_writer_does_not_wait_for_ever(path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it gives up, with the reason."""
    monkeypatch.setattr(database, "READERS_SECONDS", 0.0)
    with somebody_reading(path), pytest.raises(ArchiveUnwritable, match="locked"):
        await open_for_writing(path)
    assert told.said == []


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Return a folder that another user can reach; the folders of tests are private."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_an_archive_at_rest_opens_where_nothing_can_be_written(path: Path, public_folder: Path) -> None:
    """A reader needs no right to write, neither to the file nor to its folder."""
    copy = Path(shutil.copy(path, public_folder))
    copy.chmod(0o444)
    public_folder.chmod(0o555)
    script = (
        "import os, sqlite3, sys; os.geteuid() or os.setuid(65534)\n"  # who may do everything proves nothing
        "assert not os.access(os.path.dirname(sys.argv[1]), os.W_OK)\n"
        "print(sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).execute('SELECT command FROM runs').fetchall())"
    )
    # Without its rights the process could not write down what of the code it ran, either.
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", script, copy], capture_output=True, text=True, check=False, env=bare)
    public_folder.chmod(0o755)
    assert (done.stdout, done.stderr) == ("[('crawl',)]\n", "")


async def test_an_empty_file_becomes_an_archive(tmp_path: Path) -> None:
    """A file of zero bytes is an archive not begun."""
    path = tmp_path / "archive.db"
    path.touch()
    async with written(path):
        pass
    with closing(open_for_reading(path)) as connection:
        assert making.rows(connection, "SELECT * FROM articles") == []


# What is refused ------------------------------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")


def foreign_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE bookmarks (url)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        database.prepare(connection, path)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def newer_in_wal_mode(path: Path) -> None:
    newer(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def text_file(path: Path) -> None:
    path.write_text("Dear diary, " * 1_000)


def short_text_file(path: Path) -> None:
    path.write_text("Dear diary")


def cut_off(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        database.prepare(connection, path)
    path.write_bytes(path.read_bytes()[:20_000])


def cut_off_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        database.prepare(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
    path.write_bytes(path.read_bytes()[:20_000])


def schema_overwritten(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        database.prepare(connection, path)
    content = bytearray(path.read_bytes())
    content[100:112] = b"\xff" * 12
    path.write_bytes(content)


REFUSED = [
    (foreign, ArchiveForeign),
    (foreign_in_wal_mode, ArchiveForeign),
    (newer, ArchiveTooNew),
    (newer_in_wal_mode, ArchiveTooNew),
    (text_file, ArchiveDamaged),
    (short_text_file, ArchiveDamaged),
    (cut_off, ArchiveDamaged),
    (cut_off_in_wal_mode, ArchiveDamaged),
    (schema_overwritten, ArchiveDamaged),
]


@pytest.mark.parametrize("make, refusal", REFUSED, ids=lambda value: value.__name__)
async def test_what_is_not_ours_is_refused_and_not_touched(tmp_path: Path, make, refusal: type[StorageError]) -> None:  # type: ignore[no-untyped-def]
    """Foreign, newer and damaged databases are refused by writers and readers; no byte of the folder changes."""
    path = tmp_path / "archive.db"
    make(path)
    before = making.bytes_of(tmp_path)
    with pytest.raises(refusal) as refused:
        async with open_store(tmp_path):
            pass
    assert refused.type is refusal
    assert str(path) in str(refused.value)
    with pytest.raises(refusal):
        open_for_reading(path)
    assert making.bytes_of(tmp_path) == before


def test_nothing_to_read_is_missing(tmp_path: Path) -> None:
    """A reader does not create what is not there."""
    with pytest.raises(ArchiveMissing):
        open_for_reading(tmp_path / "archive.db")
    assert list(tmp_path.iterdir()) == []


def test_an_older_schema_is_not_read_but_explained(tmp_path: Path) -> None:
    """A reader cannot migrate, so it says who can."""
    path = tmp_path / "archive.db"
    with closing(sqlite3.connect(path)) as connection:
        database.prepare(connection, path)
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(ArchiveForeign, match="migrates"):
        open_for_reading(path)


async def test_a_write_that_was_cut_off_is_undone_by_the_next_writer(path: Path, tmp_path: Path) -> None:
    """A journal left by a crash keeps a reader out, who may not touch it; a writer rolls it back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO run (command, started_at) VALUES (?, '')", [("x" * 3_000,)] * 50)
        crashed = tmp_path / "crashed"
        shutil.copytree(tmp_path, crashed)
        connection.execute("ROLLBACK")
    assert (crashed / "archive.db-journal").is_file()
    with pytest.raises(ArchiveUnwritable, match="left in the middle"):
        open_for_reading(crashed / "archive.db")
    async with open_store(crashed):
        pass
    with closing(open_for_reading(crashed / "archive.db")) as connection:
        assert [tuple(row) for row in making.rows(connection, "SELECT command FROM run")] == [("crawl",)]


async def test_a_failed_creation_leaves_no_half_of_a_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is made whole or not at all, and the connection's thread ends with the failure."""
    path = tmp_path / "archive.db"
    monkeypatch.setattr(database, "_script", lambda name: "CREATE TABLE one (x); CREATE TABLE one (x);")
    with pytest.raises(StorageError):
        await open_for_writing(path)
    monkeypatch.undo()
    async with written(path) as connection:
        assert await connection.run(lambda c: making.one(c, "SELECT count(*) FROM run")) == 0


async def test_an_opening_that_fails_has_ended_when_it_says_so(tmp_path: Path) -> None:
    """A thread that outlived the failure would speak to an event loop that is closed."""
    (tmp_path / "archive.db").mkdir()
    before = set(threading.enumerate())
    with pytest.raises(ArchiveUnwritable):
        await open_for_writing(tmp_path / "archive.db")
    assert set(threading.enumerate()) <= before


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error, ours",
    [
        (OSError(errno.ENOSPC, "No space left on device"), OutOfSpace),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), OutOfSpace),
        (PermissionError(errno.EACCES, "Permission denied"), ArchiveUnwritable),
        (OSError(errno.EMFILE, "Too many open files"), ArchiveUnwritable),
        (sqlite3.OperationalError("database is locked"), ArchiveUnwritable),
    ],
)
def test_the_systems_words_become_ours(error: OSError | sqlite3.Error, ours: type[StorageError]) -> None:
    """Each foreign error has one of ours, which names the file."""
    translated = translation.translate(error, Path("/a/archive.db"))
    assert type(translated) is ours
    assert "/a/archive.db" in str(translated)


def test_a_full_database_is_out_of_space(tmp_path: Path) -> None:
    """What SQLite calls full is what we call out of space."""
    with closing(sqlite3.connect(tmp_path / "small.db")) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.executescript("CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x);")
    assert isinstance(translation.translate(full.value, tmp_path / "small.db"), OutOfSpace)
