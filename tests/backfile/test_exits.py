"""Exit statuses: promised, documented, and chosen."""

from __future__ import annotations

import asyncio
import errno
import re
from pathlib import Path

import pytest

from backfile.crawling import exit_of as exit_of_crawl
from backfile.errors import ConfigError, UsageError
from backfile.exits import MEANINGS, Exit, exit_of, most_specific
from crawler.errors import UnknownSite
from crawler.plan import Summary
from simulator import Newsroom, Options
from storage import errors
from storage.listings import Walk
from storage.records import Tally
from tests.backfile.test_command_line import backfile
from tests.crawling import crawl, rows, site_of

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_is_in_the_readme() -> None:
    """Every status has a meaning, and the README lists them all."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    assert sorted(int(number) for row in listed for number in row.split(",")) == sorted(int(s) for s in Exit)
    assert set(MEANINGS) == set(Exit)


@pytest.mark.parametrize(
    "error, status",
    [
        (ConfigError("x"), 2),
        (UsageError("x"), 2),
        (UnknownSite("x"), 2),
        (errors.ArchiveMissing("x"), 2),
        (errors.NothingSelected("x"), 2),
        (errors.BadDestination("x"), 2),
        (errors.ArchiveInUse("x"), 3),
        (errors.ArchiveForeign("x"), 4),
        (errors.ArchiveTooNew("x"), 4),
        (errors.OutOfSpace("x"), 5),
        (OSError(errno.ENOSPC, "x"), 5),
        (OSError(errno.EMFILE, "x"), 5),
        (ExceptionGroup("x", [errors.OutOfSpace("y"), ExceptionGroup("z", [errors.OutOfSpace("y")])]), 5),
        (RuntimeError("a bug"), None),
        (ExceptionGroup("x", [errors.OutOfSpace("y"), RuntimeError("a bug")]), None),
    ],
)
def test_errors_have_their_status(error: Exception, status: int | None) -> None:
    """What a user can cause has a status; what only we can has none."""
    assert exit_of(error) == status


def test_everything_that_storage_refuses_has_a_status() -> None:
    """No error that says what a user can do about it is taken for a mistake of ours."""
    refusals = errors.StorageError.__subclasses__()
    assert errors.NothingSelected in refusals
    assert [one for one in refusals if exit_of(one("x")) is None] == []


def test_the_most_specific_status_wins() -> None:
    """The highest below 100 wins, a signal over all."""
    assert most_specific([Exit.INCOMPLETE, Exit.UNREACHABLE, Exit.OK]) is Exit.UNREACHABLE
    assert most_specific([Exit.LIMIT, Exit.TERMINATED]) is Exit.TERMINATED
    assert most_specific([]) is Exit.OK


TRUNCATED = Walk("dm:category/africa", 10, "truncated", 0, ())
UNAVAILABLE = Walk("dm:category/africa", 10, "unavailable", 0, ())
COMPLETE = Walk("dm:category/africa", 10, "complete", 0, ())
HELPER = Walk("dm:keyword/mali", 10, "truncated", -1, ())


@pytest.mark.parametrize(
    "changes, status",
    [
        ({}, Exit.OK),
        ({"failed": {"media": 1}, "causes": {"not-a-picture": 1}}, Exit.INCOMPLETE),
        ({"walks": [TRUNCATED]}, Exit.INCOMPLETE),
        ({"walks": [HELPER]}, Exit.OK),
        ({"partial": 1}, Exit.INCOMPLETE),
        ({"left": 3}, Exit.INCOMPLETE),
        ({"key_refused": "api.example.org", "stopped_by": "key"}, Exit.KEY_REFUSED),
        ({"hosts_given_up": {"x": "down"}, "failed": {"media": 1}}, Exit.UNREACHABLE),
        ({"failed": {"listing": 1}, "causes": {"connection-refused": 1}}, Exit.UNREACHABLE),
        ({"walks": [UNAVAILABLE], "routes_lost": {"connection-refused", "bot-wall"}}, Exit.UNREACHABLE),
        ({"walks": [UNAVAILABLE], "routes_lost": {"not-found"}}, Exit.INCOMPLETE),
        ({"walks": [UNAVAILABLE, TRUNCATED], "routes_lost": {"connection-refused"}}, Exit.INCOMPLETE),
        ({"walks": [COMPLETE], "routes_lost": {"connection-refused"}}, Exit.OK),
        ({"routes_lost": {"connection-refused"}, "tally": Tally(articles_new=1)}, Exit.OK),
        ({"stopped_by": "time", "left": 9}, Exit.LIMIT),
        ({"stopped_by": "budget", "failed": {"media": 60}, "left": 9}, Exit.BUDGET),
        ({"stopped_by": "SIGINT"}, Exit.INTERRUPTED),
        ({"stopped_by": "SIGTERM", "hosts_given_up": {"x": "down"}}, Exit.TERMINATED),
    ],
)
def test_a_crawl_ends_with_the_promised_status(changes: dict[str, object], status: Exit) -> None:
    """What a crawl could not do decides its exit status."""
    assert exit_of_crawl(Summary(**changes)) is status  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (
            ["export", "site", "out", "--category", "nosuch"],
            ["'nosuch'", "archive/archive.db", "FROM categories"],
        ),
        (["export", "site", "out", "--until", "1999"], ["until 1999-12-31", "published from 2021-"]),
        (["export", "site", "file"], ["file", "no folder"]),
        (["backup", "file/x"], ["file/x", "no folder"]),
        (["backup", "archive/media"], ["archive/media", "cannot lie inside", "elsewhere"]),
        (["show", "ARTICLE", "--revision", "9" * 20], ["no revision", "--revisions"]),
    ],
    ids=str,
)
def test_what_cannot_be_written_or_shown_is_wrong_usage(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """Status 2 and a sentence with the remedy; nothing is written."""

    async def make() -> None:
        async with Newsroom(Options(articles=12)) as room:
            await crawl(tmp_path / "archive", site_of(room), "dm:category/africa", media=False)

    asyncio.run(make())
    ((article,),) = rows(tmp_path / "archive", "SELECT site || ':' || id FROM articles LIMIT 1")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    ended = backfile(*(str(article) if one == "ARTICLE" else one for one in arguments), folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    for word in words:
        assert word in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "file"]
