"""Nights: what a newsroom does over weeks is in the archive, each thing once and in order, and nothing else."""

from __future__ import annotations

from pathlib import Path

from crawler.plan import Sweep
from simulator import Newsroom, Options
from simulator.events import Kind
from storage.verify import verify
from tests.crawling import rows, site_of
from tests.nights import AT, differences, looks, night

WEEKLY = Sweep(requests=100, days=7)


async def test_weeks_of_a_newsroom_are_in_the_archive_as_they_were(tmp_path: Path) -> None:
    """Every revision there was to be seen, every absence, every return; compared with the newsroom's own history."""
    async with Newsroom(Options(articles=120, days=24, events=12)) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        targets = ("dm:publication/1", f"{room.url}/")
        await night(room, archive, site, *targets, media=False, sweep=WEEKLY)
        for _ in range(24):
            room.pass_days()
            summary = await night(room, archive, site, *targets, media=False, sweep=WEEKLY)
            assert summary.left == 0
        held = {str(row[0]) for row in rows(archive, "SELECT id FROM articles")}
        late = [e.article for e in room.history.events if e.kind is Kind.BACKDATED and e.day > 24 - 7]
        touched = [article for article in room.history.touched() if article not in late]
        assert len(touched) > 80
        assert set(touched) <= held
        assert [wrong for article in touched for wrong in differences(room, archive, article)] == []
        now = room.life.now.timestamp() + AT
        assert rows(archive, "SELECT count(*) FROM recheck WHERE due_at <= ?", now) == [(0,)]
        for event in room.history.events:
            if event.kind is Kind.PUBLISHED and event.article is not None:
                assert looks(room, archive, event.article)[0].day == event.day


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    """Where the server knows validators it says so in a few bytes; the look counts, and a change is still seen."""
    async with Newsroom(Options(articles=20, days=40, events=1, conditional=True)) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await night(room, archive, site, "dm:publication/1")
        room.pass_days(30)
        again = await night(room, archive, site, "dm:publication/1", sweep=None)
        assert again.rechecked > 10
        same = rows(
            archive, "SELECT kind, min(sha256 <> '') FROM captures WHERE http_status = 304 GROUP BY 1 ORDER BY 1"
        )
        assert same == [("article", 1), ("media", 1)]
        whole = "SELECT url FROM captures WHERE http_status = 200 AND kind <> 'listing'"
        assert rows(archive, f"{whole} GROUP BY url, sha256 HAVING count(*) > 1") == []
        tonight = room.life.now.timestamp()
        assert rows(archive, "SELECT count(*) FROM recheck WHERE checked_at < ?", tonight) == [(0,)]
        article = next(iter(room.inventory.articles()))
        room.happen(Kind.EDITED, article=article, changed=("contents",))
        room.pass_days(9)
        await night(room, archive, site, "dm:publication/1", sweep=None)
        assert differences(room, archive, article) == []
        assert list(verify(archive)) == []
