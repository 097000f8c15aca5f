"""Builders: records as the crawler would make them, and whole archives made through the store."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from storage import frontier
from storage.database import open_for_reading, prepare
from storage.keeping import Work
from storage.opening import open_store
from storage.records import (
    ArticleRecord,
    Capture,
    Failure,
    Job,
    Kind,
    Rendition,
    Role,
    Source,
    Term,
    Wanted,
)
from storage.store import Store

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z
SITE = "dm"
HOST = "www.example.org"
FETCHED_AT = "2023-11-14T22:13:20Z"
WORK = Work(run=1, now=NOW, follow=lambda *_: ())


def memory() -> sqlite3.Connection:
    """Return an empty archive's database that needs no folder, with one run begun."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    prepare(connection, Path("archive.db"))
    connection.execute("INSERT INTO run (id, command, started_at) VALUES (1, 'crawl', ?)", (FETCHED_AT,))
    return connection


def rows(connection: sqlite3.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return all rows of a query."""
    return connection.execute(sql, values).fetchall()


def one(connection: sqlite3.Connection, sql: str, *values: Any) -> Any:
    """Return the one value that a query gives."""
    (row,) = connection.execute(sql, values).fetchall()
    (value,) = row
    return value


def wanted(key: str, kind: Kind = Kind.ARTICLE, /, **changes: Any) -> Wanted:
    """Return a want; for an article `key` is what follows the site."""
    if kind is Kind.MEDIA:
        want = Wanted(kind, key, key, SITE, "cdn.example.org", priority=30)
    else:
        path = key.strip("/")
        want = Wanted(kind, f"{SITE}:{key}", f"https://{HOST}/{kind}/{path}", SITE, HOST, priority=20)
    return replace(want, **changes)


def capture(body: bytes | None = b"{}", **changes: Any) -> Capture:
    """Return a capture of a body."""
    content = b"" if body is None else body
    made = Capture(
        url=f"https://{HOST}/answer",
        fetched_at=FETCHED_AT,
        http_status=200,
        headers=(("Content-Type", "application/json"), ("Set-Cookie", "a"), ("set-cookie", "b")),
        media_type="application/json",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        body=body,
        seconds=0.25,
    )
    return replace(made, **changes)


def term(kind: str, name: str, **changes: Any) -> Term:
    """Return a category, keyword or author."""
    slug = name.lower().replace(" ", "-")
    made = Term(kind, str(len(name)) + slug, name, slug, f"https://{HOST}/{kind}/{slug}", json.dumps({"name": name}))
    return replace(made, **changes)


TERMS = (
    term("category", "Africa"),
    term("category", "World News"),
    term("keyword", "Ecowas"),
    term("author", "Ada Mensah"),
)


def article(cms_id: str = "1", **changes: Any) -> ArticleRecord:
    """Return an article object as it is kept; its hash follows from its title, summary and text."""
    made = ArticleRecord(
        site=SITE,
        cms_id=cms_id,
        url=f"https://{HOST}/article/{cms_id}-a-title/",
        title=f"Title {cms_id}",
        status="published",
        content_type="article",
        first_published="2023-07-06T10:54:06Z",
        first_published_raw="2023-07-06 12:54:06",
        last_update="2023-07-06T11:00:00Z",
        last_update_raw="2023-07-06 13:00:00",
        summary="What happened in short",
        text="What happened, at some length.",
        word_count=5,
        content_hash="",
        json="",
        source=Source.API,
        terms=TERMS,
        paths=(f"{SITE}:/article/{cms_id}-a-title",),
    )
    made = replace(made, **changes)
    content = json.dumps([made.title, made.summary, made.text])
    return replace(
        made,
        content_hash=made.content_hash or hashlib.sha256(content.encode()).hexdigest(),
        json=made.json or json.dumps({"id": made.cms_id, "title": made.title}),
    )


def renditions(urls: Iterable[str]) -> tuple[Rendition, ...]:
    """Return an original and its transforms."""
    return tuple(
        Rendition(url, Role.TRANSFORM if n else Role.ORIGINAL, "77", f"{n}00x0" if n else None)
        for n, url in enumerate(urls)
    )


def picture(name: str, size: int = 3_000) -> bytes:
    """Return bytes that differ for each name."""
    seed = hashlib.sha256(name.encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


async def only_job(store: Store, scopes: Sequence[int]) -> Job:
    """Claim the one job that is due."""
    ((job,), _) = await store.claim(scopes, {}, 100)
    return job


def job_for(folder: Path, key: str) -> Job:
    """Return the frontier row of a key as a job, as if it were claimed."""
    with contextlib.closing(open_for_reading(folder / "archive.db")) as connection:
        (kind,) = connection.execute("SELECT kind FROM frontier WHERE key = ?", (key,)).fetchone()
        job = frontier.find(connection, Kind(kind), key)
    assert job is not None
    return job


async def keep_article(store: Store, record: ArticleRecord, urls: Sequence[str] = ()) -> None:
    """Archive an article through the store, as a run that has it for a target would."""
    scopes = await store.begin_targets([wanted(record.cms_id)], refresh=True)
    job = await only_job(store, scopes)
    record = replace(record, renditions=renditions(urls))
    body = json.dumps({"raw": record.json, "hash": record.content_hash}).encode()
    await store.keep_article(job, capture(body), record, [wanted(url, Kind.MEDIA) for url in urls], [])


async def keep_media(store: Store, job: Job, content: bytes) -> None:
    """Archive a picture through the store."""
    incoming = store.media.incoming()
    incoming.write(content)
    file = incoming.keep("image/jpeg", "jpg", 640, 480)
    answer = capture(None, url=job.url, media_type="image/jpeg", sha256=file.sha256, size=file.size)
    await store.keep_media(job, answer, file, never)


def never(mistake: Exception) -> Failure:
    """Fail the test: what it keeps can be kept."""
    raise AssertionError("it can be kept") from mistake


async def make_archive(folder: Path, articles: int = 3, pictures: int = 4, size: int = 3_000) -> None:
    """Make a finished archive: articles with pictures, all of different content."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        for number in range(1, articles + 1):
            urls = [f"https://cdn.example.org/{number}/{n}.jpg" for n in range(pictures)]
            await keep_article(store, article(str(number)), urls)
        scopes = list(range(1, 1 + articles * (pictures + 1)))
        jobs, _ = await store.claim(scopes, {}, articles * pictures)
        for job in jobs:
            await keep_media(store, job, picture(job.url, size + job.id))
        await store.flush()


def files_of(folder: Path) -> list[Path]:
    """Return the media files of an archive, sorted."""
    return sorted(path for path in (folder / "media").rglob("*") if path.is_file())


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its content, to see whether anything was touched."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
