"""Noted articles, taken into a crawl."""

from __future__ import annotations

from pathlib import Path

from crawler.noted import take
from crawler.sites import Site
from crawler.wants import Wants
from storage.notes import Note, Notes
from storage.opening import open_store
from tests.storage import making

SITE = Site("dm", "https://www.example.org")
NOTE = Note("2026-01-23T10:23:37Z", "dm", "7", "a" * 64)


async def test_what_is_noted_becomes_due_once(tmp_path: Path) -> None:
    """A noted article is claimed like a target, however often it was noted, and its notes are settled."""
    notes = Notes(tmp_path)
    notes.add(NOTE)
    notes.add(Note("2026-01-23T10:25:00Z", "dm", "7", "b" * 64))
    notes.add(Note("2026-01-23T10:25:00Z", "unknown", "8", "c" * 64))
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        scopes = await take(notes, store, Wants({"dm": SITE}))
        jobs, _ = await store.claim(scopes, {}, 64)
        assert [job.key for job in jobs] == ["dm:7"]
        assert await take(notes, store, Wants({"dm": SITE})) == []
    assert notes.waiting() == []


async def test_a_note_waits_while_its_article_is_being_fetched(tmp_path: Path) -> None:
    """The answer on its way may be from before it was saved: it is asked for again when that has come."""
    notes, wants = Notes(tmp_path), Wants({"dm": SITE})
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        scopes = await store.begin_targets([wants.article(SITE, "7", 0)])
        (job,), _ = await store.claim(scopes, {}, 64)
        notes.add(NOTE)
        assert await take(notes, store, wants, {job.key}) == []
        assert notes.waiting() == [NOTE]
        await store.keep_article(job, making.capture(b"1"), making.article("7"), [], [])
        assert await take(notes, store, wants) == scopes
        assert [job.key for job in (await store.claim(scopes, {}, 64))[0]] == ["dm:7"]
    assert notes.waiting() == []
