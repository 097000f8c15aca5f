"""The frontier of two archives: every URL that either knows, and what became of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from storage import articles, holdings
from storage.merging.pair import Pair

_COLUMNS = (
    "kind", "key", "url", "site", "host", "scope", "priority", "depth", "state", "due_at", "attempts",
    "first_seen_at", "last_attempt_at", "http_status", "fault", "error",
)  # fmt: skip
_THEIRS = f"SELECT id, {', '.join(_COLUMNS)} FROM frontier ORDER BY id"  # noqa: S608
_OWN = """
SELECT id, state, coalesce(last_attempt_at, ''), EXISTS (
    SELECT 1 FROM listing AS l WHERE l.frontier = f.id AND l.cursor <> '')
FROM frontier AS f WHERE kind = ? AND key = ?
"""
_KNOWN_SINCE = "UPDATE frontier SET priority = min(priority, ?), first_seen_at = min(first_seen_at, ?) WHERE id = ?"
# How deep the links of an article were followed is known by who fetched it.
_DEPTH = "UPDATE frontier SET depth = iif(?1, ?2, max(depth, ?2)) WHERE id = ?3"
_ADOPT = """
UPDATE frontier SET state = ?, due_at = ?, attempts = ?, last_attempt_at = ?, http_status = ?, fault = ?, error = ?
WHERE id = ?
"""
_SETTLED = ("done", "gone")
_NOT_BROUGHT = "what another archive says it held could not be brought from there"
_LACKS = "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, fault = ?, error = ? WHERE id = ?"


class Standing(NamedTuple):
    """What became of a URL, and when it was last asked for (UTC ISO 8601, '' = never)."""

    state: str
    at: str


def prevails(theirs: Standing, own: Standing) -> bool:
    """Say whether what their archive says of a URL takes the place of what ours says.

    What one of them has is had by both; of two that came to an end, the later one counts; what failed here is still to
    be tried here.
    """
    if theirs.state in _SETTLED:
        return own.state not in _SETTLED or theirs.at > own.at
    return own.state == "skipped" and theirs.state != "skipped"


def bring_urls(pair: Pair) -> None:
    """Bring every URL that they know."""
    _recognise(pair)
    for row, *values in pair.read(_THEIRS):
        theirs = dict(zip(_COLUMNS, values, strict=True))
        if theirs["state"] == "doing":  # by a run that was killed, or is under way over there
            theirs["state"] = "queued"
        known = _known(pair, theirs["kind"], theirs["key"])
        if known is None:
            number = pair.insert("frontier", _COLUMNS, tuple(theirs.values()))
            pair.adopted.add(number)
        else:
            number, state, at, walking = known
            _join(pair, number, theirs, Standing(state, at), walking=bool(walking))
        pair.note("frontier", row, number)
    _relate(pair)


def _join(pair: Pair, number: int, theirs: dict[str, Any], own: Standing, *, walking: bool) -> None:
    """Let both archives' word on a URL be heard; `walking`: it is a listing in the middle of our own walk."""
    pair.own.execute(_KNOWN_SINCE, (theirs["priority"], theirs["first_seen_at"], number))
    settled = theirs["state"] in _SETTLED, own.state in _SETTLED
    wins = not walking and prevails(Standing(theirs["state"], theirs["last_attempt_at"] or ""), own)
    if wins or settled[0] == settled[1]:
        pair.own.execute(_DEPTH, (settled == (True, False), theirs["depth"], number))
    if wins:
        became = ("state", "due_at", "attempts", "last_attempt_at", "http_status", "fault", "error")
        pair.own.execute(_ADOPT, (*(theirs[name] for name in became), number))
        pair.adopted.add(number)


_UNKNOWN_HERE = """
UPDATE frontier SET key = ?1 WHERE kind = 'article' AND key = ?2 AND state <> 'done'
AND NOT EXISTS (SELECT 1 FROM frontier WHERE kind = 'article' AND key = ?1)
"""
_THEIR_SPELLINGS = """
SELECT a.site || ':' || a.cms_id, l.key FROM alias AS l JOIN article AS a ON a.id = l.article ORDER BY l.key
"""


def _recognise(pair: Pair) -> None:
    """Let what we have still to fetch under a spelling that they know stand for the article that it leads to."""
    for names in pair.read(_THEIR_SPELLINGS):
        pair.own.execute(_UNKNOWN_HERE, names)


_SPELT_OTHERWISE = """
UPDATE frontier SET state = 'done', due_at = NULL, fault = NULL, error = NULL WHERE kind = 'article' AND key = ?1
AND state IN ('queued', 'failed', 'skipped') AND EXISTS (
    SELECT 1 FROM alias AS l JOIN article AS a ON a.id = l.article JOIN frontier AS f
    ON f.kind = 'article' AND f.key = a.site || ':' || a.cms_id WHERE l.key = ?1 AND f.id <> frontier.id)
"""


def settle_spellings(pair: Pair) -> None:
    """Fetch nothing under another spelling of what has a row under its id: aliases are here by now."""
    for _, key in pair.read(_THEIR_SPELLINGS):
        pair.own.execute(_SPELT_OTHERWISE, (key,))


def _known(pair: Pair, kind: str, key: str) -> tuple[Any, ...] | None:
    """Return our row of a URL: under its key, or, of an article, under that of which it is known to be a spelling."""
    found = pair.one(_OWN, (kind, key))
    if found is None and kind == "article":
        found = pair.one(_OWN, (kind, articles.known_key(pair.own, key)))
    return found


def _relate(pair: Pair) -> None:
    """Say of what was brought which target wants it, and what mentioned it: rows that may have come after it."""
    for row, scope, found_on in pair.read("SELECT id, scope, found_on FROM frontier"):
        own = pair.must("frontier", row)
        if own in pair.adopted:
            relations = (pair.became("frontier", scope) or 0, pair.became("frontier", found_on), own)
            pair.own.execute(
                "UPDATE frontier SET scope = ?, found_on = coalesce(found_on, nullif(?2, ?3)) WHERE id = ?3", relations
            )


def bring_pauses(pair: Pair) -> None:
    """Bring how long hosts want to be left alone."""
    for host, until in pair.read("SELECT host, until FROM pause"):
        pair.own.execute(
            "INSERT INTO pause (host, until) VALUES (?, ?) ON CONFLICT (host) DO UPDATE SET"
            " until = max(until, excluded.until)",
            (host, until),
        )


def ask_for_what_lacks(pair: Pair, bodies: Collection[str]) -> int:
    """Make due again what is called archived and did not come with the rest; returns how many URLs.

    `bodies`: the hashes of answers that did not come, and from which articles were read.
    """
    lacking = sum(holdings.give_up_body(pair.own, sha256, _NOT_BROUGHT, pair.now) for sha256 in bodies)
    for row in pair.adopted:
        kind, key, state = pair.own.execute("SELECT kind, key, state FROM frontier WHERE id = ?", (row,)).fetchone()
        if state == "done" and kind != "listing" and not _is_held(pair, row, kind, key):
            pair.own.execute(_LACKS, (pair.now, holdings.DAMAGED, _NOT_BROUGHT, row))
            lacking += 1
    return lacking


def _is_held(pair: Pair, row: int, kind: str, key: str) -> bool:
    if kind == "media":
        return pair.one("SELECT 1 FROM holding WHERE frontier = ?", (row,)) is not None
    site, _, cms_id = articles.known_key(pair.own, key).partition(":")
    return articles.find(pair.own, site, cms_id) is not None
