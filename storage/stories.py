"""The story of one URL: how it was found, every attempt and answer, what is held of it, what happens next."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from storage.articles import known_key
from storage.clock import iso
from storage.records import Kind

_FOUND_ON_AT_MOST = 20  # links of the chain that leads to a URL


@dataclass(frozen=True, slots=True)
class Event:
    """One attempt or answer; a failure has a fault."""

    at: str
    run: int | None
    http_status: int | None
    fault: str
    words: str  # what went wrong, or why nothing was read; '' = nothing
    media_type: str
    size: int | None  # bytes of the body that is kept
    sha256: str
    revision: int | None  # the revision that an answer became


@dataclass(frozen=True, slots=True)
class Use:
    """An article that shows a picture."""

    site: str
    article_id: str
    title: str
    role: str
    transform: str | None
    removed_at: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one URL."""

    kind: str
    key: str
    url: str
    site: str
    state: str
    target: str  # the key of what was asked for when it was found
    found_on: tuple[str, ...]  # what mentioned it, the nearest first
    first_seen_at: str
    attempts: int
    fault: str
    error: str
    next_attempt_at: str  # '' = not by itself
    held: str  # what is held of it; '' = nothing
    whole: bool  # whether that is all there is to it: an article in full, a listing walked to its end
    uses: tuple[Use, ...]
    events: tuple[Event, ...]


def tell(connection: sqlite3.Connection, kind: Kind, key: str) -> Story | None:
    """Return the story of a natural key (see `records.Wanted`); a media key is its URL. None when it is unknown."""
    key = known_key(connection, key) if kind is Kind.ARTICLE else key
    row = connection.execute(
        "SELECT f.id, f.kind, f.key, coalesce(f.url, f.key), f.site, f.state, s.key, f.first_seen_at, f.attempts, "
        "coalesce(f.fault, ''), coalesce(f.error, ''), f.due_at, f.found_on FROM frontier AS f "
        "LEFT JOIN frontier AS s ON s.id = f.scope WHERE f.kind = ? AND f.key = ?",
        (kind.value, key),
    ).fetchone()
    if row is None:
        return None
    (number, *named, state, target, first_seen_at, attempts, fault, error, due_at, found_on) = row
    kind_, key, url, site = named
    due = iso(due_at) if due_at is not None and state in ("queued", "failed", "doing") else ""
    held, whole = _held(connection, kind, number, key)
    return Story(
        kind_, key, url, site, state, target or "", _chain(connection, found_on), first_seen_at, attempts, fault, error,
        due, held, whole, _uses(connection, number), _events(connection, number),
    )  # fmt: skip


def _chain(connection: sqlite3.Connection, found_on: int | None) -> tuple[str, ...]:
    """Follow what mentioned what, from the nearest to the target that began it."""
    chain: list[str] = []
    seen: set[int] = set()
    while found_on is not None and found_on not in seen and len(chain) < _FOUND_ON_AT_MOST:
        seen.add(found_on)
        row = connection.execute(
            "SELECT coalesce(url, key), found_on FROM frontier WHERE id = ?", (found_on,)
        ).fetchone()
        if row is None:
            break
        chain.append(row[0])
        found_on = row[1]
    return tuple(chain)


def _held(connection: sqlite3.Connection, kind: Kind, number: int, key: str) -> tuple[str, bool]:
    if kind is Kind.MEDIA:
        row = connection.execute(
            "SELECT 'media/' || substr(f.sha256, 1, 2) || '/' || substr(f.sha256, 3, 2) || '/' || f.sha256 || '.' "
            "|| f.extension, 1 FROM holding AS h JOIN file AS f ON f.sha256 = h.sha256 WHERE h.frontier = ?",
            (number,),
        ).fetchone()
    elif kind is Kind.ARTICLE:
        site, _, cms_id = key.partition(":")
        row = connection.execute(
            "SELECT 'article ' || a.site || ':' || a.cms_id || ', ' || count(*) || ' revision'"
            " || iif(count(*) = 1, '', 's') || iif(a.source = 'partial', ', in part', '')"
            " || iif(a.gone_at IS NULL, '', ', gone since ' || a.gone_at), a.source <> 'partial'"
            " FROM article AS a JOIN revision AS r ON r.article = a.id WHERE a.site = ? AND a.cms_id = ? GROUP BY a.id",
            (site, cms_id),
        ).fetchone()
    else:
        row = connection.execute(
            "SELECT iif(verdict = '', 'a walk under way', 'walked: ' || verdict) || ', ' || seen || ' articles named', "
            "verdict IN ('complete', 'bounded') FROM listing "
            "WHERE frontier = ? AND (verdict <> 'unavailable' OR seen > 0)",
            (number,),
        ).fetchone()
    return ("", False) if row is None else (str(row[0]), bool(row[1]))


def _uses(connection: sqlite3.Connection, number: int) -> tuple[Use, ...]:
    rows = connection.execute(
        "SELECT a.site, a.cms_id, a.title, r.role, r.transform, r.removed_at FROM rendition AS r "
        "JOIN article AS a ON a.id = r.article WHERE r.frontier = ? ORDER BY a.id",
        (number,),
    )
    return tuple(Use(*row) for row in rows)


def _events(connection: sqlite3.Connection, number: int) -> tuple[Event, ...]:
    """Return attempts that failed and answers that were kept, oldest first; an answer kept with its failure is one."""
    rows = connection.execute(
        "SELECT a.at, a.run, a.http_status, a.fault, a.error, coalesce(c.media_type, ''), c.bytes, "
        "coalesce(c.sha256, ''), NULL FROM attempt AS a LEFT JOIN capture AS c ON c.id = a.capture "
        "WHERE a.frontier = ?1 "
        "UNION ALL SELECT c.fetched_at, c.run, c.http_status, '', coalesce(c.error, ''), c.media_type, c.bytes, "
        "c.sha256, (SELECT min(r.number) FROM revision AS r WHERE r.capture = c.id) FROM capture AS c "
        "WHERE c.frontier = ?1 AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.frontier = ?1 AND a.capture = c.id) "
        "ORDER BY 1",
        (number,),
    )
    return tuple(Event(*row) for row in rows)
