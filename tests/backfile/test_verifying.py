"""`backfile verify` as people and cron use it: exit statuses, samples, JSON, read-only media."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.backfile.test_command_line import backfile
from tests.storage import making
from tests.storage.breaking import PAGE, flip, page_of, tamper


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a sound archive in it."""
    asyncio.run(making.make_archive(tmp_path / "archive"))
    return tmp_path


def verify(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return backfile("--archive", "archive", "verify", *options, folder=folder)


def test_a_sound_archive_is_said_to_be_whole(folder: Path) -> None:
    """Exit status 0, one line; and the whole of it was looked at."""
    done = verify(folder)
    assert (done.returncode, done.stdout) == (0, "whole: every file and every row is as it should be\n")
    report = json.loads(verify(folder, "--json").stdout)
    assert report == {"findings": [], "percent": 100.0, "since": None, "remarks": []}


def test_a_damaged_database_ends_with_4_and_nothing_is_put_right(folder: Path) -> None:
    """What the rows say of files is not acted upon until the database is sound."""
    archive = folder / "archive"
    flip(archive / "archive.db", page_of(archive, "term") * PAGE - 20)
    victim = making.files_of(archive)[0]
    victim.unlink()
    done = verify(folder, "--requeue")
    assert done.returncode == 4
    assert "(term)" in done.stdout
    assert victim.name in done.stdout
    assert "Restore it from a backup" in done.stderr
    assert verify(folder).returncode == 4


def test_samples_go_round(folder: Path) -> None:
    """Every half is a sample of its own, and one of them finds what is missing."""
    making.files_of(folder / "archive")[0].unlink()
    nights = [verify(folder, "--sample", "50", "--json") for _ in range(2)]
    assert sorted(night.returncode for night in nights) == [0, 1]
    assert [json.loads(night.stdout)["percent"] for night in nights] == [50.0, 50.0]


@pytest.mark.parametrize("percent", ["0", "-1", "101", "x"])
def test_a_sample_of_nothing_is_refused(folder: Path, percent: str) -> None:
    """A share that makes no sense is wrong usage."""
    assert verify(folder, "--sample", percent).returncode == 2


def test_a_damaged_body_is_wanted_again(folder: Path) -> None:
    """--requeue keeps the damaged answer aside and makes its article due."""
    archive = folder / "archive"
    tamper(archive, "UPDATE body SET zstd = x'00' WHERE sha256 = (SELECT sha256 FROM capture WHERE id = 1)")
    done = verify(folder, "--requeue")
    assert done.returncode == 1
    assert done.stderr.startswith("1 queued, 1 set aside")
    assert [path.suffix for path in (archive / "damaged").iterdir()] == [".zst"]
    assert json.loads(verify(folder, "--json").stdout)["findings"][0]["subject"] == "dm:1"
