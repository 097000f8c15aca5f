"""Renditions that are kept together leave what each would leave alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storage import absences, frontier, keeping, received
from storage.keeping import Work
from storage.opening import open_store
from storage.reading import open_reading
from storage.received import Received
from storage.records import Capture, Failure, FileRecord, Job, Kind
from storage.verify import verify
from tests.storage import making
from tests.storage.making import NOW, article, capture, wanted

URLS = [f"https://cdn.example.org/{number}.jpg" for number in range(4)]
FILES = [
    FileRecord(digit * 64, 9, "image/jpeg", "jpg", *size)
    for digit, size in (("a", (600, 400)), ("b", (600, 400)), ("c", (6, 4)), ("d", (None, None)))
]
STEPS = st.one_of(
    st.tuples(st.just("media"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("media"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.sampled_from(["fail", "absent", "article"]), st.integers(0, 3), st.just(0)),
)


def archive() -> sqlite3.Connection:
    """Return an archive of one article that wants the pictures, an original and its transforms."""
    connection = making.memory()
    keep_article(connection, "1", NOW)
    return connection


def keep_article(connection: sqlite3.Connection, title: str, now: float) -> None:
    want = wanted("1")
    keeping.begin_target(connection, want, refresh=True, work=making.WORK)
    record = article("1", title=title, renditions=making.renditions(URLS))
    media = [wanted(url, Kind.MEDIA) for url in URLS]
    work = Work(run=1, now=now, follow=lambda *_: ())
    keeping.keep_article(connection, job_of(connection, want.key, Kind.ARTICLE), capture(), record, media, (), work)


def job_of(connection: sqlite3.Connection, key: str, kind: Kind = Kind.MEDIA) -> Job:
    job = frontier.find(connection, kind, key)
    assert job is not None
    return job


def answer(url: str, file: FileRecord) -> Capture:
    return capture(None, url=url, sha256=file.sha256, size=file.size, media_type=file.media_type)


def play(connection: sqlite3.Connection, steps: list[tuple[str, int, int]], *, together: bool) -> list[str]:
    """Take the steps, ten hours apart, renditions next to each other together or not; return all that it left."""
    kept = 0
    for is_media, some in groupby(enumerate(steps), lambda step: step[1][0] == "media"):
        if not is_media:
            for place, (kind, number, _) in some:
                other(connection, kind, URLS[number], NOW + place * 36_000)
            continue
        many = [
            Received(
                job_of(connection, URLS[url]), answer(URLS[url], FILES[file]), FILES[file], 1, NOW + place * 36_000
            )
            for place, (_, url, file) in some
        ]
        kept += len(many)
        if together:
            received.keep_all(connection, many)
        else:
            for one in many:
                received.keep(connection, one)
    assert making.one(connection, "SELECT count(*) FROM captures WHERE kind = 'media'") == kept
    return list(connection.iterdump())


def other(connection: sqlite3.Connection, kind: str, url: str, now: float) -> None:
    failure = Failure("gone" if kind == "absent" else "timeout", "It did not come.", now, now + 60)
    if kind == "article":
        keep_article(connection, f"Title {now}", now)
    elif kind == "absent":
        absences.note(connection, job_of(connection, url), failure, None, run=1, confirm_after=36_000.0, plan=None)
    else:
        frontier.fail(connection, job_of(connection, url).id, failure, run=1, capture=None, in_run=True)


@given(st.lists(STEPS, max_size=12))
def test_together_or_one_by_one(steps: list[tuple[str, int, int]]) -> None:
    """Row for row the same, whatever was held or absent before, and in whatever order it comes."""
    with closing(archive()) as one, closing(archive()) as other:
        assert play(one, steps, together=True) == play(other, steps, together=False)


async def test_a_wrong_row_costs_that_row(tmp_path: Path) -> None:
    """What breaks a rule of the schema is a failure of one rendition, which says so; its neighbours are kept."""
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await making.keep_article(store, article("1"), URLS)
        jobs, _ = await store.claim([1], {}, 10)
        await making.keep_media(store, jobs[0], b"the first")
        await store.keep_media(jobs[1], capture(None, http_status=None), FILES[0], partial(unkept, store.now()))
        for job in jobs[2:]:
            await making.keep_media(store, job, job.url.encode())
    with open_reading(tmp_path) as reading:
        states = making.rows(reading.connection, "SELECT state, count(*) FROM media GROUP BY 1 ORDER BY 1")
        assert list(map(tuple, states)) == [("failed", 1), ("stored", len(URLS) - 1)]
        ((url, error),) = making.rows(reading.connection, "SELECT url, error FROM failures")
        assert (url, error) == (jobs[1].url, "NOT NULL constraint failed: capture.http_status")
    assert list(verify(tmp_path)) == []


def unkept(now: float, mistake: Exception) -> Failure:
    return Failure("internal", str(mistake), now, now + 60)


async def test_cut_off_between_two_handfuls(tmp_path: Path) -> None:
    """What was not committed is due again, and is kept the second time as if for the first."""
    first = tmp_path / "first"
    async with open_store(first) as store:
        await store.begin_run("crawl")
        await making.keep_article(store, article("1"), URLS)
        jobs, _ = await store.claim([1], {}, 10)
        for job in jobs[:2]:
            await making.keep_media(store, job, job.url.encode())
        await store.flush()
        for job in jobs[2:]:
            await making.keep_media(store, job, job.url.encode())
        copy = tmp_path / "copy"  # as the disk is now: the log beside the database has the one commit, not the other
        await asyncio.to_thread(copy.mkdir)
        for name in ("archive.db", "archive.db-wal"):
            (copy / name).write_bytes((first / name).read_bytes())
    async with open_store(copy) as store:
        jobs, _ = await store.claim([1], {}, 10)
        assert [job.url for job in jobs] == URLS[2:]
        for job in jobs:
            await making.keep_media(store, job, job.url.encode())
    holdings = "SELECT f.key, h.sha256 FROM holding AS h JOIN frontier AS f ON f.id = h.frontier ORDER BY 1"
    with open_reading(first) as one, open_reading(copy) as other:
        assert making.rows(one.connection, holdings) == making.rows(other.connection, holdings)
        assert making.one(other.connection, "SELECT count(*) FROM captures WHERE kind = 'media'") == len(URLS)
