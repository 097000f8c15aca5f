"""What somebody who knows aiohttp writes in an afternoon: follow lists to articles to pictures, keep all of it.

Bodies are hashed, written beside their place and renamed into it; frontier and captures are in SQLite, in batches.
Nothing is checked, retried, paced or indexed. Run: `bare_script.py LISTING FOLDER`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import aiohttp

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

    def __init__(self, listing: str, folder: Path) -> None:
        """Open the database; `listing` is the URL of a list page, without its number."""
        self.listing, self.folder = listing, folder
        self.database = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self.database.executescript(TABLES)
        self.queue: asyncio.Queue[str] = asyncio.Queue()
        self.captures: list[tuple[str, int, str, int, str]] = []
        self.found: list[str] = []
        self.seen: set[str] = set()

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
            async with session.get(url) as response:
                body = await response.read()
            sha256 = hashlib.sha256(body).hexdigest()
            path = self.folder / "files" / sha256[:2] / sha256[2:4] / sha256
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f"{path.name}.part")
            temporary.write_bytes(body)
            temporary.replace(path)
            headers = json.dumps(dict(response.headers))
            self.captures.append((url, response.status, sha256, len(body), headers))
            if response.content_type == "application/json":
                self.read(url, json.loads(body))
            if len(self.captures) >= BATCH:
                self.commit()
            self.queue.task_done()

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
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            self.want(f"{self.listing}1")
            workers = [asyncio.create_task(self.work(session)) for _ in range(CONCURRENCY)]
            await self.queue.join()
            for worker in workers:
                worker.cancel()
        self.commit()


if __name__ == "__main__":
    asyncio.run(Script(sys.argv[1], Path(sys.argv[2])).run())
