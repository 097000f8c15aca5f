"""What two archives of the same newsroom must have in common, whatever happened while they were made.

Everything is named by natural keys and compared as a multiset: row ids mean nothing, and the order in which
sixteen workers finish is chance. Left out is what tells of the making and not of the newsroom:

- runs, the times of what we did, attempts and their counters: killed runs have more of them;
- `found_on`: of several pages that mention a URL, the one that was read first;
- how often a listing was walked, and its captures one by one: a crawl that is begun again asks a finished listing
  again, so they are compared as a set. Captures of articles and media are counted: one each, not one a run;
- under which of its spellings a listing named an article: once it is held, all lead to its id. The articles count.
- the JSON of terms: articles carry older and newer copies of them, and the one that was read last stays;
- captures of answers that could not be used: each is followed by a good one.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any

_ROWS = {
    "articles": """
        SELECT site, id, url, title, status, first_published, last_update, first_published_raw, last_update_raw,
               primary_category, authors, keywords, summary, word_count, revisions, gone_at, content_type, source,
               content_hash FROM articles""",
    "revisions": "SELECT site, article_id, number, content_hash, json, source FROM revisions",
    "search": """
        SELECT a.site, a.cms_id, s.title, s.summary, s.body, s.authors, s.keywords, s.categories
        FROM search AS s LEFT JOIN article AS a ON a.id = s.rowid""",
    "terms": "SELECT kind, site, cms_id, name, slug, url FROM term",
    "terms of articles": """
        SELECT a.site, a.cms_id, x.kind, x.position, t.cms_id FROM article_term AS x
        JOIN article AS a ON a.id = x.article JOIN term AS t ON t.id = x.term""",
    "aliases": "SELECT l.key, a.site, a.cms_id FROM alias AS l JOIN article AS a ON a.id = l.article",
    "media": """
        SELECT url, site, article_id, attachment_id, role, transform, state, sha256, bytes, media_type, width, height,
               path, http_status, error, position, removed_at IS NULL FROM media""",
    "files": "SELECT * FROM file",
    "holdings": "SELECT f.key, h.sha256 FROM holding AS h JOIN frontier AS f ON f.id = h.frontier",
    "frontier": """
        SELECT f.kind, f.key, f.url, f.site, f.host, s.key, f.priority, f.depth, f.state, f.http_status, f.fault,
               f.error, f.due_at FROM frontier AS f JOIN frontier AS s ON s.id = f.scope""",
    "counters": "SELECT kind, state, n FROM counter",
    "captures": """
        SELECT kind, site, url, sha256, bytes, http_status, media_type FROM captures
        WHERE kind <> 'listing' AND error IS NULL""",
    "captures of listings": """
        SELECT DISTINCT site, url, sha256, bytes, http_status, media_type FROM captures
        WHERE kind = 'listing' AND error IS NULL""",
    "bodies": """
        SELECT sha256 FROM body WHERE sha256 IN (SELECT sha256 FROM capture WHERE error IS NULL)""",
    "listings": """
        SELECT f.key, l.cursor, l.verdict FROM listing AS l JOIN frontier AS f ON f.id = l.frontier""",
    "routes of listings": """
        SELECT f.key, r.route, r.claimed, r.outcome FROM listing_route AS r
        JOIN frontier AS f ON f.id = r.frontier""",
    "items of listings": """
        SELECT DISTINCT f.key, x.route, coalesce(a.site || ':' || a.cms_id, i.key) FROM listing_item AS x
        JOIN frontier AS f ON f.id = x.frontier JOIN frontier AS i ON i.id = x.item
        LEFT JOIN alias AS l ON l.key = i.key LEFT JOIN article AS a ON a.id = l.article""",
}

Likeness = dict[str, Counter[Hashable]]


def likeness(archive: Path) -> Likeness:
    """Return all that the archive says of the newsroom, and every file of its media tree by name and content."""
    with contextlib.closing(_opened(archive)) as connection:
        found: Likeness = {name: Counter(connection.execute(sql)) for name, sql in _ROWS.items()}
    tree = archive / "media"
    found["media tree"] = Counter(
        (str(path.relative_to(tree)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in tree.rglob("*")
        if path.is_file()
    )
    return found


def differences(one: Likeness, other: Likeness, *, shown: int = 3) -> list[str]:
    """Say in what two archives differ, with a few examples of each."""
    words = []
    for name in one:
        lacking, surplus = one[name] - other[name], other[name] - one[name]
        words += [f"{name}: lost {row!r:.300}" for row in list(lacking)[:shown]]
        words += [f"{name}: too much {row!r:.300}" for row in list(surplus)[:shown]]
        if more := max(0, len(lacking) - shown) + max(0, len(surplus) - shown):
            words.append(f"{name}: {more} more differences")
    return words


def residue(archive: Path) -> list[str]:
    """Name what a finished run must not leave behind."""
    with contextlib.closing(_opened(archive)) as connection:
        claimed = connection.execute("SELECT key FROM frontier WHERE state = 'doing'").fetchall()
    return [
        *(f"still claimed: {key}" for (key,) in claimed),
        *(f"left over: {path.name}" for path in (archive / "media" / "incoming").glob("*")),
        *(f"not at rest: {path.name}" for path in archive.glob("archive.db-*")),
    ]


def one(archive: Path, sql: str) -> Any:
    """Return the one value that a query gives."""
    with contextlib.closing(_opened(archive)) as connection:
        return connection.execute(sql).fetchone()[0]


def _opened(archive: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{(archive / 'archive.db').as_uri()}?mode=ro", uri=True)
