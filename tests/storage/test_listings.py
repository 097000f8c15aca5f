"""Listings: how far a walk has come, and what each route gave."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import frontier, keeping, listings
from storage.listings import RouteGave
from storage.records import Capture, Job, Kind, ListedPage, ListingStep, State, WalkProgress, Wanted
from tests.storage import making
from tests.storage.making import NOW, WORK, article, capture, one, rows, term, wanted

AFRICA = wanted("category/africa", Kind.LISTING)


@pytest.fixture
def connection() -> sqlite3.Connection:
    return making.memory()


def begin(connection: sqlite3.Connection, want: Wanted = AFRICA, *, refresh: bool = False) -> Job:
    keeping.begin_target(connection, want, refresh=refresh, work=WORK)
    job = frontier.find(connection, Kind.LISTING, want.key)
    assert job is not None
    return job


def keep_page(
    connection: sqlite3.Connection,
    job: Job,
    items: Sequence[str],
    step: ListingStep,
    *,
    answer: Capture | None = None,
    helpers: Sequence[Wanted] = (),
) -> WalkProgress:
    told: list[WalkProgress] = []

    def decide(progress: WalkProgress) -> tuple[ListingStep, Sequence[Wanted]]:
        told.append(progress)
        return step, helpers

    wants = [wanted(item) for item in items]
    answer = answer or capture(",".join(items).encode())
    assert (
        keeping.keep_listing_page(connection, job, answer, ListedPage(step.route, tuple(wants)), decide, WORK) is step
    )
    return told[0]


MORE = ListingStep("pages", "page 2")
END = ListingStep("pages", "", outcome="complete", verdict="complete")


def test_a_page_makes_its_items_due_and_the_walk_goes_on(connection: sqlite3.Connection) -> None:
    """The items are due in the listing's scope, and the listing for its next page."""
    job = begin(connection)
    keep_page(connection, job, ["1", "2"], MORE)
    jobs, _ = frontier.claim(connection, [job.id], {}, 9, NOW)
    assert {j.key for j in jobs} == {"dm:1", "dm:2", AFRICA.key}
    assert listings.cursor_of(connection, job.id) == "page 2"


def test_a_step_may_have_to_wait(connection: sqlite3.Connection) -> None:
    """A walk that waits for something is due only then."""
    job = begin(connection)
    keep_page(connection, job, [], replace(MORE, due_in=30.0))
    assert frontier.claim(connection, [job.id], {}, 9, NOW) == ([], NOW + 30)


def test_a_walk_that_ended_is_done(connection: sqlite3.Connection) -> None:
    """Its verdict, its figures and its routes are there."""
    job = begin(connection)
    keep_page(connection, job, ["1", "2"], replace(MORE, claimed=3))
    keep_page(connection, job, ["3"], END)
    assert frontier.state_of(connection, job.id) is State.DONE
    walk = listings.walk_of(connection, job.id)
    assert walk is not None
    assert (walk.key, walk.seen, walk.verdict) == (AFRICA.key, 3, "complete")
    assert walk.routes == (RouteGave("pages", 2, 3, 3, "complete", ""),)
    assert one(connection, "SELECT finished_at IS NOT NULL FROM listing")


def test_progress_counts_what_is_new_on_the_route_and_in_the_walk(connection: sqlite3.Connection) -> None:
    """Items that shift from page to page are counted once; another route to the same items brings nothing new."""
    job = begin(connection)
    assert keep_page(connection, job, ["1", "2"], replace(MORE, claimed=9)) == WalkProgress(2, 2, 2, None)
    assert keep_page(connection, job, ["2", "3", "3"], MORE) == WalkProgress(1, 3, 1, 9)
    assert keep_page(connection, job, ["2", "3"], MORE) == WalkProgress(0, 3, 0, 9)
    other = ListingStep("classic", "offset 100")
    assert keep_page(connection, job, ["3", "4"], other) == WalkProgress(2, 2, 1, None)


def test_the_largest_total_claimed_is_kept(connection: sqlite3.Connection) -> None:
    """A server that changes its mind about the total is taken at its highest word."""
    job = begin(connection)
    for claimed in (5, 9, 7, None):
        keep_page(connection, job, [], replace(MORE, claimed=claimed))
    walk = listings.walk_of(connection, job.id)
    assert walk is not None
    assert walk.routes[0].claimed == 9


def test_an_interrupted_walk_goes_on_where_it_was(connection: sqlite3.Connection) -> None:
    """The next run finds the cursor."""
    keep_page(connection, begin(connection), ["1"], MORE)
    assert listings.cursor_of(connection, begin(connection).id) == "page 2"


@pytest.mark.parametrize("refresh", [False, True])
def test_a_finished_walk_begins_anew(connection: sqlite3.Connection, refresh: bool) -> None:
    """In the new walk every item is new again, and those that are no longer named can be told."""
    job = begin(connection)
    keep_page(connection, job, ["1", "2"], END)
    job = begin(connection, refresh=refresh)
    assert listings.cursor_of(connection, job.id) == ""
    assert keep_page(connection, job, ["2", "3"], END) == WalkProgress(2, 2, 2, None)
    items = "SELECT f.key, i.walk FROM listing_item AS i JOIN frontier AS f ON f.id = i.item ORDER BY f.key"
    assert rows(connection, items) == [("dm:1", 1), ("dm:2", 2), ("dm:3", 2)]


def test_a_refresh_forgets_where_an_interrupted_walk_was(connection: sqlite3.Connection) -> None:
    """Asked to begin anew, a walk does."""
    keep_page(connection, begin(connection), ["1"], MORE)
    assert listings.cursor_of(connection, begin(connection, refresh=True).id) == ""


def test_a_walk_never_begun_has_no_cursor(connection: sqlite3.Connection) -> None:
    """None is not the end."""
    job = begin(connection)
    assert listings.cursor_of(connection, job.id) is None
    assert listings.walk_of(connection, job.id) is None


def test_an_article_we_hold_is_no_work_for_a_listing(connection: sqlite3.Connection) -> None:
    """It is counted among the items, under whatever spelling the page has it, and not fetched again."""
    first = wanted("1")
    keeping.begin_target(connection, first, refresh=False, work=WORK)
    held = frontier.find(connection, Kind.ARTICLE, first.key)
    assert held is not None
    keeping.keep_article(connection, held, capture(), article("1"), (), (), WORK)
    job = begin(connection)
    assert keep_page(connection, job, ["/article/1-a-title"], END).new_in_walk == 1
    assert frontier.claim(connection, [job.id], {}, 9, NOW) == ([], None)


def test_helpers_are_wanted_in_the_same_scope(connection: sqlite3.Connection) -> None:
    """Listings that help a truncated one are walked for its target."""
    job = begin(connection)
    helper = wanted("keyword/ecowas", Kind.LISTING, depth=-1)
    keep_page(connection, job, ["1"], MORE, helpers=[helper])
    assert rows(connection, "SELECT scope, depth FROM frontier WHERE key = ?", helper.key) == [(job.id, -1)]


def test_publications_are_read_from_whatever_json_a_category_has(connection: sqlite3.Connection) -> None:
    """JSON that SQLite cannot read (NaN, endless nesting, none at all) names no publication and breaks nothing."""
    for number, text in enumerate(
        ['{"typeId": {"typeId": "4"}}', '{"typeId": NaN}', "[" * 3_000 + "]" * 3_000, "", '{"typeId": "x"}']
    ):
        keeping.begin_target(connection, wanted(str(number)), refresh=False, work=WORK)
        held = frontier.find(connection, Kind.ARTICLE, f"dm:{number}")
        assert held is not None
        record = article(str(number), terms=(term("category", f"C{number}", json=text),))
        keeping.keep_article(connection, held, capture(), record, (), (), WORK)
    assert listings.publications(connection, "dm") == ("4",)
    job = begin(connection, wanted("publication/4", Kind.LISTING))
    assert listings.help_standing(connection, job, ("keyword", "author")).held == 1


_NUMBERS = st.integers(1, 6)
_SITES = st.sampled_from(["dm", "olj"])
_TERMS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["category", "keyword", "author"]), "site": _SITES, "cms_id": _NUMBERS.map(str)}
    | {"slug": st.sampled_from(["Africa", "africa", "2", "art", ""]), "publication": st.sampled_from(["1", "2", ""])}
)
_PLAIN_BELONGING = """
SELECT at.article FROM article_term AS at JOIN term AS t ON t.id = at.term
WHERE t.site = :site AND iif(:kind = 'publication',
    at.kind = 'category' AND at.position = 0 AND json_extract(t.json, '$.typeId.typeId') = :key,
    t.kind = :kind AND (t.cms_id = :key OR lower(t.slug) = :key))
"""
_PLAIN_UNVISITED = f"""
SELECT DISTINCT t.kind, t.cms_id, t.site FROM ({_PLAIN_BELONGING}) AS b
JOIN article_term AS at ON at.article = b.article JOIN term AS t ON t.id = at.term
WHERE t.kind IN (SELECT value FROM json_each(:kinds))
AND (:kind <> 'publication' OR t.kind <> 'category' OR json_extract(t.json, '$.typeId.typeId') = :key)
AND NOT EXISTS (SELECT 1 FROM frontier AS f WHERE f.kind = 'listing'
    AND f.key IN (t.site || ':' || t.kind || '/' || t.cms_id, t.site || ':' || t.kind || '/' || lower(t.slug)))
"""


@settings(deadline=None)
@given(
    terms=st.lists(_TERMS, max_size=12, unique_by=lambda term: (term["kind"], term["site"], term["cms_id"])),
    filed=st.lists(st.tuples(_NUMBERS, st.integers(0, 11)), max_size=25),
    visited=st.sets(st.tuples(st.sampled_from(["category", "keyword"]), st.sampled_from(["1", "2", "africa", "art"]))),
    listing=st.sampled_from(["publication/1", "publication/2", "category/2", "category/africa", "keyword/art"]),
    kinds=st.sampled_from([("category",), ("keyword", "author")]),
)
def test_how_far_help_has_come_is_what_the_plain_question_says(
    terms: list[dict[str, str]],
    filed: list[tuple[int, int]],
    visited: set[tuple[str, str]],
    listing: str,
    kinds: tuple[str, ...],
) -> None:
    """The terms still to be visited, and how many articles are held, are those of the question as one would put it."""
    connection = making.memory()
    job = begin(connection, wanted(listing, Kind.LISTING))
    for kind, key in visited:
        keeping.begin_target(connection, wanted(f"{kind}/{key}", Kind.LISTING), refresh=False, work=WORK)
    for number, term_ in enumerate(terms):
        connection.execute(
            "INSERT INTO term (id, kind, site, cms_id, name, slug, url, json) VALUES (?, ?, ?, ?, '', ?, '', "
            "json_object('typeId', json_object('typeId', nullif(?, ''))))",
            (number, term_["kind"], term_["site"], term_["cms_id"], term_["slug"], term_["publication"]),
        )
    connection.execute("PRAGMA foreign_keys = OFF")
    for article_, number in filed:
        connection.execute(
            "INSERT INTO article_term (article, kind, position, term) SELECT ?1, kind, (SELECT count(*) FROM"
            " article_term AS o WHERE o.article = ?1 AND o.kind = t.kind), id FROM term AS t WHERE id = ?2",
            (article_, number),
        )
    kind, _, key = listing.partition("/")
    values = {"site": "dm", "kind": kind, "key": key, "kinds": json.dumps(kinds)}
    standing = listings.help_standing(connection, job, kinds)
    plain = connection.execute(_PLAIN_UNVISITED, values).fetchall()
    assert sorted((term_.kind, term_.cms_id) for term_ in standing.unvisited) == sorted(row[:2] for row in plain)
    assert standing.held == len(connection.execute(_PLAIN_BELONGING, values).fetchall())
    connection.close()
