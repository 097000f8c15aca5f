"""Network file systems: found out, and written to without shared memory."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import mounts
from storage.opening import open_store
from storage.reading import open_reading
from storage.verify import verify
from tests.storage import making

TABLE = """\
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/news /srv/news nfs4 rw,vers=4.2 0 0
/dev/vdb /srv/news/local xfs rw 0 0
desk@far:/pile /home/desk/the\\040pile fuse.sshfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
overlay /tmp overlay rw 0 0
"""


@pytest.mark.parametrize(
    "folder, kind",
    [
        ("/home/desk", "ext4"),
        ("/srv/news", "nfs4"),
        ("/srv/news/archive", "nfs4"),
        ("/srv/newsroom", "ext4"),
        ("/srv/news/local/archive", "xfs"),
        ("/home/desk/the pile/archive", "fuse.sshfs"),
        ("/tmp/archive", "overlay"),
    ],
)
def test_a_folder_is_on_what_is_mounted_nearest_above_it(folder: str, kind: str) -> None:
    """Whole names of folders count, escapes are undone, and what was mounted last covers what was before."""
    assert mounts.type_of(Path(folder), TABLE) == kind


def test_where_there_is_no_table_everything_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other systems have none."""
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
    assert mounts.network_file_system(tmp_path) == ""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is taken for one on NFS."""
    folder = tmp_path / "far"
    folder.mkdir()
    table = tmp_path / "mounts"
    table.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/far {folder} nfs rw 0 0\n")
    monkeypatch.setattr(mounts, "MOUNTS", table)
    return folder


async def test_a_network_file_system_is_written_to_without_shared_memory(
    far: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, there is never a -wal or -shm, readers read on, and what was kept is whole."""
    async with open_store(far) as store:
        await store.begin_run("crawl")
        await store.flush()
        assert not list(far.glob("archive.db-[sw]*"))
        with open_reading(far) as reading:
            assert reading.status().articles == 0
    assert "network file system (nfs)" in caplog.text
    caplog.clear()
    await making.make_archive(far)
    assert list(verify(far)) == []


async def test_a_wal_that_a_crash_left_is_brought_in_without_shared_memory(tmp_path: Path, far: Path) -> None:
    """An archive that was copied to a network file system in the middle of a run loses nothing."""
    near = tmp_path / "near"
    async with open_store(near) as store:
        await store.begin_run("crawl")
        await store.flush()
        shutil.copy(near / "archive.db", far)
        shutil.copy(near / "archive.db-wal", far)
    async with open_store(far):
        assert not list(far.glob("archive.db-[sw]*"))
    with closing(sqlite3.connect(far / "archive.db")) as connection:
        assert making.rows(connection, "SELECT command FROM run") == [("crawl",)]


async def test_a_local_disk_gets_the_fast_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said, and the WAL is there while the run writes."""
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await store.flush()
        assert (tmp_path / "archive.db-wal").exists()
    assert caplog.text == ""
