"""How the walk of a listing goes on, route after route. Pure (contract 3, 5.1 and 8).

A listing is walked by the first route that serves it; where that route is cut short, the next ones complete it as
far as they can. `paging` says where it goes after a page.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from storage.records import ListingStep

PAGES, CLASSIC, PUBLICATION, HELPERS, SITEMAP, NEWS = (
    "pages", "classic", "publication", "helpers", "sitemap", "news-sitemap",
)  # fmt: skip
COMPLETE, TRUNCATED, BOUNDED, UNAVAILABLE = "complete", "truncated", "bounded", "unavailable"
KNOWN = "from here on everything was known"

API_LIMIT = 100  # contract 3.2: 1..100, else HTTP 400


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a walk stands; kept as JSON by storage, which does not look inside."""

    route: str
    page: int = 1
    url: str = ""  # the page to fetch; empty: computed from the target and the page number
    spelling: int = 0  # which spelling of the target's URL is being tried
    first: str = ""  # fingerprint of the first page
    first_count: int = 0
    paginated: bool = False
    linked: bool = False  # rel=next has been seen
    widest: int = 0  # most items on a page after the first, which may have an opening of its own
    latest: int = 0  # items on the page before, if that was not the first
    lacking: int = 0  # items that pages in the middle had fewer than the widest
    barren: int = 0  # pages in a row that named nothing new
    passes: int = 1
    last_page: int = 0  # how many pages the first pass had
    new_in_pass: int = 0
    tries: int = 0
    good: int = 0  # sitemaps read
    bad: int = 0  # sitemaps that another one names, and that could not be read
    roots: int = 0  # sitemaps that were announced or guessed: one of them must have been there
    ids: tuple[str, ...] = ()  # what the route needs: category ids, publication ids, sitemaps still to read
    left: tuple[str, ...] = ()  # routes still to try
    every: bool = False  # all routes are to be walked, none suffices alone
    total: int = 0  # the largest that any route has stated
    left_out: int = 0  # items of the first pass that are not asked for
    mark: str = ""  # fingerprint of the last page whose number is a power of two, so that any circle is noticed
    named: int = 0  # by the route before, which has come to its end; this one is to say whether that is all
    outcomes: tuple[str, ...] = ()  # how the routes before ended

    def encode(self) -> str:
        """Return the cursor as storage keeps it."""
        return msgspec.json.encode(self).decode()


def decode(text: str) -> Cursor | None:
    """Return a kept cursor; None when the walk is to begin, also where another's hand has made it unreadable."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else None
    except msgspec.DecodeError:
        return None


def begin(routes: tuple[str, ...], *, every: bool) -> Cursor:
    """Return the cursor of a new walk over these routes: all of them, or until one suffices."""
    return Cursor(route=routes[0], left=routes[1:], every=every)


def with_ids(cursor: Cursor, ids: tuple[str, ...]) -> ListingStep:
    """Go on with the same route, now that the ids it needs are known."""
    return ListingStep(route=cursor.route, cursor=msgspec.structs.replace(cursor, ids=ids).encode())


def down_to_known(cursor: Cursor, *, claimed: int | None = None) -> ListingStep:
    """End a walk where everything that follows is known."""
    step = end_route(msgspec.structs.replace(cursor, left=()), BOUNDED, KNOWN, claimed=claimed)
    return replace(step, verdict=BOUNDED, reached=True)


def stopped(cursor: Cursor, why: str) -> ListingStep:
    """End a walk at a bound that holds for every route."""
    return end_route(msgspec.structs.replace(cursor, left=()), BOUNDED, why)


def end_route(
    cursor: Cursor, outcome: str, note: str, *, claimed: int | None = None, spelling_left: bool = False
) -> ListingStep:
    """End a route with its outcome, and go on with the next one where this one did not suffice."""
    if outcome == UNAVAILABLE and spelling_left:
        other = msgspec.structs.replace(cursor, spelling=cursor.spelling + 1, page=1, url="")
        return ListingStep(route=cursor.route, cursor=other.encode(), note=note)
    unsaid = outcome == UNAVAILABLE and cursor.named > 0  # that there are more than the route before has named
    outcomes = (*cursor.outcomes, COMPLETE if unsaid else outcome)
    enough = outcomes[-1] in (COMPLETE, BOUNDED) and not cursor.every
    left = cursor.left
    if left[:1] == (HELPERS,) and set(outcomes) == {UNAVAILABLE}:
        left = left[1:]  # nothing is known of the listing that other listings could complete
    if left and not enough:
        total = 0 if cursor.every else cursor.total  # where all are walked, each is judged by itself
        following = Cursor(left[0], left=left[1:], every=cursor.every, total=total, outcomes=outcomes)
        return ListingStep(route=cursor.route, cursor=following.encode(), claimed=claimed, outcome=outcome, note=note)
    verdict = _verdict(outcomes[-1:] if cursor.every else outcomes)
    return ListingStep(
        route=cursor.route,
        cursor="",
        claimed=claimed,
        outcome=outcome,
        note=note,
        verdict=verdict,
        reached=verdict in (COMPLETE, TRUNCATED),
    )


def _verdict(outcomes: tuple[str, ...]) -> str:
    """The best outcome of any route counts; where every route is needed, that of the last, which reaches deepest."""
    for best in (COMPLETE, BOUNDED, TRUNCATED):
        if best in outcomes:
            return best
    return UNAVAILABLE


def wait(cursor: Cursor, seconds: float) -> ListingStep:
    """Come back to the same place after a while."""
    later = msgspec.structs.replace(cursor, tries=cursor.tries + 1)
    return ListingStep(route=cursor.route, cursor=later.encode(), due_in=seconds)


def with_count(cursor: Cursor, count: int) -> Cursor:
    """Remember a count, to see at the next step whether anything came of it."""
    return msgspec.structs.replace(cursor, good=count)


def help_kinds(cursor: Cursor, kind: str) -> tuple[str, ...]:
    """Return the terms whose listings may help now: the nearest first, which stay inside a publication."""
    return ("category",) if kind == "publication" and cursor.passes == 1 else ("keyword", "author")


def help_settled(cursor: Cursor, kind: str, held: int, claimed: int | None) -> ListingStep:
    """Widen the help where the nearest listings did not suffice; end it where the widest did not."""
    if help_kinds(cursor, kind) == ("category",):
        wider = msgspec.structs.replace(cursor, passes=2, good=0)
        return ListingStep(route=cursor.route, cursor=wider.encode())
    return help_ended(cursor, held, claimed)


def help_ended(cursor: Cursor, held: int, claimed: int | None) -> ListingStep:
    """End the help of other listings: it completed the truncated one only if the server's own total is reached."""
    if claimed is None:
        return end_route(cursor, TRUNCATED, f"{held} articles are held; how many there are cannot be known")
    if held >= claimed:
        return end_route(cursor, COMPLETE, f"all {claimed} claimed were reached by other listings", claimed=claimed)
    return end_route(cursor, TRUNCATED, f"{claimed} claimed, {held} held, {claimed - held} unseen", claimed=claimed)


def with_sitemaps(cursor: Cursor, urls: tuple[str, ...]) -> Cursor:
    """Begin to read sitemaps that were announced or guessed."""
    return msgspec.structs.replace(cursor, ids=urls, roots=len(urls))


def after_sitemap(cursor: Cursor, rest: tuple[str, ...], *, read: bool, note: str) -> ListingStep:
    """Go on after one sitemap.

    Sitemaps do not say what belongs to a listing. Where there is a total, it is held against what they led to once
    that is fetched, as the help of other listings is.
    """
    good, bad = cursor.good + read, cursor.bad + (not read and cursor.page > cursor.roots)
    if rest:
        following = msgspec.structs.replace(cursor, ids=rest, page=cursor.page + 1, good=good, bad=bad)
        return ListingStep(route=cursor.route, cursor=following.encode(), note=note)
    if not good:
        return end_route(cursor, UNAVAILABLE, note or "no sitemap was found")
    if bad:
        return end_route(cursor, TRUNCATED, f"sitemaps that an index names and that could not be read: {bad}")
    if cursor.total and not cursor.every:
        return end_route(cursor, TRUNCATED, f"which of its articles are among the {cursor.total} claimed is not said")
    return end_route(cursor, COMPLETE, note)


def routes_for(kind: str, *, classic: bool, api: bool, exhaustive: bool, sweep: bool = False) -> tuple[str, ...]:
    """Return the routes to a listing of this kind in the order to try them (contract 8, question 3).

    A sweep takes all of them but the help of other listings, which rests on articles that it does not fetch, and the
    sitemap, which is the whole site's and does not say what belongs to a listing.
    """
    table: dict[str, tuple[str, ...]] = {
        "category": (PAGES, CLASSIC, PUBLICATION, HELPERS, SITEMAP),
        "keyword": (PAGES, PUBLICATION, SITEMAP),
        "author": (PAGES, SITEMAP),
        "publication": (PUBLICATION, HELPERS, SITEMAP),
        "front": (PAGES, NEWS, SITEMAP),
    }
    absent = {CLASSIC} if not classic else set()
    if not api:
        absent.add(PUBLICATION)
    if not exhaustive and kind != "front":
        absent.add(SITEMAP)
    if sweep:
        absent |= {HELPERS} if kind == "front" else {HELPERS, SITEMAP}
    routes = tuple(route for route in table[kind] if route not in absent)
    if {HELPERS, SITEMAP} <= set(routes):
        routes += (HELPERS,)  # to hold what the sitemap has led to against the total
    return () if routes[:1] == (HELPERS,) else routes  # help needs something to complete
