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
    key: str
    scope: int
    site: str
    url: str
    fetched_at: str
    media_type: str
    body: bytes
    revision: int | None
    source: str | None


# A state that was there again after another is a revision of its own, read from the same answer.
_KEPT = """
SELECT c.id, f.id, f.key, f.scope, f.site, coalesce(c.url, f.url, f.key), c.fetched_at, c.media_type,
       c.sha256, r.id, r.source
FROM (
    SELECT c.* FROM capture AS c JOIN frontier AS f ON f.id = c.frontier
    WHERE c.id > ? AND f.kind = 'article' AND (
        EXISTS (SELECT 1 FROM revision AS r WHERE r.capture = c.id) OR (c.error IS NOT NULL AND EXISTS (
            SELECT 1 FROM attempt AS a WHERE a.frontier = f.id AND a.capture = c.id AND a.fault = ?)))
    ORDER BY c.id LIMIT ?) AS c
JOIN frontier AS f ON f.id = c.frontier LEFT JOIN revision AS r ON r.capture = c.id ORDER BY c.id, r.number
"""


def captures_after(connection: sqlite3.Connection, after: int, limit: int, unread: str) -> list[KeptCapture]:
    """Return the next captures of article URLs after a row id: those that made a revision, or could not be read.

    `unread` is the fault of the latter. What was refused for another one, though it could be read, stays refused.
    """
    kept = []
    for row in connection.execute(_KEPT, (after, unread, limit)).fetchall():
        capture, url_row, key, scope, site, url, fetched_at, media_type, sha256, revision, source = row
        body = captures.body(connection, sha256) or b""
        kept.append(
            KeptCapture(capture, url_row, key, scope, site, url, fetched_at, media_type, body, revision, source)
        )
    return kept


def rederive(
    connection: sqlite3.Connection, capture: KeptCapture, record: ArticleRecord, media: Sequence[Wanted], work: Work
) -> Change:
    """Replace what was derived from a capture; a capture that could not be read before becomes a revision now.

    Only the newest revision says which renditions an article has; those of the others were removed since.
    """
    connection.execute("UPDATE capture SET error = NULL WHERE id = ?", (capture.id,))
    manifest.forget(connection)
    if capture.revision is not None:
        article, newest, change = *_rewrite(connection, capture.revision, record), Change.SAME
    elif earlier := articles.keep_earlier(connection, record, capture.id, capture.fetched_at):
        article, newest, change = earlier[0], False, earlier[1]
    else:
        article, change = articles.keep(connection, record, capture.id, capture.fetched_at)
        newest = True
        _stay_gone(connection, article, capture)
    if change is not Change.WORSE:
        frontier.enqueue(connection, media, scope=capture.scope, found_on=capture.frontier, now=work.now)
        keep_renditions = articles.keep_renditions if newest else articles.keep_earlier_renditions
        keep_renditions(connection, article, record.renditions, capture.fetched_at)
    if capture.revision is None:
        _settle(connection, capture)
    return change


def _stay_gone(connection: sqlite3.Connection, article: int, capture: KeptCapture) -> None:
    """Say again that an article is gone where that was found later than it was captured."""
    connection.execute(
        "UPDATE article SET gone_at = (SELECT b.gone_at FROM absence AS b"
        " WHERE b.frontier = ? AND b.returned_at IS NULL AND b.gone_at > ?) WHERE id = ?",
        (capture.frontier, capture.fetched_at, article),
    )


def _settle(connection: sqlite3.Connection, capture: KeptCapture) -> None:
    """Call a URL done when what could not be read was the last that came of it."""
    connection.execute(
        "UPDATE frontier SET state = 'done', due_at = NULL, fault = NULL, error = NULL "
        "WHERE id = ?1 AND state IN ('queued', 'failed')"
        " AND ?2 = (SELECT capture FROM attempt WHERE frontier = ?1 ORDER BY at DESC, id DESC LIMIT 1)",
        (capture.frontier, capture.id),
    )


def _rewrite(connection: sqlite3.Connection, revision: int, record: ArticleRecord) -> tuple[int, bool]:
    """Replace a revision; returns its article, and whether it is the newest."""
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
    return int(article), bool(newest)
