"""Noted articles, taken into a crawl."""

from __future__ import annotations

from pathlib import Path

from crawler.noted import take
from crawler.sites import Site
from crawler.wants import Wants
from storage.notes import Note, Notes
from storage.store import open_store

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
