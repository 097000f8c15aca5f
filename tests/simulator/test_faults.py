"""What goes wrong on purpose: each fault as a client meets it, and when it strikes."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from PIL import Image

from simulator.faults import FAULTS, STORM, Plan
from simulator.faults.plan import rule
from tests.simulator.conftest import Answer, Client, Start

Attempt = Callable[[str], Awaitable[Answer]]


async def broken(client: Client, path: str) -> str:
    """Return the name of the client's error."""
    try:
        answer = await client.get(path)
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__
    return f"status {answer.status}"


async def picture_paths(client: Client, suffix: str) -> list[str]:
    """Return the paths of pictures of one format."""
    inventory = client.newsroom.inventory
    every = (rendition.url for i in inventory.articles() for rendition in inventory.renditions(i))
    return [url for url in every if url.endswith(suffix)]


@pytest.mark.parametrize(
    "name, errors",
    [
        ("reset", {"ServerDisconnectedError", "ClientOSError"}),
        ("reset-mid-body", {"ClientPayloadError", "ClientOSError"}),
        ("stall", {"SocketTimeoutError"}),
        ("stall-mid-body", {"SocketTimeoutError"}),
        ("short-body", {"ClientPayloadError"}),
        ("chunked-cut", {"ClientPayloadError"}),
        ("http-429", {"status 429"}),
        ("http-503-date", {"status 503"}),
        ("http-500", {"status 500"}),
        ("http-502", {"status 502"}),
        ("http-504", {"status 504"}),
        ("http-404", {"status 404"}),
        ("http-410", {"status 410"}),
        ("bot-wall", {"status 403"}),
        ("bad-key", {"status 401"}),
        ("brotli-bomb", {"ClientPayloadError", "ContentEncodingError", "ClientResponseError", "status 200"}),
    ],
)
async def test_a_fault_strikes_once_or_twice_and_then_the_answer_is_good(
    start: Start, name: str, errors: set[str]
) -> None:
    """Recoverable by default: at most two bad attempts for a URL."""
    newsroom, client = await start(articles=5, faults=(name,), paging="page")
    path = f"/cms/content/{next(newsroom.inventory.articles())}"
    attempts = [await broken(client, path) for _ in range(3)]
    assert attempts[0] in errors
    assert attempts[2] == "status 200"
    assert newsroom.log.entries[0].fault == name
    assert newsroom.log.entries[2].fault is None


async def test_one_byte_per_second_arrives_slowly(start: Start) -> None:
    """The first byte comes at once, the second a second later."""
    newsroom, client = await start(articles=5, faults=("slow",))
    url = f"{newsroom.url}/cms/content/{next(newsroom.inventory.articles())}"
    begun = time.monotonic()
    async with client.session.get(url, timeout=aiohttp.ClientTimeout(sock_read=3)) as response:
        assert await response.content.readexactly(2) == b'{"'
    assert 0.9 < time.monotonic() - begun < 2.5


async def test_servers_say_when_to_come_back(start: Start) -> None:
    """Retry-After in seconds and as a date, as long as asked."""
    newsroom, client = await start(
        articles=5, faults=("http-429:url=robots:after=7", "http-429:after=7", "http-503-date:after=30")
    )
    path = f"/cms/content/{next(newsroom.inventory.articles())}"
    assert (await client.get(path)).headers["Retry-After"] == "7"
    _, other = await start(articles=5, faults=("http-503-date:after=30",))
    moment = parsedate_to_datetime((await other.get(path)).headers["Retry-After"])
    assert 28 < moment.timestamp() - time.time() < 33


async def test_redirects_go_astray(start: Start) -> None:
    """In circles, to another host, to the metadata address."""
    newsroom, client = await start(articles=5, faults=("redirect-loop",))
    path = f"/cms/content/{next(newsroom.inventory.articles())}"
    with pytest.raises(aiohttp.TooManyRedirects):
        await client.get(path, allow_redirects=True)
    for name, start_of in (
        ("redirect-away", "http://elsewhere.example/"),
        ("redirect-private", "http://169.254.169.254/"),
    ):
        _, other = await start(articles=5, faults=(name,))
        assert (await other.get(path)).headers["Location"].startswith(start_of)


async def test_pages_are_replaced_by_robot_tests(start: Start) -> None:
    """A captcha comes with status 200."""
    newsroom, client = await start(articles=5, faults=("captcha",))
    answer = await client.get(newsroom.inventory.url(next(newsroom.inventory.articles())))
    assert answer.status == 200
    assert "Verify you are human" in answer.text


@pytest.mark.parametrize(
    "name, suffix", [("truncated-jpeg", ".jpg"), ("truncated-png", ".png"), ("truncated-webp", ".webp")]
)
async def test_truncated_pictures_do_not_decode(start: Start, name: str, suffix: str) -> None:
    """Two thirds of a picture come as if they were all; other formats are left alone."""
    _, client = await start(articles=60, faults=(f"{name}:times=1",))
    url = (await picture_paths(client, suffix))[0]
    short, whole = await client.get(url), await client.get(url)
    assert whole.body.startswith(short.body)
    assert short.headers["Content-Length"] == str(len(short.body))
    with pytest.raises((OSError, SyntaxError)), Image.open(BytesIO(short.body)) as image:
        image.load()
    other = (await picture_paths(client, ".gif"))[0]
    with Image.open(BytesIO((await client.get(other)).body)) as image:
        image.load()


async def test_pictures_are_not_what_they_claim(start: Start) -> None:
    """HTML for a picture, an empty one, a wrong type, and a billion pixels."""
    found: dict[str, Answer] = {}
    for name in ("html-image", "html-as-jpeg", "zero-bytes", "wrong-type", "pixel-bomb"):
        _, client = await start(articles=10, faults=(name,))
        found[name] = await client.get((await picture_paths(client, ".jpg"))[0])
    assert {answer.status for answer in found.values()} == {200}
    assert found["html-image"].headers["Content-Type"].startswith("text/html")
    assert found["html-as-jpeg"].headers["Content-Type"] == "image/jpeg"
    assert b"<html>" in found["html-as-jpeg"].body
    assert found["zero-bytes"].body == b""
    assert found["wrong-type"].headers["Content-Type"] == "application/octet-stream"
    assert found["pixel-bomb"].body[16:24] == (40_000).to_bytes(4, "big") + (25_000).to_bytes(4, "big")
    assert len(found["pixel-bomb"].body) < 500


async def test_floods_and_bombs_are_large(start: Start) -> None:
    """A client that reads on gets more than it should hold; one that stops hurts nobody."""
    for name in ("over-limit", "over-limit-declared", "gzip-bomb"):
        newsroom, client = await start(articles=5, faults=(name,))
        url = f"{newsroom.url}/cms/content/{next(newsroom.inventory.articles())}"
        async with client.session.get(url) as response:
            size = 0
            async for chunk in response.content.iter_chunked(1 << 20):
                size += len(chunk)
                if size > 20 << 20:
                    break
            response.close()
        assert size > 20 << 20
        assert ("Content-Length" in response.headers) == (name != "over-limit")
        assert (await client.get("/robots.txt")).status == 200


async def content(start: Start, name: str) -> tuple[Answer, dict[str, Any]]:
    """Return a faulty single content, and the article as it should be."""
    newsroom, client = await start(articles=30, faults=(name,))
    ids = newsroom.inventory.articles()
    article = next(
        a for a in (json.loads(newsroom.inventory.article_json(i)) for i in ids) if a["attachments"] and a["keywords"]
    )
    return await client.get(f"/cms/content/{article['id']}"), article


@pytest.mark.parametrize("name", ["invalid-json", "truncated-json", "invalid-utf8", "zero-bytes"])
async def test_json_that_cannot_be_read(start: Start, name: str) -> None:
    """The API's answer is no JSON."""
    answer, _ = await content(start, name)
    with pytest.raises(ValueError, match=r"."):
        json.loads(answer.body)


async def test_json_that_can_be_read_and_is_odd(start: Start) -> None:
    """Repeated keys, deep nesting, `data` as object, and no shape at all."""
    answer, article = await content(start, "duplicate-keys")
    assert answer.body.count(b'"title":') > 1
    assert answer.json()["data"][0]["id"] == article["id"]
    answer, _ = await content(start, "deep-json")
    assert b"[" * 10_000 in answer.body
    answer, article = await content(start, "data-object")
    data = answer.json()["data"]
    assert article["id"] in (data.get("id"), data.get("0", {}).get("id"))
    answer, _ = await content(start, "wrong-shape")
    assert "contents" not in answer.text


async def test_embedded_json_breaks_too(start: Start) -> None:
    """The page's own copy of the article can be invalid."""
    newsroom, client = await start(articles=5, quirks=False, faults=("invalid-json",))
    page = (await client.get(newsroom.inventory.url(next(newsroom.inventory.articles())))).text
    (props, *_) = re.findall(r'<astro-island [^>]*props="([^"]*)"', page)
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(html.unescape(props))


async def test_articles_of_odd_shapes_and_sizes(start: Start) -> None:
    """50 MB, 500 attachments, lists for maps, objects for text, rings of keywords, hostile addresses."""
    found: dict[str, dict[str, Any]] = {}
    article: dict[str, Any] = {}
    for name in ("large-article", "many-attachments", "empty-maps", "contents-object", "flat-keywords", "wrong-types"):
        answer, article = await content(start, name)
        found[name] = answer.json()["data"][0]
    assert len(found["large-article"]["contents"]) > 49 << 20
    assert len(found["many-attachments"]["attachments"]) == 500
    assert found["empty-maps"]["seo"] == found["empty-maps"]["contentType"] == []
    assert "</" in found["contents-object"]["contents"]["html"]
    assert found["flat-keywords"]["keywords"][0]["name"] == article["keywords"][0]["data"]["name"]
    assert found["wrong-types"]["title"] is None
    ring = {
        k["data"]["keywordId"]: k["data"]["replacedWith"]
        for k in (await content(start, "keyword-cycle"))[0].json()["data"][0]["keywords"]
    }
    assert {target["keywordId"] for target in ring.values()} == set(ring)


async def test_hostile_addresses_and_many_attachments_exist(start: Start) -> None:
    """Copies can be fetched, and so can the 8,000 characters."""
    answer, _ = await content(start, "hostile-urls")
    urls = [entry["url"] for entry in answer.json()["data"][0]["attachments"]]
    assert max(map(len, urls)) == 8_000
    assert any("/../" in url for url in urls)
    assert any("\u202e" in url for url in urls)
    assert any("\r\n" in url for url in urls)
    newsroom, client = await start(articles=30, faults=("many-attachments",))
    article = next(
        a
        for a in (json.loads(newsroom.inventory.article_json(i)) for i in newsroom.inventory.articles())
        if a["attachments"]
    )
    page = (await client.get(article["url"])).text
    assert "?copy=499" in page
    url = article["attachments"][0]["url"]
    assert (await client.get(f"{url}?copy=499")).status == 200
    assert (await client.get(f"{url}?pad={'a' * 7_900}")).status == 200


async def listed(client: Client, pages: int = 3) -> list[list[str]]:
    """Return the ids on each page of the publication."""
    answers = [await client.get(f"/cms/publication/1/content?limit=10&page={n + 1}") for n in range(pages)]
    return [[entry["id"] for entry in answer.json()["data"]] for answer in answers]


async def test_lists_repeat_shrink_shift_and_lie(start: Start) -> None:
    """In the API: the first page again and again, fewer items, moved items, a false total."""
    newsroom, client = await start(articles=30)
    truth = await listed(client)
    _, client = await start(articles=30, faults=("paging-repeats:forever",))
    assert await listed(client) == [truth[0]] * 3
    _, client = await start(articles=30, faults=("paging-clamps:forever",))
    assert await listed(client) == [truth[0], truth[1], truth[1]]
    _, client = await start(articles=30, faults=("paging-shrinks:forever",))
    assert [len(page) for page in await listed(client)] == [10, 8, 6]
    _, client = await start(articles=30, faults=("paging-shifts:forever",))
    shifted = await listed(client)
    assert shifted[1] == [truth[0][-1], *truth[1][:-1]]
    assert shifted[2] == [truth[1][-1], *truth[2]]
    _, client = await start(articles=30, faults=("total-lies:forever",))
    assert (await client.get("/cms/publication/1/content?limit=10")).json()["total"] == 97
    assert len(list(newsroom.inventory.articles())) == 30


async def test_public_lists_repeat_and_shift(start: Start) -> None:
    """The same on listing pages, where an item that moved down is still reached."""
    seen: dict[str, list[list[str]]] = {}
    for name in ("total-lies", "paging-repeats", "paging-shifts", "paging-shrinks"):
        _, client = await start(articles=100, faults=(f"{name}:forever",))
        pages = [(await client.get(f"/category/africa/?pagination={n + 1}")).text for n in range(4)]
        seen[name] = [re.findall(r'<div class="card"><a href="([^"]+)"', page) for page in pages]
    truth = [len(page) for page in seen["total-lies"]]
    assert truth == [12, 12, 12, 4]
    assert [len(page) for page in seen["paging-shifts"]] == [12, 12, 12, 5]
    assert [len(page) for page in seen["paging-shrinks"]] == [12, 10, 8, 0]
    assert len({tuple(page[0].rsplit("/", 2)[-2:]) for page in seen["paging-repeats"]}) == 1


async def test_a_storm_hits_its_share_and_every_url_recovers(start: Start) -> None:
    """40 percent of first attempts fail in many ways; the third attempt never does."""
    plan = Plan(("storm:0.4",), 1)
    paths = [f"/cms/content/{n}" for n in range(2_000)]
    first = [plan.choose("content", path, path) for path in paths]
    names = {strike.name for strike in first if strike}
    share = sum(strike is not None for strike in first) / len(paths)
    assert 0.36 < share < 0.44
    assert len(names) > 12
    assert all(FAULTS[name].stormy for name in names)
    for path in paths:
        plan.choose("content", path, path)
    assert not any(plan.choose("content", path, path) for path in paths)


def test_the_same_seed_suffers_the_same_faults() -> None:
    """Strikes follow from seed, URL and attempt, in whatever order requests come."""
    paths = [f"/x/{n}.jpg" for n in range(300)]
    one, same, other = (Plan(("storm:0.3", "reset:0.1"), seed) for seed in (1, 1, 2))
    struck = {path: one.choose("media", path, path) for path in paths}
    assert {path: same.choose("media", path, path) for path in reversed(paths)} == struck
    assert {path: other.choose("media", path, path) for path in paths} != struck


def test_faults_keep_to_their_kinds_and_urls() -> None:
    """A truncated JPEG happens to JPEGs only, a rule with a URL to that URL only; forever is forever."""
    plan = Plan(("truncated-jpeg:url=harbour:forever",), 1)
    assert plan.choose("content", "/harbour.jpg", "/harbour.jpg") is None
    assert plan.choose("media", "/harbour.png", "/harbour.png") is None
    assert plan.choose("media", "/bridge.jpg", "/bridge.jpg") is None
    assert all(plan.choose("media", "/harbour.jpg", "/harbour.jpg") for _ in range(9))


async def test_what_is_spared_can_be_named(start: Start) -> None:
    """robots.txt and short addresses fail only when a rule says their URL."""
    newsroom, client = await start(articles=5, faults=("http-503",))
    short = f"/article/{next(newsroom.inventory.articles())}"
    assert (await client.get("/robots.txt")).status == 200
    assert (await client.get(short)).status in (200, 301)
    _, other = await start(articles=5, faults=("http-503:url=robots.txt", f"reset-mid-body:url={short}"))
    assert (await other.get("/robots.txt")).status == 503
    assert await broken(other, short) in ("ClientPayloadError", "ClientOSError", "status 301")


def test_rules_are_read_and_refused() -> None:
    """Rate, URL with colons, times and forever are understood; nonsense is named with a remedy."""
    read = rule("reset:0.1:url=/smart/filters:strip_exif():times=3:after=9")
    assert (read.rate, read.url, read.times, read.after) == (0.1, "/smart/filters:strip_exif()", 3, 9)
    assert rule("stall:forever").forever
    with pytest.raises(ValueError, match="did you mean reset"):
        rule("rest")
    for text in ("reset:2", "reset:x", "reset:colour=red", "reset:times=x"):
        with pytest.raises(ValueError, match="is not of the form"):
            rule(text)


def test_every_fault_says_what_it_is() -> None:
    """The table is documentation: one line each, no name taken twice or reserved."""
    assert STORM not in FAULTS
    assert all(fault.about and "\n" not in fault.about and len(fault.about) < 70 for fault in FAULTS.values())
    assert all(fault.kinds for fault in FAULTS.values())
