"""`requeue` puts right what can be, and deletes nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from storage.files import MediaTree
from storage.findings import Flaw
from storage.mending import Repair, requeue
from storage.opening import open_store
from storage.verify import verify
from tests.storage import making
from tests.storage.breaking import flip, found, name_of, tamper


async def repair(folder: Path) -> Repair:
    findings = list(verify(folder))
    async with open_store(folder) as store:
        return await requeue(store, findings)


async def fetch_again(folder: Path) -> int:
    """Archive what is due, as the next run would."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        jobs, _ = await store.claim([1, 2, 3, *range(4, 30)], {}, 100)
        for job in jobs:
            await making.keep_media(store, job, making.picture(job.url, 3_000 + job.id))
        return len(jobs)


async def test_what_is_lost_is_fetched_again(folder: Path) -> None:
    """Missing and damaged files are due again, damaged ones kept aside; the next run makes the archive sound."""
    gone, cut, altered, *_ = making.files_of(folder)
    gone.unlink()
    cut.write_bytes(b"short")
    flip(altered, 7)
    damaged = altered.read_bytes()
    before = {path: path.read_bytes() for path in making.files_of(folder)}

    assert await repair(folder) == Repair(queued=3, set_aside=2)
    assert (folder / "damaged" / altered.name).read_bytes() == damaged
    assert (folder / "damaged" / cut.name).read_bytes() == b"short"
    assert found(folder) == set(), "what is waited for is not held, and not missing"
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        rows = connection.execute("SELECT state, path FROM media WHERE state <> 'stored'").fetchall()
        assert rows == [("queued", None)] * 3
        (told,) = connection.execute("SELECT count(*) FROM failures WHERE fault = 'damaged'").fetchone()
        assert told == 3

    assert await fetch_again(folder) == 3
    assert found(folder) == set()
    assert {path for path in before if path not in (cut, altered)} < set(making.files_of(folder))
    assert gone.is_file()
    assert altered.read_bytes() != damaged


async def test_a_misnamed_file_goes_back(folder: Path) -> None:
    """What is only in the wrong place needs no network."""
    path = making.files_of(folder)[0]
    path.rename(path.with_suffix(".png"))
    assert await repair(folder) == Repair(put_back=1)
    assert found(folder) == set()


async def test_a_search_index_is_made_anew(folder: Path) -> None:
    """From its texts the index can be rebuilt, so that it leads to their words again."""
    tamper(folder, "UPDATE search_content SET c2 = 'Swapped behind its back' WHERE id = 2")
    async with open_store(folder) as store:
        await store.rebuild_search()
    assert found(folder) == set()


async def test_an_orphan_stays(folder: Path) -> None:
    """Nothing is done to what no row names."""
    (folder / "media" / "note.txt").write_text("mine")
    assert await repair(folder) == Repair()
    assert (folder / "media" / "note.txt").read_text() == "mine"


async def test_what_was_mended_since_is_left_alone(folder: Path) -> None:
    """A finding is looked at again before anything is done about it."""
    path = making.files_of(folder)[0]
    content = path.read_bytes()
    flip(path, 0)
    findings = list(verify(folder))
    path.write_bytes(content)
    async with open_store(folder) as store:
        assert await requeue(store, findings) == Repair()
    assert found(folder) == set()


async def test_a_file_that_no_url_holds_any_more_is_told_as_lost(folder: Path) -> None:
    """A picture that was replaced upstream cannot be fetched again: its damage stays on the list."""
    path = making.files_of(folder)[0]
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        (url,) = await store.holders(path.stem)
        job = making.job_for(folder, url)
        await making.keep_media(store, job, b"the new picture")
    path.unlink()
    mended = await repair(folder)
    assert (mended.queued, [f.subject for f in mended.lost]) == (0, [name_of(folder, path)])
    assert found(folder) == {(Flaw.MISSING, name_of(folder, path))}


async def test_files_damaged_twice_are_both_kept(folder: Path) -> None:
    """Nothing set aside replaces what was set aside before."""
    tree = MediaTree(folder)
    path = making.files_of(folder)[0]
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        tree.set_aside(path)
    assert {p.read_bytes() for p in (folder / "damaged").iterdir()} == {b"one", b"two", b"three"}
