"""Archives to read: of two simulated newsrooms, crawled as ever, or of articles written for a test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from crawler.cms import article as cms
from crawler.sites import Site
from crawler.targets import Target, classify
from reader.app import application
from reader.room import Newsroom as Known
from reader.room import RoomSettings
from simulator import Newsroom, Options
from storage.database import prepare
from storage.opening import open_store
from storage.records import Kind, Source
from tests.crawling import ZONES, crawl, site_of
from tests.storage import making

SITE = Site(name="dm", base_url="https://www.example.org", timezone="Africa/Johannesburg")
TITLES = {"dm": "Daily Maverick", "olj": "L’Orient-Le Jour"}
TARGETS = {
    "dm": ("dm:category/africa", "dm:category/maverick-life"),
    "olj": ("olj:category/2", "olj:category/1201", "olj:category/1037"),
}
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Made:
    """A closed archive, and the sites that it was crawled from."""

    folder: Path
    sites: tuple[Site, ...]

    def settings(self, **changes: Any) -> RoomSettings:
        """Return settings for a reading room of it."""
        known = tuple(Known(site.name, TITLES[site.name], site.timezone) for site in self.sites)
        return replace(RoomSettings(self.folder, known, self.meaning), **changes)

    def meaning(self, url: str) -> tuple[str, str] | None:
        """Say what a URL stands for, as the front door does."""
        found = classify(url, self.sites)
        return (found.kind.value, found.key) if isinstance(found, Target) else None

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Query the archive as any SQLite client would."""
        with contextlib.closing(sqlite3.connect(self.folder / "archive.db")) as connection:
            return connection.execute(sql, values).fetchall()

    def article(self, condition: str = "1", *values: object) -> str:
        """Return the path of an article's page, by a condition on the public view."""
        ((site, cms_id),) = self.rows(f"SELECT site, id FROM articles WHERE {condition} LIMIT 1", *values)
        return f"/article/{site}/{cms_id}"


async def crawled(folder: Path, articles: int = 60) -> Made:
    """Crawl two newsrooms into one archive: three languages, edits, one article that is gone, one in part."""
    sites = []
    for profile, targets in TARGETS.items():
        async with Newsroom(Options(profile=profile, articles=articles)) as room:
            site = site_of(room, key="box-key")
            await crawl(folder, site, *targets)
            sites.append(site)
            await shelved(folder, edited(folder, profile), site)
            assert site.timezone == ZONES[profile]
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        database.execute("UPDATE article SET gone_at = '2023-11-14T22:13:20Z' WHERE id = 7")
        database.execute("UPDATE article SET source = 'partial' WHERE id = 8")
        database.execute("UPDATE revision SET source = 'partial' WHERE article = 8")
        database.commit()
    return Made(folder, tuple(sites))


def edited(folder: Path, site: str) -> list[dict[str, object]]:
    """Return the three newest articles of a site with another title and a correction; the CMS does not date them."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as database:
        newest = database.execute(
            "SELECT json FROM revisions AS r JOIN articles AS a ON a.site = r.site AND a.id = r.article_id "
            "WHERE r.site = ? ORDER BY a.first_published DESC LIMIT 3",
            (site,),
        ).fetchall()
    articles = [json.loads(text) for (text,) in newest]
    correction = "<p>Correction 1: an earlier version was wrong.</p>"
    return [
        {**one, "title": f"{one['title'].strip()} (updated)", "contents": one["contents"] + correction}
        for one in articles
    ]


def empty(folder: Path) -> Made:
    """Return an archive that holds nothing."""
    folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / "archive.db", isolation_level=None)) as connection:
        prepare(connection, folder / "archive.db")
    return Made(folder, (SITE,))


def written(cms_id: str = "1", **fields: object) -> dict[str, object]:
    """Return an article object as the CMS might send it."""
    return {
        "objectType": "Article",
        "id": cms_id,
        "url": f"https://www.example.org/article/2023-07-06-story-{cms_id}/",
        "status": "publish",
        "title": f"Story {cms_id}",
        "firstPublished": "2023-07-06 12:54:06",
        "lastUpdate": "2023-07-06 12:54:06",
        "summary": "What happened in short",
        "contents": "<p>What happened, at some length.</p>",
        "categories": [{"id": "3", "name": "Africa", "slug": "africa"}],
        **fields,
    }


async def shelved(folder: Path, articles: Iterable[dict[str, object]], site: Site = SITE) -> Made:
    """Keep articles written for a test, each with its pictures wanted and not fetched."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        for fields in articles:
            record = cms.read(json.dumps(fields), site, Source.API).record
            media = [making.wanted(one.url, Kind.MEDIA) for one in record.renditions]
            scopes = await store.begin_targets(
                [making.wanted(record.cms_id, site=site.name, key=f"{site.name}:{record.cms_id}")], refresh=True
            )
            job = await making.only_job(store, scopes)
            await store.keep_article(job, making.capture(record.json.encode()), record, media, [])
        await store.flush()
    return Made(folder, (site,))


@contextlib.asynccontextmanager
async def opened(made: Made, **settings: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve an archive on a port of this machine, in this process."""
    async with TestClient(TestServer(application(made.settings(**settings)))) as client:
        yield client


def write_config(made: Made, path: Path) -> Path:
    """Write the configuration that reads an archive."""
    blocks = "".join(
        f'\n[[sites]]\nname = "{site.name}"\ntitle = "{TITLES[site.name]}"\nbase_url = "{site.base_url}"\n'
        f'timezone = "{site.timezone}"\n'
        for site in made.sites
    )
    path.write_text(f'[archive]\npath = "{made.folder}"\n{blocks}', encoding="utf-8")
    return path


@contextlib.contextmanager
def browsing(config: Path, *options: str) -> Iterator[str]:
    """Run `backfile browse` in a process of its own; yields its address."""
    command = [sys.executable, "-m", "backfile.cli", "--config", str(config), "browse", "--port", "0", *options]
    measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    process = subprocess.Popen(
        command, env={"PATH": os.environ["PATH"], **measured}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " at http://" in line, process.communicate(timeout=PATIENCE)
        yield line.split(" at ")[1].split(" ")[0].rstrip("/")
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == 0, said
        assert "Traceback" not in said, said
