"""Pages: where a walk goes after one of a route that has pages (contract 3, 5.1 and 8). Pure.

A paged listing may shift while it is walked, so a route that states no total of its own is complete only when a second
pass has named nothing new, and no total of another route says that there are more.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from crawler.walk import BOUNDED, CLASSIC, COMPLETE, TRUNCATED, UNAVAILABLE, Cursor, down_to_known, end_route
from storage.records import ListingStep, WalkProgress

MAX_PASSES = 4
_TOLERATED = 10  # in so many items, one that a page in the middle lacks is taken for an item withdrawn
LONE_PAGE = 12  # a first page with fewer items and no sign of pagination is taken for the whole listing


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
    left_out: int = 0  # items that are not asked for (--since, --until)
    helps: bool = False  # the listing only helps another one, and need not prove itself


def advance(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> ListingStep:
    """Decide where a walk goes after a page of the routes that have pages."""
    cursor = _remember(cursor, facts, progress)
    if facts.bounded:
        return end_route(cursor, BOUNDED, facts.bounded, claimed=facts.claimed)
    if facts.known:
        return down_to_known(cursor, claimed=facts.claimed)
    if cursor.named:
        if (facts.claimed or 0) <= cursor.named:
            return end_route(cursor, COMPLETE, "no more than public pages name", claimed=facts.claimed)
        cursor = msgspec.structs.replace(cursor, named=0, outcomes=(*cursor.outcomes, TRUNCATED))
    if cursor.passes > 1:
        return _confirm(cursor, facts, progress)
    if facts.count == 0 and cursor.page == 1:
        return _empty(cursor, facts)
    if _goes_on(cursor, facts, progress):
        return _go_on(cursor, facts)
    return _pass_ended(cursor, facts, progress)


def _remember(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> Cursor:
    left_out = facts.left_out if facts.fingerprint != cursor.mark and cursor.passes == 1 else 0
    changes: dict[str, object] = {
        "new_in_pass": cursor.new_in_pass + progress.new_on_route,
        "barren": 0 if progress.new_on_route or left_out else cursor.barren + 1,
        "left_out": cursor.left_out + left_out,
        "mark": cursor.mark if cursor.page & (cursor.page - 1) else facts.fingerprint,
        "total": max(cursor.total, facts.claimed or 0),
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
    if cursor.linked or cursor.barren:
        return False
    if facts.limit and facts.count < facts.limit:
        return facts.claimed is not None and _named(cursor, progress) < facts.claimed
    return True


def _named(cursor: Cursor, progress: WalkProgress) -> int:
    """Return how many items the route has named, asked for or not, to be held against a total."""
    return progress.seen_on_route + cursor.left_out


def _go_on(cursor: Cursor, facts: PageFacts) -> ListingStep:
    following = msgspec.structs.replace(cursor, page=cursor.page + 1, url=facts.next_url)
    return ListingStep(route=cursor.route, cursor=following.encode(), claimed=facts.claimed)


def _pass_ended(cursor: Cursor, facts: PageFacts, progress: WalkProgress) -> ListingStep:
    """Judge the first pass."""
    repeats = cursor.page == 2 and facts.fingerprint == cursor.first and facts.count > 0
    claimed = max(facts.claimed or 0, progress.claimed_before or 0) or None
    if cursor.total:
        if _named(cursor, progress) >= cursor.total:
            return end_route(cursor, COMPLETE, "", claimed=claimed)
        if repeats:
            return end_route(
                cursor, TRUNCATED, _short(cursor, progress, "always sends its first page"), claimed=claimed
            )
    elif repeats:
        if _is_lone(cursor):
            return _at_its_end(cursor, facts, progress, "one page without pagination")
        return end_route(cursor, TRUNCATED, "the listing always sends its first page")
    elif cursor.page - (facts.count == 0) <= 1 and _is_lone(cursor):
        return _at_its_end(cursor, facts, progress)  # nothing can slip between the pages of a listing that has one
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
    if _named(cursor, progress) < cursor.total:
        how = "ends before its own total" if cursor.total == claimed else "ends before another route's total"
        return end_route(cursor, TRUNCATED, _short(cursor, progress, how), claimed=claimed)
    if cursor.new_in_pass:
        return end_route(cursor, TRUNCATED, f"the listing still shifted in pass {cursor.passes}", claimed=claimed)
    if claimed is None and cursor.lacking * _TOLERATED > progress.seen_on_route:
        note = f"pages in the middle list fewer articles than others: {cursor.lacking} or more may be unseen"
        return end_route(cursor, TRUNCATED, note)
    if cursor.total:
        return end_route(cursor, COMPLETE, "", claimed=claimed)
    return _at_its_end(cursor, facts, progress)


def _at_its_end(cursor: Cursor, facts: PageFacts, progress: WalkProgress, note: str = "") -> ListingStep:
    """End a route that names nothing more and states no total: where the next one states totals, it is asked for its.

    A listing may go no further than some page, and end there as any other does.
    """
    if cursor.every or facts.helps or cursor.left[:1] != (CLASSIC,):
        return end_route(cursor, COMPLETE, note)
    asked = Cursor(CLASSIC, left=cursor.left[1:], outcomes=cursor.outcomes, named=_named(cursor, progress))
    return ListingStep(route=cursor.route, cursor=asked.encode(), outcome=COMPLETE, note=note)


def _empty(cursor: Cursor, facts: PageFacts) -> ListingStep:
    if facts.claimed == 0:
        return end_route(cursor, COMPLETE, "the server says there are none", claimed=0)
    return end_route(cursor, UNAVAILABLE, "the first page lists no articles", claimed=facts.claimed)


def _short(cursor: Cursor, progress: WalkProgress, how: str) -> str:
    listed, claimed = _named(cursor, progress), cursor.total
    return f"the listing {how}: {claimed} claimed, {listed} listed, {claimed - listed} unseen"
