"""The same crawl with Scrapy: pictures by its FilesPipeline, items to SQLite. Run: `with_scrapy.py LISTING FOLDER`."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Request, TextResponse

BATCH = 500  # items to a commit
SETTINGS = {
    "CONCURRENT_REQUESTS": 32,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 32,
    "DOWNLOAD_DELAY": 0,
    "AUTOTHROTTLE_ENABLED": False,
    "COOKIES_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "ERROR",
    "REFERER_ENABLED": False,
    "MEDIA_ALLOW_REDIRECTS": True,
    "ITEM_PIPELINES": {"scrapy.pipelines.files.FilesPipeline": 1, "__main__.ToSqlite": 2},
}


class ToSqlite:
    """Items, in batches."""

    def open_spider(self) -> None:
        """Make the table."""
        self.database = sqlite3.connect(Path(sys.argv[2]) / "scrapy.db", isolation_level=None)
        self.database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE item (id TEXT, json TEXT, files TEXT)")
        self.rows: list[tuple[str, str, str]] = []

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Keep an item."""
        self.rows.append((item["id"], item["json"], json.dumps(item["files"])))
        if len(self.rows) >= BATCH:
            self.write()
        return item

    def write(self) -> None:
        """Commit a batch."""
        self.database.execute("BEGIN")
        self.database.executemany("INSERT INTO item VALUES (?, ?, ?)", self.rows)
        self.database.execute("COMMIT")
        self.rows.clear()

    def close_spider(self) -> None:
        """Write what is left."""
        self.write()


class Back(scrapy.Spider):
    """Lists, then articles; the pipeline fetches their pictures."""

    name = "back"

    async def start(self) -> Any:
        """Begin with the first page."""
        yield Request(f"{sys.argv[1]}1")

    def parse(self, response: TextResponse) -> Iterator[Request]:
        """Follow a list page."""
        document = json.loads(response.body)
        origin = response.url.partition("/publication/")[0]
        for item in document["data"]:
            yield Request(f"{origin}/content/{item['id']}", self.parse_article)
        if document["data"]:
            yield Request(f"{sys.argv[1]}{document['page'] + 1}")

    def parse_article(self, response: TextResponse) -> Iterator[dict[str, Any]]:
        """Make an item of an article."""
        (article,) = json.loads(response.body)["data"]
        urls = [attachment["url"] for attachment in article["attachments"]]
        urls += [one["url"] for attachment in article["attachments"] for one in attachment["transforms"]]
        yield {"id": article["id"], "json": response.text, "file_urls": urls, "files": []}


if __name__ == "__main__":
    process = CrawlerProcess({**SETTINGS, "FILES_STORE": str(Path(sys.argv[2]) / "files")})
    process.crawl(Back)
    process.start()
