"""Whole crawls of a newsroom in a box, compared with the newsroom's own inventory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import zstandard

from crawler import reading, walk
from crawler.cms import article
from crawler.plan import CrawlRequest
from crawler.run import Crawl
from crawler.sites import Site
from crawler.targets import parse_target
from crawler.wants import Bounds
from simulator import Newsroom, Options
from storage import received
from storage.errors import OutOfSpace
from storage.opening import open_store
from storage.records import FileRecord
from tests.crawling import column, crawl, missing, rows, settings, site_of


@pytest.mark.parametrize("key", ["", "box-key"], ids=["pages", "api"])
async def test_a_category_is_archived_whole(tmp_path: Path, key: str) -> None:
    """Every article and rendition that the newsroom holds for a category is archived, with a key and without."""
    async with Newsroom(Options(articles=60)) as room:
        summary = await crawl(tmp_path / "a", site_of(room, key=key), "dm:category/africa")
        wanted = list(room.inventory.articles(category="africa"))
        assert len(wanted) > 15
        assert missing(room, tmp_path / "a", wanted) == []
        assert [walk.verdict for walk in summary.walks] == ["complete"]
        assert not summary.failed
        assert column(tmp_path / "a", "SELECT DISTINCT source FROM articles") == {"page"}


async def test_a_broken_listing_is_reported_and_completed_by_other_routes(tmp_path: Path) -> None:
    """Where paging is broken the classic API completes the category, and the truncated route is named."""
    async with Newsroom(Options(profile="olj", articles=120)) as room:
        site = site_of(room, key="box-key")
        category = max(room.inventory.categories(), key=lambda listing: len(listing.ids))
        summary = await crawl(tmp_path / "a", site, category.url)
        assert missing(room, tmp_path / "a", category.ids) == []
        (walk,) = summary.walks
        outcomes = {route.route: route.outcome for route in walk.routes}
        assert (walk.verdict, outcomes) == ("complete", {"pages": "truncated", "classic": "complete"})


async def test_a_listing_that_goes_no_further_is_completed_where_a_total_says_more(tmp_path: Path) -> None:
    """Public pages that end at their second, as if there were no more, are held against the classic API's total."""
    async with Newsroom(Options(articles=150, faults=("paging-clamps:url=/category/:forever",))) as room:
        category = max(room.inventory.categories(), key=lambda listing: len(listing.ids))
        summary = await crawl(tmp_path / "a", site_of(room, key="box-key"), category.url, media=False)
        assert set(category.ids) <= column(tmp_path / "a", "SELECT id FROM articles")
        (walk,) = summary.walks
        named = {route.route: (route.seen, route.claimed) for route in walk.routes}
    total = len(category.ids)
    assert (walk.verdict, named) == ("complete", {"pages": (24, None), "classic": (total, total)})


async def test_a_total_that_cannot_be_had_costs_a_listing_nothing(tmp_path: Path) -> None:
    """Where the classic API is not there, what public pages show is the listing, and nothing has failed."""
    async with Newsroom(Options(articles=60, faults=("http-404:url=cmsapi/content:forever",))) as room:
        summary = await crawl(tmp_path / "a", site_of(room, key="box-key"), "dm:category/africa", media=False)
    assert [walk.verdict for walk in summary.walks] == ["complete"]
    assert not summary.failed


@pytest.mark.parametrize("target", ["dm:publication/1", "dm:category/africa"])
@pytest.mark.parametrize("asked", [Bounds(since="2021-03-03"), Bounds(until="2021-03-04")], ids=["since", "until"])
async def test_a_listing_is_walked_to_what_is_asked_for(tmp_path: Path, target: str, asked: Bounds) -> None:
    """Articles outside --since and --until, however many there are, neither end a listing nor leave it truncated."""
    async with Newsroom(Options(articles=330)) as room:
        site = site_of(room, key="box-key")
        await crawl(tmp_path / "all", site, target, media=False)
        room.log.clear()
        summary = await crawl(tmp_path / "a", site, target, media=False, bounds=asked)
        lists = [entry for entry in room.log.entries if not entry.path_qs.startswith(("/article/", "/cms/content/"))]
    dates = rows(tmp_path / "all", "SELECT id, substr(first_published_raw, 1, 10) FROM articles")
    expected = {article for article, date in dates if asked.includes(str(date))}
    assert expected
    assert expected <= column(tmp_path / "a", "SELECT id FROM articles")
    assert [walk.verdict for walk in summary.walks] == ["complete"]
    assert len(lists) < 40


async def test_a_publication_that_cannot_be_paged_is_completed_by_its_categories(tmp_path: Path) -> None:
    """A publication list that always sends its first batch is said to; its categories complete it, at little cost."""
    async with Newsroom(Options(profile="olj", articles=1500)) as room:
        summary = await crawl(tmp_path / "a", site_of(room, key="box-key"), "olj:publication/17", media=False)
        walk = next(walk for walk in summary.walks if walk.key == "olj:publication/17")
        routes = {route.route: route for route in walk.routes}
        total = routes["publication"].claimed
        assert total is not None
        assert routes["publication"].outcome == "truncated"
        assert f"{total - 100} unseen" in routes["publication"].note
        held = rows(
            tmp_path / "a",
            "SELECT count(*) FROM revisions WHERE json_extract(json, '$.categories[0].typeId.typeId') = '17'",
        )
        assert held == [(total,)]
        assert walk.verdict == "complete"
        assert summary.tally.requests < 2 * total


@pytest.mark.parametrize(
    "fault, verdict", [((), "complete"), (("http-404:url=/article-sitemap1.xml:forever",), "truncated")]
)
async def test_a_whole_sitemap_is_believed_as_far_as_the_total_bears_it_out(
    tmp_path: Path, fault: tuple[str, ...], verdict: str
) -> None:
    """What a listing does not show is found in the sitemap, and counted; one that is not whole proves nothing."""
    async with Newsroom(Options(articles=1500, faults=("paging-clamps:forever", *fault))) as room:
        category = max(room.inventory.categories(), key=lambda listing: len(listing.ids))
        site = site_of(room, key="box-key")
        summary = await crawl(tmp_path / "a", site, category.url, media=False, exhaustive=True)
        held = set(category.ids) <= column(tmp_path / "a", "SELECT id FROM articles")
    (walk,) = [walk for walk in summary.walks if walk.depth >= 0]
    assert held is (verdict == "complete")
    assert walk.verdict == verdict


async def test_what_no_route_reaches_is_said(tmp_path: Path) -> None:
    """Without the classic API, a category whose page is cut short is truncated, and the run says so."""
    async with Newsroom(Options(profile="olj", articles=300)) as room:
        category = max(room.inventory.categories(), key=lambda listing: len(listing.ids))
        summary = await crawl(tmp_path / "a", site_of(room), category.url, media=False)
        assert [walk.key for walk in summary.truncated] == [f"olj:category/{category.id}"]
        assert set(column(tmp_path / "a", "SELECT id FROM articles")) <= set(room.inventory.articles())


async def test_bytes_that_are_no_text_are_kept_in_the_body(tmp_path: Path) -> None:
    """The article object has U+FFFD for them; the body of the capture that it was read from has them as they came."""
    async with Newsroom(Options(articles=5, faults=("invalid-utf8:url=/cms/content/:forever",))) as room:
        article_id = next(iter(room.inventory.articles()))
        await crawl(tmp_path / "a", site_of(room, key="box-key"), f"dm:{article_id}", media=False)
    query = (
        "SELECT r.json, b.zstd FROM revision AS r JOIN article AS a ON a.id = r.article "
        "JOIN capture AS c ON c.id = r.capture JOIN body AS b ON b.sha256 = c.sha256 WHERE a.cms_id = ?"
    )
    ((text, frame),) = rows(tmp_path / "a", query, article_id)
    assert "\ufffd\ufffd(" in str(text)
    assert isinstance(frame, bytes)
    assert b"\xff\xc3\x28" in zstandard.ZstdDecompressor().decompress(frame)


async def test_a_second_run_asks_for_no_article_again(tmp_path: Path) -> None:
    """What is held costs no request: only the listing itself is looked at again."""
    async with Newsroom(Options(articles=40)) as room:
        site = site_of(room)
        await crawl(tmp_path / "a", site, "dm:category/africa")
        room.log.clear()
        summary = await crawl(tmp_path / "a", site, "dm:category/africa")
        paths = [entry.path_qs for entry in room.log.entries]
        assert all(path.startswith(("/category/", "/robots.txt")) for path in paths)
        assert (summary.tally.articles_new, summary.tally.media_new) == (0, 0)


async def test_every_spelling_of_an_article_is_one_article(tmp_path: Path) -> None:
    """An article asked for by date, without it, by id and with a query string is fetched once."""
    async with Newsroom(Options(articles=20, quirks=False)) as room:
        site = site_of(room)
        article = next(iter(room.inventory.articles()))
        url = room.inventory.url(article)
        await crawl(tmp_path / "a", site, f"{url}?utm_source=x", media=False)
        room.log.clear()
        await crawl(
            tmp_path / "a", site, url.rstrip("/"), f"dm:{article}", f"{room.url}/article/{article}", media=False
        )
        assert [entry.path_qs for entry in room.log.entries] == []
        assert rows(tmp_path / "a", "SELECT id, revisions FROM articles") == [(article, 1)]


async def test_media_left_out_is_fetched_when_asked_for(tmp_path: Path) -> None:
    """Media skipped by --no-media is queued by a later run without it; the articles are not fetched again."""
    async with Newsroom(Options(articles=15)) as room:
        site = site_of(room)
        await crawl(tmp_path / "a", site, "dm:category/africa", media=False)
        assert column(tmp_path / "a", "SELECT DISTINCT state FROM media") == {"skipped"}
        room.log.clear()
        await crawl(tmp_path / "a", site, "dm:category/africa")
        assert missing(room, tmp_path / "a", room.inventory.articles(category="africa")) == []
        assert not [entry.path_qs for entry in room.log.entries if "/article/" in entry.path_qs]


async def test_depth_follows_what_articles_name(tmp_path: Path) -> None:
    """With depth 1 the listings of an article's categories, keywords and authors are archived too."""
    async with Newsroom(Options(articles=40)) as room:
        site = site_of(room)
        article = next(iter(room.inventory.articles(category="africa")))
        await crawl(tmp_path / "a", site, f"dm:{article}", media=False, depth=1)
        named = column(tmp_path / "a", "SELECT slug FROM keywords WHERE url LIKE ?", f"{room.url}%")
        assert named
        for listing in room.inventory.categories():
            if listing.slug == "africa":
                assert missing(room, tmp_path / "a", []) == []
                assert set(listing.ids) <= column(tmp_path / "a", "SELECT id FROM articles")


async def test_an_interrupted_crawl_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A crawl stopped by its time limit leaves the rest queued; the next one finishes without fetching twice."""
    async with Newsroom(Options(articles=60)) as room:
        site = site_of(room)
        chosen = settings(rate=60.0)
        first = await crawl(tmp_path / "a", site, "dm:category/africa", chosen=chosen, time_limit=1.0)
        assert first.stopped_by == "time"
        assert first.left > 0
        assert rows(tmp_path / "a", "SELECT count(*) FROM frontier WHERE state = 'doing'") == [(0,)]
        await crawl(tmp_path / "a", site, "dm:category/africa")
        assert missing(room, tmp_path / "a", room.inventory.articles(category="africa")) == []
        media = [entry.path_qs for entry in room.log.entries if entry.kind == "media"]
        assert len(media) == len(set(media))


async def test_the_configured_rate_is_kept(tmp_path: Path) -> None:
    """The server's own log never shows more requests in any second than the configured rate, by a tenth."""
    async with Newsroom(Options(articles=12)) as room:
        chosen = settings(rate=40.0)
        await crawl(tmp_path / "a", site_of(room), "dm:category/africa", chosen=chosen)
        times = sorted(entry.monotonic for entry in room.log.entries)
        busiest = max(sum(1 for other in times if start <= other < start + 1.0) for start in times)
        assert busiest <= 44


async def test_bounds_are_kept(tmp_path: Path) -> None:
    """--limit and --since archive no more than was asked for."""
    async with Newsroom(Options(articles=60)) as room:
        site = site_of(room)
        summary = await crawl(tmp_path / "a", site, "dm:category/africa", media=False, bounds=Bounds(limit=5))
        assert rows(tmp_path / "a", "SELECT count(*) FROM articles")[0][0] == 5
        assert [walk.verdict for walk in summary.walks] == ["bounded"]


async def test_a_limit_holds_for_all_targets_together(tmp_path: Path) -> None:
    """Listings that are read at the same time do not each take what is left of the number."""
    async with Newsroom(Options(articles=40)) as room:
        targets = ("dm:category/africa", "dm:category/maverick-news", "dm:publication/1")
        summary = await crawl(tmp_path / "a", site_of(room), *targets, media=False, bounds=Bounds(limit=3))
    assert summary.tally.articles_new == 3


async def test_a_front_page_that_is_limited_is_bounded_not_complete(tmp_path: Path) -> None:
    """What the limit left out is said, as for any other listing, and sitemaps that would be left out are not read."""
    async with Newsroom(Options(articles=60)) as room:
        site = site_of(room)
        summary = await crawl(tmp_path / "a", site, "dm", media=False, bounds=Bounds(limit=2))
        (walk,) = summary.walks
        assert (walk.verdict, walk.seen) == ("bounded", 2)
        assert [(route.route, route.note) for route in walk.routes] == [("pages", "stopped at --limit 2")]
        assert not [entry for entry in room.log.entries if "sitemap" in entry.path_qs]
        whole = await crawl(tmp_path / "a", site, "dm", media=False)
        assert [walk.verdict for walk in whole.walks] == ["complete"]


async def test_a_refused_key_stops_the_run(tmp_path: Path) -> None:
    """A key that the API refuses is not used again."""
    async with Newsroom(Options(articles=40)) as room:
        summary = await crawl(tmp_path / "a", site_of(room, key="wrong"), "dm:publication/1")
        assert summary.key_refused
        assert sum(1 for entry in room.log.entries if entry.key_given) == 1


async def test_a_crawl_that_is_cut_off_gives_everything_back(tmp_path: Path) -> None:
    """Abandoned in the middle, with requests in hand, a crawl leaves no row as being done."""
    async with Newsroom(Options(articles=30, latency_ms=50.0)) as room:
        site = site_of(room)
        request = CrawlRequest(targets=(parse_target("dm:category/africa", (site,)),), command="crawl")
        async with open_store(tmp_path / "a") as store:
            under_way = asyncio.Event()
            crawling = Crawl(store, (site,), settings(), request, lambda *_: under_way.set())
            task = asyncio.create_task(crawling.run())
            await under_way.wait()
            crawling.abandon()
            await task
        assert rows(tmp_path / "a", "SELECT count(*) FROM frontier WHERE state = 'doing'") == [(0,)]
        assert rows(tmp_path / "a", "SELECT count(*) FROM frontier WHERE state = 'queued'") > [(0,)]


async def test_a_run_that_is_stopped_while_it_begins_asks_for_nothing(tmp_path: Path) -> None:
    """A signal may come before there is anything to stop."""
    async with Newsroom(Options(articles=10)) as room, open_store(tmp_path / "a") as store:
        site = site_of(room, key="box-key")
        request = CrawlRequest(targets=(parse_target("dm:publication/1", (site,)),), command="crawl")
        crawling = Crawl(store, (site,), settings(), request)
        crawling.stop("SIGINT")
        summary = await crawling.run()
        assert (summary.stopped_by, summary.left, room.log.entries) == ("SIGINT", 1, [])


async def test_what_is_in_hand_when_the_room_runs_out_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more is asked for, and nothing that was asked for is thrown away."""
    async with Newsroom(Options(articles=30, latency_ms=200.0)) as room:
        site = site_of(room, key="box-key")
        wanted = tuple(parse_target(f"dm:{number}", (site,)) for number in room.inventory.articles())
        async with open_store(tmp_path / "a") as store:
            under_way = asyncio.Event()
            crawling = Crawl(
                store, (site,), settings(), CrawlRequest(wanted, command="crawl"), lambda *_: under_way.set()
            )
            task = asyncio.create_task(crawling.run())
            await under_way.wait()
            monkeypatch.setattr(store, "check_space", lambda: no_room("less than the floor"))
            with pytest.raises(ExceptionGroup) as caught:
                await task
        assert caught.group_contains(OutOfSpace)
        asked = len(room.log.entries)
    assert rows(tmp_path / "a", "SELECT count(*) FROM capture") == [(asked,)]
    assert rows(tmp_path / "a", "SELECT count(*) FROM frontier WHERE state = 'doing'") == [(0,)]


def no_room(why: str) -> None:
    raise OutOfSpace(why)


async def test_a_mistake_of_our_own_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw, in the reading of one answer, is a failure of that row, not the end of the run."""
    read = reading.from_page

    def stumble(body: bytes, url: str, site: Site) -> article.Article:
        if url == victim:
            raise ZeroDivisionError("nobody thought of this")
        return read(body, url, site)

    monkeypatch.setattr(reading, "from_page", stumble)
    async with Newsroom(Options(articles=20, quirks=False)) as room:
        wanted = list(room.inventory.articles(category="africa"))
        victim = room.inventory.url(wanted[0])
        summary = await crawl(tmp_path / "a", site_of(room), "dm:category/africa", media=False)
    assert summary.causes == {"internal": 1}
    assert set(wanted) - column(tmp_path / "a", "SELECT id FROM articles") == {wanted[0]}
    ((error, next_attempt),) = rows(tmp_path / "a", "SELECT error, next_attempt_at FROM failures")
    assert "ZeroDivisionError: nobody thought of this" in str(error)
    assert next_attempt is not None


async def test_a_page_that_holds_another_article_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that mixes up two articles for once hides neither of them: what was asked for is still to be archived."""
    read = reading.from_page
    mixed_up: dict[str, bytes] = {}

    def mix_up(body: bytes, url: str, site: Site) -> article.Article:
        mixed_up.setdefault("body", body)
        return read(mixed_up["body"] if url == victim else body, url, site)

    async with Newsroom(Options(articles=20, quirks=False)) as room:
        wanted = list(room.inventory.articles(category="africa"))
        victim = room.inventory.url(wanted[-1])
        with monkeypatch.context() as patch:
            patch.setattr(reading, "from_page", mix_up)
            summary = await crawl(tmp_path / "a", site_of(room), "dm:category/africa", media=False)
        assert summary.causes == {"unreadable": 1}
        assert set(wanted) - column(tmp_path / "a", "SELECT id FROM articles") == {wanted[-1]}
        ((url, error),) = rows(tmp_path / "a", "SELECT url, error FROM failures")
        assert (url, "not what its address says" in str(error)) == (victim, True)
        await crawl(tmp_path / "a", site_of(room), "dm:category/africa", media=False)
        assert set(wanted) <= column(tmp_path / "a", "SELECT id FROM articles")


async def test_a_category_that_no_article_will_name_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id comes with its first article: where none is under way, none will come."""
    monkeypatch.setattr(walk, "wait", lambda *_: pytest.fail("there is nothing to wait for"))
    async with Newsroom(Options(articles=10)) as room:
        summary = await crawl(tmp_path / "a", site_of(room, key="box-key"), "dm:category/nowhere")
    assert [one.verdict for one in summary.walks] == ["unavailable"]


async def test_a_picture_that_cannot_be_kept_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched and not kept, for a mistake of our own: it failed, it is not counted as kept, and all others are."""
    row_of = received._file_row
    victims: set[str] = set()

    def stumble(file: FileRecord) -> tuple[object, ...]:
        if not victims or file.sha256 in victims:
            victims.add(file.sha256)
            raise ZeroDivisionError("nobody thought of this")
        return row_of(file)

    monkeypatch.setattr(received, "_file_row", stumble)
    async with Newsroom(Options(articles=20, quirks=False)) as room:
        summary = await crawl(tmp_path / "a", site_of(room), "dm:category/africa")
    failed, stored = summary.failed["media"], summary.tally.media_new
    assert rows(tmp_path / "a", "SELECT state, count(*) FROM media GROUP BY 1 ORDER BY 1") == [
        ("failed", failed),
        ("stored", stored),
    ]
    assert summary.causes == {"internal": failed}
    assert {error for (error,) in rows(tmp_path / "a", "SELECT error FROM failures")} == {
        "a mistake of our own (ZeroDivisionError: nobody thought of this)"
    }


async def test_thousands_of_bad_pictures_never_pass_silently(tmp_path: Path) -> None:
    """When more pictures fail than the budget allows the run stops; no bad body is stored, no article is lost."""
    async with Newsroom(Options(articles=40, faults=("html-image:1.0:forever",))) as room:
        summary = await crawl(tmp_path / "a", site_of(room), "dm:category/africa", chosen=settings(failure_budget=0.1))
        assert summary.stopped_by == "budget"
        assert summary.failed["media"] < 100
        assert rows(tmp_path / "a", "SELECT count(*) FROM file") == [(0,)]
        assert set(room.inventory.articles(category="africa")) <= column(tmp_path / "a", "SELECT id FROM articles")


async def test_a_dying_server_is_not_beaten_by_retries(tmp_path: Path) -> None:
    """Where two pictures in three fail for good, retries stay few: a start, what successes earn, a second chance."""
    async with Newsroom(Options(articles=25, faults=("zero-bytes:0.66:url=/i/:forever",))) as room:
        chosen = settings(failure_budget=1.0)
        summary = await crawl(tmp_path / "a", site_of(room, key="box-key"), "dm:publication/1", chosen=chosen)
        asked = [entry.path_qs for entry in room.log.entries]
    jobs = column(tmp_path / "a", "SELECT count(*) FROM frontier").pop()
    assert summary.failed["media"] > 60
    assert len(asked) - int(str(jobs)) <= 30 + summary.tally.media_new + 25 + summary.failed["media"] + 5
    assert len(asked) < 3 * len(set(asked))
