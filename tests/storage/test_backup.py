"""Backups: consistent, incremental, restorable by copying back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simulator import Newsroom, Options
from storage.backup import backup
from storage.errors import ArchiveForeign, ArchiveMissing, BadDestination
from storage.opening import open_store
from storage.verify import verify
from tests.crawling import crawl, rows, settings, site_of

ALL = "SELECT url, state, sha256 FROM media ORDER BY url, article_id"


async def test_a_backup_is_an_archive_of_its_own(tmp_path: Path) -> None:
    """The copy holds the same rows and files, is whole, and serves in place of the original."""
    async with Newsroom(Options(articles=12)) as room:
        await crawl(tmp_path / "a", site_of(room), "dm:category/africa")
        done = backup(tmp_path / "a", tmp_path / "b")
        assert done.files == rows(tmp_path / "a", "SELECT count(*) FROM file")[0][0]
        assert rows(tmp_path / "a", ALL) == rows(tmp_path / "b", ALL)
        assert list(verify(tmp_path / "b")) == []
        shutil.rmtree(tmp_path / "a")
        shutil.copytree(tmp_path / "b", tmp_path / "a")
        room.log.clear()
        summary = await crawl(tmp_path / "a", site_of(room), "dm:category/africa")
        assert (summary.tally.articles_new, summary.tally.media_new) == (0, 0)


async def test_a_second_backup_copies_only_what_is_new(tmp_path: Path) -> None:
    """Files that an earlier backup brought are not copied again."""
    async with Newsroom(Options(articles=12)) as room:
        site = site_of(room)
        article = next(iter(room.inventory.articles(category="africa")))
        await crawl(tmp_path / "a", site, f"dm:{article}")
        first = backup(tmp_path / "a", tmp_path / "b")
        await crawl(tmp_path / "a", site, "dm:category/africa")
        second = backup(tmp_path / "a", tmp_path / "b")
    assert (first.known, second.known) == (0, first.files)
    assert second.files > 0
    assert rows(tmp_path / "a", ALL) == rows(tmp_path / "b", ALL)


async def test_a_backup_can_be_taken_while_an_archive_is_written(tmp_path: Path) -> None:
    """A backup taken beside a running crawl is whole as of its moment, and leaves the crawl alone."""
    async with Newsroom(Options(articles=30)) as room:
        site = site_of(room)
        await crawl(tmp_path / "a", site, "dm:category/africa", chosen=settings(rate=50.0), time_limit=0.5)
        async with open_store(tmp_path / "a") as store:
            await store.begin_run("a run that is under way")
            await store.flush()
            backup(tmp_path / "a", tmp_path / "b")
        assert list(verify(tmp_path / "b")) == []
        assert sorted(path.name for path in (tmp_path / "b").iterdir()) in (
            ["archive.db", "archive.seal"],
            ["archive.db", "archive.seal", "media"],
        )


async def test_a_missing_file_is_named_and_the_rest_is_copied(tmp_path: Path) -> None:
    """What the archive itself lacks does not stop a backup."""
    async with Newsroom(Options(articles=12)) as room:
        await crawl(tmp_path / "a", site_of(room), "dm:category/africa")
    victim = next((tmp_path / "a" / "media").rglob("*.jpg"))
    victim.unlink()
    done = backup(tmp_path / "a", tmp_path / "b")
    assert done.missing == [str(victim)]
    assert done.files > 5


async def test_a_backup_goes_nowhere_it_could_do_harm(tmp_path: Path) -> None:
    """Neither into the archive itself, nor over something that is no backup, nor from nothing."""
    async with open_store(tmp_path / "a"):
        pass
    with pytest.raises(BadDestination, match="inside"):
        backup(tmp_path / "a", tmp_path / "a" / "media")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.doc").write_text("years of work", encoding="utf-8")
    with pytest.raises(ArchiveForeign, match="nothing was touched"):
        backup(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["thesis.doc"]
    with pytest.raises(ArchiveMissing):
        backup(tmp_path / "nowhere", tmp_path / "c")
