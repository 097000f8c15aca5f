"""What somebody who knows aiohttp writes in an afternoon: follow lists to articles to pictures, keep all of it.

Bodies are hashed, written beside their place and renamed into it; frontier and captures are in SQLite, in batches.
Nothing is checked, retried, paced or indexed. It is as quick as such a script gets: plain strings and system calls for
files, no cookies, no timers, URLs that are not parsed twice. Run: `bare_script.py LISTING FOLDER`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
import sys
from typing import Any

import aiohttp
from yarl import URL

CONCURRENCY = 16
BATCH = 500  # captures to a commit
TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE frontier (url TEXT PRIMARY KEY, state TEXT NOT NULL DEFAULT 'queued');
CREATE TABLE capture (url TEXT, status INTEGER, sha256 TEXT, bytes INTEGER, headers TEXT);
"""


class Script:
    """The whole of it."""

    def __init__(self, listing: str, folder: str) -> None:
        """Open the database; `listing` is the URL of a list page, without its number."""
        self.listing, self.files = listing, f"{folder}/files"
        self.database = sqlite3.connect(f"{folder}/bare.db", isolation_level=None)
        self.database.executescript(TABLES)
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.captures: list[tuple[str, int, str, int, str]] = []
        self.found: list[str] = []
        self.seen: set[str] = set()
        self.folders: set[str] = set()

    def want(self, url: str) -> None:
        """Put a URL on the frontier once."""
        if url not in self.seen:
            self.seen.add(url)
            self.found.append(url)
            self.queue.put_nowait(url)

    async def work(self, session: aiohttp.ClientSession) -> None:
        """Fetch one URL after the other."""
        while True:
            url = await self.queue.get()
            async with session.get(URL(url, encoded=True)) as response:
                body = await response.read()
            sha256 = hashlib.sha256(body).hexdigest()
            self.keep(sha256, body)
            headers = json.dumps(dict(response.headers))
            self.captures.append((url, response.status, sha256, len(body), headers))
            if response.headers["Content-Type"] == "application/json":
                self.read(url, json.loads(body))
            if len(self.captures) >= BATCH:
                self.commit()
            self.queue.task_done()

    def keep(self, sha256: str, body: bytes) -> None:
        """Write a file beside its place and rename it."""
        folder = f"{self.files}/{sha256[:2]}/{sha256[2:4]}"
        if folder not in self.folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib costs more than the call
            self.folders.add(folder)
        path = f"{folder}/{sha256}"
        file = os.open(f"{path}.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(file, body)
        os.close(file)
        os.replace(f"{path}.part", path)  # noqa: PTH105

    def read(self, url: str, document: dict[str, Any]) -> None:
        """Want what an answer names."""
        if url.startswith(self.listing):
            origin = url.partition("/publication/")[0]
            for item in document["data"]:
                self.want(f"{origin}/content/{item['id']}")
            if document["data"]:
                self.want(f"{self.listing}{document['page'] + 1}")
            return
        for attachment in document["data"][0]["attachments"]:
            self.want(attachment["url"])
            for transform in attachment["transforms"]:
                self.want(transform["url"])

    def commit(self) -> None:
        """Write what is known since the last time."""
        self.database.execute("BEGIN")
        self.database.executemany("INSERT INTO frontier (url) VALUES (?)", [(url,) for url in self.found])
        self.database.executemany("INSERT INTO capture VALUES (?, ?, ?, ?, ?)", self.captures)
        self.database.executemany("UPDATE frontier SET state = 'done' WHERE url = ?", [(c[0],) for c in self.captures])
        self.database.execute("COMMIT")
        self.found.clear()
        self.captures.clear()

    async def run(self) -> None:
        """Fetch until nothing is left."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        async with session:
            self.want(f"{self.listing}1")
            workers = [asyncio.create_task(self.work(session)) for _ in range(CONCURRENCY)]
            await self.queue.join()
            for worker in workers:
                worker.cancel()
        self.commit()


if __name__ == "__main__":
    asyncio.run(Script(sys.argv[1], sys.argv[2]).run())
