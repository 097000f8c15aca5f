"""Validators: by which a server may say that what it has is what we have (RFC 9110, section 13)."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from storage.clock import iso

TRUSTED = 60 * 86_400.0  # seconds: a server is believed for so long before the whole is fetched again


@dataclass(frozen=True, slots=True)
class Kept:
    """The last whole answer of a URL, and the headers of a request that asks for another one only."""

    url: str
    conditions: dict[str, str]
    media_type: str
    sha256: str
    size: int


def of(connection: sqlite3.Connection, frontier: int, now: float) -> Kept | None:
    """Return the last whole answer to a row of the frontier, if it had validators and is not too old."""
    row = connection.execute(
        "SELECT coalesce(c.url, f.url, f.key), c.headers, c.media_type, c.sha256, c.bytes FROM capture AS c "
        "JOIN frontier AS f ON f.id = c.frontier "
        "WHERE c.frontier = ? AND c.http_status = 200 AND c.error IS NULL AND c.fetched_at > ? "
        "AND (EXISTS (SELECT 1 FROM body AS b WHERE b.sha256 = c.sha256)"
        " OR EXISTS (SELECT 1 FROM holding AS h WHERE h.frontier = c.frontier AND h.sha256 = c.sha256)) "
        "ORDER BY c.fetched_at DESC, c.id DESC LIMIT 1",
        (frontier, iso(now - TRUSTED)),
    ).fetchone()
    if row is None:
        return None
    url, headers, media_type, sha256, size = row
    sent = json.loads(headers)
    pairs = (("If-None-Match", sent.get("etag")), ("If-Modified-Since", sent.get("last-modified")))
    conditions = {name: value for name, value in pairs if isinstance(value, str) and value.isascii()}
    return Kept(url, conditions, media_type, sha256, size) if conditions else None
