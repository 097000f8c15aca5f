"""Nights on which something is wrong: with the clock, the key, the machine, or the newsroom's address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest

from crawler.plan import Night, Sweep
from crawler.sites import Site
from simulator import Newsroom, Options
from simulator.events import Kind, Way
from storage.errors import ArchiveInUse
from storage.opening import open_store
from tests.crawling import column, missing, rows, site_of
from tests.nights import differences, night, revisions

LISTED = "dm:publication/1"
NONE = Sweep(requests=1, days=1000)


@asynccontextmanager
async def newsroom(articles: int = 40, **options: object) -> AsyncIterator[Newsroom]:
    """Run a newsroom in which hardly anything happens by itself."""
    chosen: dict[str, object] = {"articles": articles, "days": 60, "events": 1, **options}
    async with Newsroom(Options(**chosen)) as room:  # type: ignore[arg-type]
        yield room


async def test_a_night_cut_off_leaves_no_hole(tmp_path: Path) -> None:
    """Cut off between two pages of news, it goes on there, then sees what has come in above it since."""
    async with newsroom(articles=150) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await night(room, archive, site, LISTED, media=False, sweep=None)
        for _ in range(230):
            room.happen(Kind.PUBLISHED)
        room.pass_days()
        cut = await night(room, archive, site, LISTED, media=False, sweep=None, request_limit=4)
        assert cut.stopped_by == "requests"
        for _ in range(120):
            room.happen(Kind.PUBLISHED)
        room.pass_days()
        await night(room, archive, site, LISTED, media=False, sweep=None)
        held = column(archive, "SELECT id FROM articles")
        assert set(room.inventory.articles()) <= held


async def test_a_week_that_was_missed_is_made_up_for(tmp_path: Path) -> None:
    """One night finds all that seven would have found, as far as it is still to be seen."""
    async with newsroom(events=12) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await night(room, archive, site, LISTED)
        room.pass_days(7)
        await night(room, archive, site, LISTED, sweep=Sweep(days=7))
        published = [e.article for e in room.history.events if e.kind in (Kind.PUBLISHED, Kind.BACKDATED)]
        assert published
        held = column(archive, "SELECT id FROM articles")
        there = [one for one in published if one and not (room.history.truth(one, 7) or pytest.fail(one)).gone]
        assert set(there) <= held
        assert [w for one in held for w in differences(room, archive, str(one))] == []


async def test_two_nights_at_once_are_one(tmp_path: Path) -> None:
    """The second is told that the archive is in use, and asks the newsroom nothing."""
    async with newsroom() as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        async with open_store(archive):
            with pytest.raises(ArchiveInUse):
                await night(room, archive, site, LISTED)
        assert rows(archive, "SELECT count(*) FROM run") == [(0,)]


async def test_a_key_revoked_in_the_night_stops_it_and_loses_nothing(tmp_path: Path) -> None:
    """It is shown no more; nothing is taken to be gone; without it the nights go on from public pages."""
    async with newsroom() as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await night(room, archive, site, LISTED, media=False)
        room.pass_days()
        room.happen(Kind.REVOKED)
        refused = await night(room, archive, site, LISTED, media=False, sweep=None)
        assert refused.key_refused
        assert refused.tally.requests < 20
        assert rows(archive, "SELECT count(*) FROM articles WHERE gone_at IS NOT NULL") == [(0,)]
        assert rows(archive, "SELECT count(*) FROM absence") == [(0,)]
        newest = room.happen(Kind.PUBLISHED).article
        room.pass_days()
        await night(room, archive, site_of(room), f"{room.url}/", media=False, sweep=None)
        assert newest in column(archive, "SELECT id FROM articles")


async def test_a_site_that_moved_keeps_its_articles(tmp_path: Path) -> None:
    """Under its new host name each article is the one that is held: nothing new, no revision, nothing gone."""
    async with newsroom() as room:
        site, archive = site_of(room), tmp_path / "archive"
        await night(room, archive, site, f"{room.url}/", media=False)
        before = column(archive, "SELECT id FROM articles")
        room.happen(Kind.MOVED, f"localhost:{room.port}")
        room.pass_days(3)
        told = await night(room, archive, site, f"{room.url}/", media=False, sweep=None)
        assert told.failed or told.truncated
        there = Site(
            name="dm",
            base_url=f"http://localhost:{room.port}",
            hosts=(f"127.0.0.1:{room.port}",),
            timezone=site.timezone,
            media_hosts=site.media_hosts,
        )
        room.pass_days(40)
        moved = await night(room, archive, there, f"http://localhost:{room.port}/", media=False, night=Night(10_000))
        published = {event.article for event in room.history.events if event.kind is Kind.PUBLISHED}
        assert column(archive, "SELECT id FROM articles") - before <= published
        assert moved.rechecked > 0
        assert moved.tally.articles_gone == 0
        edited = {event.article for event in room.history.events}
        assert column(archive, "SELECT id FROM articles WHERE revisions > 1") <= edited


async def test_clocks_go_forward_in_beirut(tmp_path: Path) -> None:
    """Through the night that skips midnight: each day's news is found that night, at the instant it was published."""
    async with newsroom(profile="olj", events=6, first_day=date(2026, 3, 27), paging="page") as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        targets = ("olj:publication/17", f"{room.url}/")
        await night(room, archive, site, *targets, media=False)
        for _ in range(4):
            room.pass_days()
            await night(room, archive, site, *targets, media=False)
        published = [event for event in room.history.events if event.kind is Kind.PUBLISHED]
        assert published
        held = {str(one): moment for one, moment in rows(archive, "SELECT id, first_published FROM articles")}
        for event in published:
            if (event.article or "") in held:
                assert held[event.article or ""] == event.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert {event.article for event in published} <= set(held)


async def test_a_clock_that_was_set_back_puts_nothing_off_for_ever(tmp_path: Path) -> None:
    """What was planned by a clock three years ahead is looked at again as soon as the clock is right."""
    async with newsroom() as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        ahead = room.life.now.timestamp() + 3 * 365 * 86_400
        await night(room, archive, site, LISTED, now=ahead, media=False)
        right = await night(room, archive, site, LISTED, media=False)
        assert right.rechecked == 40
        planned = rows(archive, "SELECT max(due_at) FROM recheck")[0][0]
        assert isinstance(planned, float)
        room.pass_days()
        await night(room, archive, site, LISTED, media=False)
        assert rows(archive, "SELECT count(*) FROM articles WHERE gone_at IS NOT NULL") == [(0,)]


async def test_a_night_that_did_not_finish_is_said_by_the_next(tmp_path: Path) -> None:
    """Killed, it left a run without an end; the next one that ends says so, once."""
    async with newsroom() as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        async with open_store(archive, now=lambda: 1.0) as store:
            await store.begin_run("nightly")
        first = await night(room, archive, site, LISTED, media=False)
        assert first.cut_off == ["1970-01-01T00:00:01Z"]
        assert (await night(room, archive, site, LISTED, media=False)).cut_off == []


async def test_rechecks_wait_their_turn(tmp_path: Path) -> None:
    """More is due than the night may ask: what has waited longest goes first, the next night goes on."""
    async with newsroom() as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await night(room, archive, site, LISTED, media=False)
        room.pass_days(50)
        order = [row[0] for row in rows(archive, "SELECT article FROM recheck ORDER BY turn, article")]
        few = await night(room, archive, site, LISTED, media=False, sweep=None, night=Night(rechecks=5))
        assert few.rechecked == 5
        checked = column(archive, "SELECT article FROM recheck ORDER BY checked_at DESC LIMIT 5")
        assert checked == set(order[:5])


@pytest.mark.parametrize("way", [Way.MISSING, Way.DELETED, Way.WITHHELD])
@pytest.mark.parametrize("key", ["box-key", ""])
async def test_an_article_is_gone_after_two_absences_and_may_return(tmp_path: Path, way: Way, key: str) -> None:
    """By the API or by its public page: absent, gone a day later, still readable, and noted when it is back."""
    async with newsroom(articles=12) as room:
        site, archive = site_of(room, key=key), tmp_path / "archive"
        await night(room, archive, site, f"{room.url}/", media=False, sweep=None)
        article = next(iter(room.inventory.articles()))
        room.happen(Kind.UNPUBLISHED, way, article=article)
        gone = "SELECT gone_at IS NOT NULL FROM articles WHERE id = ?"
        seen = []
        for _ in range(2):
            room.pass_days()
            await night(room, archive, site, f"{room.url}/", media=False, sweep=None)
            seen.append(rows(archive, gone, article)[0][0])
        assert seen == [0, 1]
        assert len(revisions(archive, "dm", article)) >= 1
        assert rows(archive, "SELECT count(*) FROM failures") == [(0,)]
        room.happen(Kind.RESTORED, article=article)
        room.pass_days(9)
        await night(room, archive, site, f"{room.url}/", media=False, sweep=None)
        assert rows(archive, gone, article) == [(0,)]
        assert rows(archive, "SELECT gone_at IS NOT NULL, returned_at IS NOT NULL FROM absence") == [(1, 1)]


async def test_a_picture_that_is_lost_or_swapped_upstream_is_noticed_and_kept(tmp_path: Path) -> None:
    """Another picture under the same addresses is held beside the first; one that is lost is gone, and kept."""
    async with newsroom(articles=12) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await night(room, archive, site, LISTED)
        pictures = [
            str(row[0])
            for row in rows(
                archive, "SELECT DISTINCT attachment_id FROM media WHERE role = 'original' AND attachment_id > 0"
            )
        ]
        swapped, lost = pictures[:2]
        before = column(archive, "SELECT sha256 FROM media WHERE attachment_id = ?", swapped)
        room.happen(Kind.SWAPPED, attachment=swapped)
        room.happen(Kind.LOST, attachment=lost)
        for _ in range(5):
            room.pass_days(12)
            summary = await night(room, archive, site, LISTED)
            assert not summary.failed
        after = column(archive, "SELECT sha256 FROM media WHERE attachment_id = ?", swapped)
        assert before.isdisjoint(after)
        assert before <= column(archive, "SELECT sha256 FROM file")
        states = column(archive, "SELECT state FROM media WHERE attachment_id = ?", lost)
        assert states == {"gone"}
        assert None not in column(archive, "SELECT sha256 FROM media WHERE attachment_id = ?", lost)


async def test_a_sweep_rests_and_goes_on(tmp_path: Path) -> None:
    """A request a night, until it has seen the whole listing; what it finds is archived."""
    async with newsroom(articles=330) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        few = Sweep(requests=1, days=30)
        await night(room, archive, site, LISTED, media=False, sweep=few)
        old = room.happen(Kind.BACKDATED).article
        verdicts = []
        for _ in range(4):
            room.pass_days()
            await night(room, archive, site, LISTED, media=False, sweep=few)
            verdicts += rows(
                archive,
                "SELECT l.verdict FROM listing AS l JOIN frontier AS f ON f.id = l.frontier WHERE f.key LIKE '%sweep%'",
            )
        assert verdicts[0] == ("",)
        assert verdicts[-1] == ("complete",)
        assert old in column(archive, "SELECT id FROM articles")
        assert missing(room, archive, []) == []
