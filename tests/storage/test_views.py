"""The public views: every promised column is there, and says what it promises."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage import frontier
from storage.database import open_for_reading
from storage.opening import open_store
from storage.records import Failure, Kind, Tally
from tests.storage import making
from tests.storage.making import NOW, article, one, rows, wanted

PROMISED = {
    "articles": "site, id, url, title, status, first_published, last_update, first_published_raw, last_update_raw, "
    "primary_category, authors, keywords, summary, word_count, revisions, first_seen_at, last_checked_at, gone_at",
    "revisions": "site, article_id, number, fetched_at, content_hash, json",
    "media": "url, site, article_id, attachment_id, role, transform, state, sha256, bytes, media_type, width, height, "
    "path, http_status, attempts, error",
    "captures": "url, fetched_at, http_status, media_type, sha256, bytes, headers, run",
    "categories": "site, id, name, slug, url, articles",
    "keywords": "site, id, name, slug, url, articles",
    "authors": "site, id, name, slug, url, articles",
    "runs": "id, command, started_at, finished_at, exit_status, requests, bytes, articles_new, articles_changed, "
    "articles_gone, media_new, failures",
    "failures": "url, kind, error, attempts, last_attempt_at, next_attempt_at",
}
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views")
    asyncio.run(fill(folder))
    return folder


async def fill(folder: Path) -> None:
    await making.make_archive(folder, articles=2, pictures=2)
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        await making.keep_article(store, article("3"), ["https://cdn.example.org/3.jpg"])
        jobs, _ = await store.claim(range(1, 12), {}, 9)
        for job in jobs:
            gone = Failure("not_found", "the server has no such file", NOW, None, http_status=404)
            await store.fail(job, gone, in_run=False)
        tally = Tally(requests=7, bytes=70, articles_new=3, media_new=4, failures=1)
        await store.end_run(tally, 1, ["one picture is not there"])


@pytest.fixture
def connection(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_reading(folder / "archive.db")) as connection:
        connection.row_factory = None
        yield connection


@pytest.mark.parametrize("view, columns", PROMISED.items(), ids=PROMISED)
def test_every_promised_column_is_there(connection: sqlite3.Connection, view: str, columns: str) -> None:
    """A script that names the promised columns works, in their order; more may follow."""
    promised = columns.split(", ")
    assert [name for _, name, *_ in rows(connection, f"PRAGMA table_info({view})")][: len(promised)] == promised
    assert rows(connection, f"SELECT {columns} FROM {view}")


def test_articles(connection: sqlite3.Connection) -> None:
    """Times are UTC, names are JSON arrays, revisions are counted."""
    for article_row in rows(connection, f"SELECT {PROMISED['articles']} FROM articles"):
        row = dict(zip(PROMISED["articles"].split(", "), article_row, strict=True))
        assert all(UTC.fullmatch(row[name]) for name in ("first_published", "last_update", "first_seen_at"))
        assert row["first_published_raw"] == "2023-07-06 12:54:06"
        assert (json.loads(row["authors"]), json.loads(row["keywords"])) == (["Ada Mensah"], ["Ecowas"])
        assert (row["primary_category"], row["revisions"], row["gone_at"]) == ("Africa", 1, None)


def test_media_paths_lead_to_the_files(connection: sqlite3.Connection, folder: Path) -> None:
    """What is stored is where its path says, of the size it says, under the name of its content."""
    stored = rows(connection, "SELECT path, bytes, sha256 FROM media WHERE state = 'stored'")
    assert len(stored) == 4
    for path, size, sha256 in stored:
        assert (folder / path).stat().st_size == size
        assert Path(path).stem == sha256


def test_media_that_is_not_there_says_why(connection: sqlite3.Connection) -> None:
    """A failed picture has no path, and the reason."""
    assert rows(connection, "SELECT path, sha256, http_status, attempts, error FROM media WHERE state = 'failed'") == [
        (None, None, 404, 1, "the server has no such file")
    ]


def test_media_states_are_those_promised(connection: sqlite3.Connection) -> None:
    """No state of the frontier shows under another word than the promised ones."""
    states = {state for (state,) in rows(connection, "SELECT DISTINCT state FROM media")}
    assert states <= {"stored", "queued", "failed", "gone", "skipped"}


def test_what_is_being_fetched_is_shown_as_queued() -> None:
    """Work in hand is no state of its own to the outside."""
    with closing(making.memory()) as own:
        frontier.enqueue(own, [wanted("https://x/1.jpg", Kind.MEDIA)], scope=1, found_on=None, now=NOW)
        own.execute(
            "INSERT INTO article SELECT 1, 'dm', '1', '', '', '', '', '', '', '', '', '', 1, 'api', '', '', '', ''"
        )
        own.execute("INSERT INTO rendition VALUES (1, 1, 0, 'original', NULL, NULL, NULL)")
        frontier.claim(own, [1], {}, 9, NOW)
        assert one(own, "SELECT state FROM media") == "queued"


def test_captures_have_their_headers_as_json(connection: sqlite3.Connection) -> None:
    """A header is found by its name in lower case."""
    types = rows(connection, "SELECT DISTINCT json_extract(headers, '$.content-type') FROM captures")
    assert types == [("application/json",)]
    assert one(connection, "SELECT count(*) FROM captures WHERE kind = 'article'") == 3


def test_terms_count_their_articles(connection: sqlite3.Connection) -> None:
    """Each category, keyword and author says how many articles we hold."""
    for view, count in (("categories", 2), ("keywords", 1), ("authors", 1)):
        assert rows(connection, f"SELECT articles FROM {view}") == [(3,)] * count


def test_runs(connection: sqlite3.Connection) -> None:
    """A finished run tells what it did; one that was cut off has no end."""
    cut_off, finished = rows(connection, f"SELECT {PROMISED['runs']} FROM runs ORDER BY id")
    assert cut_off[3:5] == (None, None)
    assert UTC.fullmatch(finished[3])
    assert finished[4:] == (1, 7, 70, 3, 0, 0, 4, 1)


def test_failures_say_when_they_are_tried_again() -> None:
    """Given up is null; what waits for another try, in this run or a later one, has a time."""
    with closing(making.memory()) as own:
        frontier.enqueue(own, [wanted(n) for n in "123"], scope=1, found_on=None, now=NOW)
        for row, (retry_at, in_run) in enumerate([(None, False), (NOW + 60, False), (NOW + 60, True)], 1):
            frontier.fail(own, row, Failure("timeout", "no answer", NOW, retry_at), run=1, capture=None, in_run=in_run)
        assert rows(own, "SELECT error, attempts, last_attempt_at, next_attempt_at FROM failures ORDER BY url") == [
            ("no answer", 1, making.FETCHED_AT, None),
            ("no answer", 1, making.FETCHED_AT, "2023-11-14T22:14:20Z"),
            ("no answer", 1, making.FETCHED_AT, "2023-11-14T22:14:20Z"),
        ]
