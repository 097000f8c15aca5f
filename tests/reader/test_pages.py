"""The pages of the reading room over HTTP: what each shows, the JSON beside it, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from aiohttp.test_utils import TestClient
from selectolax.lexbor import LexborHTMLParser

from crawler.cms import article as cms
from storage.errors import ArchiveUnwritable
from storage.opening import open_store
from storage.records import Source
from tests.reader import making
from tests.reader.making import Made, empty, opened, shelved, written
from tests.storage.making import keep_article

Client = TestClient[Any, Any]
SEED = Path(__file__).resolve().parents[1] / "seed" / "article-1758224.json"


@pytest.fixture
async def client(made: Made) -> AsyncIterator[Client]:
    async with opened(made) as serving:
        yield serving


async def text(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        body = await answer.text()
        assert answer.status == status, body
        return body


async def page(client: Client, path: str, status: int = 200) -> LexborHTMLParser:
    return LexborHTMLParser(await text(client, path, status))


async def facts(client: Client, path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(await text(client, path))
    return loaded


def words(tree: LexborHTMLParser, query: str = "main") -> str:
    found = tree.css_first(query)
    assert found is not None
    return " ".join(found.text(separator=" ").split())


PAGES = [
    "/",
    "/site/dm",
    "{article}",
    "{article}/revisions",
    "{article}/provenance",
    "{article}/revision/1",
    "{article}/compare/1/2",
    "{article}/compare/1/2?view=inline",
    "/category/dm/3",
    "/categories",
    "/keywords",
    "/authors",
    "/authors?words=a",
    "/calendar",
    "/calendar/2021",
    "/calendar/2021/03",
    "/calendar/2021/03/10",
    "/search",
    "/search?q=water",
    "/search?q=water&order=newest&year=2021&category=dm:3&page=2",
    "/search?q=zzzz",
    "/pictures",
    "/pictures?subject=category:dm:3",
    "{picture}",
    "/runs",
    "/runs/1",
    "/help",
]


def filled(path: str, made: Made) -> str:
    article = made.article("revisions > 1")
    picture = made.rows("SELECT sha256 FROM media WHERE role = 'original' AND sha256 IS NOT NULL LIMIT 1")[0][0]
    return path.format(article=article, picture=f"/pictures/{picture}")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_whole_and_has_json_beside_it(client: Client, made: Made, path: str) -> None:
    """Each page has one heading, a title, no way to run or load anything foreign, and the same facts as JSON."""
    tree = await page(client, filled(path, made))
    assert len(tree.css("h1")) == 1
    assert len(tree.css("main")) == 1
    for node in tree.css("[src], link[href]:not([rel='alternate'])"):
        address = node.attributes.get("src") or node.attributes.get("href") or ""
        assert re.match(r"/(media|static)/", address), address
    assert not tree.css("[style], style, script:not([src]), iframe, [onclick], [onerror]")
    beside = tree.css_first("link[type='application/json']")
    assert beside is not None
    assert isinstance(await facts(client, beside.attributes["href"] or ""), dict)


async def test_every_link_of_every_page_leads_somewhere(client: Client, made: Made) -> None:
    """Whatever a page links to inside the archive is there, two steps deep."""
    asked: dict[str, int] = {}
    waiting = [filled(path, made) for path in PAGES]
    for step in range(2):
        found: set[str] = set()
        for path in waiting:
            async with client.get(path) as answer:
                asked[path] = answer.status
                if step == 0 and answer.content_type == "text/html":
                    tree = LexborHTMLParser(await answer.text())
                    links = {node.attributes.get("href") or "" for node in tree.css("a[href]")}
                    found |= {link for link in links if link.startswith("/")}
        waiting = sorted(found - set(asked))
    assert {path: status for path, status in asked.items() if status != 200} == {}
    assert len(asked) > 200


async def test_the_front_page_shows_the_newest_and_every_newsroom(client: Client, made: Made) -> None:
    """Newest first, sections with their counts, what changed, what is gone, and a page for each newsroom."""
    found = await facts(client, "/index.json")
    newest = made.rows("SELECT id FROM articles ORDER BY first_published DESC LIMIT 1")[0][0]
    assert found["newest"][0]["id"] == newest
    assert [entry[0]["name"] for entry in found["newsrooms"]] == ["Daily Maverick", "L’Orient-Le Jour"]
    assert len(found["changed"]) == made.rows("SELECT count(*) FROM revisions WHERE number > 1")[0][0] > 3
    assert [item["gone"] for item in found["gone"]] == [True]
    assert found["sections"][0]["articles"] == max(row[0] for row in made.rows("SELECT articles FROM categories"))
    ours = await facts(client, "/site/olj.json")
    assert {item["site"] for item in ours["newest"]} == {"olj"}
    assert ours["articles"] == made.rows("SELECT count(*) FROM articles WHERE site = 'olj'")[0][0]


async def test_an_article_has_all_that_the_newsroom_wrote(client: Client, made: Made) -> None:
    """Every word of the body, every picture that is held, every term, in order."""
    ids = made.rows("SELECT site, id FROM articles WHERE source <> 'partial' ORDER BY id LIMIT 12")
    for site, cms_id in ids:
        tree = await page(client, f"/article/{site}/{cms_id}")
        (raw,) = made.rows(
            "SELECT json FROM revisions WHERE site = ? AND article_id = ? ORDER BY number DESC LIMIT 1", site, cms_id
        )[0]
        told = json.loads(raw)
        shown = words(tree, "article.story")
        for field in ("title", "contents", "summary", "introduction"):
            for run in re.split(r"<[^>]*>", str(told.get(field) or "")):
                clean = " ".join(LexborHTMLParser(run).text().split())
                assert clean in shown, (cms_id, field)
        held = made.rows(
            "SELECT sha256 FROM media WHERE site = ? AND article_id = ? AND role = 'original'", site, cms_id
        )
        shown_pictures = {(node.attributes["href"] or "").rpartition("/")[2] for node in tree.css("figure > a.inside")}
        assert {sha256 for (sha256,) in held if sha256} <= shown_pictures
        filed = words(tree, "body")
        for kind in ("categories", "keywords", "authors"):
            for entry in told[kind]:
                named = entry.get("data", entry)
                assert " ".join((named.get("display_name") or named["name"]).split()) in filed


async def test_arabic_is_set_from_right_to_left(client: Client, made: Made) -> None:
    """The article and its headlines in lists say their direction and language; the frame stays English."""
    path = made.article("primary_category = 'لبنان'")
    story = (await page(client, path)).css_first("article.story")
    assert story is not None
    assert (story.attributes["dir"], story.attributes["lang"]) == ("rtl", "ar")
    assert (await page(client, "/category/olj/1201")).css("div.words[dir='rtl'][lang='ar'] h2")


async def test_links_to_archived_articles_stay_inside(client: Client, made: Made) -> None:
    """A link to an article we hold leads to its page here; every other is marked as leaving."""
    inside, leaving = 0, 0
    for site, cms_id in made.rows("SELECT site, id FROM articles"):
        tree = await page(client, f"/article/{site}/{cms_id}")
        inside += sum((a.attributes["href"] or "").startswith("/article/") for a in tree.css(".prose a.inside"))
        for link in tree.css(".prose a.leaving"):
            leaving += 1
            assert (link.attributes["href"] or "").startswith("http")
            assert "leaves the archive" in link.text()
            assert link.attributes["rel"] == "noopener noreferrer external"
    assert inside > 0
    assert leaving > 0


async def test_pages_of_a_list_stay_the_same_while_the_archive_grows(tmp_path: Path) -> None:
    """What is added in front moves no page: the second page, asked for again, is the second page still."""
    made = await shelved(tmp_path / "archive", [written(str(n), firstPublished=_day(n)) for n in range(1, 71)])
    async with opened(made) as client:
        first = await facts(client, "/category/dm/3.json")
        second = await facts(client, first["older"].replace("?", ".json?"))
        third = await facts(client, second["older"].replace("?", ".json?"))
        await shelved(made.folder, [written(str(n), firstPublished=_day(n)) for n in range(71, 80)])
        again = await facts(client, first["older"].replace("?", ".json?"))
        back = await facts(client, third["newer"].replace("?", ".json?"))
    ids = [[item["id"] for item in found["items"]] for found in (first, second, third, again, back)]
    assert ids[0] + ids[1] + ids[2] == [str(n) for n in range(70, 0, -1)]
    assert third["older"] == ""
    assert ids[3] == ids[1] == ids[4]


def _day(number: int) -> str:
    return f"2023-{number // 28 + 1:02d}-{number % 28 + 1:02d} 08:00:00"


async def test_a_year_of_a_term_is_what_its_chart_says(client: Client, made: Made) -> None:
    """The bar of a year leads to a list of as many articles; a year that is none is refused."""
    whole = await facts(client, "/category/dm/3.json")
    bar = whole["years"][-1]
    year = await facts(client, bar["href"].replace("?", ".json?"))
    numbers, older = [len(year["items"])], year["older"]
    while older:
        further = await facts(client, older.replace("?", ".json?"))
        numbers, older = [*numbers, len(further["items"])], further["older"]
    assert sum(numbers) == bar["number"]
    assert not (await facts(client, "/category/dm/3.json?year=1999"))["items"]
    await text(client, "/category/dm/3?year=soon", 400)


async def test_articles_without_a_date_come_last(tmp_path: Path) -> None:
    """An undated article is on the last page of a list, and on no day of the calendar."""
    undated = [written(str(n), firstPublished="") for n in range(1, 4)]
    dated = [written(str(n), firstPublished=_day(n)) for n in range(4, 40)]
    made = await shelved(tmp_path / "archive", undated + dated)
    async with opened(made) as client:
        first = await facts(client, "/category/dm/3.json")
        second = await facts(client, first["older"].replace("?", ".json?"))
        years = await facts(client, "/calendar.json")
        assert "no date" in words(await page(client, "/article/dm/1"))
    assert [item["id"] for item in second["items"]][-3:] == ["3", "2", "1"]
    assert (years["total"], years["undated"]) == (36, 3)


async def test_the_calendar_counts_every_article_once(client: Client, made: Made) -> None:
    """Years, months and days add up, in the newsroom's own zone."""
    whole = await facts(client, "/calendar.json?site=olj")
    assert whole["zone"] == "Asia/Beirut"
    assert whole["total"] == made.rows("SELECT count(*) FROM articles WHERE site = 'olj'")[0][0]
    months = await facts(client, "/calendar/2021.json?site=olj")
    assert sum(cell["number"] for cell in months["cells"]) == months["total"] == whole["total"]
    busy = next(cell for cell in months["cells"] if cell["number"])
    days = await facts(client, busy["href"].replace("?", ".json?"))
    assert sum(cell["number"] for cell in days["cells"]) == busy["number"]
    day = next(cell for cell in days["cells"] if cell["number"])
    listed = await facts(client, day["href"].replace("?", ".json?"))
    assert len(listed["items"]) == day["number"]
    assert {item["published"]["day"] for item in listed["items"]} == {listed["heading"]}


async def test_search_finds_narrows_and_suggests(client: Client) -> None:
    """Matches are marked, counts narrow the results down to what they say, and a slip of the keyboard is corrected."""
    found = await facts(client, "/search.json?q=water")
    assert all("<mark>" in hit["snippet_html"] or "water" in hit["item"]["title"].lower() for hit in found["hits"])
    heading, choices = found["facets"][0]
    assert heading == "Category"
    narrowed = await facts(client, choices[0]["href"].replace("?", ".json?"))
    assert narrowed["total"] == choices[0]["number"]
    assert narrowed["chosen"][0]["name"] == choices[0]["name"]
    newest = await facts(client, "/search.json?q=water&order=newest")
    dates = [hit["item"]["published"]["iso"] for hit in newest["hits"]]
    assert dates == sorted(dates, reverse=True)
    slip = await facts(client, "/search.json?q=watr")
    assert (slip["total"], slip["corrected"]["name"]) == (0, "water")


@pytest.mark.parametrize(
    "query", ['"', "((", "a AND", "NEAR(", "title:", "-x", "*", "a*b", "\x00", "{title} : x", "é" * 600]
)
async def test_no_query_is_an_error(client: Client, query: str) -> None:
    """Whatever is typed is answered with a page."""
    async with client.get("/search", params={"q": query}) as answer:
        assert answer.status == 200


async def test_revisions_say_what_changed(client: Client, made: Made) -> None:
    """The list names what changed and that it was not announced; the comparison marks the words."""
    article = made.article("revisions > 1 AND site = 'olj'")
    newest = (await facts(client, f"{article}/revisions.json"))["revisions"][0]
    assert newest["aspects"] == ["title", "text"]
    assert not newest["announced"]
    result = (await facts(client, f"{article}/compare/1/2.json"))["result"]
    assert {"kind": "added", "text": "updated"} in result["title"]["new"] or "(updated" in "".join(
        span["text"] for span in result["title"]["new"] if span["kind"] == "added"
    )
    shown = await page(client, f"{article}/compare/1/2?view=inline")
    assert "Correction 1" in " ".join(node.text() for node in shown.css("ins"))
    old = await page(client, f"{article}/revision/1")
    assert "revision 1 of 2" in words(old)


async def test_provenance_is_what_was_captured(client: Client, made: Made) -> None:
    """The raw JSON is given out byte for byte, and its hash is the one that is shown."""
    article = made.article("revisions = 1")
    found = await facts(client, f"{article}/provenance.json")
    source = found["sources"][0]
    raw = (await text(client, source["raw"])).encode()
    site, cms_id = article.split("/")[2:]
    (kept,) = made.rows("SELECT json FROM revisions WHERE site = ? AND article_id = ?", site, cms_id)[0]
    assert raw.decode() == kept
    assert source["origin"]["json_sha256"] == hashlib.sha256(raw).hexdigest()
    async with client.get(f"{source['raw']}?download") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.content_type == "application/json"
    assert found["held"] == len([one for one in found["renditions"] if one["state"] == "stored"])


async def test_a_picture_shows_its_renditions_and_articles(client: Client, made: Made) -> None:
    """One picture's page has every size that is held, every article that shows it, and the captions it has."""
    captions = []
    for sha256, article in made.rows(
        "SELECT sha256, article_id FROM media WHERE role = 'original' AND sha256 IS NOT NULL ORDER BY url LIMIT 9"
    ):
        found = await facts(client, f"/pictures/{sha256}.json")
        assert len(found["renditions"]) > 1
        assert article in [item["id"] for item in found["items"]]
        captions += found["captions"]
    assert captions


async def test_media_is_served_as_what_it_was_checked_to_be(client: Client, made: Made) -> None:
    """The type is the checked one, the browser may not guess another, and the bytes are the archive's."""
    path, media_type, sha256 = made.rows("SELECT path, media_type, sha256 FROM media WHERE path IS NOT NULL LIMIT 1")[0]
    async with client.get(f"/{path}") as answer:
        body = await answer.read()
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "immutable" in answer.headers["Cache-Control"]
    assert hashlib.sha256(body).hexdigest() == sha256


@pytest.mark.parametrize(
    "path",
    [
        "/media/../archive.db",
        "/media/%2e%2e/archive.db",
        "/media/aa/bb/../../../archive.db",
        "/media/{ab}/{cd}/{sha}.exe",
        "/media/{ab}/{cd}/{sha}.jpg/",
        "/media/00/00/{sha}.jpg",
        "/media/00/00/" + "0" * 64 + ".jpg",
        "/static/..%2fapp.py",
        "/static/app.py",
        "/archive.db",
        "/article/dm/1%00",
        "/article/dm/999999999",
        "/article/nowhere/1",
        "/category/dm/nothing",
        "/keyword/dm/<script>",
        "/calendar/2023/13",
        "/calendar/2023/02/30",
        "/calendar/0001",
        "/calendar/9999/12/31",
        "/pictures/" + "0" * 64,
        "/runs/99",
        "/runs/1/report",
        "/site/nowhere",
        "/nowhere",
    ],
)
async def test_what_is_not_there_is_said_in_words(client: Client, made: Made, path: str) -> None:
    """Nothing outside the archive can be asked for, and what is missing gets a page of its own."""
    sha256 = made.rows("SELECT sha256 FROM media WHERE sha256 IS NOT NULL LIMIT 1")[0][0]
    path = path.format(ab=sha256[:2], cd=sha256[2:4], sha=sha256)
    async with client.get(path) as answer:
        body = await answer.text()
        assert answer.status == 404
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "SQLite format" not in body
    assert LexborHTMLParser(body).css_first("h1") is not None


@pytest.mark.parametrize("path", ["/category/dm/3?before=x", "/pictures?after=1~", "/calendar/2021/03?before=' OR 1"])
async def test_a_place_that_is_none_is_refused(client: Client, path: str) -> None:
    """A damaged address of a page in a list is named as such."""
    assert "no place in a list" in await text(client, path, 400)


async def test_it_only_reads(client: Client) -> None:
    """Nothing can be sent to it."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        async with client.request(method, "/") as answer:
            assert answer.status == 405


async def test_unchanged_pages_are_not_sent_again(client: Client) -> None:
    """A browser that has the page already gets told so."""
    async with client.get("/keywords") as answer:
        tag = answer.headers["ETag"]
    async with client.get("/keywords", headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")


@pytest.mark.parametrize(
    "host, status",
    [
        ("127.0.0.1:8000", 200),
        ("localhost:8000", 200),
        ("archive.localhost", 200),
        ("[::1]:8000", 200),
        ("archive.example", 200),
        ("ARCHIVE.example.:80", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
async def test_only_its_own_names_reach_it(made: Made, host: str, status: int) -> None:
    """A name that somebody else's name server points here is refused; addresses and our own names are not."""
    async with (
        opened(made, names=("archive.example",)) as client,
        client.get("/help", headers={"Host": host}) as answer,
    ):
        assert answer.status == status


async def test_a_password_is_asked_for_where_there_is_one(made: Made) -> None:
    """Without the password no page and no picture; with it, everything."""
    path = made.rows("SELECT path FROM media WHERE path IS NOT NULL LIMIT 1")[0][0]
    async with opened(made, password="correct horse") as client:
        for wanted in ("/", f"/{path}", "/static/reader.css", "/nowhere"):
            for given in ("", "Basic !", "Basic " + base64.b64encode(b"a:wrong").decode(), "Bearer x"):
                async with client.get(wanted, headers={"Authorization": given} if given else {}) as answer:
                    assert answer.status == 401
                    assert "Basic" in answer.headers["WWW-Authenticate"]
            key = base64.b64encode(b"anybody:correct horse").decode()
            async with client.get(wanted, headers={"Authorization": f"Basic {key}"}) as answer:
                assert answer.status == (404 if wanted == "/nowhere" else 200)


async def test_an_empty_archive_says_how_to_fill_it(tmp_path: Path) -> None:
    """Every page works before anything is archived."""
    async with opened(empty(tmp_path / "archive")) as client:
        assert "backfile crawl" in words(await page(client, "/"))
        for path in (
            "/calendar",
            "/categories",
            "/keywords",
            "/authors",
            "/pictures",
            "/runs",
            "/search?q=x",
            "/feed.atom",
        ):
            await text(client, path)


async def test_a_missing_picture_has_an_honest_place(tmp_path: Path) -> None:
    """A picture that is not held says why, and what it would have shown."""
    picture = {"id": "5", "url": "https://cdn.example.org/a.jpg", "description": "A bridge", "type": "image"}
    body = '<p>Before</p><img src="https://elsewhere.example/x.jpg" alt="A ferry"><p>After</p>'
    made = await shelved(tmp_path / "archive", [written(attachments=[picture], contents=body)])
    async with opened(made) as client:
        tree = await page(client, "/article/dm/1")
    said = [" ".join(node.text(separator=" ").split()) for node in tree.css("figure.missing")]
    assert said == [
        "A bridge This picture is not in the archive yet: it waits to be fetched.",
        "A ferry This picture is not in the archive yet: it waits to be fetched.",
    ]


async def test_a_file_that_vanished_is_named_as_missing(made: Made, tmp_path: Path) -> None:
    """A picture whose file is gone from the disk is a 404 that says so."""
    path = made.rows("SELECT path FROM media WHERE path IS NOT NULL ORDER BY path DESC LIMIT 1")[0][0]
    kept = (made.folder / path).read_bytes()
    (made.folder / path).unlink()
    try:
        async with opened(made) as client:
            assert "verify" in await text(client, f"/{path}", 404)
    finally:
        (made.folder / path).write_bytes(kept)


async def test_a_report_of_a_run_is_shown_inert(tmp_path: Path) -> None:
    """A run's own page is served with its styles and without scripts, and linked from the list."""
    made = await shelved(tmp_path / "archive", [written()])
    (made.folder / "reports").mkdir(exist_ok=True)
    (made.folder / "reports" / "1.html").write_text("<!doctype html><title>Run 1</title>", encoding="utf-8")
    async with opened(made) as client:
        assert (await page(client, "/runs")).css("a[href='/runs/1/report']")
        async with client.get("/runs/1/report") as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert (answer.status, answer.content_type) == (200, "text/html")
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")


async def test_the_feed_is_atom(client: Client) -> None:
    """New captures, newest first, in a feed that parses and has what Atom demands."""
    root = ElementTree.fromstring(await text(client, "/feed.atom"))
    space = "{http://www.w3.org/2005/Atom}"
    entries = root.findall(f"{space}entry")
    assert len(entries) == 50
    for entry in entries:
        for name in ("id", "title", "updated", "link"):
            assert entry.find(f"{space}{name}") is not None
    ids = [entry.findtext(f"{space}id") for entry in entries]
    assert len(set(ids)) == len(ids)


async def test_the_seed_article_is_whole(tmp_path: Path) -> None:
    """A real imported article: its paragraphs, its links, its headline, its nine keywords."""
    told = json.loads(SEED.read_bytes())
    made = await shelved(tmp_path / "archive", [told])
    async with opened(made) as client:
        tree = await page(client, "/article/dm/1758224")
    assert words(tree, "h1") == told["title"]
    assert len(tree.css(".prose > p")) > 15
    assert len(tree.css(".prose a")) == told["contents"].count("<a ")
    assert not tree.css(".prose span:not(.unseen)")
    plain = " ".join(LexborHTMLParser(told["contents"]).text().split())
    shown = " ".join(words(tree, ".prose").replace("(leaves the archive)", "").split())
    assert re.sub(r"\W", "", plain) == re.sub(r"\W", "", shown)
    assert {" ".join(node.text().split()) for node in tree.css(".tags a")} >= {
        (entry["data"]["display_name"] or entry["data"]["name"]).strip() for entry in told["keywords"]
    }


async def test_it_reads_beside_a_crawl_that_writes(tmp_path: Path) -> None:
    """While a run has the archive open, pages show what is committed, and what is committed later."""
    made = await shelved(tmp_path / "archive", [written("1")])
    async with open_store(made.folder) as store, opened(made) as client:
        assert "Story 1" in await text(client, "/article/dm/1")
        await store.begin_run("crawl")
        await keep_article(store, cms.read(json.dumps(written("2")), making.SITE, Source.API).record)
        await store.flush()
        assert "Story 2" in await text(client, "/article/dm/2")


async def test_it_reads_a_database_left_in_wal_mode_on_read_only_media(tmp_path: Path, monkeypatch: Any) -> None:
    """A copy in WAL mode without its log opens where nothing can be written."""
    made = await shelved(tmp_path / "archive", [written("1")])
    path = made.folder / "archive.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    for leftover in made.folder.glob("archive.db-*"):
        leftover.unlink()

    def refusing(wanted: Path) -> sqlite3.Connection:
        """Refuse as SQLite does on read-only media; to root, permissions do not."""
        raise ArchiveUnwritable(f"unable to open database file {wanted}")

    monkeypatch.setattr("storage.desks.open_for_reading", refusing)
    monkeypatch.setattr("storage.desks.connect_for_reading", refusing)
    monkeypatch.setattr("storage.desks._may_change", lambda wanted: False)
    async with opened(made) as client:
        assert "Story 1" in await text(client, "/article/dm/1")


async def test_nothing_is_written(client: Client, made: Made) -> None:
    """After all pages were asked for, the archive's folder holds the same files, untouched."""
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in made.folder.rglob("*") if path.is_file()}
    for path in PAGES:
        await text(client, filled(path, made))
    after = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in made.folder.rglob("*") if path.is_file()}
    assert before == after
