"""The reading room as files: opened through file://, it reads, searches, and asks nobody for anything."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from backfile.commands.browse import reading_room
from backfile.config import load
from backfile.sites import sites_of
from reader.export import FORMATS
from reader.export.folder import MANIFEST, open_folder
from reader.export.index import words_of
from reader.export.names import file_of, relative
from reader.room import RoomSettings
from simulator import Newsroom, Options
from storage.errors import ArchiveForeign, NothingSelected
from storage.search import Filters
from storage.selection import selected
from tests.backfile.test_command_line import backfile
from tests.crawling import crawl, rows, site_of
from tests.reader.browser import SCREENS, executable
from tests.reader.test_browser import AXE


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a few articles in a folder with its configuration."""
    folder = tmp_path_factory.mktemp("export")

    async def make() -> None:
        async with Newsroom(Options(articles=14)) as room:
            (folder / "box.toml").write_text(room.config_toml(), encoding="utf-8")
            await crawl(folder / "archive", site_of(room, key="box-key"), "dm:publication/1")

    asyncio.run(make())
    return folder / "archive"


@pytest.fixture(scope="module")
def settings(archive: Path) -> RoomSettings:
    """What the reading room is told."""
    config = load(archive.parent / "box.toml", environment={})
    return reading_room(config, sites_of(config, {}))


@pytest.fixture(scope="module")
def exported(settings: RoomSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive as files."""
    folder = tmp_path_factory.mktemp("site") / "out"
    written = FORMATS["site"].write(settings, folder, lambda _done, _of: None)
    assert written.lacking == 0
    return folder


@asynccontextmanager
async def tab(**options: Any) -> AsyncIterator[Page]:
    """A tab of a real Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        context = await browser.new_context(**options)
        yield await context.new_page()
        await browser.close()


async def test_everything_can_be_reached_by_files_alone(exported: Path) -> None:
    """Front page, article, section, keyword, calendar, pictures: each link leads to a file that is there."""
    async with tab() as page:
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for start in (
            "index.html",
            "calendar.html",
            "categories.html",
            "keywords.html",
            "authors.html",
            "pictures.html",
        ):
            await page.goto((exported / start).as_uri())
            links = await page.eval_on_selector_all("main a[href]", "all => all.map(a => a.href)")
            assert links
            files = [link for link in links if link.startswith("file:")]
            for link in files[:25]:
                assert Path(link.removeprefix("file://").partition("#")[0]).is_file(), link
            await page.goto(files[0])
            assert await page.title()
        article = next(iter(sorted((exported / "article" / "dm").glob("*.html"))))
        await page.goto(article.as_uri())
        loaded = "all => all.every(one => one.complete && one.naturalWidth > 0)"
        assert await page.eval_on_selector_all("main img:not([loading=lazy])", loaded)
        assert wrong == []
        assert asked
        assert all(url.startswith("file:") for url in asked)


async def test_searching_needs_no_server(exported: Path, archive: Path) -> None:
    """Words of a title find its article; so does the beginning of one; a word that is not wanted hides it."""
    cms_id, title = rows(archive, "SELECT id, title FROM articles ORDER BY id LIMIT 1")[0]
    words = sorted(words_of(str(title)), key=len)[-2:]
    async with tab() as page:
        await page.goto((exported / "index.html").as_uri())
        await page.fill("#q", " ".join(words))
        await page.press("#q", "Enter")
        hit = page.locator(f'#hits a[href="article/dm/{cms_id}.html"]')
        await hit.wait_for()
        await page.fill("#q", f"{words[-1][:5]}*")
        await hit.wait_for()
        await page.fill("#q", f"{words[0]} -{words[-1]}")
        await hit.wait_for(state="detached")
        await page.fill("#q", words[-1].upper())
        await hit.click()
        await page.wait_for_url(f"**/article/dm/{cms_id}.html")
        assert await page.locator("h1").inner_text() == str(title).strip()


async def test_without_scripts_all_but_the_search_works(exported: Path) -> None:
    """The search says what it needs, and where else to look."""
    async with tab(java_script_enabled=False) as page:
        await page.goto((exported / "search.html").as_uri())
        assert "needs JavaScript" in await page.locator("#results").inner_text()
        await page.goto((exported / "index.html").as_uri())
        assert await page.locator("main article").count() > 5


async def test_exported_pages_are_for_everybody(exported: Path) -> None:
    """axe-core finds nothing, in light and dark, wide and on a phone; the screenshots are there to be looked at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    article = next(iter(sorted((exported / "article" / "dm").glob("*.html"))))
    script = AXE.read_text(encoding="utf-8")
    for scheme, width in (("light", 1200), ("dark", 360)):
        async with tab(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True) as page:
            for name, path in (
                ("front", exported / "index.html"),
                ("search", exported / "search.html"),
                ("article", article),
            ):
                await page.goto(path.as_uri() + ("?q=the" if name == "search" else ""))
                await page.evaluate(script)
                found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                assert [one["id"] for one in found["violations"]] == []
                await page.screenshot(path=SCREENS / f"export-{name}-{scheme}.png", full_page=True)


def test_a_newsroom_of_which_nothing_is_held_has_a_page(settings: RoomSettings, tmp_path: Path) -> None:
    """A configuration may name more newsrooms than have been archived; no link to one leads nowhere."""
    more = replace(
        settings, newsrooms=(*settings.newsrooms, replace(settings.newsrooms[0], name="olj", title="Another"))
    )
    FORMATS["site"].write(more, tmp_path / "out", lambda _done, _of: None)
    page = (tmp_path / "out" / "site" / "olj.html").read_text(encoding="utf-8")
    assert "This archive holds no article of Another yet." in page


def test_exporting_again_writes_what_has_changed(settings: RoomSettings, exported: Path, tmp_path: Path) -> None:
    """Nothing, when nothing has; a file that was altered is put right, one that is no longer wanted goes."""
    folder = tmp_path / "again"
    shutil.copytree(exported, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    article = next(iter(sorted((folder / "article" / "dm").glob("*.html"))))
    article.write_text("altered", encoding="utf-8")
    stray = folder / "article" / "dm" / "gone.html"
    stray.write_text("no longer wanted", encoding="utf-8")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps({"files": [*manifest["files"], "article/dm/gone.html", "../outside"]}))
    (folder / "mine.txt").write_text("a file of somebody else", encoding="utf-8")
    written = FORMATS["site"].write(settings, folder, lambda _done, _of: None)
    assert (written.written, written.removed) == (1, 1)
    assert not stray.exists()
    assert (folder / "mine.txt").exists()
    assert article.read_bytes() == (exported / article.relative_to(folder)).read_bytes()
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path for path in before if before[path] != after[path]} == {article, folder / MANIFEST}


def test_an_export_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    """Its journal says what is ours: the next one takes it up, and leaves nothing of it behind."""

    def cut_off() -> None:
        with open_folder(tmp_path / "out") as folder:
            folder.put("a/b.html", b"written")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        cut_off()
    with open_folder(tmp_path / "out") as folder:
        folder.put("c.html", b"written")
        assert folder.finish() == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [MANIFEST, "c.html"]


def test_what_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    """A folder with something else in it is refused, with the remedy."""
    (tmp_path / "letters.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ArchiveForeign, match="an empty folder"), open_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_part_of_the_archive_is_exported_alone(archive: Path, settings: RoomSettings, tmp_path: Path) -> None:
    """Only the articles that were asked for, in lists and in the search; the archive itself stays as it is."""
    before = (archive / "archive.db").read_bytes()
    ((keyword, number),) = rows(archive, "SELECT slug, articles FROM keywords ORDER BY articles DESC LIMIT 1")
    with selected(archive, Filters(keyword=str(keyword))) as folder:
        assert rows(folder, "SELECT count(*) FROM articles") == [(number,)]
        assert (folder / "media").is_dir()
    assert not folder.exists()
    with pytest.raises(NothingSelected, match=r"no article .* since 2099"), selected(archive, Filters(since="2099")):
        pass
    mixed = Filters(keyword=str(keyword), author="nosuch")
    with pytest.raises(NothingSelected, match=r"author 'nosuch'.* FROM authors"), selected(archive, mixed):
        pass
    assert (archive / "archive.db").read_bytes() == before


def test_the_command_says_what_it_does(archive: Path, tmp_path: Path) -> None:
    """The formats by name, an unknown one with the known ones, and where to open what was written."""
    home = archive.parent
    assert backfile("export", "--list", folder=home).stdout.startswith("site ")
    unknown = backfile("--config", "box.toml", "export", "paper", tmp_path, folder=home)
    assert unknown.returncode == 2
    assert "known are: site" in unknown.stderr
    done = backfile("--config", "box.toml", "export", "site", tmp_path / "out", "--since", "2021", folder=home)
    assert done.returncode == 0
    assert "index.html in a browser" in done.stdout
    assert (tmp_path / "out" / "index.html").is_file()


def test_names_of_files_are_fit_for_any_disk() -> None:
    """Lower case, plain, one name for one address; relative to the page they stand on."""
    assert file_of("/") == "index.html"
    assert file_of("/article/dm/110") == "article/dm/110.html"
    assert file_of("/article/dm/110/raw/1.json") == "article/dm/110/raw/1.json"
    assert file_of("/search?q=x") == "search.html"
    odd = [file_of(f"/category/dm/{name}") for name in ("Africa", "africa", "%2E%2E", "a%2Fb", "CON.", "é" * 90)]
    assert len({name.lower() for name in odd}) == len(odd)
    assert all(".." not in name and len(name) < 120 for name in odd)
    assert file_of("/keywords?after=a") != file_of("/keywords?after=b") != file_of("/keywords")
    assert relative("media/ab/x.jpg", "article/dm/1.html") == "../../media/ab/x.jpg"
    assert relative("index.html", "index.html") == "index.html"
