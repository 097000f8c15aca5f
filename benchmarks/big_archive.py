"""A large archive in minutes: simulated articles kept through storage's own units of work, with no requests between.

    python -m benchmarks.big_archive DIR --articles 100000

Every article has its revision, search row, terms and renditions, and its next look planned. The renditions are held:
one of each article has a file of its own, the others share a few. A newsroom in a box on the same port, with as many
articles, has nothing that the archive has not.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import itertools
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

from crawler import nights
from crawler.cms import article as cms
from crawler.schedule import Policy
from crawler.sites import Site
from simulator.addresses import local
from simulator.content import Content
from simulator.profiles import PROFILES
from storage import frontier, keeping, received, runs
from storage.clock import iso
from storage.database import prepare, set_up, settle
from storage.files import MediaTree
from storage.keeping import Work
from storage.received import Received
from storage.records import ArticleRecord, Capture, FileRecord, Kind, Source, Tally, Wanted

GROUP = 1_000
SHARED = ((200, 100), (450, 300), (800, 533), (1200, 800))
OWN = (256, 192)  # some 30 KB


@dataclass(frozen=True, slots=True)
class Newsroom:
    """A newsroom in a box on a port of this machine, with so many articles."""

    articles: int
    port: int

    def made(self, index: int) -> tuple[bytes, ArticleRecord]:
        """Return the JSON of an article, and what a crawl reads in it."""
        text = json.dumps(_content(self).writer.article(index), ensure_ascii=False)
        return text.encode(), cms.read(text, self.site, Source.API).record

    @property
    def site(self) -> Site:
        """Return it as a crawl knows it."""
        return Site(name="dm", base_url=f"http://127.0.0.1:{self.port}", timezone="Africa/Johannesburg")


@lru_cache(maxsize=1)
def _content(newsroom: Newsroom) -> Content:
    return Content(PROFILES["dm"], 1, newsroom.articles, True, local("127.0.0.1", newsroom.port))


class Pictures:
    """Files for renditions."""

    def __init__(self, tree: MediaTree) -> None:
        """Store those that are shared."""
        self._tree = tree
        self._own = _noise(OWN)
        self._shared = [self._keep(_noise(size), size) for size in SHARED]

    def files(self, cms_id: str, number: int) -> list[FileRecord]:
        """Return so many files for an article; the first is its own: a comment makes it another."""
        if not number:
            return []
        comment = cms_id.encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment  # ISO 10918-1, B.2.4.5
        own = self._keep(self._own[:2] + segment + self._own[2:], OWN)
        return [own, *itertools.islice(itertools.cycle(self._shared), number - 1)]

    def _keep(self, body: bytes, size: tuple[int, int]) -> FileRecord:
        incoming = self._tree.incoming()
        incoming.write(body)
        return incoming.keep("image/jpeg", "jpg", *size)


def _noise(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise(size, 60).save(stream, "JPEG")
    return stream.getvalue()


def keep(connection: sqlite3.Connection, body: bytes, record: ArticleRecord, pictures: Pictures, work: Work) -> None:
    """Keep one article, and every rendition it mentions."""
    media = [Wanted(Kind.MEDIA, one.url, one.url, "dm", "cdn", 30) for one in record.renditions]
    want = Wanted(Kind.ARTICLE, f"dm:{record.cms_id}", record.url, "dm", "www", 20)
    keeping.begin_target(connection, want, refresh=True, work=work)
    job = frontier.find(connection, Kind.ARTICLE, want.key)
    assert job is not None
    moment, digest = iso(work.now), hashlib.sha256(body).hexdigest()
    capture = Capture(record.url, moment, 200, (), "application/json", digest, len(body), body)
    keeping.keep_article(connection, job, capture, record, media, (), work)
    for one, file in zip(media, pictures.files(record.cms_id, len(media)), strict=True):
        row = frontier.find(connection, Kind.MEDIA, one.key)
        assert row is not None
        answer = Capture(one.url, moment, 200, (), file.media_type, file.sha256, file.size)
        received.keep(connection, Received(row, answer, file, work.run, work.now))


def make(folder: Path, newsroom: Newsroom) -> None:
    """Make the archive of a newsroom; another process writes and reads its articles, one group ahead."""
    folder.mkdir(parents=True)
    count, now = newsroom.articles, time.time()
    groups = [range(first, min(first + GROUP, count)) for first in range(0, count, GROUP)]
    with ProcessPoolExecutor(1) as pool, _open(folder) as connection:
        prepare(connection, folder / "archive.db")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        run = runs.begin(connection, command="crawl", now=now)
        pictures, work = Pictures(MediaTree(folder)), _work(run)
        ahead = pool.map(newsroom.made, groups[0], chunksize=50)
        for group in [*groups[1:], range(0)]:
            together, ahead = ahead, pool.map(newsroom.made, group, chunksize=50)
            _keep_all(connection, together, pictures, work)
        runs.end(connection, run, Tally(articles_new=count), exit_status=0, notes=(), now=time.time())
        settle(connection)


def keep_more(folder: Path, newsroom: Newsroom, more: int) -> float:
    """Keep so many articles that are new, with commits as a crawl has them; returns the seconds that one takes."""
    grown = Newsroom(newsroom.articles + more, newsroom.port)
    new = iter([grown.made(newsroom.articles + index) for index in range(more)])
    with _open(folder) as connection:
        set_up(connection, "WAL")
        pictures, work = Pictures(MediaTree(folder)), _work(1)
        began = time.perf_counter()
        while together := list(itertools.islice(new, 50)):
            _keep_all(connection, together, pictures, work)
        return (time.perf_counter() - began) / more


def _work(run: int) -> Work:
    return Work(run=run, now=time.time(), follow=lambda *_: (), plan=nights.planner(Policy()))


@contextlib.contextmanager
def _open(folder: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(folder / "archive.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _keep_all(
    connection: sqlite3.Connection, every: Iterable[tuple[bytes, ArticleRecord]], pictures: Pictures, work: Work
) -> None:
    """Keep articles, in one commit."""
    connection.execute("BEGIN")
    for body, record in every:
        keep(connection, body, record, pictures, work)
    connection.execute("COMMIT")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=100_000)
    chosen = parser.parse_args()
    make(chosen.folder, Newsroom(chosen.articles, port=80))


if __name__ == "__main__":
    main()
