"""Standard output and error, whatever they are: closed, given up by readers, full, in an encoding of few letters."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator import Newsroom, Options
from storage.verify import verify
from tests.backfile.test_command_line import PATIENCE, backfile, environment, newsroom
from tests.crawling import column, crawl, rows, site_of

ALL_CLOSED = "<&- >&- 2>&-"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of a newsroom that is closed again."""
    folder = tmp_path_factory.mktemp("output")

    async def make() -> None:
        async with Newsroom(Options(articles=12)) as room:
            await crawl(folder / "archive", site_of(room, key="box-key"), "dm:category/africa")

    asyncio.run(make())
    return folder


def redirected(redirection: str, *arguments: object, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command as a shell does that was told where its output goes."""
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "backfile.cli", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ALL_CLOSED])
@pytest.mark.parametrize(
    "arguments, status",
    [
        (["status"], 0),
        (["search", "the", "--json"], 0),
        (["--version"], 0),
        (["show", "dm:1"], 2),
        (["crawl", "-x"], 2),
    ],
    ids=str,
)
def test_what_cannot_be_said_changes_nothing(kept: Path, redirection: str, arguments: list[str], status: int) -> None:
    """With closed streams a command does what it does, ends with its own status, and complains of nothing."""
    ended = redirected(redirection, *arguments, folder=kept)
    assert ended.returncode == status
    assert b"Traceback" not in ended.stderr


def test_a_crawl_whose_streams_are_closed_says_nothing_into_the_archive(tmp_path: Path) -> None:
    """The numbers of closed streams do not go to files of the archive, which log lines would then be written into."""
    with newsroom(tmp_path, "--articles", "12") as config:
        ended = redirected(ALL_CLOSED, "--config", config, "-v", "crawl", folder=tmp_path)
    assert ended.returncode == 0
    assert list(verify(tmp_path / "archive")) == []


@pytest.mark.parametrize(
    "arguments, status", [(["search", "the"], 0), (["status", "--json"], 0), (["verify"], 1)], ids=str
)
def test_a_reader_that_has_enough_is_no_failure(kept: Path, tmp_path: Path, arguments: list[str], status: int) -> None:
    """Nobody reads the output: nothing is said of that, and the status is still about the archive."""
    shutil.copytree(kept / "archive", tmp_path / "archive")
    next((tmp_path / "archive" / "media").rglob("*.jpg")).write_bytes(b"rubbish")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "backfile.cli", *arguments]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment(), stdout=writing, stderr=subprocess.PIPE, timeout=PATIENCE, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (status, b"")


def test_output_that_finds_no_room_is_said_to_be_lost(kept: Path) -> None:
    """A full disk under standard output is named as that; one under standard error cannot be told to anybody."""
    ended = redirected(">/dev/full", "why", "--json", "dm:1", folder=kept)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (5, 1)
    assert b"standard output" in ended.stderr
    assert redirected("2>/dev/full", "show", "dm:1", folder=kept).returncode == 2


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_letters_that_the_encoding_lacks_are_shown_as_escapes(kept: Path, encoding: str) -> None:
    """Text is printed, with escapes in it, on both streams."""
    article = f"dm:{min(str(one) for one in column(kept / 'archive', 'SELECT id FROM articles'))}"
    for arguments, status in ((["search", "the"], 0), (["show", article], 0), (["show", "…"], 2)):
        ended = redirected("", *arguments, folder=kept, PYTHONIOENCODING=encoding, PYTHONUTF8="1")
        assert ended.returncode == status
        assert b"\\u20" in ended.stdout + ended.stderr
        (ended.stdout + ended.stderr).decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_documents_are_whole_in_every_encoding(kept: Path, encoding: str) -> None:
    """JSON is the same document, and an article's own JSON the same bytes."""
    identity, text = rows(kept / "archive", "SELECT article_id, json FROM revisions WHERE json LIKE '%é%' LIMIT 1")[0]
    article, other = f"dm:{identity}", {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    plain = backfile("show", article, "--json", folder=kept, PYTHONUTF8="1").stdout
    assert not plain.isascii()
    escaped = backfile("show", article, "--json", folder=kept, **other).stdout
    assert escaped.isascii()
    assert json.loads(escaped) == json.loads(plain)
    assert backfile("show", article, "--raw", folder=kept, **other).stdout == text
