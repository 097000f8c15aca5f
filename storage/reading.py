"""Reading an archive: what the commands that only look ask of it. Read-only; works beside a running crawl."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import articles, frontier, listings, search
from storage.database import connect_for_reading, open_for_reading
from storage.search import Filters, Hit
from storage.translation import translate

_DUE_BY_REASON = "SELECT reason, count(*) FROM recheck WHERE due_at <= ? GROUP BY reason ORDER BY 2 DESC"


@dataclass(frozen=True, slots=True)
class Status:
    """What an archive holds and what it waits for."""

    articles: int
    partial: int
    gone: int
    revisions: int
    terms: dict[str, int]
    frontier: dict[str, dict[str, int]]
    files: int
    file_bytes: int
    database_bytes: int
    runs: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    failure_total: int
    causes: dict[str, int]
    listings: list[listings.Walk]
    due: dict[str, int]  # articles to be looked at again now, by reason
    due_in_a_day: int  # and within the next day


@dataclass(frozen=True, slots=True)
class Shown:
    """One article as `show` prints it."""

    article: dict[str, Any]
    text: str
    json: str
    revision: int
    revisions: list[dict[str, Any]]
    media: list[dict[str, Any]]
    terms: list[dict[str, Any]]


class Reading:
    """An archive open for reading; made by `open_reading`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        """Join the parts; use `open_reading`."""
        self.folder = folder
        self.connection = connection

    def status(self, *, runs: int = 5, failures: int = 10) -> Status:
        """Return counts by kind and state, sizes, the last runs and what failed."""
        one = self._one
        return Status(
            articles=one("SELECT count(*) FROM article"),
            partial=one("SELECT count(*) FROM article WHERE source = 'partial'"),
            gone=one("SELECT count(*) FROM article WHERE gone_at IS NOT NULL"),
            revisions=one("SELECT count(*) FROM revision"),
            terms=dict(self._rows_raw("SELECT kind, count(*) FROM term GROUP BY kind")),
            frontier=frontier.counts(self.connection),
            files=one("SELECT count(*) FROM file"),
            file_bytes=one("SELECT coalesce(sum(bytes), 0) FROM file"),
            database_bytes=(self.folder / "archive.db").stat().st_size,
            runs=self.rows("SELECT * FROM runs ORDER BY id DESC LIMIT ?", runs),
            failures=self.rows("SELECT * FROM failures ORDER BY last_attempt_at DESC LIMIT ?", failures),
            failure_total=one("SELECT count(*) FROM failures"),
            causes=dict(self._rows_raw("SELECT fault, count(*) FROM failures GROUP BY fault ORDER BY 2 DESC")),
            listings=self.walks(),
            due=dict(self.connection.execute(_DUE_BY_REASON, (time.time(),)).fetchall()),
            due_in_a_day=one("SELECT count(*) FROM recheck WHERE due_at BETWEEN unixepoch() AND unixepoch() + 86400"),
        )

    def walks(self) -> list[listings.Walk]:
        """Return the last walk of every listing, the ones that are not complete first."""
        rows = self._rows_raw("SELECT frontier FROM listing ORDER BY verdict = 'complete', frontier")
        return [walk for (row,) in rows if (walk := listings.walk_of(self.connection, row)) is not None]

    def find_article(self, site: str, cms_id: str) -> int | None:
        """Return the row of an article by site and CMS id; any site when `site` is ''. The newest when several."""
        if site:
            return articles.find(self.connection, site, cms_id)
        row = self.connection.execute(
            "SELECT id FROM article WHERE cms_id = ? ORDER BY last_checked_at DESC LIMIT 1", (cms_id,)
        ).fetchone()
        return None if row is None else int(row[0])

    def find_by_key(self, key: str) -> int | None:
        """Return the row of an article by its frontier key: `site:<id>` or `site:/path`."""
        row = self.connection.execute("SELECT article FROM alias WHERE key = ?", (key,)).fetchone()
        if row is not None:
            return int(row[0])
        site, _, cms_id = key.partition(":")
        return self.find_article(site, cms_id)

    def show(self, article: int, revision: int | None = None) -> Shown | None:
        """Return an article as it stands, or one of its revisions; None when there is no such revision."""
        revisions = self.rows(
            "SELECT number, fetched_at, content_hash, source FROM revision WHERE article = ? ORDER BY number", article
        )
        number = revisions[-1]["number"] if revision is None else revision
        if all(number != entry["number"] for entry in revisions):
            return None
        raw = self.connection.execute(
            "SELECT json FROM revision WHERE article = ? AND number = ?", (article, number)
        ).fetchone()
        site, cms_id = self.connection.execute("SELECT site, cms_id FROM article WHERE id = ?", (article,)).fetchone()
        text = self.connection.execute("SELECT body FROM search WHERE rowid = ?", (article,)).fetchone()
        return Shown(
            article=_decoded(self.rows("SELECT * FROM articles WHERE site = ? AND id = ?", site, cms_id)[0]),
            text="" if text is None else text[0],
            json=raw[0],
            revision=number,
            revisions=revisions,
            media=self.rows("SELECT * FROM media WHERE site = ? AND article_id = ? ORDER BY position", site, cms_id),
            terms=self.rows(
                "SELECT t.kind, t.cms_id AS id, t.name, t.slug, t.url FROM article_term AS at "
                "JOIN term AS t ON t.id = at.term WHERE at.article = ? ORDER BY t.kind, at.position",
                article,
            ),
        )

    def search(self, query: str, filters: Filters, *, limit: int = 20, offset: int = 0) -> list[Hit]:
        """Return the best hits, best first."""
        return search.find(self.connection, query, filters, limit=limit, offset=offset)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries."""
        return [dict(row) for row in self.connection.execute(sql, values)]

    def _rows_raw(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.connection.execute(sql)]

    def _one(self, sql: str) -> int:
        return int(self.connection.execute(sql).fetchone()[0])


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "authors": json.loads(row["authors"]), "keywords": json.loads(row["keywords"])}


@contextlib.contextmanager
def open_reading(folder: Path) -> Iterator[Reading]:
    """Open an archive to look at it. Raises ArchiveMissing, ArchiveDamaged, ArchiveForeign or ArchiveTooNew."""
    with _reading(folder, open_for_reading) as reading:
        yield reading


@contextlib.contextmanager
def open_reading_beside(folder: Path) -> Iterator[Reading]:
    """Open an archive to look at it that this process has open for writing. Raises as `open_reading`."""
    with _reading(folder, connect_for_reading) as reading:
        yield reading


@contextlib.contextmanager
def _reading(folder: Path, connect: Callable[[Path], sqlite3.Connection]) -> Iterator[Reading]:
    path = folder / "archive.db"
    connection = connect(path)
    try:
        yield Reading(folder, connection)
    except sqlite3.DatabaseError as error:
        raise translate(error, path) from error
    finally:
        connection.close()
