"""Articles, their revisions, terms and renditions: the derived tables, from one record at a time."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from storage import search
from storage.records import ArticleRecord, Kind, Rendition, Source, Term


class Change(StrEnum):
    """What a capture of an article meant for what we hold."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WORSE = "worse"  # kept as a capture; the better one stays in view


@dataclass(frozen=True, slots=True)
class _Held:
    id: int
    content_hash: str
    source: Source
    word_count: int


def find(connection: sqlite3.Connection, site: str, cms_id: str) -> int | None:
    """Return the row id of an article we hold."""
    row = connection.execute("SELECT id FROM article WHERE site = ? AND cms_id = ?", (site, cms_id)).fetchone()
    return None if row is None else int(row[0])


def status_of(connection: sqlite3.Connection, site: str, cms_id: str) -> str | None:
    """Return the status of an article; None when we do not hold it."""
    row = connection.execute("SELECT status FROM article WHERE site = ? AND cms_id = ?", (site, cms_id)).fetchone()
    return None if row is None else str(row[0])


def keep(connection: sqlite3.Connection, record: ArticleRecord, capture: int, fetched_at: str) -> tuple[int, Change]:
    """Bring one captured article object into the derived tables; idempotent. Returns the article's row id."""
    held = _held(connection, record)
    if held is None:
        article = _insert(connection, record, fetched_at)
        change = Change.NEW
    else:
        article = held.id
        change = _compare(record, held)
        touch(connection, article, fetched_at)
        if change is Change.CHANGED:
            update(connection, article, record)
    if change in (Change.NEW, Change.CHANGED):
        _add_revision(connection, article, record, capture, fetched_at)
        derive(connection, article, record)
    learn_paths(connection, article, record)
    return article, change


def touch(connection: sqlite3.Connection, article: int, seen_at: str) -> None:
    """Note that an article was there."""
    connection.execute(
        "UPDATE article SET last_checked_at = max(last_checked_at, ?), gone_at = NULL WHERE id = ?", (seen_at, article)
    )


def keep_earlier(
    connection: sqlite3.Connection, record: ArticleRecord, capture: int, fetched_at: str
) -> tuple[int, Change] | None:
    """Bring in a capture from before the newest revision: a revision between others, and nothing that is in view.

    Returns None when it is not from before.
    """
    row = connection.execute(
        "SELECT a.id, (SELECT content_hash FROM revision WHERE article = a.id AND fetched_at <= ?1"
        " ORDER BY number DESC LIMIT 1), (SELECT content_hash FROM revision WHERE article = a.id AND fetched_at > ?1"
        " ORDER BY number LIMIT 1) FROM article AS a WHERE site = ?2 AND cms_id = ?3",
        (fetched_at, record.site, record.cms_id),
    ).fetchone()
    if row is None or row[2] is None:
        return None
    article, *neighbours = row
    if record.content_hash in neighbours:
        return article, Change.SAME
    # Out of the way by way of negative numbers: each step of an update must keep numbers unique.
    connection.execute(
        "UPDATE revision SET number = -number - 1 WHERE article = ? AND fetched_at > ?", (article, fetched_at)
    )
    _add_revision(connection, article, record, capture, fetched_at)
    connection.execute("UPDATE revision SET number = -number WHERE article = ? AND number < 0", (article,))
    return article, Change.CHANGED


def _held(connection: sqlite3.Connection, record: ArticleRecord) -> _Held | None:
    row = connection.execute(
        "SELECT id, content_hash, source, word_count FROM article WHERE site = ? AND cms_id = ?",
        (record.site, record.cms_id),
    ).fetchone()
    return None if row is None else _Held(row[0], row[1], Source(row[2]), row[3])


def _compare(record: ArticleRecord, held: _Held) -> Change:
    if record.content_hash == held.content_hash:
        return Change.SAME
    partial_after_whole = record.source is Source.PARTIAL and held.source is not Source.PARTIAL
    emptied = record.word_count == 0 and held.word_count > 0
    return Change.WORSE if partial_after_whole or emptied else Change.CHANGED


def _insert(connection: sqlite3.Connection, record: ArticleRecord, fetched_at: str) -> int:
    cursor = connection.execute(
        "INSERT INTO article (url, title, status, content_type, first_published, first_published_raw, last_update,"
        " last_update_raw, summary, word_count, source, content_hash, site, cms_id, first_seen_at, last_checked_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*_columns(record), record.site, record.cms_id, fetched_at, fetched_at),
    )
    return int(cursor.lastrowid or 0)


def _add_revision(
    connection: sqlite3.Connection, article: int, record: ArticleRecord, capture: int, fetched_at: str
) -> None:
    connection.execute(
        "INSERT INTO revision (article, number, fetched_at, content_hash, source, json, capture) "
        "SELECT ?1, 1 + coalesce(max(number), 0), ?2, ?3, ?4, ?5, ?6 FROM revision WHERE article = ?1 AND number > 0",
        (article, fetched_at, record.content_hash, record.source.value, record.json, capture),
    )


def update(connection: sqlite3.Connection, article: int, record: ArticleRecord) -> None:
    """Rewrite an article's own row from its record."""
    connection.execute(
        "UPDATE article SET url = ?, title = ?, status = ?, content_type = ?, first_published = ?,"
        " first_published_raw = ?, last_update = ?, last_update_raw = ?, summary = ?, word_count = ?, source = ?,"
        " content_hash = ? WHERE id = ?",
        (*_columns(record), article),
    )


def _columns(record: ArticleRecord) -> tuple[object, ...]:
    return (
        record.url, record.title, record.status, record.content_type, record.first_published,
        record.first_published_raw, record.last_update, record.last_update_raw, record.summary, record.word_count,
        record.source.value, record.content_hash,
    )  # fmt: skip


def derive(connection: sqlite3.Connection, article: int, record: ArticleRecord) -> None:
    """Rewrite an article's terms and search row from its record."""
    _keep_terms(connection, article, record.site, record.terms)
    search.replace(connection, article, record)


_KNOWN_AS_IT_IS = """
id FROM term WHERE kind = ? AND site = ? AND cms_id = ? AND name = ? AND slug = ? AND url = ? AND json = ?
"""
_LINK_KNOWN = f"INSERT INTO article_term (article, kind, position, term) SELECT ?, ?, ?, {_KNOWN_AS_IT_IS}"
_LINK = """
INSERT INTO article_term (article, kind, position, term)
SELECT ?, ?, ?, id FROM term WHERE kind = ? AND site = ? AND cms_id = ?
ON CONFLICT (article, kind, position) DO NOTHING
"""
# What is known of a term now; a stale snapshot may lack what an earlier one had (contract 2.5).
KEEP_TERM = """
INSERT INTO term (kind, site, cms_id, name, slug, url, json) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, site, cms_id) DO UPDATE SET name = iif(excluded.name = '', name, excluded.name),
    slug = iif(excluded.slug = '', slug, excluded.slug), url = iif(excluded.url = '', url, excluded.url),
    json = iif(json_valid(json) AND json_extract(json, '$.typeId.typeId') IS NOT NULL
        AND json_valid(excluded.json) AND json_extract(excluded.json, '$.typeId.typeId') IS NULL, json, excluded.json)
"""


def _keep_terms(connection: sqlite3.Connection, article: int, site: str, terms: tuple[Term, ...]) -> None:
    connection.execute("DELETE FROM article_term WHERE article = ?", (article,))
    positions: Counter[str] = Counter()
    places, rows = [], []
    for term in terms:
        places.append((article, term.kind, positions[term.kind]))
        rows.append((term.kind, site, term.cms_id, term.name, term.slug, term.url, term.json))
        positions[term.kind] += 1
    # Most articles bring nothing new of their terms: those that are known as they are need no more than a link.
    links = [place + row for place, row in zip(places, rows, strict=True)]
    if connection.executemany(_LINK_KNOWN, links).rowcount == len(links):
        return
    for row in rows:
        if connection.execute(f"SELECT {_KNOWN_AS_IT_IS}", row).fetchone() is None:
            connection.execute(KEEP_TERM, row)
    connection.executemany(_LINK, [link[:6] for link in links])


_MENTION = """
INSERT INTO rendition (article, frontier, position, role, attachment_id, transform, removed_at)
SELECT ?, id, ?, ?, ?, ?, ? FROM frontier WHERE kind = ? AND key = ?
"""


def keep_renditions(
    connection: sqlite3.Connection, article: int, renditions: tuple[Rendition, ...], seen_at: str
) -> None:
    """Say which media URLs an article mentions; their frontier rows exist. Those it no longer mentions stay, dated."""
    connection.execute(
        "UPDATE rendition SET removed_at = coalesce(removed_at, ?) WHERE article = ?", (seen_at, article)
    )
    connection.executemany(
        f"{_MENTION} ON CONFLICT (article, frontier) DO UPDATE SET position = excluded.position, role = excluded.role,"
        " attachment_id = excluded.attachment_id, transform = excluded.transform, removed_at = NULL",
        _mentions(article, renditions, None),
    )


def keep_earlier_renditions(
    connection: sqlite3.Connection, article: int, renditions: tuple[Rendition, ...], seen_at: str
) -> None:
    """Say which media URLs an earlier revision mentioned; those that are news were removed by the next one."""
    (removed_at,) = connection.execute(
        "SELECT coalesce(min(fetched_at), ?2) FROM revision WHERE article = ?1 AND fetched_at > ?2", (article, seen_at)
    ).fetchone()
    connection.executemany(
        f"{_MENTION} ON CONFLICT (article, frontier) DO NOTHING", _mentions(article, renditions, removed_at)
    )


def _mentions(article: int, renditions: tuple[Rendition, ...], removed_at: str | None) -> list[tuple[object, ...]]:
    return [
        (article, position, r.role.value, r.attachment_id, r.transform, removed_at, Kind.MEDIA.value, r.url)
        for position, r in enumerate(renditions)
    ]


def learn_paths(connection: sqlite3.Connection, article: int, record: ArticleRecord) -> None:
    """Remember which paths lead to an article."""
    connection.executemany(
        "INSERT INTO alias (key, article) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET article = excluded.article",
        [(path, article) for path in record.paths],
    )


def known_key(connection: sqlite3.Connection, key: str) -> str:
    """Return `site:<cms id>` for an article key whose path is known to lead there; other keys as they are."""
    row = connection.execute(
        "SELECT a.site || ':' || a.cms_id FROM alias AS l JOIN article AS a ON a.id = l.article WHERE l.key = ?", (key,)
    ).fetchone()
    return key if row is None else str(row[0])


def terms_of(connection: sqlite3.Connection, key: str) -> list[Term]:
    """Return the terms of the article with key `site:<cms id>`."""
    site, _, cms_id = key.partition(":")
    rows = connection.execute(
        "SELECT t.kind, t.cms_id, t.name, t.slug, t.url, t.json FROM article AS a "
        "JOIN article_term AS at ON at.article = a.id JOIN term AS t ON t.id = at.term "
        "WHERE a.site = ? AND a.cms_id = ?",
        (site, cms_id),
    )
    return [Term(*row) for row in rows]
