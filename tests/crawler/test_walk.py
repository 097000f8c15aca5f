"""The walk of a listing, judged against imaginary listings that page, repeat, shift and lie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import paging, walk
from crawler.paging import PageFacts
from crawler.walk import Cursor
from storage.records import ListingStep, WalkProgress

Server = Callable[[int], tuple[list[int], PageFacts]]


def facts(items: list[int], **more: object) -> PageFacts:
    """Return the facts of a page with these items."""
    print_ = hashlib.sha256(repr(items).encode()).hexdigest()
    return PageFacts(count=len(items), fingerprint=print_, **more)  # type: ignore[arg-type]


@dataclass
class Walker:
    """Walks an imaginary listing as the crawler does, counting as storage does."""

    serve: Server
    others: dict[str, Server] = field(default_factory=dict)  # by route, where one is served otherwise
    requests: int = 0
    seen: set[int] = field(default_factory=set)

    def walk(self, routes: tuple[str, ...] = ("pages",)) -> ListingStep:
        """Return the last step of the walk."""
        cursor: Cursor | None = walk.begin(routes, every=False)
        on_route: dict[str, set[int]] = {route: set() for route in routes}
        claimed_before: dict[str, int] = {}
        step = ListingStep("", "")
        while cursor is not None:
            assert self.requests < 10_000, "the walk does not end"
            self.requests += 1
            items, page = self.others.get(cursor.route, self.serve)(cursor.page)
            seen = on_route[cursor.route]
            new, new_in_walk = set(items) - seen, set(items) - self.seen
            seen |= new
            self.seen |= new
            progress = WalkProgress(len(new), len(seen), len(new_in_walk), claimed_before.get(cursor.route))
            step = paging.advance(cursor, page, progress)
            if step.claimed is not None:
                claimed_before[cursor.route] = max(claimed_before.get(cursor.route, 0), step.claimed)
            cursor = walk.decode(step.cursor)
        return step


def paged(items: list[int], size: int, **more: object) -> Server:
    """Return a listing that pages as it should and is empty past its end."""

    def serve(page: int) -> tuple[list[int], PageFacts]:
        part = items[(page - 1) * size : page * size]
        return part, facts(part, **more)

    return serve


@pytest.mark.parametrize("count", [1, 11, 12, 13, 24, 25, 200])
def test_a_listing_that_pages_is_complete(count: int) -> None:
    """Every item of a paging listing is seen and the walk ends as complete."""
    walker = Walker(paged(list(range(count)), 12))
    assert walker.walk().verdict == "complete"
    assert walker.seen == set(range(count))


@pytest.mark.parametrize("hollow", [2, 3, 4])
@pytest.mark.parametrize("sign", [{}, {"paginated": True}])
def test_a_page_that_is_empty_for_once_does_not_end_a_listing(hollow: int, sign: dict[str, object]) -> None:
    """A second pass shows that there is more; that a full first page is all there is takes one, too."""
    whole, asked = paged(list(range(60)), 12, **sign), 0

    def serve(page: int) -> tuple[list[int], PageFacts]:
        nonlocal asked
        asked += page == hollow
        return ([], facts([], **sign)) if page == hollow and asked == 1 else whole(page)

    walker = Walker(serve)
    assert walker.walk().verdict == "complete"
    assert walker.seen == set(range(60))


def test_a_listing_that_always_sends_its_first_page_is_truncated() -> None:
    """Paging that is ignored is noticed and never called complete."""
    walker = Walker(lambda _: (list(range(20)), facts(list(range(20)))))
    step = walker.walk()
    assert step.verdict == "truncated"
    assert walker.requests == 2


def test_a_short_lone_page_is_the_whole_listing() -> None:
    """A listing of few items that shows no pagination and repeats itself is taken as complete."""
    step = Walker(lambda _: ([1, 2, 3], facts([1, 2, 3]))).walk()
    assert (step.verdict, step.note) == ("complete", "one page without pagination")


def test_a_short_page_that_promises_more_is_truncated() -> None:
    """A first page with pagination links that repeats itself is cut short, however few items it has."""
    step = Walker(lambda _: ([1, 2, 3], facts([1, 2, 3], paginated=True))).walk()
    assert step.verdict == "truncated"


def test_the_broken_publication_says_how_much_stays_unseen() -> None:
    """An API list that ignores paging names its total and what could not be seen."""
    first = list(range(100))
    step = Walker(lambda _: (first, facts(first, claimed=215, limit=100))).walk(("publication",))
    assert step.verdict == "truncated"
    assert step.claimed == 215
    assert "115 unseen" in step.note


def test_a_total_that_is_too_low_hides_nothing() -> None:
    """The walk goes on past a total that lies low, as long as pages bring new items."""
    walker = Walker(paged(list(range(350)), 100, claimed=120, limit=100))
    assert walker.walk(("publication",)).verdict == "complete"
    assert len(walker.seen) == 350


def test_a_total_that_is_too_high_is_reported() -> None:
    """A listing that ends before its own total is truncated."""
    step = Walker(paged(list(range(150)), 100, claimed=200, limit=100)).walk(("publication",))
    assert step.verdict == "truncated"
    assert "50 unseen" in step.note


def test_a_server_that_gives_fewer_than_asked_for_is_walked_on() -> None:
    """A page shorter than the limit does not end a listing whose total is not reached."""
    walker = Walker(paged(list(range(95)), 30, claimed=95, limit=100))
    assert walker.walk(("publication",)).verdict == "complete"
    assert len(walker.seen) == 95


def clamped(server: Server, last: int) -> Server:
    """Return a listing that sends its page number `last` for all that follow."""
    return lambda page: server(min(page, last))


@pytest.mark.parametrize("total, verdict", [(24, "complete"), (25, "truncated"), (None, "complete")])
def test_a_listing_that_goes_no_further_is_held_against_a_total(total: int | None, verdict: str) -> None:
    """Pages that come to an end are all there is where the next route knows no more; its first page says that."""
    more = clamped(paged(list(range(100)), 12, claimed=total, limit=100), 2)
    walker = Walker(clamped(paged(list(range(100)), 12), 2), {"classic": more})
    assert walker.walk(("pages", "classic")).verdict == verdict
    assert walker.seen == set(range(24))


def test_what_no_route_contradicts_stays_complete() -> None:
    """A route that should have said whether there are more, and is not there, changes nothing."""
    asked = Cursor("classic", left=("publication",), named=40)
    step = walk.end_route(asked, "unavailable", "HTTP 404")
    assert (step.verdict, step.outcome, step.cursor) == ("complete", "unavailable", "")


def test_a_route_that_contradicts_and_breaks_off_leaves_the_listing_truncated() -> None:
    """Once a total has said that there are more, that stands, whatever becomes of the route that has it."""
    cursor = Cursor("classic", named=40)
    more = walk.decode(paging.advance(cursor, facts([1], claimed=50, limit=100), WalkProgress(1, 1, 0)).cursor)
    assert more is not None
    assert walk.end_route(more, "unavailable", "").verdict == "truncated"


def test_a_route_without_a_total_is_held_against_that_of_another() -> None:
    """A listing that one route says is longer is not complete because another one has come to its end."""
    served = {"classic": clamped(paged(list(range(100)), 10, claimed=100, limit=100), 1)}
    walker = Walker(clamped(paged(list(range(100)), 12), 3), served)
    step = walker.walk(("classic", "publication"))
    assert step.verdict == "truncated"
    assert "100 claimed, 36 listed, 64 unseen" in step.note


def test_a_listing_that_only_helps_need_not_prove_itself() -> None:
    """No other route is asked what a listing amounts to that nobody has asked for."""
    walker = Walker(paged(list(range(40)), 12, helps=True), {"classic": paged(list(range(90)), 100, claimed=90)})
    assert walker.walk(("pages", "classic")).verdict == "complete"
    assert walker.seen == set(range(40))


def outside(server: Server, asked: range) -> Server:
    """Return a listing of which only these items are asked for."""

    def serve(page: int) -> tuple[list[int], PageFacts]:
        items, whole = server(page)
        kept = [item for item in items if item in asked]
        return kept, replace(whole, left_out=len(items) - len(kept))

    return serve


@pytest.mark.parametrize("total", [None, 200])
@pytest.mark.parametrize("asked", [range(60, 80), range(150), range(200, 300)])
def test_what_is_not_asked_for_is_walked_past(asked: range, total: int | None) -> None:
    """Pages on which nothing is asked for do not end a listing, and count as far as its total goes."""
    walker = Walker(outside(paged(list(range(200)), 12, claimed=total), asked))
    assert walker.walk().verdict == "complete"
    assert walker.seen == set(asked) & set(range(200))


@pytest.mark.parametrize("circle", [1, 2, 3, 7])
def test_pages_that_go_round_in_a_circle_end(circle: int) -> None:
    """The walk ends though nothing that it comes by is asked for."""
    whole = paged(list(range(1000)), 12)
    walker = Walker(outside(lambda page: whole(page if page < 5 else 5 + page % circle), range(0)))
    walker.walk()
    assert walker.requests < 100


def test_an_item_that_slips_between_pages_is_found() -> None:
    """Items move up when one is removed while we page; the second pass finds what slipped through."""
    items = list(range(60))

    def serve(page: int) -> tuple[list[int], PageFacts]:
        part = items[(page - 1) * 12 : page * 12]
        if walker.requests == 2:
            items.remove(3)
        return part, facts(part)

    walker = Walker(serve)
    assert walker.walk().verdict == "complete"
    assert walker.seen == set(range(60))


def test_an_empty_first_page_leads_to_the_next_route() -> None:
    """A route without items is unavailable, and the walk goes on with the next."""
    step = paging.advance(walk.begin(("pages", "classic"), every=False), facts([]), WalkProgress(0, 0, 0))
    following = walk.decode(step.cursor)
    assert step.outcome == "unavailable"
    assert following is not None
    assert following.route == "classic"


def test_a_total_of_none_is_a_complete_listing() -> None:
    """A listing that says it holds nothing is believed."""
    step = paging.advance(walk.begin(("publication",), every=False), facts([], claimed=0), WalkProgress(0, 0, 0))
    assert step.verdict == "complete"


def test_the_best_route_decides() -> None:
    """A truncated route followed by a complete one makes a complete walk."""
    first = walk.end_route(walk.begin(("pages", "classic"), every=False), "truncated", "")
    following = walk.decode(first.cursor)
    assert following is not None
    assert walk.end_route(following, "complete", "").verdict == "complete"


def test_help_counts_only_when_the_total_is_reached() -> None:
    """Other listings complete a truncated one only as far as the server's own total."""
    cursor = Cursor(route="helpers", outcomes=("truncated",))
    assert walk.help_ended(cursor, 215, 215).verdict == "complete"
    assert "15 unseen" in walk.help_ended(cursor, 200, 215).note
    assert walk.help_ended(cursor, 200, None).verdict == "truncated"


@pytest.mark.parametrize(
    "read, total, every, outcome",
    [
        ([True, True], 0, False, "complete"),
        ([False, True], 0, False, "complete"),
        ([False, False], 0, False, "unavailable"),
        ([True, True, False], 0, False, "truncated"),
        ([True, True, False], 0, True, "truncated"),
        ([True, True], 280, False, "truncated"),
        ([True, True], 280, True, "complete"),
    ],
)
def test_sitemaps_prove_no_more_than_they_say(read: list[bool], total: int, every: bool, outcome: str) -> None:
    """Of two that were guessed one may be lacking, of those that an index names none; and they know no totals."""
    cursor = walk.with_sitemaps(Cursor("sitemap", total=total, every=every), ("/a.xml", "/b.xml"))
    for one in read[:-1]:
        following = walk.decode(walk.after_sitemap(cursor, ("/more.xml",), read=one, note="").cursor)
        assert following is not None
        cursor = following
    assert walk.after_sitemap(cursor, (), read=read[-1], note="").outcome == outcome


def test_what_a_sitemap_leads_to_is_held_against_the_total() -> None:
    """Help is asked for before the whole sitemap is read, and the total is looked at again after it."""
    routes = walk.routes_for("category", classic=True, api=True, exhaustive=True)
    assert routes == ("pages", "classic", "publication", "helpers", "sitemap", "helpers")
    assert walk.routes_for("category", classic=True, api=True, exhaustive=False)[-1] == "helpers"


@given(st.lists(st.lists(st.integers(0, 50), max_size=15), max_size=12), st.booleans())
def test_every_walk_ends(pages: list[list[int]], linked: bool) -> None:
    """Whatever a server sends, the walk ends, and no item it sent on the way is forgotten."""
    sent: set[int] = set()

    def serve(page: int) -> tuple[list[int], PageFacts]:
        part = pages[(page - 1) % len(pages)] if pages else []
        sent.update(part)
        return part, facts(part, next_url="https://x.example/?pagination=2" if linked else "")

    walker = Walker(serve)
    assert walker.walk().verdict in ("complete", "truncated", "unavailable")
    assert walker.seen == sent
    assert walker.requests < 300


def test_a_cursor_survives_being_kept() -> None:
    """A cursor reads back as what was written."""
    cursor = Cursor(route="classic", page=7, ids=("977", "12"), left=("publication",), outcomes=("truncated",))
    assert walk.decode(cursor.encode()) == cursor


@pytest.mark.parametrize(
    "sizes, verdict", [((14, 12, 11, 12, 5), walk.COMPLETE), ((14, 10, 8, 6, 4, 2), walk.TRUNCATED)]
)
def test_pages_that_grow_thinner_are_not_trusted(sizes: tuple[int, ...], verdict: str) -> None:
    """A hole here and there is an article withdrawn; pages that lack more and more hide some."""
    items = iter(range(100))
    pages = [[next(items) for _ in range(size)] for size in sizes]

    def serve(page: int) -> tuple[list[int], PageFacts]:
        part = pages[page - 1] if page <= len(pages) else []
        return part, facts(part, paginated=True)

    assert Walker(serve).walk().verdict == verdict


@pytest.mark.parametrize("text", ["", "{", '{"page": 1}', '{"route": 7}'])
def test_a_cursor_that_cannot_be_read_begins_the_walk(text: str) -> None:
    """What another archive says of a walk may be anything: at worst its pages are read again."""
    assert walk.decode(text) is None
