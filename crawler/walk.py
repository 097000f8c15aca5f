"""How the walk of a listing goes on, page after page and route after route. Pure (contract 3, 5.1 and 8).

A listing is walked by the first route that serves it; where that route is cut short, the next ones complete it as
far as they can. A paged listing may shift while it is walked, so a route that states no total of its own is complete
only when a second pass has named nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from storage.records import ListingStep, WalkProgress

PAGES, CLASSIC, PUBLICATION, HELPERS, SITEMAP, NEWS = (
    "pages", "classic", "publication", "helpers", "sitemap", "news-sitemap",
)  # fmt: skip
COMPLETE, TRUNCATED, BOUNDED, UNAVAILABLE = "complete", "truncated", "bounded", "unavailable"
KNOWN = "from here on everything was known"

API_LIMIT = 100  # contract 3.2: 1..100, else HTTP 400
MAX_PASSES = 4
_TOLERATED = 10  # in so many items, one that a page in the middle lacks is taken for an item withdrawn
LONE_PAGE = 12  # a first page with fewer items and no sign of pagination is taken for the whole listing


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
    bad: int = 0  # sitemaps that were not there
    ids: tuple[str, ...] = ()  # what the route needs: category ids, publication ids, sitemaps still to read
    left: tuple[str, ...] = ()  # routes still to try
    every: bool = False  # all routes are to be walked, none suffices alone
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


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What one fetched page says about the listing."""

    count: int
    fingerprint: str
    next_url: str = ""
    paginated: bool = False
    claimed: int | None = None
    limit: int = 0  # how many items were asked for; 0: the server decides
    bounded: str = ""  # why the walk need not go on (--since, --limit); empty: it must
    known: bool = False  # from here on everything is known: the walk need not go on


def begin(routes: tuple[str, ...], *, every: bool) -> Cursor:
    """Return the cursor of a new walk over these routes: all of them, or until one suffices."""
    return Cursor(route=routes[0], left=routes[1:], every=every)


def with_ids(cursor: Cursor, ids: tuple[str, ...]) -> ListingStep:
    """Go on with the same route, now that the ids it needs are known."""
    return ListingStep(route=cursor.route, cursor=msgspec.structs.replace(cursor, ids=ids).encode())


def advance(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> ListingStep:
    """Decide where a walk goes after a page of the routes that have pages."""
    cursor = _remember(cursor, facts, progress)
    if facts.bounded:
        return end_route(cursor, BOUNDED, facts.bounded, claimed=facts.claimed)
    if facts.known:
        return down_to_known(cursor, claimed=facts.claimed)
    if cursor.passes > 1:
        return _confirm(cursor, facts, progress)
    if facts.count == 0 and cursor.page == 1:
        return _empty(cursor, facts)
    if _goes_on(cursor, facts, progress):
        return _go_on(cursor, facts)
    return _pass_ended(cursor, facts, progress)


def down_to_known(cursor: Cursor, *, claimed: int | None = None) -> ListingStep:
    """End a walk where everything that follows is known."""
    step = end_route(msgspec.structs.replace(cursor, left=()), BOUNDED, KNOWN, claimed=claimed)
    return replace(step, verdict=BOUNDED, reached=True)


def _remember(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> Cursor:
    changes: dict[str, object] = {
        "new_in_pass": cursor.new_in_pass + progress.new_on_route,
        "barren": 0 if progress.new_on_route else cursor.barren + 1,
        "linked": cursor.linked or bool(facts.next_url),
        "paginated": cursor.paginated or facts.paginated,
    }
    if cursor.page == 1 and cursor.passes == 1:
        changes |= {"first": facts.fingerprint, "first_count": facts.count}
    elif cursor.passes == 1 and facts.count:  # the page before was not the last, so it should have been full
        changes["lacking"] = cursor.lacking + (cursor.widest - cursor.latest if cursor.latest else 0)
        changes |= {"widest": max(cursor.widest, facts.count), "latest": facts.count}
    return msgspec.structs.replace(cursor, **changes)


def _goes_on(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> bool:
    """Say whether the first pass has another page to ask for."""
    if facts.count == 0 or cursor.barren > 1:
        return False
    if facts.next_url:
        return True  # one barren page may be a shift: items pushed down by new ones
    if cursor.linked or not progress.new_on_route:
        return False
    if facts.limit and facts.count < facts.limit:
        return facts.claimed is not None and progress.seen_on_route < facts.claimed
    return True


def _go_on(cursor: Cursor, facts: PageFacts) -> ListingStep:
    following = msgspec.structs.replace(cursor, page=cursor.page + 1, url=facts.next_url)
    return ListingStep(route=cursor.route, cursor=following.encode(), claimed=facts.claimed)


def _pass_ended(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> ListingStep:
    """Judge the first pass."""
    repeats = cursor.page == 2 and facts.fingerprint == cursor.first and facts.count > 0
    claimed = max(facts.claimed or 0, progress.claimed_before or 0) or None
    if claimed is not None:
        if progress.seen_on_route >= claimed:
            return end_route(cursor, COMPLETE, "", claimed=claimed)
        if repeats:
            return end_route(
                cursor, TRUNCATED, _short(progress, claimed, "always sends its first page"), claimed=claimed
            )
    elif repeats:
        lone = _is_lone(cursor)
        note = "one page without pagination" if lone else "the listing always sends its first page"
        return end_route(cursor, COMPLETE if lone else TRUNCATED, note)
    elif cursor.page - (facts.count == 0) <= 1 and _is_lone(cursor):
        return end_route(cursor, COMPLETE, "")  # nothing can slip between the pages of a listing that has one
    return _next_pass(cursor, cursor.page, facts.claimed)


def _is_lone(cursor: Cursor) -> bool:
    """Say whether the first page is taken for the whole listing when no other follows."""
    return not (cursor.paginated or cursor.linked) and cursor.first_count < LONE_PAGE


def _next_pass(cursor: Cursor, last_page: int, claimed: int | None) -> ListingStep:
    again = msgspec.structs.replace(
        cursor, page=1, url="", passes=cursor.passes + 1, last_page=last_page, new_in_pass=0, barren=0
    )
    return ListingStep(route=cursor.route, cursor=again.encode(), claimed=claimed)


def _confirm(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> ListingStep:
    """Go through the listing once more, as far as the first pass came or anything new is named."""
    more = facts.count > 0 and (cursor.page < cursor.last_page or progress.new_on_route > 0)
    if more:
        return _go_on(cursor, facts)
    claimed = max(facts.claimed or 0, progress.claimed_before or 0) or None
    if cursor.new_in_pass and cursor.passes < MAX_PASSES:
        return _next_pass(cursor, cursor.page, facts.claimed)
    if claimed is not None and progress.seen_on_route < claimed:
        return end_route(cursor, TRUNCATED, _short(progress, claimed, "ends before its own total"), claimed=claimed)
    if cursor.new_in_pass:
        return end_route(cursor, TRUNCATED, f"the listing still shifted in pass {cursor.passes}", claimed=claimed)
    if claimed is None and cursor.lacking * _TOLERATED > progress.seen_on_route:
        note = f"pages in the middle list fewer articles than others: {cursor.lacking} or more may be unseen"
        return end_route(cursor, TRUNCATED, note)
    return end_route(cursor, COMPLETE, "", claimed=claimed)


def _empty(cursor: Cursor, facts: PageFacts) -> ListingStep:
    if facts.claimed == 0:
        return end_route(cursor, COMPLETE, "the server says there are none", claimed=0)
    return end_route(cursor, UNAVAILABLE, "the first page lists no articles", claimed=facts.claimed)


def _short(progress: WalkProgress, claimed: int, how: str) -> str:
    listed = progress.seen_on_route
    return f"the listing {how}: {claimed} claimed, {listed} listed, {claimed - listed} unseen"


def end_route(
    cursor: Cursor, outcome: str, note: str, *, claimed: int | None = None, spelling_left: bool = False
) -> ListingStep:
    """End a route with its outcome, and go on with the next one where this one did not suffice."""
    if outcome == UNAVAILABLE and spelling_left:
        other = msgspec.structs.replace(cursor, spelling=cursor.spelling + 1, page=1, url="")
        return ListingStep(route=cursor.route, cursor=other.encode(), note=note)
    outcomes = (*cursor.outcomes, outcome)
    enough = outcome in (COMPLETE, BOUNDED) and not cursor.every
    left = cursor.left
    if left[:1] == (HELPERS,) and set(outcomes) == {UNAVAILABLE}:
        left = left[1:]  # nothing is known of the listing that other listings could complete
    if left and not enough:
        following = Cursor(route=left[0], left=left[1:], every=cursor.every, outcomes=outcomes)
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
    """Begin to read sitemaps."""
    return msgspec.structs.replace(cursor, ids=urls)


def after_sitemap(cursor: Cursor, rest: tuple[str, ...], *, read: bool, note: str) -> ListingStep:
    """Go on after one sitemap; one of those announced or guessed must have been there."""
    good = cursor.good + read
    if rest:
        following = msgspec.structs.replace(
            cursor, ids=rest, page=cursor.page + 1, good=good, bad=cursor.bad + (not read)
        )
        return ListingStep(route=cursor.route, cursor=following.encode(), note=note)
    if not good:
        return end_route(cursor, UNAVAILABLE, note or "no sitemap was found")
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
    return () if routes[:1] == (HELPERS,) else routes  # help needs something to complete
