"""Desks: several readers at once, mistakes told to the one who asked, and nothing left open."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from storage.desks import open_anywhere, open_desks
from storage.errors import ArchiveMissing, ArchiveUnwritable, StorageError
from storage.reading import Reading
from tests.storage.breaking import shuts_out
from tests.storage.making import make_archive


async def test_questions_are_answered_side_by_side(tmp_path: Path) -> None:
    """Four questions that wait for each other are all answered, each on a connection of its own."""
    await make_archive(tmp_path / "archive")
    desks = open_desks(tmp_path / "archive", 4)
    meeting = threading.Barrier(4, timeout=30)

    def question(reading: Reading) -> int:
        meeting.wait()
        return id(reading.connection)

    try:
        assert len(set(await asyncio.gather(*(desks.ask(question) for _ in range(4))))) == 4
    finally:
        desks.close()


async def test_what_one_desk_reads_cannot_change_when_another_opens(tmp_path: Path) -> None:
    """A desk that connects while another is in the middle of a question leaves the latter's lock where it is."""
    await make_archive(tmp_path / "archive")
    desks = open_desks(tmp_path / "archive", 2)
    begun, other_has_answered = threading.Event(), threading.Event()

    def long_question(reading: Reading) -> bool:
        rows = reading.connection.execute("SELECT * FROM frontier")
        rows.fetchone()
        begun.set()
        assert other_has_answered.wait(30)
        return shuts_out(reading.folder) and len(rows.fetchall()) > 0

    try:
        long_one = asyncio.create_task(desks.ask(long_question))
        assert await asyncio.to_thread(begun.wait, 30)
        await desks.ask(lambda reading: reading.rows("SELECT * FROM articles"))
        other_has_answered.set()
        assert await long_one
    finally:
        desks.close()


async def test_a_mistake_is_told_to_the_one_who_asked(tmp_path: Path) -> None:
    """A wrong question fails alone; SQLite's own complaints come in our words; the desk answers the next one."""
    await make_archive(tmp_path / "archive")
    desks = open_desks(tmp_path / "archive", 1)
    try:
        with pytest.raises(ZeroDivisionError):
            await desks.ask(lambda reading: 1 // 0)
        with pytest.raises(StorageError):
            await desks.ask(lambda reading: reading.rows("SELECT * FROM nothing"))
        assert len(await desks.ask(lambda reading: reading.rows("SELECT * FROM articles"))) == 3
    finally:
        desks.close()


async def test_it_cannot_write(tmp_path: Path) -> None:
    """A question that writes is refused."""
    await make_archive(tmp_path / "archive")
    desks = open_desks(tmp_path / "archive", 1)
    try:
        with pytest.raises(ArchiveUnwritable):
            await desks.ask(lambda reading: reading.rows("DELETE FROM article"))
    finally:
        desks.close()


def test_no_archive_is_said_at_once(tmp_path: Path) -> None:
    """Before anything is served."""
    with pytest.raises(ArchiveMissing):
        open_desks(tmp_path / "nowhere")


async def test_a_log_that_holds_commits_is_never_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On read-only media a database with a log beside it is refused rather than read without its newest commits."""
    await make_archive(tmp_path / "archive")
    path = tmp_path / "archive" / "archive.db"

    def refusing(wanted: Path) -> sqlite3.Connection:
        raise ArchiveUnwritable(f"cannot open {wanted}")

    monkeypatch.setattr("storage.desks.open_for_reading", refusing)
    monkeypatch.setattr("storage.desks._writable", lambda folder: False)
    open_anywhere(path).close()
    path.with_name("archive.db-wal").write_bytes(b"commits")
    with pytest.raises(ArchiveUnwritable):
        open_anywhere(path)
