"""Running out of room, rights and files: the promised exit status, one sentence, and everything there afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage.verify import verify
from tests.torture.command import assert_refused, assert_whole, crawl
from tests.torture.likeness import Likeness, one, residue

OPEN_FILES = 64
TOO_FEW_FILES = (10, 12)  # for a connection; for a picture
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.fixture
def small() -> Iterator[Path]:
    """Return a file system of its own that is soon full."""
    with TemporaryDirectory() as name:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", name], check=False).returncode:
            pytest.skip("nothing can be mounted here")
        yield Path(name)
        subprocess.run(["umount", "--lazy", name], check=True)


def remount(place: Path, options: str) -> None:
    """Change how a file system is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


@root_only
@pytest.mark.parametrize("size", ["400k", "700k", "1m", "1500k"])
def test_a_full_disk_loses_nothing(box: Path, calm: Likeness, small: Path, size: str) -> None:
    """Wherever it fills up, the run ends with 5 and says so; what is held is whole, and with more room it goes on."""
    remount(small, f"size={size}")
    archive = small / "archive"
    assert_refused(crawl(box, archive), 5, "space", "run again")
    assert_refused(crawl(box, archive), 5, "space", "run again")
    remount(small, "size=64m")
    if (archive / "archive.db").exists() and (archive / "archive.db").stat().st_size:
        assert [finding for finding in verify(archive) if finding.flaw != "orphaned"] == []
    assert crawl(box, archive).returncode == 0
    assert_whole(archive, calm)


@root_only
def test_below_the_floor_nothing_is_fetched(box: Path, calm: Likeness, small: Path) -> None:
    """The run stops while there is still room to end in good order."""
    done = crawl(box, small / "archive", BACKFILE_ARCHIVE_MIN_FREE_MB="16")
    assert_refused(done, 5, "min_free_mb", "make room")
    assert one(small / "archive", "SELECT count(*) FROM capture") == 0
    assert residue(small / "archive") == []
    remount(small, "size=64m")
    assert crawl(box, small / "archive", BACKFILE_ARCHIVE_MIN_FREE_MB="16").returncode == 0
    assert_whole(small / "archive", calm)


@root_only
def test_a_file_system_that_became_read_only_is_said(box: Path, calm: Likeness, small: Path) -> None:
    """As a failing disk does it; nothing changes, reading goes on, and once it is writable again so does the run."""
    remount(small, "size=64m")
    shutil.copytree(box / "calm", small / "archive")
    remount(small, "ro")
    assert_refused(crawl(box, small / "archive"), 5, str(small / "archive"))
    assert_whole(small / "archive", calm)
    remount(small, "rw")
    assert crawl(box, small / "archive").returncode == 0
    assert_whole(small / "archive", calm)


@pytest.mark.parametrize("where", ["", "archive.db", "media"])
def test_what_may_not_be_written_is_said(box: Path, calm: Likeness, tmp_path: Path, where: str) -> None:
    """A folder or file of somebody else: 5, its name and what to check; with the right back, the run goes on."""
    archive = tmp_path / "archive"
    shutil.copytree(box / "calm", archive)
    if where == "media":  # the first picture finds it out
        shutil.rmtree(archive)
        (archive / "media").mkdir(parents=True)
    guarded = archive / where
    mode = guarded.stat().st_mode
    guarded.chmod(0o555 if guarded.is_dir() else 0o444)
    assert_refused(crawl(box, archive, humble=True), 5, str(archive), "ermission")
    guarded.chmod(mode)
    assert crawl(box, archive, humble=True).returncode == 0
    assert_whole(archive, calm)


def test_a_crawl_makes_do_with_few_open_files(box: Path, calm: Likeness, tmp_path: Path) -> None:
    """`ulimit -n 64` is enough."""
    done = crawl(box, tmp_path / "archive", open_files=OPEN_FILES)
    assert (done.returncode, done.stderr) == (0, "")
    assert_whole(tmp_path / "archive", calm)


@pytest.mark.parametrize("number", TOO_FEW_FILES)
def test_with_too_few_open_files_it_ends_and_says_so(box: Path, calm: Likeness, tmp_path: Path, number: int) -> None:
    """A limit is not taken for the fault of the newsroom; with a higher one the run goes on."""
    assert_refused(crawl(box, tmp_path / "archive", open_files=number), 5, "open files")
    assert crawl(box, tmp_path / "archive").returncode == 0
    assert_whole(tmp_path / "archive", calm)


def cut_off(database: Path) -> None:
    """Lose the second half of a file."""
    os.truncate(database, database.stat().st_size // 2)


def newer(database: Path) -> None:
    """Write a schema version of the future (the user version of an SQLite header)."""
    with database.open("r+b") as stream:
        stream.seek(60)
        stream.write((999).to_bytes(4, "big"))


def overwritten(database: Path) -> None:
    """Be no database at all."""
    database.write_bytes(b"Dear diary, " * 10_000)


@pytest.mark.parametrize("damage, words", [(cut_off, "backup"), (newer, "Upgrade"), (overwritten, "backup")])
def test_a_damaged_archive_is_left_alone(box: Path, tmp_path: Path, damage, words: str) -> None:  # type: ignore[no-untyped-def]
    """The run ends with 4 and the remedy, and no byte of the archive changes."""
    archive = tmp_path / "archive"
    shutil.copytree(box / "calm", archive)
    damage(archive / "archive.db")
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    assert_refused(crawl(box, archive), 4, str(archive / "archive.db"), words)
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before
