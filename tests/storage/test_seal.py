"""The seal tells of every byte of the database that is not what was written, and of nothing else."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import database, sealing
from storage.backup import backup
from storage.errors import ArchiveDamaged, ArchiveUnwritable, OutOfSpace
from storage.findings import Finding, Flaw
from storage.opening import open_store
from storage.pages import Pages
from storage.verify import verify
from tests.storage import making
from tests.storage.breaking import PAGE, flip, found, page_of

ALTERED = (Flaw.DATABASE, "archive.db")


def pages(folder: Path) -> Pages:
    """Return all pages, compared."""
    compared = Pages(folder / "archive.db")
    list(compared.compare(0, 1))
    return compared


async def write(folder: Path, *numbers: str) -> None:
    """Archive more articles."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        for number in numbers or ["50"]:
            await making.keep_article(store, making.article(number))


@pytest.mark.parametrize("seed", range(3))
def test_every_flipped_byte_is_found(folder: Path, seed: int) -> None:
    """Wherever it is: in a text that nothing repeats, in an index, in what is free."""
    chance = random.Random(seed)
    path = folder / "archive.db"
    sound = path.read_bytes()
    for _ in range(15):
        flip(path, chance.randrange(100, len(sound)))
        with contextlib.suppress(ArchiveDamaged):
            assert ALTERED in {(finding.flaw, finding.subject) for finding in verify(folder)}
        path.write_bytes(sound)
    assert found(folder) == set()


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE article SET title = 'Another' WHERE id = 1",
        "UPDATE term SET name = name || '!' WHERE id = 2",
        "UPDATE capture SET headers = '{}' WHERE id = 1",
        "UPDATE revision SET json = '{}' WHERE id = 1",
        "DELETE FROM alias",
        "UPDATE run SET requests = 7",
        "CREATE TABLE extra (x)",
    ],
)
def test_every_row_changed_behind_our_back_is_found(folder: Path, script: str) -> None:
    """What SQL did that was not ours has no seal, even where no other row contradicts it."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        connection.executescript(script)
    assert ALTERED in found(folder)


def test_what_an_altered_page_belongs_to_is_told(folder: Path) -> None:
    """A person wants to know what to distrust."""
    flip(folder / "archive.db", page_of(folder, "term") * PAGE - 20)
    (finding,) = (finding for finding in verify(folder) if finding.flaw is Flaw.DATABASE)
    assert finding.detail == f"not as it was written: page {page_of(folder, 'term')} (term)"


def spoil(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoiled(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return spoiled


@pytest.mark.parametrize(
    "damage, flaw",
    [
        (Path.unlink, Flaw.MISSING),
        (lambda path: path.rename(path.with_name("archive.sael")), Flaw.MISSING),
        (spoil(lambda content: content[:-1]), Flaw.TRUNCATED),
        (spoil(lambda content: content[:-160]), Flaw.TRUNCATED),
        (spoil(lambda content: content[:9]), Flaw.TRUNCATED),
        (spoil(lambda content: b""), Flaw.TRUNCATED),
        (spoil(lambda content: b"x" + content[1:]), Flaw.ALTERED),
        (spoil(lambda content: content[:40] + b"\0" * 16 + content[56:]), Flaw.ALTERED),
        (lambda path: flip(path, 16 * 7), Flaw.ALTERED),
        (lambda path: flip(path, 16 * 7 + 15), Flaw.ALTERED),
    ],
)
def test_a_damaged_seal_is_told_as_such(folder: Path, damage: Callable[[Path], None], flaw: Flaw) -> None:
    """It is not taken for damage to the database."""
    damage(folder / "archive.seal")
    assert found(folder) == {(flaw, "archive.seal")}


@pytest.mark.parametrize("extra", [b"x", b"\0" * PAGE])
def test_a_database_that_has_grown_is_found(folder: Path, extra: bytes) -> None:
    """SQLite itself does not mind what lies behind its last page."""
    with (folder / "archive.db").open("ab") as stream:
        stream.write(extra)
    assert len(found(folder)) == 1


async def test_the_seal_is_true_at_any_moment_of_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a run, between its commits and checkpoints, no page is found altered."""
    monkeypatch.setattr(sealing, "CHECKPOINT_FRAMES", 4)
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        for number in range(20, 40):
            await making.keep_article(store, making.article(str(number)))
            await store.flush()
            with pages(folder) as compared:
                assert compared.found.altered == compared.found.entries == []
                assert compared.found.lacking == 0
    with pages(folder) as compared:
        assert compared.found.unsealed == 0
    assert found(folder) == set()


async def test_what_a_killed_run_left_is_sealed_by_the_next(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of all files in the middle of a run is what a kill leaves: nothing is found in it, nor later."""
    monkeypatch.setattr(sealing, "CHECKPOINT_FRAMES", 20)
    left = tmp_path / "left"
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        for number in range(20, 40):
            await making.keep_article(store, making.article(str(number)))
            await store.flush()
        shutil.copytree(folder, left)
    remarks: list[str] = []
    assert list(verify(left, remark=remarks.append)) == []
    assert "in the hands of a run" in remarks[0]
    await write(left)
    remarks.clear()
    assert list(verify(left, remark=remarks.append)) == []
    assert remarks == []


async def test_a_run_that_was_killed_in_the_middle_of_a_commit_spoils_nothing(folder: Path, tmp_path: Path) -> None:
    """Pages that were to be added, and stand in the WAL without their commit, have no entry, and are no damage."""
    left = tmp_path / "left"
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        await store.flush()
        before = (folder / "archive.seal").read_bytes()
        for number in range(20, 60):
            await making.keep_article(store, making.article(str(number)))
        await store.flush()
        shutil.copytree(folder, left)
    (left / "archive.seal").write_bytes(before)
    wal = left / "archive.db-wal"
    os.truncate(wal, wal.stat().st_size - PAGE - 24)  # its last frame is the one that makes it a commit
    await write(left, *map(str, range(60, 100)))
    assert found(left) == set()


async def test_marks_that_the_loss_of_power_took_are_no_damage(folder: Path) -> None:
    """Of pages that were still to come the seal may hold nothing but zeros: a file's length may outlive its content."""
    with (folder / "archive.seal").open("ab") as stream:
        stream.write(bytes(16 * 8 + 5))
    assert found(folder) == set()
    await write(folder, *map(str, range(50, 80)))
    assert found(folder) == set()


async def test_damage_is_not_written_over(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A run that writes to a page which was damaged before says so, and leaves it known as damaged."""
    flip(folder / "archive.db", page_of(folder, "run") * PAGE - 2)
    await write(folder)
    assert "is damaged, and is now written to" in caplog.text
    (told,) = (finding for finding in verify(folder) if finding.flaw is Flaw.DATABASE)
    assert told.detail.startswith("not as it was written, before a run wrote to it: page")
    await write(folder, "51")
    assert ALTERED in found(folder)


async def test_a_run_leaves_a_seal_that_it_cannot_trust(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is mended silently: it stays until a person removes it, and then another is made."""
    flip(folder / "archive.seal", 0)
    await write(folder)
    assert "remove it" in caplog.text
    assert found(folder) == {(Flaw.ALTERED, "archive.seal")}
    (folder / "archive.seal").unlink()
    await write(folder, "51")
    assert found(folder) == set()


async def test_a_seal_that_was_cut_is_not_silently_completed(folder: Path) -> None:
    """Of pages whose entries were lost nobody can say that they are sound."""
    with (folder / "archive.seal").open("r+b") as stream:
        stream.truncate(16 * 20)
    await write(folder)
    assert ALTERED in found(folder)


async def test_a_reader_in_the_way_is_no_damage(folder: Path) -> None:
    """What a reader keeps from being brought in is sealed when the next run ends."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        reader = database.open_for_reading(folder / "archive.db")
        reader.execute("SELECT * FROM frontier UNION ALL SELECT * FROM frontier").fetchone()
        await making.keep_article(store, making.article("50"))
    assert found(folder) == set()
    reader.close()
    await write(folder, "51")
    with pages(folder) as compared:
        assert compared.found.unsealed == 0


async def test_without_room_for_its_marks_a_run_seals_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends; what it wrote is kept, and nothing is taken for damage then or after the next run."""
    pwrite = os.pwrite

    def full(descriptor: int, content: bytes, place: int) -> int:
        if place + len(content) > os.fstat(descriptor).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, content, place)

    monkeypatch.setattr("storage.sealing.os.pwrite", full)
    with pytest.raises(OutOfSpace):
        await write(folder, *map(str, range(50, 80)))
    assert found(folder) == set()
    with pages(folder) as compared:
        assert compared.found.unsealed == compared.count
    monkeypatch.undo()
    await write(folder, "51")
    assert found(folder) == set()
    with pages(folder) as compared:
        assert compared.found.unsealed == 0


async def test_without_a_wal_all_is_sealed_at_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network file system a run removes the seal, as it cannot see what changes, and makes it anew at its end."""
    monkeypatch.setattr(database, "network_file_system", lambda _: "nfs")
    async with open_store(folder) as store:
        assert not (folder / "archive.seal").exists()
        await store.begin_run("crawl")
    assert found(folder) == set()


async def test_a_backup_does_not_make_damage_look_sound(folder: Path, tmp_path: Path) -> None:
    """A page that was damaged in the original is found in the copy, too; the rest of it is sealed."""
    page = page_of(folder, "term")
    flip(folder / "archive.db", page * PAGE - 20)
    backup(folder, tmp_path / "copy")
    told = [finding for finding in verify(tmp_path / "copy") if finding.flaw is Flaw.DATABASE]
    assert told == [
        Finding(Flaw.DATABASE, "archive.db", f"not as it was written, before a run wrote to it: page {page} (term)")
    ]


async def test_damage_never_takes_the_place_of_a_good_backup(folder: Path, tmp_path: Path) -> None:
    """The earlier one stays as it was, and the trouble is told."""
    backup(folder, tmp_path / "copy")
    before = making.bytes_of(tmp_path / "copy")
    flip(folder / "archive.db", page_of(folder, "term") * PAGE - 20)
    with pytest.raises(ArchiveDamaged, match=r"the earlier backup at .* stays as it is"):
        backup(folder, tmp_path / "copy")
    assert making.bytes_of(tmp_path / "copy") == before


async def test_a_backup_of_an_archive_in_use_has_nothing_in_hand(folder: Path, tmp_path: Path) -> None:
    """What a run is about to fetch waits in the copy."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        await making.only_job(store, await store.begin_targets([making.wanted("60")]))
        await store.flush()
        backup(folder, tmp_path / "copy")
    assert found(tmp_path / "copy") == set()


async def test_rows_of_a_damaged_database_blame_no_file(folder: Path) -> None:
    """Where the rows that name files may be wrong, files are only compared with their own names."""
    altered, sound, *_ = making.files_of(folder)
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        connection.execute("UPDATE file SET bytes = bytes + 1 WHERE sha256 = ?", (sound.stem,))
    flip(altered, 9)
    told = found(folder)
    assert {subject for _, subject in told} == {"archive.db", str(altered.relative_to(folder))}


async def test_trouble_at_the_very_end_spoils_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics were written, then the disk was full: the pages they took were taken for damaged ever after."""

    def trouble(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("CREATE TABLE IF NOT EXISTS statistics AS SELECT zeroblob(99000) AS much")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("storage.opening.settle", trouble)
    with pytest.raises(ArchiveUnwritable):
        await write(folder, "60")
    monkeypatch.undo()
    await write(folder, "61")
    assert found(folder) == set()
