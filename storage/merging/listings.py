"""Listings: what each of them named, in either archive."""

from __future__ import annotations

from storage.merging.pair import Pair

_LISTING = ("walk", "cursor", "seen", "verdict", "started_at", "finished_at", "mark")
_ROUTE = ("route", "pages", "seen", "claimed", "outcome", "note")
_ITEM = "INSERT OR IGNORE INTO listing_item (frontier, item, route, walk, first_walk) VALUES (?, ?, ?, ?, ?)"


def bring_listings(pair: Pair) -> None:
    """Bring the walks of listings that we have never walked; of the others only what they named.

    What only their walks named is as good as new to ours: a walk does not stop at it as at what is known, since above
    it there may be what neither of them has seen.
    """
    theirs_alone = set()
    for frontier, *values in pair.read(f"SELECT frontier, {', '.join(_LISTING)} FROM listing"):  # noqa: S608
        own = pair.must("frontier", frontier)
        if pair.one("SELECT 1 FROM listing WHERE frontier = ?", (own,)) is None:
            pair.insert("listing", ("frontier", *_LISTING), (own, *values))
            theirs_alone.add(own)
    for frontier, *values in pair.read(f"SELECT frontier, {', '.join(_ROUTE)} FROM listing_route"):  # noqa: S608
        own = pair.must("frontier", frontier)
        if own in theirs_alone:
            pair.insert("listing_route", ("frontier", *_ROUTE), (own, *values))
    marks = dict(pair.own.execute("SELECT frontier, mark FROM listing"))
    for frontier, item, *named in pair.read("SELECT frontier, item, route, walk, first_walk FROM listing_item"):
        own = pair.must("frontier", frontier)
        route, walk, first = named if own in theirs_alone else (named[0], 0, marks[own] + 1)
        pair.own.execute(_ITEM, (own, pair.must("frontier", item), route, walk, first))


def bring_shapes(pair: Pair) -> None:
    """Bring the shape of what the CMS sends; of what both have counted, the larger count."""
    for row in pair.read("SELECT site, path, type, articles, first_seen_at, last_seen_at FROM shape"):
        pair.own.execute(
            "INSERT INTO shape VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (site, path, type) DO UPDATE SET"
            " articles = max(articles, excluded.articles), first_seen_at = min(first_seen_at, excluded.first_seen_at),"
            " last_seen_at = max(last_seen_at, excluded.last_seen_at)",
            row,
        )
