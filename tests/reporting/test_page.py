"""The page of a run: one file, offline, safe, and good to look at."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import shutil
import sqlite3
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from selectolax.lexbor import LexborHTMLParser, LexborNode

from backfile.reporting.page import render
from backfile.reporting.writing import write_report
from storage.reading import open_reading
from tests.reader.browser import launched, tab, visiting
from tests.reader.making import SITE, Made, shelved, written
from tests.reporting.making import PROMISE, harmed, told

AXE = resources.files("axe_playwright_python") / "axe.min.js"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": "light"},
    "wide": {"viewport": {"width": 2200, "height": 1200}, "color_scheme": "dark"},
}
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive whose every text would do harm if it could."""
    folder = tmp_path_factory.mktemp("harmed") / "archive"
    asyncio.run(harmed(folder))
    return folder


def page(folder: Path, run: int | None = None) -> str:
    """Return the page of a run."""
    with open_reading(folder) as reading:
        return render(reading, told(folder, run))


def nodes(html: str) -> list[LexborNode]:
    """Return every element of a page."""
    return LexborHTMLParser(html).css("*")


def test_it_shows_what_the_facts_say(archive: Path) -> None:
    """Every article that came in or changed is named; every word that came is marked as such."""
    found = told(archive)
    tree = LexborHTMLParser(page(archive))
    text = " ".join(tree.text().split())
    for story in (*found.new.shown, *(edited.article for edited in found.changed.shown)):
        assert " ".join(story.title.split()) in text
    assert len(tree.css("#in img")) == found.new.total > 0
    assert len(tree.css("#changed .edit")) == found.changed.total
    assert tree.css("#changed ins")
    assert len(tree.css("#changed .mark.gone")) >= found.unannounced > 0
    assert len(tree.css("svg[role=img]")) == 6


def test_it_needs_nothing_but_itself(archive: Path) -> None:
    """No script, no file beside it, pictures as data; a policy that lets nothing else in, and styles by their hash."""
    html = page(archive)
    tree = LexborHTMLParser(html)
    assert not tree.css("script, link, iframe, object, embed, base, form, [style]")
    assert all(str(image.attributes["src"]).startswith("data:image/jpeg;base64,") for image in tree.css("img"))
    style = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = (node.attributes["content"] for node in tree.css("meta[http-equiv]"))
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style


@pytest.mark.parametrize("run", [1, 2])
def test_hostile_texts_stay_texts(hostile: Path, run: int) -> None:
    """Titles, errors, notes, names and changed words are shown as they are, and nothing of them becomes markup."""
    html = page(hostile, run)
    for node in nodes(html):
        assert node.tag not in ("script", "iframe", "object", "embed", "form", "input", "link", "base", "template")
        for name, value in node.attributes.items():
            assert not name.startswith("on"), (node.tag, name)
            if name in ("href", "src", "xlink:href"):
                assert re.match(r"https?://|#|data:image/jpeg;base64,", value or ""), (node.tag, value)
    assert len(LexborHTMLParser(html).css("body, head, html, title, style, main, footer")) == 7
    assert not _UNFIT.search(html)
    assert "alert(1)" in LexborHTMLParser(html).text()


def test_long_lists_say_how_much_more_there_is(tmp_path: Path) -> None:
    """A hundred of each kind are shown, of more the number."""
    asyncio.run(harmed(tmp_path / "archive", 130))
    text = " ".join(LexborHTMLParser(page(tmp_path / "archive", 1)).text().split())
    assert "And 30 more came in" in text


def test_no_text_is_long_enough_to_swell_it(tmp_path: Path) -> None:
    """Titles, names, captions and paragraphs of a megabyte are cut: a page of changes stays small."""
    long = "word " * 200_000
    keywords = [{"type": "Keyword", "data": {"id": str(number), "name": long[:9_000]}} for number in range(60)]
    fields = {"title": long, "byline": long, "keywords": keywords, "contents": f"<p>{long}</p>"}
    asyncio.run(shelved(tmp_path / "archive", [written("1")]))
    asyncio.run(shelved(tmp_path / "archive", [written("1", **fields)]))
    assert len(page(tmp_path / "archive")) < 100_000


def test_a_replaced_picture_is_shown_as_it_was_and_as_it_is(archive: Path, tmp_path: Path) -> None:
    """Both files are held, so both are there to be seen, with the address that they share."""
    shutil.copytree(archive, tmp_path / "archive")
    with sqlite3.connect(tmp_path / "archive" / "archive.db") as database:
        (url, frontier, other) = database.execute(
            "SELECT f.key, f.id, (SELECT sha256 FROM file WHERE width > 1000 AND sha256 <> h.sha256) "
            "FROM holding AS h JOIN frontier AS f ON f.id = h.frontier JOIN capture AS c ON c.frontier = f.id "
            "WHERE c.run = 1 AND f.key LIKE '%800x0%' LIMIT 1"
        ).fetchone()
        database.execute(
            "INSERT INTO capture (frontier, run, fetched_at, http_status, media_type, sha256, bytes, headers) "
            "VALUES (?, 2, '2099-01-01T00:00:00Z', 200, 'image/jpeg', ?, 1, '{}')",
            (frontier, other),
        )
    database.close()
    tree = LexborHTMLParser(page(tmp_path / "archive", 2))
    pictures = [image.attributes["src"] for image in tree.css(".swap img")]
    assert len(set(pictures)) == 2
    assert url in [link.attributes["href"] for link in tree.css(".swap a")]


def test_an_empty_run_is_a_page_too(archive: Path, tmp_path: Path) -> None:
    """A night in which nothing happened says so."""
    shutil.copytree(archive, tmp_path / "archive")
    with sqlite3.connect(tmp_path / "archive" / "archive.db") as database:
        database.execute("INSERT INTO run (command, started_at) VALUES ('nightly', '2040-01-01T00:00:00Z')")
        database.execute("INSERT INTO run (command, started_at) VALUES ('nightly', '2040-01-02T00:00:00Z')")
    database.close()
    text = " ".join(LexborHTMLParser(page(tmp_path / "archive")).text().split())
    assert "Run 3, the one before, has no end: it was cut off" in text
    assert "it has no end: it is under way, or was cut off" in text
    assert "No article came in" in text
    assert "No request left a row" in text


@pytest.mark.parametrize("look", LOOKS)
async def test_it_looks_as_it_should(archive: Path, look: str) -> None:
    """No sideways scrolling, no complaint, not one request; a picture for people to judge."""
    path = write_report(archive, 2, PROMISE)
    async with launched() as browser, tab(browser, path.parent.as_uri(), **LOOKS[look]) as visit:
        await visit.go("/2.html")
        assert await visit.overflow() == 0
        await visit.shot(f"report-{look}")
        broken = await visit.page.evaluate("[...document.images].filter(i => !i.naturalWidth).length")
    assert (visit.foreign, visit.complaints, visit.blocked, broken) == ([], [], [], 0)
    assert visit.asked == [path.as_uri()]


async def test_it_prints(archive: Path) -> None:
    """On paper the words and the plots are there."""
    path = write_report(archive, 2, PROMISE)
    async with launched() as browser, tab(browser, path.parent.as_uri()) as visit:
        page = await visit.go("/2.html")
        await page.emulate_media(media="print")
        assert await page.locator(".contents").is_hidden()
        assert await page.locator(".plot").first.is_visible()
        assert await visit.overflow() == 0
        await visit.shot("report-print")


@pytest.mark.parametrize(
    "look", [LOOKS["light"], {**LOOKS["phone"], "color_scheme": "dark"}], ids=["light", "dark phone"]
)
async def test_nothing_keeps_anybody_out(archive: Path, hostile: Path, look: dict[str, Any]) -> None:
    """axe-core finds no violation, whatever the page has to show."""
    script = AXE.read_text(encoding="utf-8")
    async with launched() as browser:
        for folder in (archive, hostile):
            path = write_report(folder, 2, PROMISE)
            async with tab(browser, path.parent.as_uri(), bypass_csp=True, **look) as visit:
                await visit.go("/2.html")
                await visit.page.add_script_tag(content=script)
                result = await visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                found = [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in result["violations"]]
                assert found == []


async def test_the_reading_room_shows_it_too(archive: Path) -> None:
    """From a run's page to its report, under the reading room's own policy for it, with nothing to complain about."""
    write_report(archive, 2, PROMISE)
    async with visiting(Made(archive, (SITE,))) as visit:
        shown = await visit.go("/runs/2")
        await shown.locator("text=The report of this run").click()
        await expect(shown.locator("h1")).to_have_text("Run 2")
        await shown.locator(".contents a", has_text="Pace").click()
        await expect(shown).to_have_url(f"{visit.base}/runs/2/report#pace")
        assert await shown.evaluate("getComputedStyle(document.querySelector('.plot rect')).fill") != "rgb(0, 0, 0)"
    assert (visit.foreign, visit.complaints, visit.blocked) == ([], [], [])


async def test_hostile_texts_do_nothing_in_a_browser(hostile: Path) -> None:
    """No script runs, no request is made, nothing is wider than the window."""
    path = write_report(hostile, 2, PROMISE)
    async with launched() as browser, tab(browser, path.parent.as_uri(), **LOOKS["phone"]) as visit:
        await visit.go("/2.html")
        assert await visit.overflow() == 0
    assert (visit.foreign, visit.complaints, visit.blocked) == ([], [], [])
    assert visit.asked == [path.as_uri()]
