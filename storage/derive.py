"""Reading kept captures anew: the derived tables rebuilt from raw bodies, offline."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage import articles, captures, frontier, manifest
from storage.articles import Change
from storage.keeping import Work
from storage.records import ArticleRecord, Wanted


@dataclass(frozen=True, slots=True)
class KeptCapture:
    """A capture of an article URL whose body was kept, and the revision it made, if it made one."""

    id: int
    frontier: int
    scope: int
    site: str
    url: str
    fetched_at: str
    media_type: str
    body: bytes
    revision: int | None
    source: str | None


def captures_after(connection: sqlite3.Connection, after: int, limit: int) -> list[KeptCapture]:
    """Return the next captures of article URLs after a row id: those that made a revision, or were never read."""
    rows = connection.execute(
        "SELECT c.id, f.id, f.scope, f.site, coalesce(c.url, f.url, f.key), c.fetched_at, c.media_type, c.sha256,"
        " r.id, r.source FROM capture AS c JOIN frontier AS f ON f.id = c.frontier"
        " LEFT JOIN revision AS r ON r.capture = c.id"
        " WHERE c.id > ? AND f.kind = 'article' AND (r.id IS NOT NULL OR c.error IS NOT NULL)"
        " ORDER BY c.id LIMIT ?",
        (after, limit),
    ).fetchall()
    kept = []
    for row in rows:
        capture, url_row, scope, site, url, fetched_at, media_type, sha256, revision, source = row
        body = captures.body(connection, sha256) or b""
        kept.append(KeptCapture(capture, url_row, scope, site, url, fetched_at, media_type, body, revision, source))
    return kept


def rederive(
    connection: sqlite3.Connection, capture: KeptCapture, record: ArticleRecord, media: Sequence[Wanted], work: Work
) -> Change:
    """Replace what was derived from a capture; a capture that could not be read before becomes a revision now."""
    connection.execute("UPDATE capture SET error = NULL WHERE id = ?", (capture.id,))
    manifest.forget(connection)
    if capture.revision is None:
        earlier = articles.keep_earlier(connection, record, capture.id, capture.fetched_at)
        article, change = earlier or articles.keep(connection, record, capture.id, capture.fetched_at)
    else:
        article, change = _rewrite(connection, capture.revision, record), Change.SAME
    frontier.enqueue(connection, media, scope=capture.scope, found_on=capture.frontier, now=work.now)
    articles.keep_renditions(connection, article, record.renditions, capture.fetched_at)
    connection.execute(
        "UPDATE frontier SET state = 'done', due_at = NULL, fault = NULL, error = NULL "
        "WHERE id = ? AND state IN ('queued', 'failed')",
        (capture.frontier,),
    )
    return change


def _rewrite(connection: sqlite3.Connection, revision: int, record: ArticleRecord) -> int:
    (article,) = connection.execute("SELECT article FROM revision WHERE id = ?", (revision,)).fetchone()
    connection.execute(
        "UPDATE revision SET content_hash = ?, source = ?, json = ? WHERE id = ?",
        (record.content_hash, record.source.value, record.json, revision),
    )
    newest = connection.execute(
        "SELECT max(number) = (SELECT number FROM revision WHERE id = ?) FROM revision WHERE article = ?",
        (revision, article),
    ).fetchone()[0]
    if newest:
        articles.update(connection, article, record)
        articles.derive(connection, article, record)
        articles.learn_paths(connection, article, record)
    return int(article)
