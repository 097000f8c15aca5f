"""Kept answers, read again by the rules that a crawl keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.reparse import reparse
from crawler.sites import Site
from storage.opening import open_store
from storage.records import Failure
from storage.store import Store
from storage.verify import verify
from tests.crawling import rows
from tests.storage import making

SITE = Site("dm", "https://www.example.org", api_url="https://www.example.org/cms")
LATER = "2023-11-17T00:00:00Z"


def answer(cms_id: int, status: str = "publish", **changes: object) -> bytes:
    """Return an answer of the API."""
    url = f"https://www.example.org/article/2023-01-01-t{cms_id}/"
    fields = {"id": cms_id, "objectType": "Article", "title": f"Title {cms_id}", "contents": "<p>Its text.</p>"}
    return json.dumps({"data": [{**fields, "status": status, "url": url, **changes}]}).encode()


async def keep_unread(store: Store, key: str, body: bytes) -> None:
    """Keep an answer that the reader of its day made nothing of."""
    scopes = await store.begin_targets([making.wanted(key)], refresh=True)
    job = await making.only_job(store, scopes)
    failure = Failure("unreadable", "not understood", store.now(), store.now() + 60)
    await store.keep_unread(job, making.capture(body, fetched_at=LATER, error="not understood"), failure, in_run=False)


async def test_what_could_not_be_read_is_an_article_now(tmp_path: Path) -> None:
    """It is held, its failure is over, and nothing was fetched for it."""
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await keep_unread(store, "7", answer(7))
        result = await reparse(store, {"dm": SITE})
    assert (result.captures, result.new, result.problems) == (1, 1, [])
    assert rows(tmp_path, "SELECT id, title, source FROM articles") == [("7", "Title 7", "api")]
    assert rows(tmp_path, "SELECT state FROM frontier") == [("done",)]
    assert list(verify(tmp_path)) == []


@pytest.mark.parametrize(
    "body, problem",
    [
        (answer(3), "asked for article 7, the answer holds 3"),
        (answer(7, status="draft", contents="<p>Not for the public.</p>"), "its status was draft"),
    ],
)
async def test_what_a_crawl_would_refuse_is_refused(tmp_path: Path, body: bytes, problem: str) -> None:
    """Another article than was asked for, or one that was taken back, replaces nothing and ends no failure."""
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await keep_unread(store, "7", answer(7))
        await reparse(store, {"dm": SITE})
        await keep_unread(store, "7", body)
        result = await reparse(store, {"dm": SITE})
    assert (result.new, result.unread) == (0, 1)
    assert problem in result.problems[0]
    assert rows(tmp_path, "SELECT id, title, status, revisions FROM articles") == [("7", "Title 7", "publish", 1)]
    assert rows(tmp_path, "SELECT state FROM frontier") == [("failed",)]


async def test_an_answer_without_the_texts_is_a_part_of_an_article(tmp_path: Path) -> None:
    """As a list has it: it is archived, it says that it is partial, and it never replaces the whole one."""
    compact = answer(7, contents="", content_length=5_210)
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await keep_unread(store, "7", compact)
        await reparse(store, {"dm": SITE})
        assert rows(tmp_path, "SELECT source, word_count FROM articles") == [("partial", 0)]
        await keep_unread(store, "7", answer(7))
        await keep_unread(store, "7", compact)
        await reparse(store, {"dm": SITE})
    assert rows(tmp_path, "SELECT source, word_count FROM articles") == [("api", 2)]
