"""Listings: where a walk stands, what each route gave, and which items it named."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storage.clock import iso
from storage.records import SWEEP, Job, ListingStep, Term, WalkProgress


@dataclass(frozen=True, slots=True)
class RouteGave:
    """What one route to a listing gave in its last walk."""

    route: str
    pages: int
    seen: int
    claimed: int | None
    outcome: str
    note: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The last walk of a listing."""

    key: str
    seen: int
    verdict: str  # 'complete' | 'truncated' | 'bounded' | 'unavailable'; '' while it goes on
    depth: int  # below 0: it only helps another listing
    routes: tuple[RouteGave, ...]


def cursor_of(connection: sqlite3.Connection, frontier: int) -> str | None:
    """Return where the walk of a listing is to go on; '' when it has ended, None when it never began."""
    row = connection.execute("SELECT cursor FROM listing WHERE frontier = ?", (frontier,)).fetchone()
    return None if row is None else str(row[0])


def begin(connection: sqlite3.Connection, frontier: int, cursor: str, now: float) -> None:
    """Begin a new walk; items that earlier walks saw stay, under those walks' numbers."""
    connection.execute(
        "INSERT INTO listing (frontier, cursor, started_at) VALUES (?, ?, ?) ON CONFLICT (frontier) DO UPDATE SET "
        "walk = walk + 1, cursor = excluded.cursor, seen = 0, verdict = '',"
        " started_at = excluded.started_at, finished_at = NULL",
        (frontier, cursor, iso(now)),
    )
    connection.execute("DELETE FROM listing_route WHERE frontier = ?", (frontier,))


def scope_of_items(connection: sqlite3.Connection, job: Job) -> int:
    """Return the scope of what a listing names: what a sweep names belongs to the listing that it sweeps."""
    if not job.is_sweep:
        return job.scope
    row = connection.execute(
        "SELECT id FROM frontier WHERE kind = 'listing' AND key = ?", (job.key.replace(SWEEP, "", 1),)
    ).fetchone()
    return job.scope if row is None else int(row[0])


def older(connection: sqlite3.Connection, frontier: int, moment: float) -> bool:
    """Say whether the walk of a listing began before a moment, in Unix seconds."""
    row = connection.execute("SELECT started_at FROM listing WHERE frontier = ?", (frontier,)).fetchone()
    return row is not None and row[0] < iso(moment)


def swept(connection: sqlite3.Connection, key: str, since: float, now: float) -> bool:
    """Say whether a sweep has ended since a moment in Unix seconds, not in the future, and none goes on."""
    row = connection.execute(
        "SELECT l.cursor = '' AND l.finished_at BETWEEN ? AND ? FROM listing AS l"
        " JOIN frontier AS f ON f.id = l.frontier WHERE f.kind = 'listing' AND f.key = ?",
        (iso(since), iso(now), key),
    ).fetchone()
    return row is not None and bool(row[0])


def note_items(
    connection: sqlite3.Connection, frontier: int, route: str, items: list[int], *, pages: int
) -> WalkProgress:
    """Record the items of one answer, given as frontier rows, and say how far the walk has come with them."""
    (walk, mark) = connection.execute("SELECT walk, mark FROM listing WHERE frontier = ?", (frontier,)).fetchone()
    new_on_route = new_in_walk = known_at_end = 0
    for item in items:
        known, first = connection.execute(
            "SELECT max(iif(walk = ?1, route = ?2, NULL)), min(first_walk) FROM listing_item "
            "WHERE frontier = ?3 AND item = ?4",
            (walk, route, frontier, item),
        ).fetchone()
        new_in_walk += known is None
        new_on_route += not known
        known_at_end = 0 if first is None or first > mark else known_at_end + 1
        connection.execute(
            "INSERT INTO listing_item (frontier, item, route, walk, first_walk) VALUES (?1, ?2, ?3, ?4, ?4) "
            "ON CONFLICT (frontier, item, route) DO UPDATE SET walk = excluded.walk",
            (frontier, item, route, walk),
        )
    connection.execute("INSERT OR IGNORE INTO listing_route (frontier, route) VALUES (?, ?)", (frontier, route))
    on_route, claimed = connection.execute(
        "UPDATE listing_route SET pages = pages + ?, seen = seen + ? WHERE frontier = ? AND route = ? "
        "RETURNING seen, claimed",
        (pages, new_on_route, frontier, route),
    ).fetchone()
    connection.execute("UPDATE listing SET seen = seen + ? WHERE frontier = ?", (new_in_walk, frontier))
    return WalkProgress(new_on_route, on_route, new_in_walk, claimed, known_at_end, mark > 0)


def note_step(connection: sqlite3.Connection, frontier: int, step: ListingStep, now: float) -> None:
    """Record where the walk goes on, or how it ended."""
    connection.execute("INSERT OR IGNORE INTO listing_route (frontier, route) VALUES (?, ?)", (frontier, step.route))
    connection.execute(
        "UPDATE listing_route SET claimed = nullif(max(coalesce(claimed, -1), coalesce(?, -1)), -1), outcome = ?,"
        " note = iif(? = '', note, ?) WHERE frontier = ? AND route = ?",
        (step.claimed, step.outcome, step.note, step.note, frontier, step.route),
    )
    connection.execute(
        "UPDATE listing SET cursor = ?1, verdict = ?2, finished_at = iif(?1 = '', ?3, NULL),"
        " mark = iif(?4, walk, mark) WHERE frontier = ?5",
        (step.cursor, step.verdict, iso(now), step.reached, frontier),
    )


def walk_of(connection: sqlite3.Connection, frontier: int) -> Walk | None:
    """Return what the last walk of a listing gave, route by route."""
    row = connection.execute(
        "SELECT f.key, l.seen, l.verdict, f.depth FROM listing AS l JOIN frontier AS f ON f.id = l.frontier "
        "WHERE l.frontier = ?",
        (frontier,),
    ).fetchone()
    if row is None:
        return None
    routes = connection.execute(
        "SELECT route, pages, seen, claimed, outcome, note FROM listing_route WHERE frontier = ?", (frontier,)
    )
    key, seen, verdict, depth = row
    return Walk(key, seen, verdict, depth, tuple(RouteGave(*route) for route in routes))


def walks(connection: sqlite3.Connection, scopes: Sequence[int]) -> list[Walk]:
    """Return the last walk of every listing among or below the scopes, in their order."""
    # The cross join keeps the planner from going through the scopes' rows of all kinds.
    rows = connection.execute(
        "SELECT l.frontier, f.scope FROM listing AS l CROSS JOIN frontier AS f ON f.id = l.frontier ORDER BY l.frontier"
    ).fetchall()
    found: dict[int, None] = {}
    for wanted in scopes:
        found.update({row: None for row, scope in rows if wanted in (row, scope)})
    return [walk for row in found if (walk := walk_of(connection, row)) is not None]


@dataclass(frozen=True, slots=True)
class HelpStanding:
    """How far other listings have come in completing a truncated one."""

    pending: bool  # articles or helping listings of the scope are still under way
    unvisited: tuple[Term, ...]  # terms of the listing's articles whose own listings have not been wanted yet
    held: int  # articles we hold that belong to the listing
    claimed: int | None  # the largest total that a route to it stated


def others_pending(connection: sqlite3.Connection, job: Job) -> bool:
    """Say whether articles or helping listings of a listing's scope are still under way."""
    (pending,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM frontier WHERE state IN ('queued', 'doing') AND scope = ? AND id <> ? "
        "AND (kind = 'article' OR (kind = 'listing' AND depth < 0)))",
        (job.scope, job.id),
    ).fetchone()
    return bool(pending)


def help_standing(connection: sqlite3.Connection, job: Job, kinds: Sequence[str]) -> HelpStanding:
    """Say how far helping listings have come; `kinds` are the terms whose listings may help."""
    kind, _, key = job.key.partition(":")[2].partition("/")
    (claimed,) = connection.execute(
        "SELECT max(claimed) FROM listing_route WHERE frontier = ? AND route <> 'helpers'", (job.id,)
    ).fetchone()
    those, values = belonging(job.site, kind, key)
    (held,) = connection.execute(f"SELECT count(*) FROM ({those})", values).fetchone()  # noqa: S608
    marks = ", ".join(f"'{name}'" for name in kinds)
    unvisited = connection.execute(_UNVISITED.format(kinds=marks, terms=_TERMS[kind == "publication"]), values)
    return HelpStanding(others_pending(connection, job), tuple(Term(*row) for row in unvisited), held, claimed)


def dismiss_helpers(connection: sqlite3.Connection, scope: int) -> None:
    """Leave unfetched what was only wanted to help a listing that needs no more help."""
    connection.execute(
        "UPDATE frontier SET state = 'skipped', due_at = NULL, error = 'no longer needed to complete a listing' "
        "WHERE scope = ? AND depth < 0 AND state = 'queued' AND kind <> 'media'",
        (scope,),
    )


def belonging(site: str, kind: str, key: str) -> tuple[str, dict[str, str]]:
    """Return the query for the articles that belong to a listing by what they say themselves, and its values."""
    query = _BELONGING.format(terms=_TERMS[kind == "publication"], first=_FIRST)
    return query, {"site": site, "kind": kind, "key": key}


# SQLite's JSON knows no NaN and no thousand levels of nesting; what it cannot read names no publication.
_PUBLICATION = "iif(json_valid(t.json), json_extract(t.json, '$.typeId.typeId'), NULL)"
# The terms by which articles belong: there are few of them, so that all questions begin there.
_TERMS = (
    "SELECT t.id FROM term AS t WHERE t.site = :site AND t.kind = :kind AND (t.cms_id = :key OR lower(t.slug) = :key)",
    # Contract 3.2: the publication is the typeId of an article's first category.
    f"SELECT t.id FROM term AS t WHERE t.site = :site AND t.kind = 'category' AND {_PUBLICATION} = :key",  # noqa: S608
)
_BELONGING = "SELECT b.article FROM article_term AS b WHERE b.term IN ({terms}) AND (:kind <> 'publication' OR {first})"
_FIRST = "(b.kind = 'category' AND b.position = 0)"
# Asked every other second: one look at the frontier is enough for a term whose listing was wanted, as nearly all were.
_UNVISITED = f"""
SELECT t.kind, t.cms_id, t.name, t.slug, t.url, t.json FROM term AS t WHERE t.kind IN ({{kinds}})
AND (:kind <> 'publication' OR t.kind <> 'category' OR {_PUBLICATION} = :key)
AND NOT EXISTS (SELECT 1 FROM frontier AS f
    WHERE f.kind = 'listing' AND f.key = t.site || ':' || t.kind || '/' || t.cms_id)
AND NOT EXISTS (SELECT 1 FROM frontier AS f
    WHERE f.kind = 'listing' AND f.key = t.site || ':' || t.kind || '/' || lower(t.slug))
AND EXISTS (SELECT 1 FROM article_term AS at CROSS JOIN article_term AS b ON b.article = at.article
    WHERE at.term = t.id AND b.term IN ({{terms}}) AND (:kind <> 'publication' OR {_FIRST}))
"""  # noqa: S608


def term_id(connection: sqlite3.Connection, kind: str, site: str, slug: str) -> str:
    """Return the CMS id of a term known by its slug; '' when no article has named it yet."""
    row = connection.execute(
        "SELECT cms_id FROM term WHERE kind = ? AND site = ? AND lower(slug) = lower(?)", (kind, site, slug)
    ).fetchone()
    return "" if row is None else str(row[0])


def publications(connection: sqlite3.Connection, site: str) -> tuple[str, ...]:
    """Return the ids of a site's publications that its categories name, the one with the most categories first."""
    rows = connection.execute(
        f"SELECT {_PUBLICATION} AS publication, count(*) FROM term AS t "  # noqa: S608
        "WHERE kind = 'category' AND site = ? AND publication IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
        (site,),
    )
    return tuple(str(publication) for publication, _ in rows)
