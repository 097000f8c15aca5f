"""What one run did, from the rows that it left behind."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import runevents, runfacts, runtraffic
from storage.opening import open_store
from storage.reading import Reading, open_reading
from storage.records import Failure, Job, Kind
from storage.runfacts import Run
from storage.store import Store
from tests.storage import making

URL = "https://cdn.example.org/1/0.jpg"


async def picture(store: Store, content: bytes) -> None:
    """Archive the one picture anew."""
    scopes = await store.begin_targets([making.wanted(URL, Kind.MEDIA)], refresh=True)
    await making.keep_media(store, await making.only_job(store, scopes), content)


async def failed(store: Store, cms_id: str, fault: str) -> None:
    """Try an article in vain."""
    scopes = await store.begin_targets([making.wanted(cms_id)], refresh=True)
    job: Job = await making.only_job(store, scopes)
    await store.fail(job, Failure(fault, f"it was {fault}", at=1_700_000_000.0, retry_at=1_700_003_600.0), in_run=False)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return an archive with two runs: three articles and a picture; then a change, a new one, another picture."""
    archive = tmp_path / "archive"
    async with open_store(archive) as store:
        await store.begin_run("crawl one")
        for number in "123":
            await making.keep_article(store, making.article(number))
        await picture(store, b"one picture" * 300)
        await failed(store, "8", "server-error")
        await store.flush()
    async with open_store(archive) as store:
        await store.begin_run("crawl two")
        await making.keep_article(store, making.article("2", title="Another title"))
        await making.keep_article(store, making.article("3"))
        await making.keep_article(store, making.article("4"))
        await picture(store, b"another one" * 300)
        for cms_id, fault in (("9", "read-timeout"), ("9", "server-error"), ("7", "server-error")):
            await failed(store, cms_id, fault)
        await store.flush()
    with contextlib.closing(sqlite3.connect(archive / "archive.db")) as database:
        database.execute("UPDATE run SET started_at = '2026-01-0' || id || 'T00:00:00Z'")
        database.execute("UPDATE run SET finished_at = '2026-01-02T01:00:00Z', notes = '[\"look\"]' WHERE id = 2")
        database.commit()
    return archive


@pytest.fixture
def reading(folder: Path) -> Iterator[Reading]:
    """Return the archive, open."""
    with open_reading(folder) as found:
        yield found


def run(reading: Reading, number: int = 2) -> Run:
    """Return a run that is there."""
    found = runfacts.run(reading.connection, number)
    assert found is not None
    return found


def absent(folder: Path, article: str, **when: str) -> None:
    """Let an article have been absent."""
    times = {"since": "2026-01-01T12:00:00Z", "seen_at": "2026-01-01T12:00:00Z", "gone_at": None, "returned_at": None}
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        database.execute(
            "INSERT INTO absence (frontier, evidence, since, seen_at, gone_at, returned_at) "
            "SELECT id, 'HTTP 404', :since, :seen_at, :gone_at, :returned_at FROM frontier WHERE key = :key",
            {**times, **when, "key": f"{making.SITE}:{article}"},
        )
        database.commit()


def test_a_run_is_over_when_the_next_begins(reading: Reading) -> None:
    """Without an end of its own, too; its notes and its hash are as it left them."""
    assert (run(reading, 1).finished_at, run(reading, 1).until) == (None, "2026-01-02T00:00:00Z")
    assert (run(reading).until, run(reading).notes, run(reading).manifest_root) == (
        "2026-01-02T01:00:00Z",
        ("look",),
        "",
    )
    assert runfacts.run(reading.connection, 3) is None
    assert runfacts.last(reading.connection) == 2
    assert [one.id for one in runfacts.recent(reading.connection, 2, 10)] == [1, 2]
    assert [one.id for one in runfacts.recent(reading.connection, 2, 1)] == [2]


def test_what_came_in_and_what_changed_are_told_apart(reading: Reading) -> None:
    """A first revision came in, a later one is a change with the one before; an answer that was the same is neither."""
    first, second = run(reading, 1), run(reading)
    assert runevents.new(reading.connection, first, 10).total == 3
    assert runevents.changed(reading.connection, first, 10).total == 0
    assert runevents.new(reading.connection, second, 10).shown == (reading.find_article(making.SITE, "4"),)
    (edit,) = runevents.changed(reading.connection, second, 10).shown
    assert edit.article == reading.find_article(making.SITE, "2")
    assert (edit.old.number, edit.new.number) == (1, 2)
    assert "Another title" in edit.new.json


def test_of_many_the_first_are_given_and_all_are_counted(reading: Reading) -> None:
    """So that a page stays a page."""
    found = runevents.new(reading.connection, run(reading, 1), 2)
    assert (found.total, len(found.shown), found.more) == (3, 2, 1)


def test_a_picture_that_is_another_one_is_told(reading: Reading) -> None:
    """With what it was and what it is; the first time there was nothing to differ from."""
    assert runevents.replaced(reading.connection, run(reading, 1), 10).total == 0
    (one,) = runevents.replaced(reading.connection, run(reading), 10).shown
    assert one.url == URL
    assert one.old_sha256 != one.new_sha256
    assert runfacts.size(reading.connection, reading.folder).files == 2


@pytest.mark.parametrize(
    "when, kind",
    [
        ({"seen_at": "2026-01-02T00:30:00Z"}, "absent"),
        ({"seen_at": "2026-01-02T00:30:00Z", "gone_at": "2026-01-02T00:30:00Z"}, "gone"),
        ({"seen_at": "2026-01-02T00:30:00Z", "gone_at": "2026-01-05T00:00:00Z"}, "absent"),
        ({"returned_at": "2026-01-02T00:30:00Z"}, "returned"),
        ({"gone_at": "2026-01-01T20:00:00Z", "returned_at": "2026-01-02T00:30:00Z"}, "returned"),
        ({"seen_at": "2026-01-02T00:30:00Z", "gone_at": "2026-01-01T20:00:00Z"}, ""),
        ({}, ""),
    ],
)
def test_absences_belong_to_the_run_that_saw_them(folder: Path, when: dict[str, str], kind: str) -> None:
    """Absent, confirmed to be gone, there again: each is news once, as it stood when the run was over."""
    absent(folder, "2", **when)
    absent(folder, "9", **when)  # never held: nothing is lost
    with open_reading(folder) as reading:
        found = runevents.absences(reading.connection, run(reading), 10)
        told = {name: some.total for name, some in found.items() if some.total}
        assert told == ({kind: 1} if kind else {})
        if kind:
            (one,) = found[kind].shown
            assert (one.article, one.evidence) == (reading.find_article(making.SITE, "2"), "HTTP 404")


def test_a_held_picture_that_is_absent_is_lost(folder: Path) -> None:
    """It is told when it is first missed, and when it is gone for good."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        database.execute(
            "INSERT INTO absence (frontier, evidence, since, seen_at) SELECT id, 'HTTP 404', '2026-01-02T00:10:00Z', "
            "'2026-01-02T00:10:00Z' FROM frontier WHERE key = ?",
            (URL,),
        )
        database.commit()
    with open_reading(folder) as reading:
        (one,) = runevents.lost(reading.connection, run(reading), 10).shown
        assert (one.url, one.evidence) == (URL, "HTTP 404")
        assert runevents.lost(reading.connection, run(reading, 1), 10).total == 0


def test_failures_are_counted_by_cause(reading: Reading) -> None:
    """Attempts and addresses of this run, what of them is still missing, and what earlier runs have left."""
    causes = {cause.fault: cause for cause in runtraffic.causes(reading.connection, run(reading))}
    error, timeout = causes["server-error"], causes["read-timeout"]
    assert (error.attempts, error.urls, error.missing, error.standing) == (2, 2, 2, 1)
    assert (timeout.attempts, timeout.urls, timeout.missing, timeout.standing) == (1, 1, 0, 0)
    failed = runtraffic.failed(reading.connection, run(reading), 1)
    assert (failed.total, len(failed.shown)) == (2, 1)
    assert failed.shown[0].error == "it was server-error"
    assert failed.shown[0].next_attempt_at == "2023-11-14T23:13:20Z"


def test_every_request_that_left_a_row_is_given(reading: Reading) -> None:
    """Answers and attempts that brought none; what was never sent is left out."""
    answers = list(runtraffic.answers(reading.connection, run(reading), ()))
    assert len(answers) == 7
    assert sum(answer.used for answer in answers) == 4
    sent = list(runtraffic.answers(reading.connection, run(reading), ("server-error",)))
    assert [answer.fault for answer in sent if not answer.used] == ["read-timeout"]


def test_a_run_is_found_without_reading_all_runs(folder: Path) -> None:
    """The captures of a run come from an index, so that a quiet night in a large archive costs nothing."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        database.execute("DELETE FROM sqlite_stat1")  # they say that this archive is small enough to be read whole
        database.commit()
    with open_reading(folder) as reading:
        for sql in (runevents._NEW, runevents._CHANGED, runevents._REPLACED, runtraffic._ALL_MISSING):
            values = {"run": 2, "limit": 10}
            plan = [row["detail"] for row in reading.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert [step for step in plan if "capture_of_run" in step or "frontier_troubled" in step], plan
            assert not [step for step in plan if re.match(r"SCAN c\b", step)], plan
