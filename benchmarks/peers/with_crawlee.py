"""The same crawl with crawlee and impit: files to a folder, items to SQLite.

Run: `with_crawlee.py LISTING FOLDER [--lasting]`; its queue is in memory, or where it survives the end of the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import sqlite3
import sys
from pathlib import Path

from crawlee import ConcurrencySettings, Request
from crawlee.configuration import Configuration
from crawlee.crawlers import HttpCrawler, HttpCrawlingContext
from crawlee.http_clients import ImpitHttpClient
from crawlee.storage_clients import FileSystemStorageClient, MemoryStorageClient

BATCH = 500  # items to a commit


async def main(listing: str, folder: Path, *, lasting: bool) -> None:
    """Crawl."""
    database = sqlite3.connect(folder / "crawlee.db", isolation_level=None)
    database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE item (url TEXT, status INTEGER, sha256 TEXT)")
    (folder / "files").mkdir(exist_ok=True)
    rows: list[tuple[str, int, str]] = []
    crawler = HttpCrawler(
        http_client=ImpitHttpClient(),
        configuration=Configuration(storage_dir=str(folder / "queue")),
        storage_client=FileSystemStorageClient() if lasting else MemoryStorageClient(),
        # As many as the others have: left to find its own number it takes a seventh longer.
        concurrency_settings=ConcurrencySettings(min_concurrency=16, desired_concurrency=16, max_concurrency=16),
        configure_logging=False,
    )

    def write() -> None:
        database.execute("BEGIN")
        database.executemany("INSERT INTO item VALUES (?, ?, ?)", rows)
        database.execute("COMMIT")
        rows.clear()

    @crawler.router.default_handler
    async def keep(context: HttpCrawlingContext) -> None:
        body = await context.http_response.read()
        sha256 = hashlib.sha256(body).hexdigest()
        (folder / "files" / sha256).write_bytes(body)
        rows.append((context.request.url, context.http_response.status_code, sha256))
        if len(rows) >= BATCH:
            write()
        if wanted := found(context.request.url, body):
            await context.add_requests([Request.from_url(url) for url in wanted])

    def found(url: str, body: bytes) -> list[str]:
        if url.startswith(listing):
            document = json.loads(body)
            origin = url.partition("/publication/")[0]
            following = [f"{listing}{document['page'] + 1}"] if document["data"] else []
            return [f"{origin}/content/{item['id']}" for item in document["data"]] + following
        if "/content/" not in url or url.endswith(".jpg"):
            return []
        attachments = json.loads(body)["data"][0]["attachments"]
        renditions = [one["url"] for attachment in attachments for one in attachment["transforms"]]
        return [attachment["url"] for attachment in attachments] + renditions

    await crawler.run([f"{listing}1"])
    write()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), lasting="--lasting" in sys.argv[3:]))
