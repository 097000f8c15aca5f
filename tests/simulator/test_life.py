"""A newsroom that lives: what it serves as its clock moves, compared with its own history."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator import Newsroom
from simulator.events import Event, Kind, Way
from simulator.history import Truth, fingerprint
from simulator.walltime import stamp
from tests.simulator.conftest import Client, Start
from tests.simulator.living import by_id, pictured, truths
from tests.simulator.test_newsroom import get_all, links


async def listed_in(client: Client, path: str) -> list[str]:
    """Return the article paths of all pages of a listing."""
    found: list[str] = []
    for page in range(1, 400):
        more = links((await client.get(f"{path}?pagination={page}")).text)
        if not more:
            return found
        found += more
    raise AssertionError(f"{path} never ends")


def first(newsroom: Newsroom, kind: Kind) -> Event:
    """Return the first event of a kind that has happened."""
    return next(event for event in newsroom.history.events if event.kind is kind)


@pytest.mark.parametrize("profile", ["dm", "olj"])
async def test_the_api_tells_what_history_says(start: Start, profile: str) -> None:
    """At the end of each day every article that changed has its latest fingerprint, or is away as it should be.

    What was true at the end of a day stays true of that day, whatever happens later.
    """
    newsroom, client = await start(profile=profile, articles=150, days=8, events=40)
    told: dict[tuple[str, int], Truth] = {}
    for day in range(1, 9):
        newsroom.pass_days()
        for article_id, truth in truths(newsroom, day):
            told[article_id, day] = truth
            status, article = await by_id(client, article_id)
            assert status == {Way.MISSING: 404, Way.DELETED: 410}.get(truth.way or Way.UNLISTED, 200)
            if article:
                assert fingerprint(article) == truth.revisions[-1]
                assert article["status"] == ("draft" if truth.way is Way.WITHHELD else "publish")
                assert tuple(entry["id"] for entry in article["categories"]) == truth.categories
    assert {known: newsroom.history.truth(*known) for known in told} == told
    assert max(len(truth.revisions) for truth in told.values()) > 2


async def test_every_event_does_what_it_is_expected_to(start: Start) -> None:
    """Step by step: a revision where one is due, a new date where it is announced, nothing else."""
    newsroom, client = await start(articles=150, days=4, events=40)
    seen: dict[str, dict[str, Any]] = {}
    for article_id in newsroom.inventory.articles():
        seen[article_id] = json.loads(newsroom.inventory.article_json(article_id))
    for event in list(newsroom.life._plan):
        newsroom.advance(event.at)
        if event.article is None:
            continue
        status, article = await by_id(client, event.article)
        before = seen.get(event.article)
        if before is not None and article:
            assert (fingerprint(before) != fingerprint(article)) is event.expected.revision, event
            assert (before["lastUpdate"] != article["lastUpdate"]) is event.expected.announced, event
            moved = {name for name in ("title", "contents", "attachments") if before[name] != article[name]}
            assert moved == set(event.changed) & {"title", "contents", "attachments"}, event
        assert (status != 200 or article["status"] != "publish") is event.expected.gone, event
        seen |= {event.article: article} if article else {}
    assert len(newsroom.history.events) == 160


async def test_lists_follow_history(start: Start) -> None:
    """Category pages, sitemap and publication list hold what is listed, newest first, also what is back-dated."""
    newsroom, client = await start(articles=150, days=6, events=40)
    newsroom.pass_days(6)
    expected = set(newsroom.inventory.articles())
    for article_id in newsroom.history.touched():
        truth = newsroom.history.truth(article_id, 6)
        assert truth is not None
        assert (article_id in expected) is truth.listed
    listing = newsroom.stock.listing("category", "12")
    assert listing is not None
    paths = [urlsplit(newsroom.inventory.url(article_id)).path for article_id in listing.ids]
    assert await listed_in(client, urlsplit(listing.url).path) == paths
    total = (await client.get("/cms/publication/1/content?limit=1")).json()["total"]
    assert total == len(expected)
    assert (await client.get("/article-sitemap1.xml")).text.count("<loc>") == len(expected)
    backdated = first(newsroom, Kind.BACKDATED).article
    order = list(newsroom.inventory.articles())
    assert backdated in order[5:]


async def test_swapped_replaced_removed_and_lost_pictures(start: Start) -> None:
    """Other bytes under the same address; a new address beside the old one; no longer named; no longer there."""
    newsroom, client = await start(articles=60)
    article_id, picture = pictured(newsroom)

    def urls() -> list[str]:
        found = newsroom.inventory.renditions(article_id)
        return [one.url for one in found if one.role in ("original", "transform") and one.attachment_id == picture]

    async def bodies() -> list[bytes]:
        return [(await client.get(url)).body for url in known]

    known = urls()
    before, (_, article) = await bodies(), await by_id(client, article_id)
    newsroom.happen(Kind.SWAPPED, attachment=picture)
    swapped = await bodies()
    assert all(one != other for one, other in zip(before, swapped, strict=True))
    assert fingerprint((await by_id(client, article_id))[1]) == fingerprint(article)
    newsroom.happen(Kind.REPLACED, attachment=picture)
    replaced = (await by_id(client, article_id))[1]["attachments"]
    assert picture not in [entry["id"] for entry in replaced]
    assert (await client.get(replaced[0]["url"])).status == 200
    assert await bodies() == swapped
    picture = replaced[0]["id"]
    known = urls()
    newsroom.happen(Kind.LOST, attachment=picture)
    assert {(await client.get(url)).status for url in known} == {404}
    assert urls() == known
    newsroom.happen(Kind.REMOVED, attachment=picture)
    assert urls() == []


@pytest.mark.parametrize(
    "way, api, page",
    [(Way.MISSING, 404, 500), (Way.DELETED, 410, 410), (Way.WITHHELD, 200, 404), (Way.UNLISTED, 200, 200)],
)
async def test_articles_are_away_in_four_ways_and_come_back(start: Start, way: Way, api: int, page: int) -> None:
    """API and page answer as the way says, every list drops it, and a return undoes all of it."""
    newsroom, client = await start(articles=60)
    article_id = next(newsroom.inventory.articles(category="africa"))
    url = newsroom.inventory.url(article_id)
    before = await by_id(client, article_id)
    newsroom.happen(Kind.UNPUBLISHED, way, article=article_id)
    assert ((await by_id(client, article_id))[0], (await client.get(url)).status) == (api, page)
    assert urlsplit(url).path not in (await client.get("/category/africa/")).text
    assert (article_id in newsroom.inventory.removed()) is (way is not Way.UNLISTED)
    event = newsroom.happen(Kind.RESTORED, article=article_id)
    assert event.expected.returned is (way is not Way.UNLISTED)
    after = await by_id(client, article_id)
    assert (after[0], fingerprint(after[1])) == (before[0], fingerprint(before[1]))
    assert urlsplit(url).path in (await client.get("/category/africa/")).text


@pytest.mark.parametrize("profile", ["dm", "olj"])
async def test_merged_keywords_lead_to_what_replaces_them(start: Start, profile: str) -> None:
    """The old page redirects, articles keep the keyword and name its replacement, whose list has them all."""
    newsroom, client = await start(profile=profile, articles=120)
    old, new = list(newsroom.inventory.keywords())[:2]
    newsroom.happen(Kind.MERGED, new.id, term=old.id)
    moved = await client.get(old.url)
    assert (moved.status, moved.headers["Location"]) == (301, new.url)
    listed = newsroom.stock.listing("keyword", new.id)
    assert listed is not None
    assert set(listed.ids) == {*old.ids, *new.ids}
    assert old.id not in {found.id for found in newsroom.inventory.keywords()}
    _, article = await by_id(client, old.ids[0])
    assert {k["data"]["keywordId"]: k["data"]["replacedWith"] for k in article["keywords"]}[old.id] == new.id


@pytest.mark.parametrize("profile, category", [("dm", "21"), ("olj", "8")])
async def test_renamed_categories_redirect_when_their_slug_changed(start: Start, profile: str, category: str) -> None:
    """A new name alone moves nothing; with a new slug the old addresses lead to the new one."""
    newsroom, client = await start(profile=profile, articles=120)
    before = newsroom.stock.listing("category", category)
    assert before is not None
    newsroom.happen(Kind.RENAMED, "Leisure", before.slug, term=category)
    assert "<h1>Leisure</h1>" in (await client.get(before.url)).text
    newsroom.happen(Kind.RENAMED, "Leisure", "leisure", term=category)
    old = [before.url] if profile == "olj" else [before.url, "/section/maverick-life/", "/maverick-life/"]
    for where in old:
        moved = await client.get(where)
        assert moved.status == 301
        assert moved.headers["Location"] != before.url
        assert "<h1>Leisure</h1>" in (await client.get(moved.headers["Location"])).text
    _, article = await by_id(client, before.ids[0])
    assert "Leisure" in [entry["name"] for entry in article["categories"]]


async def test_the_clock_shows_in_headers_and_dates(start: Start) -> None:
    """It starts at midnight on the wall, in a summer that begins that night; Date and firstPublished follow it."""
    newsroom, client = await start(profile="olj", articles=40, days=3, events=6, first_day=date(2022, 3, 26))
    assert stamp(newsroom.now) == "2022-03-25T22:00:00Z"
    newsroom.pass_days()
    assert stamp(newsroom.now) == "2022-03-26T22:00:00Z"
    newsroom.pass_days()
    answer = await client.get("/robots.txt")
    assert answer.headers["Date"] == "Sun, 27 Mar 2022 21:00:00 GMT"  # 23 hours later
    event = newsroom.happen(Kind.PUBLISHED)
    assert event.article is not None
    _, article = await by_id(client, event.article)
    assert article["firstPublished"] == article["lastUpdate"] == "2022-03-28 00:00:00"
    newsroom.advance(newsroom.now + timedelta(hours=5))
    newsroom.happen(Kind.EDITED, article=event.article, changed=("title", "lastUpdate"))
    assert (await by_id(client, event.article))[1]["lastUpdate"] == "2022-03-28 05:00:00"


async def test_a_revoked_key_opens_nothing(start: Start) -> None:
    """From then on both APIs refuse it; pages stay open."""
    newsroom, client = await start(articles=20)
    article_id = next(newsroom.inventory.articles())
    newsroom.happen(Kind.REVOKED)
    refused = await client.get(f"/cms/content/{article_id}")
    assert (refused.status, "Invalid API key" in refused.text) == (401, True)
    assert (await client.get("/cmsapi/content.php?action=search&category=3&key=box-key")).status == 403
    assert (await client.get(newsroom.inventory.url(article_id))).status == 200


async def test_a_moved_site_redirects_from_its_old_host(start: Start) -> None:
    """Pages lead to the same path on the new host, whose articles name it; API and pictures stay where they were."""
    newsroom, client = await start(articles=40)
    article_id, _ = pictured(newsroom)
    before, (_, article) = newsroom.inventory.url(article_id), await by_id(client, article_id)
    host = f"localhost:{newsroom.port}"
    newsroom.happen(Kind.MOVED, host)
    moved = await client.get(f"{before}?page=2")
    assert (moved.status, moved.headers["Location"]) == (301, before.replace("127.0.0.1", "localhost") + "?page=2")
    assert newsroom.inventory.url(article_id) == before.replace("127.0.0.1", "localhost")
    assert (await client.get("/", headers={"Host": host})).status == 200
    _, after = await by_id(client, article_id)
    assert urlsplit(after["url"]).hostname == "localhost"
    assert after["contents"] == article["contents"]
    assert after["attachments"] == article["attachments"]
    assert fingerprint(after) == fingerprint(article)


async def test_a_site_that_moves_is_vouched_for_under_its_new_name(start: Start) -> None:
    """With real host names, the certificate names the new one as soon as the site is there."""
    newsroom, _ = await start(articles=20, tls=True)
    article_id = next(newsroom.inventory.articles())
    old = newsroom.inventory.url(article_id)
    newsroom.happen(Kind.MOVED, "www.new-home.example")
    new = newsroom.inventory.url(article_id)
    assert urlsplit(new).hostname == "www.new-home.example"
    assert [status for status, _ in await get_all(newsroom, [old, new])] == [301, 200]


async def test_sixty_days_of_five_thousand_articles_are_no_effort(start: Start) -> None:
    """2,400 events are planned and applied without writing an article, and nothing is written to list a page."""
    newsroom, client = await start(articles=5000, days=60, events=40)
    newsroom.pass_days(60)
    assert len(newsroom.history.events) == 2400
    assert (await client.get("/category/africa/")).status == 200
    assert newsroom.stock.written == 0  # type: ignore[attr-defined]
