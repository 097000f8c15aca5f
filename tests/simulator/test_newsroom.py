"""The running newsroom: pages, APIs, pictures, errors, log, replay, TLS."""

from __future__ import annotations

import html
import json
import re
import socket
import ssl
import tomllib
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from PIL import Image

from simulator import Newsroom, Options
from tests.simulator.conftest import AGENT, Start

RECORDED = Path(__file__).parent / "recorded"
ADMIN = {"API-Key": "box-admin-key"}


def decoded(value: Any) -> Any:
    """Undo the front end's [type, value] encoding."""
    kind, content = value
    if kind == 1:
        return [decoded(entry) for entry in content]
    if isinstance(content, dict):
        return {key: decoded(entry) for key, entry in content.items()}
    return content


def links(page: str) -> list[str]:
    """Return the article links of the cards of a listing."""
    cards = re.findall(r'<div class="card"><a href="([^"]+)"', page)
    return [html.unescape(urlsplit(link).path) for link in cards]


async def test_article_pages_carry_the_whole_article_twice(start: Start) -> None:
    """Both components hold the article that the API sends, with a T in its dates."""
    newsroom, client = await start(articles=40, quirks=False)
    article_id = next(newsroom.inventory.articles())
    page = (await client.get(newsroom.inventory.url(article_id))).text
    found = [json.loads(html.unescape(props)) for props in re.findall(r'<astro-island [^>]*props="([^"]*)"', page)]
    article = json.loads(newsroom.inventory.article_json(article_id))
    expected = article | {key: article[key].replace(" ", "T") for key in ("firstPublished", "lastUpdate")}
    assert decoded(found[0]["content"]) == decoded(found[1]["article"]) == expected
    assert 'objectType":[0,"Article"]' in html.unescape(page).replace(", ", ",").replace(": ", ":")


async def test_article_pages_carry_metadata(start: Start) -> None:
    """JSON-LD with mislabelled dates, canonical link, meta tags, advertising, and a body."""
    newsroom, client = await start(articles=40)
    article_id = next(newsroom.inventory.articles())
    article = json.loads(newsroom.inventory.article_json(article_id))
    page = (await client.get(article["url"])).text
    script = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    advertising = re.search(r"window\.dm_ads = (.*?);</script>", page)
    assert script is not None
    assert advertising is not None
    data = json.loads(script[1])
    assert data["datePublished"] == article["firstPublished"].replace(" ", "T") + ".000Z"
    assert data["wordCount"] == article["content_length"]
    assert json.loads(advertising[1])["article_id"] == article_id
    assert f'<link rel="canonical" href="{article["url"]}">' in page
    assert f'<meta name="word-count" content="{article["content_length"]}">' in page
    assert article["contents"] in page


async def test_dumped_articles_can_be_read_from_the_text(start: Start) -> None:
    """The other form of page: a marker, then one JSON object."""
    newsroom, client = await start(articles=20, dump_pages=True)
    article_id = next(newsroom.inventory.articles())
    page = (await client.get(newsroom.inventory.url(article_id))).text
    text = html.unescape(page.split("All Article Properties:")[1])
    article, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    assert article == json.loads(newsroom.inventory.article_json(article_id))
    assert "astro-island" not in page


async def test_articles_have_many_addresses(start: Start) -> None:
    """By id: redirect or canonical link; undated: the article; old blog address: the home page."""
    newsroom, client = await start(articles=60)
    statuses = set()
    for article_id in newsroom.inventory.articles():
        answer = await client.get(f"/article/{article_id}")
        statuses.add(answer.status)
        where = answer.headers.get("Location", "") or answer.text
        assert newsroom.inventory.url(article_id) in where
    assert statuses == {200, 301}
    article_id = next(newsroom.inventory.articles())
    slug = json.loads(newsroom.inventory.article_json(article_id))["slug"]
    assert newsroom.inventory.url(article_id) in (await client.get(f"/article/{slug}/")).text
    assert "NewsArticle" not in (await client.get(f"/?post_type=article&p={article_id}")).text


async def test_removed_articles_answer_500_and_404(start: Start) -> None:
    """The page breaks, the API denies; what never existed is 404 everywhere."""
    newsroom, client = await start(articles=40)
    gone = next(newsroom.inventory.removed())
    assert (await client.get(f"/article/{gone}")).status == 500
    assert (await client.get(f"/cms/content/{gone}")).status == 404
    assert (await client.get("/article/2020-01-01-never/")).status == 404
    assert (await client.get("/cms/content/12")).status == 404


@pytest.mark.parametrize("path", ["/category/africa/", "/section/africa/", "/section/africa"])
async def test_listings_page_through_everything(start: Start, path: str) -> None:
    """Following rel=next reaches every article once; past the end there is nothing."""
    newsroom, client = await start(articles=100)
    seen: list[str] = []
    following: str | None = path
    while following:
        page = (await client.get(following)).text
        seen += links(page)
        match = re.search(r'<link rel="next" href="([^"]+)"', page)
        following = html.unescape(match[1]) if match else None
    expected = [urlsplit(newsroom.inventory.url(i)).path for i in newsroom.inventory.articles(category="africa")]
    assert seen == expected
    assert len(seen) == 40
    assert links((await client.get(f"{path}?pagination=99")).text) == []


async def test_other_listings_and_fronts_exist(start: Start) -> None:
    """Keyword pages under both names, author pages, a section front, and a custom page parameter."""
    newsroom, client = await start(articles=100, page_scheme="seite")
    keyword = next(entry for entry in newsroom.inventory.keywords() if entry.count > 12)
    author = next(newsroom.inventory.authors())
    for path in (f"/article_tag/{keyword.slug}/", f"/keyword/{keyword.slug}/"):
        both = [links((await client.get(path + query)).text) for query in ("", "?seite=2")]
        assert len(both[0] + both[1]) == min(24, keyword.count)
    assert len(links((await client.get(author.url)).text)) == author.count
    assert links((await client.get("/business-maverick/")).text)
    assert (await client.get("/category/nowhere/")).status == 404


async def test_sitemaps_name_every_article(start: Start) -> None:
    """The index leads to thousands, the news sitemap to the newest, robots.txt to both."""
    newsroom, client = await start(articles=1100)
    index = (await client.get("/sitemap_index.xml")).text
    maps = re.findall(r"<loc>([^<]*article-sitemap\d+\.xml)</loc>", index)
    urls = [url for where in maps for url in re.findall(r"<loc>([^<]+)</loc>", (await client.get(where)).text)]
    assert len(maps) == 2
    assert urls == [newsroom.inventory.url(i) for i in newsroom.inventory.articles()]
    assert urls[0] in (await client.get("/news-sitemap.xml")).text
    assert "/sitemap_index.xml" in (await client.get("/robots.txt")).text
    assert (await client.get("/article-sitemap3.xml")).status == 404


async def test_keys_are_asked_for(start: Start) -> None:
    """Missing and wrong keys are 401, the bare list needs the other key, and both error forms occur."""
    newsroom, client = await start(articles=30, key=None)
    ids = list(newsroom.inventory.articles())
    missing = await client.get(f"/cms/content/{ids[0]}")
    assert missing.status == 401
    assert "Missing API-Key header" in missing.text
    forms = set()
    for article_id in ids:
        wrong = await client.get(f"/cms/content/{article_id}", headers={"API-Key": "no"})
        assert wrong.status == 401
        assert "Unauthorized: Invalid API key" in wrong.text
        forms.add(wrong.headers["Content-Type"].split(";")[0])
    assert forms == {"application/json", "text/plain"}
    assert (await client.get("/cms/content", headers={"API-Key": "box-key"})).status == 403
    listed = await client.get("/cms/content?category=africa&limit=3", headers=ADMIN)
    assert listed.json()["total"] == 12


async def test_publication_lists_page(start: Start) -> None:
    """total and page are numbers, items are compact, offset is ignored, limits are enforced."""
    newsroom, client = await start(articles=70)
    first = (await client.get("/cms/publication/1/content?limit=50&offset=10")).json()
    second = (await client.get("/cms/publication/1/content?limit=50&page=2")).json()
    ids = [entry["id"] for entry in first["data"] + second["data"]]
    assert (first["total"], first["page"], second["page"]) == (70, 1, 2)
    assert ids == list(newsroom.inventory.articles())
    assert all(entry["contents"] == "" and entry["content_length"] > 0 for entry in first["data"])
    assert len((await client.get("/cms/publication/1/content")).json()["data"]) == 30
    for limit in ("0", "101", "many"):
        refused = await client.get(f"/cms/publication/1/content?limit={limit}")
        assert refused.status == 400
        assert "Invalid limit specified. Must be 1-100" in refused.text
    assert (await client.get("/cms/publication/77/content")).json()["data"] == []
    assert (await client.get("/cms/publication/1/content?content_type=4")).json()["data"] == []


async def test_single_contents_come_in_a_list(start: Start) -> None:
    """The envelope has one key, and the article equals the inventory's but for what moves."""
    newsroom, client = await start(articles=20)
    article_id = next(newsroom.inventory.articles())
    answer = (await client.get(f"/cms/content/{article_id}")).json()
    volatile = {"cached", "categories", "views", "rating"}
    expected = json.loads(newsroom.inventory.article_json(article_id))
    assert list(answer) == ["data"]
    assert {k: v for k, v in answer["data"][0].items() if k not in volatile} == {
        k: v for k, v in expected.items() if k not in volatile
    }


async def test_broken_paging_repeats_the_first_batch(start: Start) -> None:
    """The second installation's list never turns the page; it can be told to."""
    _, client = await start(profile="olj", articles=200)
    pages = [(await client.get(f"/cms/publication/1/content?limit=40&page={n}")).json() for n in (1, 2)]
    assert pages[0]["page"] == pages[1]["page"] == 1
    assert [e["id"] for e in pages[0]["data"]] == [e["id"] for e in pages[1]["data"]]
    _, mended = await start(profile="olj", articles=200, paging="page")
    assert (await mended.get("/cms/publication/1/content?limit=40&page=2")).json()["page"] == 2


async def test_classic_search_gives_whole_articles_as_text(start: Start) -> None:
    """Every number is text; categories combine; pages turn; the total is there."""
    newsroom, client = await start(profile="olj", articles=200)
    path = "/cmsapi/content.php?action=search&key=box-key&limit=30"
    ids: list[str] = []
    answer: dict[str, Any] = {}
    for page in (1, 2, 3):
        answer = (await client.get(f"{path}&category=2&page={page}")).json()
        ids += [entry["id"] for entry in answer["data"]]
    assert ids == list(newsroom.inventory.articles(category="2"))
    assert answer["total"] == str(len(ids))
    entry = answer["data"][0]
    assert entry["contents"]
    assert isinstance(entry["content_length"], str)
    assert isinstance(entry["views"], str)
    several = (await client.get(f"{path}&category=%5B%22977%22%2C%22978%22%5D")).json()
    separate = [(await client.get(f"{path}&category={c}")).json()["total"] for c in ("977", "978")]
    assert int(several["total"]) == sum(map(int, separate))
    assert (await client.get(f"{path}&category=x")).status == 400
    denied = await client.get("/cmsapi/content.php?action=search&category=2&key=wrong")
    assert (denied.status, denied.json()["error"]) == (403, True)
    assert (await client.get(f"{path}&category=2&token=old")).status == 403


async def test_classic_categories_know_their_children(start: Start) -> None:
    """Nested categories never show children; the category's own view does."""
    _, client = await start(profile="olj", articles=100)
    answer = (await client.get("/cmsapi/categories.php?action=view&categoryId=1036&key=box-key")).json()
    assert [child["id"] for child in answer["data"][0]["children"]] == ["1037", "1035"]
    assert answer["data"][0]["typeId"]["locale"] == "fr-FR"


async def test_ids_lead_the_second_installation(start: Start) -> None:
    """Any slug will do, categories show only the latest, keyword pages page, malformed paths work."""
    newsroom, client = await start(profile="olj", articles=300)
    article_id = next(newsroom.inventory.articles())
    assert (await client.get(f"/article/{article_id}/whatever.html")).status == 200
    liban = newsroom.stock.listing("category", "2")
    assert liban is not None
    pages = [links((await client.get(liban.url + query)).text) for query in ("", "?pagination=2")]
    assert len(pages[0]) == 20
    assert pages[0] == pages[1]
    keyword = max(newsroom.inventory.keywords(), key=lambda entry: entry.count)
    assert len(links((await client.get(f"{keyword.url}?pagination=2")).text)) == 12
    assert (await client.get("//1035-chefs")).status == 200
    assert "<html lang" in (await client.get("/")).text


@pytest.mark.parametrize("agent", ["", "python-requests/2.32", "Python/3.11 aiohttp/3.14", "curl/8.5"])
async def test_bare_agents_meet_a_wall_on_the_pages_only(start: Start, agent: str) -> None:
    """The wall stands before pages, not before API or pictures, and only at one installation."""
    newsroom, client = await start(profile="olj", articles=30)
    article_id = next(newsroom.inventory.articles())
    robot = {"User-Agent": agent}
    assert (await client.get("/", headers=robot)).status == 403
    assert (await client.get("/")).status == 200
    assert (await client.get(f"/cms/content/{article_id}", headers=robot)).status == 200
    _, other = await start(articles=30)
    assert (await other.get("/", headers=robot)).status == 200


@pytest.mark.parametrize("profile", ["dm", "olj"])
async def test_every_rendition_is_a_picture_of_the_right_size(start: Start, profile: str) -> None:
    """Renditions decode, never look the same by chance, and have the dimensions that their URL promises."""
    newsroom, client = await start(profile=profile, articles=24)
    formats, bodies = set(), []
    for article_id in list(newsroom.inventory.articles())[:10]:
        for rendition in newsroom.inventory.renditions(article_id):
            answer = await client.get(rendition.url)
            assert answer.status == 200
            with Image.open(BytesIO(answer.body)) as image:
                image.load()
                assert answer.headers["Content-Type"] == f"image/{(image.format or '').lower()}"
                formats.add(image.format)
                if rendition.transform:
                    x, y = map(int, rendition.transform.split("x"))
                    assert image.width == x
                    assert not y or image.height == y
                elif rendition.role == "original" and image.format == "JPEG":
                    assert image.getexif()[0x010F] == "Box Optical"
            bodies.append((rendition.url, answer.body))
    names: dict[bytes, set[str]] = {}
    for url, body in bodies:
        names.setdefault(body, set()).add(url.rsplit("/", 1)[-1])
    assert all(len(name) == 1 for name in names.values())
    assert {"JPEG"} < formats


async def test_signatures_are_checked(start: Start) -> None:
    """Nobody but the newsroom can make up a size."""
    newsroom, client = await start(articles=24)
    every = (r for i in newsroom.inventory.articles() for r in newsroom.inventory.renditions(i))
    rendition = next(r for r in every if r.transform == "450x0")
    assert (await client.get(rendition.url.replace("450x0", "451x0"))).status == 403
    assert (await client.get("/dailymaverick/none_11.jpg")).status == 404
    assert (await client.get("/i/short/450x0/smart/file/x.jpg")).status == 404


async def test_the_log_sees_every_request_but_those_to_the_box(start: Start, tmp_path: Path) -> None:
    """Who asked for what, how it ended, with a key or not; in memory, over HTTP and in a file."""
    newsroom, client = await start(articles=20, log_file=tmp_path / "log.jsonl")
    await client.get("/robots.txt")
    await client.get("/cms/content/1?x=%20y")
    listed = [json.loads(line) for line in (await client.get("/_box/log.jsonl")).text.splitlines()]
    assert [(e.path_qs, e.status) for e in newsroom.log.entries] == [
        ("/robots.txt", 200),
        ("/cms/content/1?x=%20y", 404),
    ]
    assert [entry["kind"] for entry in listed] == ["page", "api"]
    assert listed[0]["user_agent"] == AGENT["User-Agent"]
    assert listed[0]["key_given"] is True
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2
    async with client.session.delete(newsroom.url + "/_box/log") as response:
        assert response.status == 204
    assert newsroom.log.entries == []


async def test_the_inventory_can_be_asked_from_outside(start: Start) -> None:
    """The box answers with articles and their renditions; what it does not know it explains."""
    newsroom, client = await start(articles=30)
    listed = (await client.get("/_box/inventory.json?category=africa")).json()["articles"]
    assert [entry["id"] for entry in listed] == list(newsroom.inventory.articles(category="africa"))
    assert [r["url"] for r in listed[0]["renditions"]] == [
        r.url for r in newsroom.inventory.renditions(listed[0]["id"])
    ]
    unknown = await client.get("/_box/nothing")
    assert (unknown.status, "inventory.json" in unknown.text) == (404, True)


async def test_latency_delays_answers(start: Start) -> None:
    """Every answer takes at least as long as asked, and the log says so."""
    newsroom, client = await start(articles=10, latency_ms=60)
    await client.get("/robots.txt")
    assert newsroom.log.entries[0].seconds >= 0.06


@pytest.mark.parametrize("profile", ["dm", "olj"])
async def test_the_configuration_points_at_the_box(start: Start, profile: str) -> None:
    """It is valid TOML and names addresses, key variable, zone and a target."""
    newsroom, _ = await start(profile=profile, articles=10)
    site = tomllib.loads(newsroom.config_toml('with "quotes"\\'))
    assert site["archive"]["path"] == 'with "quotes"\\'
    (known,) = site["sites"]
    assert known["api_url"] == f"{newsroom.url}/cms"
    assert known["media_hosts"] == [f"127.0.0.1:{newsroom.port}"]
    assert known["api_key_env"] == f"BACKFILE_{profile.upper()}_KEY"
    assert f"# export {known['api_key_env']}=box-key" in newsroom.config_toml()


class ToTheBox(AbstractResolver):
    """Sends every host name to one local port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Nothing to close."""


async def get_all(newsroom: Newsroom, urls: list[str]) -> list[tuple[int, bytes]]:
    """GET URLs under their real host names, trusting the box's authority."""
    trust = ssl.create_default_context(cafile=str(newsroom.ca_file))
    connector = aiohttp.TCPConnector(resolver=ToTheBox(newsroom.port), ssl=trust)
    found = []
    async with aiohttp.ClientSession(connector=connector, headers=AGENT | {"API-Key": "box-key"}) as session:
        for url in urls:
            async with session.get(url, allow_redirects=False) as response:
                found.append((response.status, await response.read()))
    return found


@pytest.mark.parametrize("profile", ["dm", "olj"])
async def test_real_host_names_over_tls(start: Start, profile: str) -> None:
    """Every host is vouched for, content names real hosts, and each host answers only for its own."""
    newsroom, _ = await start(profile=profile, articles=30, tls=True)
    every = [(i, r) for i in newsroom.inventory.articles() for r in newsroom.inventory.renditions(i)]
    article_id, rendition = every[0]
    places = newsroom.stock.addresses
    urls = [newsroom.inventory.url(article_id), rendition.url, f"{places.api}/content/{article_id}"]
    urls += [f"{places.short}/article/{article_id}", f"{places.front}/cms/content/{article_id}"]
    statuses = [status for status, _ in await get_all(newsroom, urls)]
    assert statuses[:3] == [200, 200, 200]
    assert statuses[3] in (200, 301)
    assert statuses[4] == 404
    assert rendition.url.startswith("https://")
    network = tomllib.loads(newsroom.config_toml())["network"]
    assert f"{urlsplit(urls[0]).hostname}:443:127.0.0.1:{newsroom.port}" in network["connect_to"]
    assert Path(network["ca_file"]).exists()


async def test_the_authority_ends_with_the_newsroom() -> None:
    """Nothing stays behind on the disk."""
    newsroom = Newsroom(Options(articles=3, tls=True))
    async with newsroom:
        file = newsroom.ca_file
        assert file is not None
        assert file.exists()
    assert not file.exists()


async def test_recorded_documents_are_served_byte_for_byte(start: Start) -> None:
    """API, page, listings, sitemap and pictures of a real article, under its real addresses."""
    newsroom, _ = await start(replay=RECORDED, tls=True)
    raw = (RECORDED / "article-1758224.json").read_bytes()
    article = json.loads(raw)
    renditions = [rendition.url for rendition in newsroom.inventory.renditions("1758224")]
    filed = [category["url"] for category in article["categories"]] + [k["data"]["url"] for k in article["keywords"]]
    filed += [author["url"] for author in article["authors"]] + ["https://staging.dailymaverick.co.za/section/africa/"]
    urls = [f"{newsroom.stock.addresses.api}/content/1758224", article["url"], article["shorturl"]]
    urls += ["https://staging.dailymaverick.co.za/sitemap_index.xml", *filed, *renditions]
    answers = await get_all(newsroom, urls)
    assert answers[0] == (200, b'{"data":[' + raw + b"]}")
    dump = answers[1][1].decode().split("All Article Properties:\n")[1].split("</pre>")[0]
    assert html.unescape(dump).encode() == raw
    assert answers[2][0] in (200, 301)
    assert all(article["url"].encode() in body for _, body in answers[4 : 4 + len(filed)])
    sizes = [Image.open(BytesIO(body)).size for _, body in answers[-len(renditions) :]]
    assert sizes == [(1200, 800), (200, 100), (450, 300), (800, 533), (1200, 800), (1600, 1067)]


async def test_replay_without_tls_answers_by_path(start: Start) -> None:
    """The same paths work on the plain port, whatever the host."""
    newsroom, client = await start(replay=RECORDED)
    assert (await client.get(urlsplit(newsroom.inventory.url("1758224")).path)).status == 200
    assert (await client.get("/cms/publication/1/content?limit=5")).json()["total"] == 1


def test_replay_refuses_what_it_cannot_serve(tmp_path: Path) -> None:
    """An empty folder and a broken document are named."""
    with pytest.raises(ValueError, match="holds no"):
        Newsroom(Options(replay=tmp_path))
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError, match=r"bad\.json is not UTF-8 JSON"):
        Newsroom(Options(replay=tmp_path))
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(ValueError, match="no id and url"):
        Newsroom(Options(replay=tmp_path))


@pytest.mark.parametrize(
    "options",
    [{"profile": "x"}, {"paging": "x"}, {"articles": -1}, {"port": 70000}, {"latency_ms": -1}, {"page_scheme": ""}],
)
def test_options_refuse_nonsense(options: dict[str, Any]) -> None:
    """A bad value is named together with the remedy."""
    with pytest.raises(ValueError, match=r"choose|name"):
        Options(**options)
