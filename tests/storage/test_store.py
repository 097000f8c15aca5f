"""Opening and closing a whole archive, and what it survives."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from storage import opening
from storage.errors import ArchiveDamaged, ArchiveInUse, ArchiveUnwritable, OutOfSpace
from storage.opening import open_store
from storage.reading import open_reading
from storage.records import Failure, Kind, Tally
from storage.sealing import Sealer
from storage.search import Filters
from storage.verify import verify
from tests.storage import making
from tests.storage.making import NOW, article, capture, one, rows, wanted

ROOT = Path(__file__).resolve().parents[2]


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python on a script that may import what we may."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


# Opening and closing --------------------------------------------------------------------------------------------------


async def test_an_archive_is_made_where_there_is_none(tmp_path: Path) -> None:
    """Folders in between are made; at rest there are the database and the lock, and nothing else."""
    folder = tmp_path / "new" / "archive"
    async with open_store(folder) as store:
        assert await store.begin_run("crawl") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["archive.db", "archive.seal", "lock"]


HOLD = """
import asyncio, sys
from pathlib import Path
from storage.opening import open_store
async def hold():
    async with open_store(Path(sys.argv[1])):
        print("open", flush=True)
        sys.stdin.read()
asyncio.run(hold())
"""


def test_an_archive_in_use_is_refused(tmp_path: Path) -> None:
    """While another process writes, nobody else does; reading goes on, and afterwards the archive is free."""

    async def use() -> None:
        async with open_store(tmp_path):
            pass

    with start(HOLD, tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        before = making.bytes_of(tmp_path)
        with pytest.raises(ArchiveInUse, match="another run"):
            asyncio.run(use())
        assert making.bytes_of(tmp_path) == before
        with open_reading(tmp_path) as reading:
            assert reading.status().articles == 0
        holder.communicate()
    asyncio.run(use())


async def test_an_archive_is_in_use_for_its_own_process_too(tmp_path: Path) -> None:
    """A second opening in the same process would be a second writer."""
    async with open_store(tmp_path):
        with pytest.raises(ArchiveInUse):
            async with open_store(tmp_path):
                pass


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file in the way is named, and nothing is touched."""
    (tmp_path / "archive").write_text("in the way")
    with pytest.raises(ArchiveUnwritable, match="archive"):
        async with open_store(tmp_path / "archive"):
            pass
    assert (tmp_path / "archive").read_text() == "in the way"


async def test_a_lock_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """Where nothing can be locked nothing is written."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(ArchiveUnwritable, match="lock"):
        async with open_store(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


async def test_an_opening_that_fails_leaves_no_thread_and_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread left behind would keep the process from ending, a lock the next run from beginning."""

    def fail(path: Path) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    threads = threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(opening, "open_for_writing", fail)
        with pytest.raises(sqlite3.OperationalError):
            async with open_store(tmp_path):
                pass
    assert threading.active_count() == threads
    async with open_store(tmp_path):
        pass


async def test_an_error_in_a_run_keeps_what_was_handed_over(tmp_path: Path) -> None:
    """The error comes through; the archive closes to one file, with all units that were handed over before."""

    async def stumble() -> None:
        async with open_store(tmp_path) as store:
            await store.begin_run("crawl")
            raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        await stumble()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive.db", "archive.seal", "lock"]
    with open_reading(tmp_path) as reading:
        assert [run["command"] for run in reading.status().runs] == ["crawl"]


async def test_a_cancelled_run_closes_its_archive(tmp_path: Path) -> None:
    """Cancelled once, or again while closing: the thread ends, and what was handed over is kept."""
    before = set(threading.enumerate())
    for again in (False, True):
        begun = asyncio.Event()

        async def run(begun: asyncio.Event = begun) -> None:
            async with open_store(tmp_path) as store:
                await store.begin_run("crawl")
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(run())
        await begun.wait()
        task.cancel()
        if again:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before
    async with open_store(tmp_path):
        pass
    with open_reading(tmp_path) as reading:
        assert reading.status().runs


async def test_what_a_dead_run_had_in_hand_is_due_again(tmp_path: Path) -> None:
    """Claimed jobs are recovered, and half-received bodies cleared away, when the archive is opened."""
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        scopes = await store.begin_targets([wanted("1")])
        (job,), _ = await store.claim(scopes, {}, 1)
        (store.media.incoming_folder() / "half").write_bytes(b"ha")
    async with open_store(tmp_path) as store:
        assert await store.claim(scopes, {}, 1) == ([job], None)
        assert list(store.media.incoming_folder().iterdir()) == []


async def test_below_the_floor_nothing_more_is_claimed(tmp_path: Path) -> None:
    """With less free than asked for, the run is told before it fetches; what is kept is kept."""
    async with open_store(tmp_path, min_free_bytes=1 << 62) as store:
        await store.begin_run("crawl")
        scopes = await store.begin_targets([wanted("1")])
        with pytest.raises(OutOfSpace, match="min_free"):
            await store.claim(scopes, {}, 1)
    async with open_store(tmp_path) as store:
        assert len((await store.claim(scopes, {}, 1))[0]) == 1


# A run ----------------------------------------------------------------------------------------------------------------


async def test_a_run_tells_what_it_did(tmp_path: Path) -> None:
    """Figures are brought up to date while it lasts, and closed with an exit status and notes."""
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await store.note_run(Tally(requests=1))
        await store.end_run(Tally(requests=3, bytes=99), 9, ["stopped at the limit"])
        with closing(sqlite3.connect(tmp_path / "archive.db")) as other:
            assert rows(other, "SELECT requests, bytes, exit_status, notes FROM run") == [
                (3, 99, 9, '["stopped at the limit"]')
            ]


async def test_a_story_from_target_to_picture(tmp_path: Path) -> None:
    """A target is claimed, kept, its picture with it; a failure waits; reading sees it all."""
    picture = "https://cdn.example.org/1.jpg"
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await making.keep_article(store, article("1", title="The coup"), [picture])
        await making.keep_media(store, await making.only_job(store, [1]), b"a picture")
        scopes = await store.begin_targets([wanted("2"), wanted("3")])
        (two, three), _ = await store.claim(scopes, {}, 9)
        failure = Failure("bad_json", "the answer is not JSON", NOW, None)
        await store.keep_unread(two, capture(b"<html>", error="not JSON"), failure, in_run=False)
        await store.skip(three, "not wanted after all")
        counts = await store.counts()
    assert counts["article"] == {"queued": 0, "doing": 0, "done": 1, "failed": 1, "gone": 0, "skipped": 1}
    with open_reading(tmp_path) as reading:
        status = reading.status()
        assert (status.articles, status.revisions, status.files, status.file_bytes) == (1, 1, 1, 9)
        assert (status.failure_total, status.causes) == (1, {"bad_json": 1})
        assert status.terms == {"author": 1, "category": 2, "keyword": 1}
        assert [hit.id for hit in reading.search("coup", Filters())] == ["1"]
        number = reading.find_article("", "1")
        assert number == reading.find_by_key("dm:1") == reading.find_by_key("dm:/article/1-a-title")
        assert number is not None
        shown = reading.show(number)
        assert shown is not None
        assert (shown.article["title"], shown.article["keywords"]) == ("The coup", ["Ecowas"])
        assert (shown.revision, shown.text, shown.media[0]["state"]) == (1, article("1").text, "stored")
        assert reading.show(number, revision=2) is None
    assert list(verify(tmp_path)) == []


async def test_a_store_that_broke_says_so_to_the_end(tmp_path: Path) -> None:
    """A posted unit's error reaches the run at the latest when the archive is closed."""

    async def post_a_mistake() -> None:
        async with open_store(tmp_path) as store:
            await store.begin_run("crawl")
            await store.begin_targets([wanted("1", Kind.MEDIA)])
            job = await making.only_job(store, [1])
            await store.skip(job, object())  # type: ignore[arg-type]

    with pytest.raises(sqlite3.Error):
        await post_a_mistake()
    assert list(verify(tmp_path)) == []


# A crash --------------------------------------------------------------------------------------------------------------

WRITE = """
import asyncio, sys
from pathlib import Path
from storage.opening import open_store
from tests.storage import making

async def write():
    async with open_store(Path(sys.argv[1])) as store:
        await store.begin_run("crawl")
        for number in range(1, 1_000_000):
            urls = [f"https://cdn.example.org/{number}/{n}.jpg" for n in range(3)]
            await making.keep_article(store, making.article(str(number)), urls)
            jobs, _ = await store.claim(range(1, 4 * number + 1), {}, 3)
            for job in jobs:
                await making.keep_media(store, job, making.picture(job.url))
            await store.flush()
            print(number, flush=True)
asyncio.run(write())
"""


@pytest.mark.parametrize("articles", [1, 7, 20])
def test_a_killed_run_leaves_a_whole_archive(tmp_path: Path, articles: int) -> None:
    """Killed in the middle of writing, the archive opens, holds all that was durable, and nothing in it is broken."""
    with start(WRITE, tmp_path) as run:
        assert run.stdout is not None
        durable = [int(run.stdout.readline()) for _ in range(articles)][-1]
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()

    async def open_again() -> None:
        async with open_store(tmp_path) as store:
            assert (await store.counts())["media"]["doing"] == 0

    asyncio.run(open_again())
    orphans_aside = [finding for finding in verify(tmp_path) if finding.flaw != "orphaned"]
    assert orphans_aside == []
    with closing(sqlite3.connect(tmp_path / "archive.db")) as connection:
        assert one(connection, "SELECT count(*) FROM articles") >= durable
        assert one(connection, "SELECT count(*) FROM media WHERE state = 'stored'") >= 3 * durable


def test_a_run_killed_while_it_makes_the_archive_can_begin_again(tmp_path: Path) -> None:
    """Whatever the first second left behind, the next run makes an archive of it."""

    async def use() -> None:
        async with open_store(tmp_path) as store:
            await store.begin_run("crawl")

    script = HOLD.replace("from storage.opening", "import storage.database as d\nfrom storage.opening").replace(
        "asyncio.run(hold())",
        "d.set_up = lambda c, journal: (print('made', flush=True), sys.stdin.read())\nasyncio.run(hold())",
    )
    with start(script, tmp_path) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "made\n"
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
    asyncio.run(use())
    assert list(verify(tmp_path)) == []
    with open_reading(tmp_path) as reading:
        assert len(reading.status().runs) == 1


async def test_what_a_wrong_clock_put_off_for_decades_is_not_waited_for(tmp_path: Path) -> None:
    """Nor is what it says to have done: a pause without end, and a sweep in the future, count for nothing."""
    now = making.NOW
    decades = 70 * 365 * 86_400.0
    clock = [now + decades]
    async with open_store(tmp_path, now=lambda: clock[0]) as store:
        await store.begin_run("crawl")
        await store.stay_away("far.example.org", clock[0] + 3_600)
        await store.stay_away("near.example.org", now + 3_600)
        target, sweep = wanted("category/x", Kind.LISTING), wanted("sweep/category/x", Kind.LISTING)
        assert await store.begin_sweep(target, sweep, unless_since=clock[0] - 86_400) is not None
        with closing(sqlite3.connect(tmp_path / "archive.db")) as other:
            await store.flush()
            other.execute("UPDATE listing SET cursor = '', finished_at = '2093-01-01T00:00:00Z'")
            other.commit()
        clock[0] = now
        assert await store.pauses() == {"near.example.org": now + 3_600}
        assert await store.begin_sweep(target, sweep, unless_since=now - 86_400) is not None


async def test_what_keeps_an_archive_from_being_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what follows from its not being open."""

    def full(_: Sealer) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Sealer, "_begin_seal", full)
    with pytest.raises(OutOfSpace, match="no space left"):
        async with open_store(tmp_path):
            raise AssertionError("it is not open")


@pytest.mark.parametrize("emptied", [False, True])
async def test_an_archive_whose_database_is_gone_is_not_begun_anew(tmp_path: Path, emptied: bool) -> None:
    """Its seal says that there was one: all that it knew would be lost without a word, and the seal with it."""
    await making.make_archive(tmp_path)
    database, sealed = tmp_path / "archive.db", (tmp_path / "archive.seal").read_bytes()
    database.unlink()
    if emptied:
        database.touch()
    with pytest.raises(ArchiveDamaged, match="Restore it from a backup"):
        async with open_store(tmp_path):
            raise AssertionError("it is not open")
    with pytest.raises(ArchiveDamaged, match="Restore it from a backup"), open_reading(tmp_path):
        raise AssertionError("nor can it be read")
    assert (database.exists(), (tmp_path / "archive.seal").read_bytes()) == (emptied, sealed)
    (tmp_path / "archive.seal").unlink()
    async with open_store(tmp_path) as store:
        assert await store.begin_run("crawl") == 1
