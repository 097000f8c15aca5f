r"""The manifest root: one hash over all article revisions and pictures that an archive has ever held.

Two archives, or one archive in two years, are compared by a line. Each thing is one item, named by natural keys alone:

    revision \0 site \0 article id \0 number \0 content hash
    media \0 URL \0 SHA-256

in UTF-8, without the spaces. An item becomes 1,024 numbers of 16 bits, little-endian, by SHAKE-128 of 2,048 bytes. The
sum of all items, lane by lane modulo 65,536, does not depend on their order; its SHA-256 is the root (the scheme is
LtHash, Bellare and Micciancio 1997). So a run adds what it has found, and does not read what was there.

Times, runs, counters and what is derived are not in it: two archives of the same content agree.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable

_BYTES = 2048
_LOW = int.from_bytes(b"\xff\xff\x00\x00" * (_BYTES // 4), "little")
_HIGH = _LOW << 16

# CROSS JOIN: SQLite keeps the order, and begins with what is new, never with all that there is.
_REVISIONS = """
SELECT 'revision', a.site, a.cms_id, r.number, r.content_hash
FROM revision AS r CROSS JOIN article AS a ON a.id = r.article WHERE r.capture > ?
"""
_MEDIA = """
SELECT 'media', coalesce(f.url, f.key), c.sha256 FROM capture AS c CROSS JOIN frontier AS f ON f.id = c.frontier
WHERE c.id > ? AND f.kind = 'media' AND c.error IS NULL AND NOT EXISTS (
    SELECT 1 FROM capture AS e
    WHERE e.frontier = c.frontier AND e.sha256 = c.sha256 AND e.error IS NULL AND e.id < c.id)
"""


def bring_up_to_date(connection: sqlite3.Connection) -> str:
    """Add what was captured since the last time, and return the root in hex."""
    row = connection.execute("SELECT capture, sum FROM manifest").fetchone()
    capture, total = (0, 0) if row is None else (row[0], int.from_bytes(row[1], "little"))
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM capture").fetchone()
    total = _added(total, _items(connection, capture))
    kept = total.to_bytes(_BYTES, "little")
    connection.execute("DELETE FROM manifest")
    connection.execute("INSERT INTO manifest (capture, sum) VALUES (?, ?)", (newest, kept))
    return hashlib.sha256(kept).hexdigest()


def computed(connection: sqlite3.Connection) -> str:
    """Return the root in hex, from everything that is there; changes nothing."""
    return hashlib.sha256(_added(0, _items(connection, 0)).to_bytes(_BYTES, "little")).hexdigest()


def forget(connection: sqlite3.Connection) -> None:
    """Let the next run add everything anew: what was there has changed."""
    connection.execute("DELETE FROM manifest")


def _items(connection: sqlite3.Connection, after: int) -> Iterable[tuple[object, ...]]:
    yield from connection.execute(_REVISIONS, (after,))
    yield from connection.execute(_MEDIA, (after,))


def _added(total: int, items: Iterable[tuple[object, ...]]) -> int:
    for item in items:
        text = "\0".join(map(str, item)).encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.shake_128(text).digest(_BYTES), "little")
        total = ((total & _LOW) + (number & _LOW) & _LOW) | ((total & _HIGH) + (number & _HIGH) & _HIGH)
    return total
