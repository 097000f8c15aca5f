"""Crawling a newsroom in a box, for tests that need the whole pipeline."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from crawler.fetch import FetchSettings
from crawler.plan import CrawlRequest, CrawlSettings, Summary
from crawler.run import Crawl
from crawler.sites import Site
from crawler.targets import parse_target
from simulator import Newsroom
from storage.opening import open_store

ZONES = {"dm": "Africa/Johannesburg", "olj": "Asia/Beirut"}


def site_of(room: Newsroom, *, key: str = "") -> Site:
    """Return the box as a configured site; without a key when none is given."""
    host = f"127.0.0.1:{room.port}"
    return Site(
        name=room.options.profile,
        base_url=room.url,
        api_url=f"{room.url}/cms",
        classic_url=f"{room.url}/cmsapi",
        api_key=key,
        classic_key=key,
        timezone=ZONES[room.options.profile],
        media_hosts=(host,),
        page_param=room.options.page_scheme,
    )


def settings(**changes: object) -> CrawlSettings:
    """Return settings for the box: no rate limit, short patience."""
    fetch = FetchSettings("backfile-test/1 (+mailto:tests@example.org)", connect_timeout=5.0, read_timeout=5.0)
    values: dict[str, object] = {"fetch": fetch, "rate": 0.0, "per_host_concurrency": 8, **changes}
    return CrawlSettings(**values)  # type: ignore[arg-type]


async def crawl(
    archive: Path, site: Site, *targets: str, chosen: CrawlSettings | None = None, **request: object
) -> Summary:
    """Crawl targets of a site into an archive and close it."""
    asked = CrawlRequest(
        targets=tuple(parse_target(target, (site,)) for target in targets),
        command="crawl",
        **request,  # type: ignore[arg-type]
    )
    async with open_store(archive) as store:
        summary = await Crawl(store, (site,), chosen or settings(), asked).run()
        await store.end_run(summary.tally, 0)
    return summary


def rows(archive: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Query a closed archive as any SQLite client would."""
    connection = sqlite3.connect(f"{(archive / 'archive.db').as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def column(archive: Path, sql: str, *values: object) -> set[object]:
    """Return the first column of a query as a set."""
    return {row[0] for row in rows(archive, sql, *values)}


def held_renditions(archive: Path, article: str) -> set[object]:
    """Return the stored media URLs of an article."""
    return column(archive, "SELECT url FROM media WHERE article_id = ? AND state = 'stored'", article)


def missing(room: Newsroom, archive: Path, articles: Iterable[str]) -> list[str]:
    """Return what the newsroom holds of these articles and the archive does not."""
    held = column(archive, "SELECT id FROM articles")
    lacking = []
    for article in articles:
        if article not in held:
            lacking.append(article)
            continue
        stored = held_renditions(archive, article)
        lacking += [f"{article}: {r.url}" for r in room.inventory.renditions(article) if r.url not in stored]
    return lacking
