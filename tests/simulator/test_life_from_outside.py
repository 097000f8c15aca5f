"""A living newsroom seen from other processes: its control room, its webhooks, its validators."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from aiohttp import web

from simulator import Newsroom, Options
from simulator.events import OF_PICTURES, Kind
from simulator.walltime import stamp
from tests.simulator.conftest import Start
from tests.simulator.living import by_id, pictured, truths
from tests.simulator.test_newsroom import RECORDED

SECRET = "a secret that both know"
Post = tuple[Mapping[str, str], bytes]


async def test_the_clock_is_moved_from_outside(start: Start) -> None:
    """By days, by seconds, to an instant; never backwards, and not without saying how far."""
    newsroom, client = await start(articles=40, days=3, events=10)
    places = []
    for query in ("days=1", "seconds=90", "to=2021-03-14T22:00:00Z"):
        async with client.session.post(f"{newsroom.url}/_box/clock?{query}") as response:
            places.append((await response.json())["local"])
    assert places == ["2021-03-13 00:00:00", "2021-03-13 00:01:30", "2021-03-15 00:00:00"]
    shown = (await client.get("/_box/clock")).json()
    assert (shown["day"], shown["events"], shown["planned"]) == (4, 30, 0)
    for query in ("to=2021-03-01T00:00:00Z", "to=soon", "days=-1", "days=1e99", "seconds=nan", ""):
        async with client.session.post(f"{newsroom.url}/_box/clock?{query}") as response:
            assert response.status == 400, query
    assert (await client.get("/_box/clock")).json() == shown


async def test_a_newsroom_without_days_keeps_real_time(start: Start) -> None:
    """Nobody can move its clock, but things can be made to happen in it."""
    newsroom, client = await start(articles=20)
    async with client.session.post(f"{newsroom.url}/_box/clock?days=1") as response:
        assert (response.status, "real time" in await response.text()) == (400, True)
    newest = newsroom.happen(Kind.PUBLISHED).article
    assert next(newsroom.inventory.articles()) == newest
    older = newsroom.happen(Kind.BACKDATED).article
    assert list(newsroom.inventory.articles())[1] == older


async def test_history_can_be_read_from_outside(start: Start) -> None:
    """Events with what to expect of them, and per day the truth at its end, as one document."""
    newsroom, client = await start(articles=60, days=3, events=12)
    newsroom.pass_days(2)
    told = (await client.get("/_box/history.json")).json()
    assert [event["number"] for event in told["events"]] == list(range(1, 25))
    assert told["events"][0]["expected"].keys() == {"revision", "announced", "gone", "returned", "renditions"}
    assert [day["day"] for day in told["days"]] == [1, 2, 3]
    assert told["days"][2]["articles"] == {}
    for day in told["days"][:2]:
        known = dict(truths(newsroom, day["day"]))
        assert {key: tuple(value["revisions"]) for key, value in day["articles"].items()} == {
            key: truth.revisions for key, truth in known.items()
        }


async def test_things_can_be_ordered_from_outside(start: Start) -> None:
    """An order is carried out at once, or when its time comes; one that cannot be is refused with the reason."""
    newsroom, client = await start(articles=40, days=2, events=5)
    article_id = next(newsroom.inventory.articles())

    async def order(query: str) -> tuple[int, str]:
        async with client.session.post(f"{newsroom.url}/_box/happen?{query}") as response:
            return response.status, await response.text()

    status, text = await order(f"kind=edited&article={article_id}&changed=title,contents")
    assert (status, json.loads(text)["changed"]) == (200, ["title", "contents"])
    assert (await by_id(client, article_id))[1]["title"].strip().endswith("(updated 1)")
    at = stamp(newsroom.now + timedelta(hours=30))
    assert (await order(f"kind=unpublished&article={article_id}&value=410&at={at}"))[0] == 200
    assert (await by_id(client, article_id))[0] == 200
    newsroom.pass_days(2)
    assert (await by_id(client, article_id))[0] == 410
    refused = {
        "kind=burnt": "is unknown; choose one of",
        "kind=edited&article=1&changed=title": "is not in this newsroom",
        f"kind=edited&article={article_id}": "it can name",
        f"kind=unpublished&article={article_id}&value=ash": "no way to be away",
        f"kind=unpublished&article={article_id}&at={at}": "is not ahead",
        "kind=category-renamed&term=3": "needs 2 value(s)",
        "kind=keyword-merged&term=1&value=2": "'1'",
        f"kind=recategorised&article={article_id}&value=none": "'none'",
    }
    for query, words in refused.items():
        status, text = await order(query)
        assert (status, words in text) == (400, True), (query, text)


async def test_replayed_documents_do_not_live(start: Start) -> None:
    """Nothing happens to documents, and the box says why."""
    _, client = await start(replay=RECORDED)
    answer = await client.get("/_box/clock")
    assert (answer.status, "start the newsroom without replay" in answer.text) == (400, True)


@pytest.mark.parametrize("profile", ["dm", "olj"])
async def test_conditional_requests_are_answered_when_asked_for(start: Start, profile: str) -> None:
    """304 while nothing changed, by tag and by date, on the article API and on pictures; 200 after a change."""
    newsroom, client = await start(profile=profile, articles=60, conditional=True, days=2, events=1)
    article_id, picture = pictured(newsroom)
    image = newsroom.inventory.renditions(article_id)[0].url
    api = f"/cms/content/{article_id}"
    known = {where: (await client.get(where)).headers for where in (api, image)}
    for where, headers in known.items():
        held = await client.get(where, headers={"If-None-Match": f'"x", {headers["ETag"]}'})
        assert (held.status, held.body, held.headers["ETag"]) == (304, b"", headers["ETag"])
    since = {"If-Modified-Since": known[api]["Last-Modified"]}
    assert (await client.get(api, headers=since)).status == 304
    newsroom.advance(newsroom.now + timedelta(hours=1))
    newsroom.happen(Kind.EDITED, article=article_id, changed=("contents",))
    newsroom.happen(Kind.SWAPPED, attachment=picture)
    for where, headers in known.items():
        changed = await client.get(where, headers={"If-None-Match": headers["ETag"]})
        assert (changed.status, changed.headers["ETag"] != headers["ETag"]) == (200, True)
        assert parsedate_to_datetime(changed.headers["Last-Modified"]) == newsroom.now
    assert (await client.get(api, headers=since)).status == 200
    for broken in ("yesterday", "Sat, 99 Foo 2022 00:00:00 GMT"):
        assert (await client.get(api, headers={"If-Modified-Since": broken})).status == 200


async def test_without_the_option_no_validators_are_sent(start: Start) -> None:
    """As far as is known the CMS sends none, so that is what the newsroom does."""
    newsroom, client = await start(articles=20)
    article_id, _ = pictured(newsroom)
    for where in (f"/cms/content/{article_id}", newsroom.inventory.renditions(article_id)[0].url):
        answer = await client.get(where, headers={"If-None-Match": "*"})
        assert (answer.status, {"ETag", "Last-Modified"} & set(answer.headers)) == (200, set())


@asynccontextmanager
async def listener(status: int = 204) -> AsyncIterator[tuple[str, asyncio.Queue[Post]]]:
    """Receive webhooks; yield the address and what comes."""
    received: asyncio.Queue[Post] = asyncio.Queue()

    async def receive(request: web.BaseRequest) -> web.Response:
        received.put_nowait((request.headers, await request.read()))
        return web.Response(status=status)

    runner = web.ServerRunner(web.Server(receive))
    await runner.setup()
    door = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, door).start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}/hook", received
    finally:
        await runner.cleanup()


SAVED = {Kind.PUBLISHED, Kind.BACKDATED, Kind.EDITED, Kind.RECATEGORISED, Kind.REPLACED, Kind.REMOVED, Kind.RESTORED}


async def test_saved_articles_are_told_to_the_webhook() -> None:
    """One signed POST for every save, in both bodies of the contract, with a site-local time; none for the rest."""
    async with listener() as (url, received):
        options = Options(articles=60, days=5, webhook=url, webhook_secret=SECRET)
        async with Newsroom(options) as newsroom:
            newsroom.pass_days(5)
            hooks = newsroom.life.hooks
            assert hooks is not None
            await asyncio.wait_for(hooks.settle(), 20)
            saved = [event for event in newsroom.history.events if event.kind in SAVED]
            assert (hooks.delivered, hooks.failed, hooks.waiting) == (len(saved), 0, 0)
    assert SECRET not in repr(options)
    forms = set()
    assert received.qsize() == len(saved)
    for event in saved:
        headers, body = received.get_nowait()
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-webhook-signature"] == f"sha256={mac}"
        told = json.loads(body)
        parameters = told.get("parameters", told)
        forms.add((told.get("trigger_id"), type(told.get("parameters"))))
        parameters = json.loads(parameters) if isinstance(parameters, str) else parameters
        assert parameters["article_id"] == event.article
        assert told["timestamp"] == str(newsroom.life.calendar.local(event.at))
    assert forms == {("content_publish", type(None)), (None, str), (None, dict)}


@pytest.mark.parametrize("status", [500, None])
async def test_a_webhook_that_fails_is_forgotten(status: int | None) -> None:
    """Refused or unreachable: counted, and not tried again."""
    async with listener(status or 204) as (url, received):
        where = url if status else "http://127.0.0.1:1/hook"
        async with Newsroom(Options(articles=10, webhook=where, webhook_secret=SECRET)) as newsroom:
            newsroom.happen(Kind.PUBLISHED)
            hooks = newsroom.life.hooks
            assert hooks is not None
            await asyncio.wait_for(hooks.settle(), 10)
            assert (hooks.delivered, hooks.failed) == (0, 1)
            assert newsroom.life.facts()["webhooks"] == {"delivered": 0, "failed": 1, "waiting": 0}
    assert received.qsize() == (1 if status else 0)


async def test_days_can_pass_by_themselves() -> None:
    """With a length of day the clock moves without being told, and events happen as it passes them."""
    async with listener() as (url, received):
        options = Options(articles=40, days=2, events=10, day_length=0.2, webhook=url, webhook_secret=SECRET)
        async with Newsroom(options) as newsroom, asyncio.timeout(20):
            saves = [event for event in newsroom.life._plan if event.kind in SAVED]
            for _ in saves:
                await received.get()
            assert newsroom.now >= saves[-1].at
            assert saves[-1] in newsroom.history.events


def test_options_of_a_life_refuse_nonsense() -> None:
    """A bad value is named together with the remedy."""
    several: tuple[dict[str, Any], ...] = (
        {"days": -1},
        {"events": 0},
        {"day_length": -1},
        {"webhook": "ftp://x", "webhook_secret": SECRET},
        {"webhook": "http://x"},
    )
    for options in several:
        with pytest.raises(ValueError, match=r"choose|name"):
            Options(**options)


async def test_a_first_day_before_the_newest_article_is_refused() -> None:
    """News cannot be older than what is already there."""
    with pytest.raises(ValueError, match="choose a later day or fewer articles"):
        await Newsroom(Options(articles=40, days=1, first_day=date(2021, 3, 2))).start()


def test_pictures_are_told_apart_from_other_kinds() -> None:
    """The kinds that need an attachment are those whose name says so."""
    assert {kind for kind in Kind if kind.startswith("picture-")} == OF_PICTURES
