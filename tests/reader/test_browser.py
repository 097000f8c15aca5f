"""The reading room in a real browser: looks, keys, searching, without scripts, and without any other host."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.reader.browser import launched, tab, visiting
from tests.reader.making import Made, browsing, empty, write_config

AXE = resources.files("axe_playwright_python") / "axe.min.js"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": "light"},
}


def kinds(made: Made) -> dict[str, str]:
    """Return one address of every kind of page."""
    edited = made.article("revisions > 1")
    sha256 = made.rows("SELECT sha256 FROM media WHERE role = 'original' AND sha256 IS NOT NULL LIMIT 1")[0][0]
    return {
        "front": "/",
        "newsroom": "/site/olj",
        "article-english": made.article("site = 'dm' AND primary_category = 'Africa'"),
        "article-french": made.article("primary_category = 'Liban'"),
        "article-arabic": made.article("primary_category = 'لبنان'"),
        "article-recipe": made.article("content_type = 'Recipes'"),
        "article-gone": made.article("gone_at IS NOT NULL"),
        "article-partial": made.article("source = 'partial'"),
        "article-revision": f"{edited}/revision/1",
        "revisions": f"{edited}/revisions",
        "comparison": f"{edited}/compare/1/2",
        "comparison-inline": f"{edited}/compare/1/2?view=inline",
        "provenance": f"{edited}/provenance",
        "category": "/category/dm/3",
        "categories": "/categories",
        "keywords": "/keywords",
        "authors": "/authors",
        "calendar": "/calendar",
        "calendar-year": "/calendar/2021",
        "calendar-month": "/calendar/2021/03",
        "calendar-day": "/calendar/2021/03/10",
        "search": "/search",
        "search-results": "/search?q=water",
        "search-nothing": "/search?q=watr",
        "pictures": "/pictures",
        "picture": f"/pictures/{sha256}",
        "runs": "/runs",
        "run": "/runs/1",
        "help": "/help",
    }


@pytest.mark.parametrize("look", LOOKS)
async def test_every_kind_of_page_looks_as_it_should(made: Made, look: str) -> None:
    """No sideways scrolling, no complaint in the console, no request to another host; a picture for people to judge."""
    async with visiting(made, **LOOKS[look]) as visit:
        for name, path in kinds(made).items():
            await visit.go(path)
            assert await visit.overflow() == 0, path
            await visit.shot(f"{name}-{look}")
        broken = await visit.page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
    assert (visit.foreign, visit.complaints, broken) == ([], [], [])
    assert len(visit.asked) > 100


@pytest.mark.parametrize("look", [LOOKS["light"], {**LOOKS["phone"], **LOOKS["dark"]}], ids=["light", "dark phone"])
async def test_nothing_keeps_anybody_out(made: Made, look: dict[str, Any]) -> None:
    """axe-core finds no violation on any kind of page (WCAG 2.2 AA and good practice)."""
    found = []
    script = AXE.read_text(encoding="utf-8")
    async with visiting(made, bypass_csp=True, **look) as visit:
        for name, path in {**kinds(made), "problem": "/nowhere"}.items():
            await visit.go(path)
            await visit.page.add_script_tag(content=script)
            result = await visit.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            found += [
                (name, violation["id"], [node["target"] for node in violation["nodes"]][:3])
                for violation in result["violations"]
            ]
    assert found == []


async def test_searching(made: Made) -> None:
    """From the box at the top to results; while typing they follow; every state has an address that can be kept."""
    async with visiting(made) as visit:
        page = await visit.go("/")
        await page.fill("#q", "water")
        await page.press("#q", "Enter")
        await expect(page).to_have_url(f"{visit.base}/search?q=water")
        await expect(page.locator(".hit").first).to_be_visible()
        assert "water" in (await page.locator(".hit mark").first.inner_text()).lower()
        await page.fill("#q", "")
        await page.type("#q", "title:water -plan")
        await expect(page).to_have_url(f"{visit.base}/search?q=title%3Awater+-plan")
        assert "plan" not in " ".join(await page.locator(".hit h2").all_inner_texts()).lower()
        await page.fill("#q", "water")
        await expect(page.locator(".facets")).to_be_visible()
        await page.locator(".facets a", has_text="Africa").first.click()
        await expect(page.locator(".chips")).to_contain_text("Africa")
        await page.locator(".chips a").click()
        await expect(page.locator(".chips")).to_have_count(0)
        await page.fill("#q", "watr")
        await page.locator("text=Did you mean").locator("a").click()
        await expect(page.locator(".hit").first).to_be_visible()
        assert visit.foreign == visit.complaints == []


async def test_keys(made: Made) -> None:
    """`/` goes to the search box, j and k along a list, Enter opens, ? shows the help; no key where one types."""
    async with visiting(made) as visit:
        page = await visit.go("/category/dm/3")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("k")
        await page.keyboard.press("j")
        second = page.locator("[data-item]").nth(1)
        await expect(second.locator("h2 a")).to_be_focused()
        title = await second.locator("h2").inner_text()
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text(title)
        await page.wait_for_load_state()
        await page.keyboard.press("/")
        await page.keyboard.type("jk?/")
        await expect(page.locator("#q")).to_have_value("jk?/")
        await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await expect(page).to_have_url(f"{visit.base}/help")


async def test_everything_can_be_reached_by_tab(made: Made) -> None:
    """The first Tab offers to skip to the page; what has the focus can be seen to have it."""
    async with visiting(made) as visit:
        page = await visit.go(made.article())
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("Tab")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


async def test_without_scripts(made: Made) -> None:
    """Searching, narrowing, paging and comparing work in a browser that runs no script."""
    async with visiting(made, java_script_enabled=False) as visit:
        page = await visit.go("/")
        await page.fill("#q", "water")
        await page.press("#q", "Enter")
        await page.locator(".orders a", has_text="Newest first").click()
        await expect(page).to_have_url(f"{visit.base}/search?q=water&order=newest")
        await page.goto(f"{visit.base}/category/dm/3")
        first = await page.locator("[data-item] h2").first.inner_text()
        edited = made.article("revisions > 1")
        await page.goto(f"{visit.base}{edited}")
        await page.locator("text=2 kept").click()
        await page.locator("text=Compare with revision 1").click()
        await page.locator("text=In one text").click()
        await expect(page.locator(".diff ins").first).to_be_visible()
        assert first


async def test_pages_do_not_jump(made: Made) -> None:
    """Nothing moves while pictures come in: the cumulative layout shift is zero."""
    watch = """window.shift = 0;
        new PerformanceObserver(list => list.getEntries().forEach(entry => { window.shift += entry.value }))
            .observe({type: 'layout-shift', buffered: true});"""
    async with visiting(made) as visit:
        await visit.page.add_init_script(watch)
        for path in ("/", made.article(), "/category/dm/3", "/pictures"):
            page = await visit.go(path)
            await visit.load_pictures()
            assert await page.evaluate("window.shift") < 0.001, path


async def test_an_article_on_paper_is_the_article(made: Made) -> None:
    """In print the furniture is gone, the text is there, and links that leave say where they lead."""
    async with visiting(made) as visit:
        page = await visit.go(made.article())
        await page.emulate_media(media="print")
        await expect(page.locator(".top")).to_be_hidden()
        await expect(page.locator(".foot")).to_be_hidden()
        await expect(page.locator(".prose p").first).to_be_visible()
        await visit.shot("article-print")


async def test_an_empty_archive_is_a_page_too(tmp_path: Path) -> None:
    """Before anything is kept the front page says what to do."""
    async with visiting(empty(tmp_path / "archive")) as visit:
        page = await visit.go("/")
        await expect(page.locator("h2", has_text="empty")).to_be_visible()
        await visit.shot("front-empty")
        await visit.go("/nowhere")
        await visit.shot("problem")
    assert visit.foreign == []


async def test_the_command_serves_the_same(made: Made, tmp_path: Path) -> None:
    """`backfile browse`, started as people start it, shows the archive in a browser."""
    config = write_config(made, tmp_path / "config.toml")
    with browsing(config) as base:
        async with launched() as browser, tab(browser, base) as visit:
            page = await visit.go("/")
            await expect(page.locator(".masthead")).to_contain_text("Daily Maverick")
            assert visit.foreign == visit.complaints == []


async def test_two_newsrooms_are_two_front_pages(made: Made) -> None:
    """From the archive's front page to a newsroom's own."""
    async with visiting(made) as visit:
        page = await visit.go("/")
        await page.locator(".houses a", has_text="L’Orient-Le Jour").click()
        await expect(page.locator("h1")).to_have_text("L’Orient-Le Jour")
