"""Pictures as a reader meets them: each with all its renditions that are held, and the articles that show it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = ("original", "transform", "inline")


@dataclass(frozen=True, slots=True)
class Held:
    """One held file in the part that it plays in an article; width and height are pixels, 0 where unknown."""

    url: str
    role: str
    transform: str
    sha256: str
    extension: str
    media_type: str
    bytes: int
    width: int
    height: int
    fetched_at: str
    removed_at: str | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an article: its attachment, or the one URL of it, in every size that is held."""

    article: int
    attachment: str
    files: tuple[Held, ...]


_HELD = """
SELECT r.article, coalesce(r.attachment_id, ''), coalesce(f.url, f.key), r.role, coalesce(r.transform, ''),
       h.sha256, i.extension, i.media_type, i.bytes, coalesce(i.width, 0), coalesce(i.height, 0), h.fetched_at,
       r.removed_at
FROM {source}
JOIN frontier AS f ON f.id = r.frontier
JOIN holding AS h ON h.frontier = r.frontier
JOIN file AS i ON i.sha256 = h.sha256
WHERE {condition}
ORDER BY r.article, r.position
"""


def pictures(connection: sqlite3.Connection, articles: Sequence[int]) -> dict[int, list[Picture]]:
    """Return the pictures of articles that have a held file, in reading order, by article."""
    condition = "r.article IN (SELECT value FROM json_each(?))"
    wanted = (json.dumps(list(articles)),)
    rows = connection.execute(_HELD.format(source="rendition AS r", condition=condition), wanted)
    groups: dict[tuple[int, str], list[Held]] = {}
    for article, attachment, *facts in rows:
        held = Held(*facts)
        if held.role in _SHOWN:
            groups.setdefault((article, attachment or held.url), []).append(held)
    found: dict[int, list[Picture]] = {}
    for (article, attachment), files in groups.items():
        found.setdefault(article, []).append(Picture(article, attachment, tuple(files)))
    return found


def uses(connection: sqlite3.Connection, sha256: str, limit: int) -> list[tuple[int, Held]]:
    """Return the articles that show a file, with the part it plays in each; at most `limit`."""
    source = (
        "(SELECT r.* FROM holding AS g JOIN rendition AS r ON r.frontier = g.frontier WHERE g.sha256 = :sha256"
        " LIMIT :limit) AS r"
    )
    sql = _HELD.format(source=source, condition="h.sha256 = :sha256")
    return [(row[0], Held(*tuple(row)[2:])) for row in connection.execute(sql, {"sha256": sha256, "limit": limit})]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the media tree, as its row describes it."""

    sha256: str
    bytes: int
    media_type: str
    extension: str
    width: int
    height: int


def stored_file(connection: sqlite3.Connection, sha256: str) -> StoredFile | None:
    """Return what is known of a file; None when the archive has none with this hash."""
    row = connection.execute(
        "SELECT sha256, bytes, media_type, extension, coalesce(width, 0), coalesce(height, 0) FROM file "
        "WHERE sha256 = ?",
        (sha256,),
    ).fetchone()
    return None if row is None else StoredFile(*row)
