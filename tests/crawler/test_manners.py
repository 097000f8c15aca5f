"""Politeness as the server sees it: everything here is read from the newsroom's own log."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from crawler import rules
from crawler.politeness import LanePolicy
from crawler.run import Crawl
from simulator import Newsroom, Options, listings
from simulator.stock import Stock
from tests.crawling import column, crawl, rows, settings, site_of
from tests.security.server import ok, redirect, running


async def test_rate_and_concurrency_are_kept_in_bad_weather(tmp_path: Path) -> None:
    """Retries, redirects and second chances included, no second sees more than the rate, nor more at once."""
    faults = ("http-500:0.1", "reset:0.1", "short-body:0.1", "redirect-loop:0.02")
    async with Newsroom(Options(articles=12, seed=4, faults=faults, latency_ms=60.0)) as room:
        chosen = settings(rate=30.0, per_host_concurrency=3, failure_budget=1.0)
        await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1", chosen=chosen)
        log = room.log.entries
    times = sorted(entry.monotonic for entry in log)
    assert len(times) > 150
    assert max(sum(1 for other in times if start <= other < start + 1.0) for start in times) <= 33
    assert max(entry.in_flight for entry in log) <= 3


async def test_a_host_that_is_down_is_asked_a_handful_of_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to fetch, a host that breaks every connection sees few of us, and the rest waits."""
    quick = LanePolicy(concurrency=4, first_probe=0.05, longest_probe=0.2)
    async with Newsroom(Options(articles=30)) as room:
        await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1", media=False)
    async with Newsroom(Options(articles=30, port=room.port, faults=("reset:1.0:forever",))) as room:
        monkeypatch.setattr(Crawl, "_policy", lambda _self, _host: quick)
        held = [f"dm:{number}" for number in room.inventory.articles()]  # their pictures are what is left to fetch
        summary = await crawl(tmp_path, site_of(room, key="box-key"), *held)
        asked = len(room.log.entries)
    assert 9 < asked <= 20
    assert summary.left > 300
    assert list(summary.hosts_given_up.values()) == ["could not be reached"]
    assert rows(tmp_path, "SELECT count(*) FROM frontier WHERE state = 'doing'") == [(0,)]


async def test_robots_txt_is_read_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page it forbids is never asked for, the crawl delay lies between all requests, and it is asked for once."""
    async with Newsroom(Options(articles=20)) as room:
        wanted = list(room.inventory.articles(category="africa"))
        forbidden = room.inventory.url(wanted[0])
        path = "/" + forbidden.partition("://")[2].partition("/")[2]
        rules = f"User-agent: *\nDisallow: {path}\nCrawl-delay: 0.1\n"
        monkeypatch.setattr(listings, "robots", lambda _stock: rules)
        summary = await crawl(tmp_path, site_of(room), "dm:category/africa", media=False)
        log = room.log.entries
    paths = [entry.path_qs for entry in log]
    assert paths.count("/robots.txt") == 1
    assert path not in paths
    assert column(tmp_path, "SELECT id FROM articles") == set(wanted[1:])
    assert summary.causes == {"robots": 1}
    starts = [entry.monotonic for entry in log][1:]  # the first is robots.txt itself
    assert min(later - earlier for earlier, later in pairwise(starts)) > 0.08


async def test_pages_that_waited_for_robots_txt_do_not_go_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many pages were ready to be asked for while it was read, its crawl delay lies between them."""
    async with Newsroom(Options(articles=8, latency_ms=60.0)) as room:
        monkeypatch.setattr(listings, "robots", lambda _stock: "User-agent: *\nCrawl-delay: 0.1\n")
        pages = [room.inventory.url(number) for number in room.inventory.articles()]
        await crawl(tmp_path, site_of(room), *pages, media=False)
        log = room.log.entries
    assert log[0].path_qs == "/robots.txt"
    starts = sorted(entry.monotonic for entry in log)
    assert len(starts) > len(pages)
    assert min(later - earlier for earlier, later in pairwise(starts[1:])) > 0.08


@pytest.mark.parametrize("retry_after", [None, "1"])
async def test_rules_that_could_not_be_had_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retry_after: str | None
) -> None:
    """A server that cannot give its robots.txt for once is waited for, as long as it asks, and then crawled."""
    known, asked = listings.robots, 0

    def unavailable_at_first(stock: Stock) -> str:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": retry_after} if retry_after else None)
        return known(stock)

    monkeypatch.setattr(listings, "robots", unavailable_at_first)
    monkeypatch.setattr(rules, "_FIRST_TROUBLE", 0.2)
    async with Newsroom(Options(articles=40, quirks=False)) as room:
        pages = [room.inventory.url(number) for number in room.inventory.articles()]
        summary = await crawl(tmp_path, site_of(room), *pages, media=False)
        log = room.log.entries
    assert (asked, summary.failed, summary.hosts_given_up) == (3, {}, {})
    assert summary.tally.articles_new == len(pages)
    robots, others = ([one for one in log if (one.path_qs == "/robots.txt") is which] for which in (True, False))
    assert min(one.monotonic for one in others) > max(one.monotonic for one in robots)
    pauses = [later.monotonic - earlier.monotonic for earlier, later in pairwise(robots)]
    assert min(pauses) >= (float(retry_after) if retry_after else 0.2)


async def test_a_robots_txt_that_leads_nowhere_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it redirects to itself for ever, there are no rules (RFC 9309, 2.3.1.2)."""

    def elsewhere(_: Stock) -> str:
        raise web.HTTPFound("/robots.txt?once=more")

    monkeypatch.setattr(listings, "robots", elsewhere)
    async with Newsroom(Options(articles=10, quirks=False)) as room:
        pages = [room.inventory.url(number) for number in room.inventory.articles()]
        summary = await crawl(tmp_path, site_of(room), *pages, media=False)
    assert (summary.failed, summary.tally.articles_new) == ({}, len(pages))


async def test_what_the_archive_can_answer_is_not_asked(tmp_path: Path) -> None:
    """A second run of the same target asks for its listing alone, one of an archived article for nothing."""
    async with Newsroom(Options(articles=15)) as room:
        site = site_of(room, key="box-key")
        await crawl(tmp_path, site, "dm:publication/1")
        room.log.clear()
        await crawl(tmp_path, site, "dm:publication/1")
        assert {entry.kind for entry in room.log.entries} == {"api"}
        room.log.clear()
        await crawl(tmp_path, site, *(f"dm:{number}" for number in room.inventory.articles()))
        assert room.log.entries == []


async def test_a_long_wait_outlives_the_run(tmp_path: Path) -> None:
    """A server that asks for two hours is not asked again, by this run or the next, and no run sits there waiting."""
    fault = "http-503:url=/content/:after=7200:forever"
    async with Newsroom(Options(articles=10, faults=(fault,))) as room:
        chosen = replace(settings(), per_host_concurrency=1)
        first = await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1", chosen=chosen)
        assert len([entry for entry in room.log.entries if entry.status == 503]) == 1
        room.log.clear()
        second = await crawl(tmp_path, site_of(room, key="box-key"), "dm:publication/1")
        assert room.log.entries == []
    for summary in (first, second):
        assert list(summary.hosts_given_up.values()) == ["asked us to stay away for 2.0 h"]
        assert summary.left >= 9


async def test_a_host_is_not_blamed_for_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of its pages redirect to a host that is down: that one is given up, and the other half is archived."""
    quick = LanePolicy(concurrency=2, first_probe=0.05, longest_probe=0.2)
    monkeypatch.setattr(Crawl, "_policy", lambda _self, _host: quick)
    async with Newsroom(Options(articles=40, quirks=False)) as room, running() as front:
        home, nowhere = room.url, "localhost:1"
        pages = [room.inventory.url(number).removeprefix(home) for number in room.inventory.articles()]
        for number, page in enumerate(pages):
            front.answers[page] = redirect(f"http://{nowhere}{page}" if number % 2 else f"{home}{page}")
        front.answers["/robots.txt"] = ok(b"")
        site = replace(site_of(room), base_url=front.url, hosts=(nowhere, f"127.0.0.1:{room.port}"))
        summary = await crawl(
            tmp_path, site, *(f"{front.url}{page}" for page in pages), media=False, chosen=settings(failure_budget=1.0)
        )
    assert list(summary.hosts_given_up) == [nowhere]
    assert summary.tally.articles_new == len(pages) // 2
    assert summary.causes == {"connection-refused": len(pages) // 2}
