"""A large archive in minutes: simulated articles kept through storage's own units of work, with no requests between.

    python -m benchmarks.big_archive DIR --articles 100000

Every article has its revision, search row, terms and renditions; the renditions are held and share a few files.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from crawler.cms import article as cms
from crawler.sites import Site
from simulator.addresses import public
from simulator.content import Content
from simulator.profiles import PROFILES
from storage import frontier, keeping, received
from storage.database import prepare, settle
from storage.files import MediaTree
from storage.keeping import Work
from storage.received import Received
from storage.records import Capture, FileRecord, Kind, Source, Wanted

NOW = 1_760_000_000.0
FETCHED_AT = "2025-10-09T08:53:20Z"
GROUP = 1_000
SITE = Site(name="dm", base_url="https://www.dailymaverick.co.za", timezone="Africa/Johannesburg")
SIZES = ((200, 100), (450, 300), (800, 533), (1200, 800), (1600, 1066))


def texts(articles: int) -> Iterator[str]:
    """Yield the JSON of a newsroom's articles."""
    profile = PROFILES["dm"]
    content = Content(profile, 1, articles, True, public(profile.hosts))
    for index in range(articles):
        yield json.dumps(content.writer.article(index), ensure_ascii=False)


def pictures(tree: MediaTree) -> list[FileRecord]:
    """Store one picture of each size, and return their records."""
    found = []
    for size in SIZES:
        stream = io.BytesIO()
        Image.new("RGB", size, "steelblue").save(stream, "JPEG")
        incoming = tree.incoming()
        incoming.write(stream.getvalue())
        found.append(incoming.keep("image/jpeg", "jpg", *size))
    return found


def keep(connection: sqlite3.Connection, text: str, files: list[FileRecord], work: Work) -> None:
    """Keep one article, and every rendition it mentions as one of the files."""
    record = cms.read(text, SITE, Source.API).record
    media = [Wanted(Kind.MEDIA, one.url, one.url, SITE.name, "cdn", 30) for one in record.renditions]
    want = Wanted(Kind.ARTICLE, f"dm:{record.cms_id}", record.url, SITE.name, "www", 20)
    keeping.begin_target(connection, want, refresh=True, work=work)
    job = frontier.find(connection, Kind.ARTICLE, want.key)
    assert job is not None
    body = text.encode()
    capture = Capture(
        record.url, FETCHED_AT, 200, (), "application/json", hashlib.sha256(body).hexdigest(), len(body), body
    )
    keeping.keep_article(connection, job, capture, record, media, (), work)
    for place, one in enumerate(media):
        file = files[place % len(files)]
        row = frontier.find(connection, Kind.MEDIA, one.key)
        assert row is not None
        answer = Capture(one.url, FETCHED_AT, 200, (), file.media_type, file.sha256, file.size)
        received.keep(connection, Received(row, answer, file, work.run, work.now))


def make(folder: Path, articles: int) -> None:
    """Make the archive."""
    folder.mkdir(parents=True)
    path = folder / "archive.db"
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO run (id, command, started_at) VALUES (1, 'crawl', ?)", (FETCHED_AT,))
    files = pictures(MediaTree(folder))
    work = Work(run=1, now=NOW, follow=lambda *_: ())
    every = texts(articles)
    while group := list(itertools.islice(every, GROUP)):
        connection.execute("BEGIN")
        for text in group:
            keep(connection, text, files, work)
        connection.execute("COMMIT")
    settle(connection)
    connection.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=100_000)
    chosen = parser.parse_args()
    make(chosen.folder, chosen.articles)


if __name__ == "__main__":
    main()
