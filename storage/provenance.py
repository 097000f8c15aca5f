"""Where a revision came from: the answer of the server that it was read from."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """One revision and its capture.

    `json_sha256` is of the article object as it came, `body_sha256` of the whole answer it was cut from.
    """

    number: int
    fetched_at: str
    source: str
    content_hash: str
    json_sha256: str
    json_bytes: int
    url: str
    http_status: int
    media_type: str
    body_sha256: str
    body_bytes: int
    headers: str
    run: int | None


def origins(connection: sqlite3.Connection, article: int) -> list[Origin]:
    """Return the origin of every revision of an article, newest first."""
    rows = connection.execute(
        "SELECT r.number, r.fetched_at, r.source, r.content_hash, r.json, coalesce(c.url, f.url, f.key), c.http_status,"
        " c.media_type, c.sha256, c.bytes, c.headers, c.run FROM revision AS r JOIN capture AS c ON c.id = r.capture"
        " JOIN frontier AS f ON f.id = c.frontier WHERE r.article = ? ORDER BY r.number DESC",
        (article,),
    )
    found = []
    for number, fetched_at, source, content_hash, json, *answer in rows:
        raw = json.encode("utf-8", "replace")
        found.append(
            Origin(number, fetched_at, source, content_hash, hashlib.sha256(raw).hexdigest(), len(raw), *answer)
        )
    return found


@dataclass(frozen=True, slots=True)
class Revised:
    """One revision: its number, 1 for the oldest, and when and from where it was captured."""

    number: int
    fetched_at: str
    source: str


def revisions(connection: sqlite3.Connection, article: int) -> list[Revised]:
    """Return the revisions of an article, oldest first."""
    rows = connection.execute(
        "SELECT number, fetched_at, source FROM revision WHERE article = ? ORDER BY number", (article,)
    )
    return [Revised(*row) for row in rows]


def raw_json(connection: sqlite3.Connection, article: int, number: int) -> str | None:
    """Return the article object of a revision as it came; None when there is no such revision."""
    row = connection.execute("SELECT json FROM revision WHERE article = ? AND number = ?", (article, number)).fetchone()
    return None if row is None else str(row[0])


def newest_json(connection: sqlite3.Connection, article: int) -> str:
    """Return the article object of the newest revision as it came; '' when there is none."""
    row = connection.execute(
        "SELECT json FROM revision WHERE article = ? ORDER BY number DESC LIMIT 1", (article,)
    ).fetchone()
    return "" if row is None else str(row[0])
