"""The fault table, row by row: what each kind of trouble leads to, and that nothing else is hurt by it.

Every fault of the simulated newsroom strikes here, all of them in one crawl, each at its own URL: once for a picture,
once for an article.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from backfile.settings import BLOCK_PATTERNS
from crawler.errors import FaultKind as F
from crawler.plan import CrawlSettings
from simulator import Newsroom, Options
from simulator.faults import FAULTS
from storage.verify import verify
from tests.crawling import column, crawl, missing, rows, settings, site_of

FINE = ""  # it is archived all the same
WAITS = ("http-429", "http-429-date", "http-503", "http-503-date")  # they pass, and take the host with them
PICTURES = {
    "reset": F.CONNECTION_RESET,
    "reset-mid-body": F.SHORT_BODY,
    "stall": F.READ_TIMEOUT,
    "stall-mid-body": F.READ_TIMEOUT,
    "slow": F.READ_TIMEOUT,
    "short-body": F.SHORT_BODY,
    "chunked-cut": F.SHORT_BODY,
    "http-500": F.SERVER_ERROR,
    "http-502": F.SERVER_ERROR,
    "http-504": F.SERVER_ERROR,
    "http-404": F.NOT_FOUND,
    "http-410": F.GONE,
    "bot-wall": F.BOT_WALL,
    "redirect-loop": F.REDIRECT_LOOP,
    "redirect-away": F.REDIRECT_REFUSED,
    "redirect-private": F.REDIRECT_REFUSED,
    "wrong-type": FINE,
    "html-image": F.NOT_A_PICTURE,
    "html-as-jpeg": F.NOT_A_PICTURE,
    "zero-bytes": F.EMPTY_BODY,
    "truncated-jpeg": F.TRUNCATED_PICTURE,
    "truncated-png": F.TRUNCATED_PICTURE,
    "truncated-webp": F.TRUNCATED_PICTURE,
    "pixel-bomb": F.PICTURE_TOO_LARGE,
    "over-limit": F.OVER_LIMIT,
    "over-limit-declared": F.OVER_LIMIT,
    "gzip-bomb": F.OVER_LIMIT,
    "brotli-bomb": F.BAD_ENCODING,
}
ARTICLES = {
    **{name: kind for name, kind in PICTURES.items() if not name.startswith(("html-", "truncated-", "pixel-"))},
    "zero-bytes": F.UNREADABLE,
    "captcha": F.BLOCK_PAGE,
    "invalid-json": F.UNREADABLE,
    "truncated-json": F.UNREADABLE,
    "wrong-shape": F.UNREADABLE,
    "invalid-utf8": FINE,
    "duplicate-keys": FINE,
    "deep-json": F.UNREADABLE,
    "data-object": FINE,
    "large-article": F.OVER_LIMIT,
    "many-attachments": FINE,
    "empty-maps": FINE,
    "contents-object": FINE,
    "flat-keywords": FINE,
    "wrong-types": FINE,
    "keyword-cycle": FINE,
    "hostile-urls": FINE,
}
ELSEWHERE = {
    "bad-key",
    "paging-repeats",
    "paging-clamps",
    "paging-shrinks",
    "paging-shifts",
    "total-lies",
}  # have tests of their own


@dataclass(frozen=True, slots=True)
class Came:
    """What became of one URL."""

    state: str
    fault: str | None
    error: str | None


def impatient() -> CrawlSettings:
    """Return settings under which each trouble shows quickly: one attempt and a second chance, small limits."""
    chosen = settings(attempts=1, failure_budget=1.0, block_patterns=BLOCK_PATTERNS)
    fetch = replace(chosen.fetch, read_timeout=0.5, max_page_bytes=4 << 20, max_media_bytes=4 << 20)
    return replace(chosen, fetch=fetch)


def came_of(archive: Path, kind: str) -> dict[str, Came]:
    """Return what became of each URL of a kind."""
    query = "SELECT coalesce(url, key), state, fault, error FROM frontier WHERE kind = ?"
    return {str(url): Came(*came) for url, *came in rows(archive, query, kind)}  # type: ignore[arg-type]


def path_of(url: str) -> str:
    """Return the path of a URL, by which a fault is aimed at it."""
    return "/" + url.partition("://")[2].partition("/")[2]


async def targets(names: tuple[str, ...], articles: int = 30) -> dict[str, str]:
    """Choose a picture for every fault, of the format that it needs; returns their paths."""
    chosen: dict[str, str] = {}
    async with Newsroom(Options(articles=articles)) as room:
        paths = [
            path_of(rendition.url)
            for article in room.inventory.articles()
            for rendition in room.inventory.renditions(article)
            if rendition.url.startswith(f"{room.url}/i/")  # whose path is part of no other
        ]
    for name in names:
        suffixes = FAULTS[name].suffixes or (".jpg", ".png", ".webp", ".gif")
        chosen[name] = next(path for path in paths if path.endswith(suffixes) and path not in chosen.values())
    return chosen


def test_every_fault_of_the_newsroom_has_its_rows() -> None:
    """What the newsroom can suffer, these tests make it suffer."""
    assert set(PICTURES) | set(ARTICLES) | set(WAITS) | ELSEWHERE == set(FAULTS)


async def test_pictures(tmp_path: Path) -> None:
    """Each bad picture is listed with its reason, no bad byte is kept, and every other picture is there."""
    aimed = await targets(tuple(PICTURES))
    rules = tuple(f"{name}:url={path}:forever" for name, path in aimed.items())
    async with Newsroom(Options(articles=30, faults=rules)) as room:
        site = site_of(room, key="box-key")
        await crawl(tmp_path, site, "dm:publication/1", chosen=impatient())
        found = {path_of(url): came for url, came in came_of(tmp_path, "media").items()}
        bad = {path for name, path in aimed.items() if PICTURES[name]}
        lacking = missing(room, tmp_path, room.inventory.articles())
    expected = {name: ("failed", str(kind)) if kind else ("done", None) for name, kind in PICTURES.items()}
    assert {name: (found[path].state, found[path].fault) for name, path in aimed.items()} == expected
    assert all(found[path].error for path in bad)
    assert {path_of(entry.partition(": ")[2]) for entry in lacking} == bad


async def test_articles(tmp_path: Path) -> None:
    """Each bad answer is listed with its reason; what can be read is archived however odd it is."""
    async with Newsroom(Options(articles=60)) as room:
        ids = dict(zip(ARTICLES, room.inventory.articles(), strict=False))
    rules = tuple(f"{name}:url=/content/{ids[name]}:forever" for name in ARTICLES)
    async with Newsroom(Options(articles=60, faults=rules)) as room:
        site = site_of(room, key="box-key")
        await crawl(tmp_path, site, "dm:publication/1", chosen=impatient(), media=False)
        bad = {ids[name] for name, kind in ARTICLES.items() if kind}
        lacking = set(room.inventory.articles()) - column(tmp_path, "SELECT id FROM articles")
    query = "SELECT key, state, fault, error FROM frontier WHERE kind = 'article'"
    found = {str(key): Came(*came) for key, *came in rows(tmp_path, query)}  # type: ignore[arg-type]
    expected = {name: ("failed", str(kind)) if kind else ("done", None) for name, kind in ARTICLES.items()}
    came = {name: found[f"dm:{number}"] for name, number in ids.items()}
    assert {name: (one.state, one.fault) for name, one in came.items()} == expected
    assert lacking == bad
    assert all(came[name].error for name, kind in ARTICLES.items() if kind)


async def test_public_pages(tmp_path: Path) -> None:
    """A robot test in the place of an article or of a listing is none of either."""
    async with Newsroom(Options(articles=20)) as room:
        category = next(listing for listing in room.inventory.categories() if len(listing.ids) > 2)
        walled = path_of(room.inventory.url(category.ids[0]))
    async with Newsroom(Options(articles=20, faults=(f"captcha:url={walled}:forever",))) as room:
        await crawl(tmp_path, site_of(room), f"dm:category/{category.slug}", chosen=impatient(), media=False)
    (came,) = rows(tmp_path, "SELECT url, fault, error FROM failures")
    assert path_of(str(came[0])) == walled
    assert came[1] == F.BLOCK_PAGE
    assert "Just a moment" in str(came[2])
    assert len(column(tmp_path, "SELECT id FROM articles")) == len(category.ids) - 1
    assert rows(tmp_path, "SELECT count(*) FROM captures WHERE error LIKE '%block page%'")[0][0]


async def test_a_walled_listing_is_not_an_empty_one(tmp_path: Path) -> None:
    """A listing whose pages are walled off is reported as such, never as complete."""
    async with Newsroom(Options(articles=20, faults=("captcha:url=/category/:forever",))) as room:
        slug = next(listing for listing in room.inventory.categories() if listing.ids).slug
        summary = await crawl(tmp_path, site_of(room), f"dm:category/{slug}", chosen=impatient(), media=False)
    assert [walk.verdict for walk in summary.truncated] == ["unavailable"]
    assert summary.failed == {"listing": 1}
    assert summary.causes == {"block-page": 1}


@pytest.mark.parametrize("name", WAITS)
async def test_what_asks_to_wait_is_waited_for(tmp_path: Path, name: str) -> None:
    """Nothing is asked of the host before the time it named, and then all comes in."""
    async with Newsroom(Options(articles=4, faults=(f"{name}:url=/content/:times=1:after=1",))) as room:
        chosen = replace(impatient(), per_host_concurrency=1)  # so that nothing is on its way when the answer comes
        summary = await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1", chosen=chosen)
        assert not missing(room, tmp_path, room.inventory.articles())
        log = room.log.entries
    assert not summary.failed
    waits = [later.monotonic - entry.monotonic for entry, later in pairwise(log) if entry.fault == name]
    assert len(waits) == 4
    assert min(waits) >= 1


async def test_a_storm_of_faults_is_overcome(tmp_path: Path) -> None:
    """Where two answers in five are faulty, all is archived in the same run, and nothing faulty is kept."""
    async with Newsroom(Options(articles=6, seed=3, faults=("storm:0.4",))) as room:
        chosen = replace(impatient(), attempts=5)
        summary = await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1", chosen=chosen)
        assert not missing(room, tmp_path, room.inventory.articles())
    assert not summary.failed
    assert not summary.left
    assert list(map(str, verify(tmp_path))) == []


async def test_what_passes_late_gets_a_second_chance(tmp_path: Path) -> None:
    """What fails as often as it is tried, and then no more, is archived at the end of the same run."""
    (path,) = (await targets(("http-500",), 5)).values()
    async with Newsroom(Options(articles=5, faults=(f"http-500:url={path}:times=2",))) as room:
        chosen = replace(impatient(), attempts=2)
        summary = await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1", chosen=chosen)
        assert not missing(room, tmp_path, room.inventory.articles())
    assert not summary.failed
    assert rows(tmp_path, "SELECT count(*) FROM attempt WHERE fault = 'server-error'") == [(2,)]


@pytest.mark.parametrize("name", ["paging-repeats", "paging-shrinks", "paging-shifts", "total-lies"])
@pytest.mark.parametrize("key", ["", "box-key"])
async def test_lists_that_lie(tmp_path: Path, name: str, key: str) -> None:
    """A listing whose paging cannot be trusted is completed by other routes, or said to be incomplete."""
    async with Newsroom(Options(articles=200, seed=2, faults=(f"{name}:forever",))) as room:
        category = max(room.inventory.categories(), key=lambda listing: len(listing.ids))
        site = site_of(room, key=key)
        summary = await crawl(tmp_path, site, f"dm:category/{category.slug}", chosen=impatient(), media=False)
        held = column(tmp_path, "SELECT id FROM articles")
    assert set(category.ids) <= held or summary.truncated
    assert not summary.failed
