"""`merge` as it is typed: what it says, and its exit status."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.backfile.test_command_line import backfile, newsroom

KEY = {"BACKFILE_DM_KEY": "box-key"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two archives of one newsroom."""
    folder = tmp_path_factory.mktemp("merge")
    with newsroom(folder, "--articles", "12") as config:
        for name, target in (("africa", "dm:category/africa"), ("all", "dm:publication/1")):
            done = backfile("--config", config, "--archive", name, "crawl", target, folder=folder, **KEY)
            assert done.returncode == 0, done.stderr
    return folder


def test_two_archives_become_one(box: Path) -> None:
    """A line for each, exit status 0; the result is whole, and its runs are those of both and the merges."""
    done = backfile("--archive", "one", "merge", "africa", "all", folder=box)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("africa: ")
    assert second.startswith("all: ")
    assert "12 articles" in backfile("--archive", "one", "status", folder=box).stdout
    assert backfile("--archive", "one", "verify", folder=box).returncode == 0
    assert "run 4  merge" in backfile("--archive", "one", "report", folder=box).stdout


def test_what_is_lacking_is_said(box: Path) -> None:
    """Exit status 1, the hash of what is missing, and what becomes of it."""
    shutil.copytree(box / "africa", box / "torn")
    victim = next(path for path in (box / "torn" / "media").rglob("*") if path.is_file())
    victim.unlink()
    done = backfile("--archive", "two", "merge", "torn", folder=box)
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert f"{victim.stem} is missing from torn, or damaged" in said
    assert "URLs are due again" in said
    assert backfile("--archive", "two", "verify", folder=box).returncode == 0


@pytest.mark.parametrize(
    "others, words",
    [(["africa", "one-more"], "no archive at one-more"), (["all"], "is the archive itself"), ([], "Missing argument")],
)
def test_a_wrong_other_is_named_before_anything_is_merged(box: Path, others: list[str], words: str) -> None:
    """Exit status 2, whichever of them it is, and nothing has been written."""
    before = (box / "all" / "archive.db").read_bytes()
    done = backfile("--archive", "all", "merge", *others, folder=box)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert (box / "all" / "archive.db").read_bytes() == before


def test_the_archive_by_another_name_is_the_archive_itself(box: Path) -> None:
    """A link to it, or a second name of its database, is not merged into it."""
    (box / "alias").symlink_to(box / "all")
    (box / "linked").mkdir()
    (box / "linked" / "archive.db").hardlink_to(box / "all" / "archive.db")
    for name in ("alias", "linked"):
        done = backfile("--archive", "all", "merge", name, folder=box)
        assert (done.returncode, "is the archive itself" in " ".join(done.stderr.split())) == (2, True)
