"""`why`: the whole story of a URL, as a person reads it and as JSON."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.backfile.test_command_line import backfile, newsroom


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an archive in which one article was walled off and one picture never came."""
    folder = tmp_path_factory.mktemp("why")
    faults = ("captcha:url=/content/1100012:forever", "http-404:url=portrait_:forever")
    with newsroom(folder, "--articles", "8", "--faults", *faults) as config:
        done = backfile("--config", config, "crawl", "dm:publication/1", folder=folder, BACKFILE_DM_KEY="box-key")
    assert done.returncode == 1
    return folder


def why(box: Path, *arguments: str) -> tuple[int, str]:
    """Return the exit status and the words of `why`."""
    done = backfile("--config", box / "box.toml", "why", *arguments, folder=box)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def story(box: Path, url: str) -> dict[str, object]:
    """Return the story of a URL as JSON."""
    found: dict[str, object] = json.loads(why(box, "--json", url)[1])
    return found


def test_a_failure_is_told_from_how_it_was_found_to_what_happens_next(box: Path) -> None:
    """Every attempt with its answer, the reason, the listing that named it, and when it is due again."""
    status, words = why(box, "dm:1100012")
    assert status == 1
    assert "not archived; the last attempt failed: a block page came with status 200" in words
    assert words.count("block-page: ") == 3
    assert "publication/1/content" in words
    assert "tried again from 20" in words


def test_an_archived_article_names_its_revision(box: Path) -> None:
    """What is held, and which answer it came from."""
    status, words = why(box, "dm:1100023")
    assert status == 0
    assert "archived: article dm:1100023, 1 revision" in words
    assert "sha256" in words
    assert "revision 1" in words
    assert story(box, "dm:1100023")["state"] == "done"


def test_a_picture_says_who_uses_it(box: Path) -> None:
    """A picture that is not there names the articles that show it, and the remedy."""
    failures = json.loads(backfile("--config", box / "box.toml", "status", "--json", folder=box).stdout)["failures"]
    url = next(failure["url"] for failure in failures if "portrait_" in failure["url"])
    status, words = why(box, url)
    assert status == 1
    assert "not archived; the last attempt failed: HTTP 404" in words
    assert "used by dm:" in words
    assert "tried again from" in words
    uses = story(box, url)["uses"]
    assert isinstance(uses, list)
    assert uses[0]["role"]


def test_what_is_held_stays_archived_while_it_is_looked_at_again(box: Path) -> None:
    """A picture, or an article, whose last look failed is archived, and the failure is said beside that."""
    with closing(sqlite3.connect(box / "archive" / "archive.db")) as archive, archive:
        (url,) = archive.execute("SELECT url FROM media WHERE state = 'stored' LIMIT 1").fetchone()
        archive.execute("UPDATE frontier SET state = 'failed', error = 'HTTP 500' WHERE key = ?", (url,))
        assert archive.execute("SELECT state FROM media WHERE url = ?", (url,)).fetchone() == ("stored",)
    status, words = why(box, url)
    assert status == 0
    assert "archived: media/" in words
    assert "; the last attempt failed: HTTP 500" in words


def test_a_listing_that_names_nothing_is_a_failure(box: Path) -> None:
    """A walk that came to nothing by any route is not archived; it is among the failures, and due again."""
    with newsroom(box, "--articles", "8") as config:
        done = backfile("--config", config, "crawl", "dm:category/none", folder=box, BACKFILE_DM_KEY="box-key")
    assert done.returncode == 1
    assert "1 listing failed" in done.stderr
    status, words = why(box, "dm:category/none")
    assert status == 1
    assert "not archived; the last attempt failed: " in words
    assert "tried again from 20" in words
    with closing(sqlite3.connect(box / "archive" / "archive.db")) as archive:
        failures = "SELECT attempts, next_attempt_at > '2' FROM failures WHERE fault = 'nothing-listed'"
        assert archive.execute(failures).fetchall() == [(1, 1)]


@pytest.mark.parametrize(
    "url, words",
    [
        ("dm:999", "is not known: no article or target of this archive named it. To archive it: backfile crawl dm:999"),
        ("https://evil.example/a.jpg", "evil.example is no host of a configured site"),
        ("http://127.0.0.1/\x1b[31m.jpg", "is not known"),
    ],
)
def test_what_is_not_known_is_said_with_the_reason(box: Path, url: str, words: str) -> None:
    """Nothing is made up about a URL that nobody named, and nothing of it reaches the terminal unescaped."""
    status, told = why(box, url)
    assert status == 1
    assert words in told
    assert "\x1b" not in told
    assert story(box, url)["state"] == "unknown"
