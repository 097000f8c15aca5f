"""The audit names exactly what is lacking, and says exactly what cannot be proven."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from backfile import crawling
from backfile.auditing import Verdict, judge
from backfile.exits import Exit
from crawler.plan import CrawlRequest, Sweep
from crawler.sites import Site
from crawler.targets import parse_target
from crawler.wants import Wants
from simulator import Newsroom, Options
from simulator.events import Kind, Way
from storage.reading import open_reading
from tests.backfile.test_command_line import backfile, newsroom
from tests.crawling import crawl, rows, settings, site_of

LISTED = "dm:publication/1"


async def audited(archive: Path, site: Site, target: str) -> Verdict:
    """Sweep a target and judge it."""
    await crawl(archive, site, target, media=False, sweep=Sweep(alone=True))
    named = {site.name: site}
    with open_reading(archive) as reading:
        return judge(reading, parse_target(target, (site,)), named, Wants(named), lambda: None)


def remove(archive: Path, articles: int, renditions: int) -> tuple[set[str], set[str]]:
    """Remove articles and renditions of others by hand, half of these as rows, half as files; returns what."""
    connection = sqlite3.connect(archive / "archive.db")
    chance = random.Random(7)
    held = connection.execute("SELECT id, site || ':' || cms_id FROM article ORDER BY id").fetchall()
    lost = chance.sample(held, articles)
    for row, _ in lost:
        for table in ("revision", "article_term", "rendition", "recheck", "alias"):
            connection.execute(f"DELETE FROM {table} WHERE article = ?", (row,))
        connection.execute("DELETE FROM article WHERE id = ?", (row,))
    pictures = connection.execute(
        "SELECT DISTINCT h.frontier, f.key, h.sha256, i.extension FROM holding AS h"
        " JOIN frontier AS f ON f.id = h.frontier"
        " JOIN file AS i ON i.sha256 = h.sha256 JOIN rendition AS r ON r.frontier = h.frontier ORDER BY 1"
    ).fetchall()
    gone = chance.sample(pictures, renditions)
    for place, (row, _, sha256, extension) in enumerate(gone):
        if place % 2:
            connection.execute("DELETE FROM holding WHERE frontier = ?", (row,))
        else:
            (archive / "media" / sha256[:2] / sha256[2:4] / f"{sha256}.{extension}").unlink()
    connection.commit()
    connection.close()
    return {key for _, key in lost}, {key for _, key, _, _ in gone}


async def test_a_whole_archive_is_proven_complete(tmp_path: Path) -> None:
    """Claimed, listed and held agree by every route; the numbers of the line add up."""
    async with Newsroom(Options(articles=40)) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await crawl(archive, site, LISTED)
        verdict = await audited(archive, site, LISTED)
    assert verdict.complete
    assert verdict.line.startswith(f"{LISTED}: complete: 40 claimed = 40 archived + 0 gone + 0 failed + 0 explained; ")
    assert (
        verdict.renditions["archived"] == rows(archive, "SELECT count(DISTINCT url) FROM media WHERE path > ''")[0][0]
    )
    assert not [one for one in verdict.lacking if not one.explained]


async def test_what_was_removed_by_hand_is_named_exactly(tmp_path: Path) -> None:
    """Twenty articles and fifty renditions, each by its name, with the reason; nothing else."""
    async with Newsroom(Options(articles=90)) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await crawl(archive, site, LISTED)
        articles, renditions = remove(archive, 20, 50)
        verdict = await audited(archive, site, LISTED)
        lacking = [one for one in verdict.lacking if not one.explained]
        assert {one.key for one in lacking if one.what == "article"} == articles
        assert {one.url for one in lacking if one.what == "rendition"} == renditions
        assert (verdict.articles["failed"], verdict.renditions["failed"]) == (20, 50)
        assert sum(verdict.articles.values()) == verdict.claimed == 90
        assert not verdict.unprovable
        await crawl(archive, site, LISTED)
        assert (await audited(archive, site, LISTED)).articles["failed"] == 0


async def test_what_a_broken_listing_hides_is_said_to_be_unproven(tmp_path: Path) -> None:
    """Its total says how many there are, its pages are always the first: the rest is unseen, and counted."""
    async with Newsroom(Options(profile="olj", articles=2_000, paging="broken")) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        there = [one for one in room.inventory.articles() if _publication(room, one) == "17"]
        verdict = await audited(archive, site, "olj:publication/17")
    assert len(there) > 100
    assert (verdict.claimed, verdict.listed, verdict.unseen) == (len(there), 100, len(there) - 100)
    assert not verdict.complete
    assert f"{len(there) - 100} of {len(there)}" in verdict.unprovable
    assert sum(verdict.articles.values()) + verdict.unseen == verdict.claimed
    assert verdict.line.startswith("olj:publication/17: not proven: ")


def _publication(room: Newsroom, article: str) -> str:
    categories = json.loads(room.inventory.article_json(article))["categories"]
    return str(categories[0]["typeId"]["typeId"]) if categories else ""


async def test_what_is_gone_and_what_was_left_out_is_told_apart(tmp_path: Path) -> None:
    """An article that the newsroom took back is no longer claimed, and named as held and unlisted."""
    async with Newsroom(Options(articles=30)) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await crawl(archive, site, LISTED, media=False)
        article = next(iter(room.inventory.articles()))
        room.happen(Kind.UNPUBLISHED, Way.MISSING, article=article)
        verdict = await audited(archive, site, LISTED)
    assert verdict.articles == {"archived": 29, "gone": 0, "failed": 0, "explained": 0}
    assert (verdict.claimed, verdict.unlisted) == (29, [f"dm:{article}"])
    assert {one.reason for one in verdict.lacking} >= {"left out: not asked for"}
    assert verdict.renditions["failed"] == 0


def test_the_command_tells_the_same_in_words_and_as_json(demo: Path) -> None:
    """One line to sign, exit status 0 or 1, and everything by name in the document."""
    words = backfile("--config", demo / "box.toml", "audit", "--offline", folder=demo)
    assert words.returncode == 1
    assert "the listing was never read to its end by every route" in words.stdout
    document = json.loads(backfile("--config", demo / "box.toml", "audit", "--offline", "--json", folder=demo).stdout)
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    for key in {*document, *document["targets"][0]}:
        assert f"| `{key}` |" in page
    assert document["targets"][0]["complete"] is False


def test_the_run_of_an_audit_keeps_the_status_that_the_command_ends_with(tmp_path: Path) -> None:
    """What is lacking counts as much in the archive's list of runs as in the exit status."""
    with newsroom(tmp_path, "--articles", "12") as config:
        for status, *command in ((0, "crawl"), (1, "audit", LISTED), (0, "audit")):
            ended = backfile("--config", config, *command, folder=tmp_path, BACKFILE_DM_KEY="box-key")
            assert ended.returncode == status
    assert rows(tmp_path / "archive", "SELECT exit_status FROM runs ORDER BY id") == [(0,), (1,), (0,)]


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_run_that_is_stopped_while_it_is_judged_is_ended(tmp_path: Path, number: int, status: int) -> None:
    """A signal ends the judging at once, and its status is kept."""

    def conclude(before: Exit) -> Exit:
        os.kill(os.getpid(), number)
        return before

    request = CrawlRequest((), "audit")
    _, ended = await crawling.crawl(
        tmp_path, [], settings(), request, min_free_bytes=0, console=Console(), show_progress=False, conclude=conclude
    )
    assert ended == status
    assert rows(tmp_path, "SELECT exit_status FROM runs") == [(status,)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a newsroom that is closed again."""
    folder = tmp_path_factory.mktemp("audit")

    async def make() -> None:
        async with Newsroom(Options(articles=12)) as room:
            (folder / "box.toml").write_text(room.config_toml(), encoding="utf-8")
            await crawl(folder / "archive", site_of(room, key="box-key"), "dm:category/africa", media=False)

    asyncio.run(make())
    return folder


def test_an_article_that_is_a_target_is_judged_by_what_is_held(tmp_path: Path) -> None:
    """Held whole it is complete, without a picture or unknown it is not; the CMS is not asked."""
    key = {"BACKFILE_DM_KEY": "box-key"}
    with newsroom(tmp_path, "--articles", "8") as config:
        done = backfile("--config", config, "crawl", "dm:category/africa", folder=tmp_path, **key)
        assert done.returncode == 0
    ((held,),) = rows(tmp_path / "archive", "SELECT id FROM articles LIMIT 1")

    def told(target: str) -> tuple[int, str]:
        done = backfile("--config", config, "audit", target, folder=tmp_path, **key)
        return done.returncode, " ".join(done.stdout.split())

    status, words = told(f"dm:{held}")
    assert status == 0
    assert f"dm:{held}: complete: 1 listed = 1 archived + 0 gone" in words
    status, words = told("dm:4242")
    assert status == 1
    assert "1 article: the archive knows nothing of it dm:4242 http://127.0.0.1" in words
    picture = "SELECT path FROM media WHERE state = 'stored' AND article_id = ? LIMIT 1"
    with contextlib.closing(sqlite3.connect(tmp_path / "archive" / "archive.db")) as archive:
        (path,) = archive.execute(picture, (held,)).fetchone()
    (tmp_path / "archive" / path).unlink()
    status, words = told(f"dm:{held}")
    assert status == 1
    assert "was archived, and is not here any more" in words
