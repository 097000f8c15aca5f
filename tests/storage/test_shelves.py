"""Shelves: articles newest first, a page at a time, stable, whatever the way they are found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import overviews, shelves
from storage.shelves import Place, Shelf, page, place_of
from tests.storage.making import article, term
from tests.storage.shelving import shelved

DAYS = ["2023-01-01T00:00:00Z", "2023-01-02T00:00:00Z", "2023-01-02T00:00:00Z", None, "2023-03-01T00:00:00Z", None]
AFRICA, WORLD = term("category", "Africa"), term("category", "World")


def make(number: int = 60) -> sqlite3.Connection:
    return shelved(
        article(
            str(n),
            first_published=DAYS[n % len(DAYS)],
            terms=(AFRICA, WORLD) if n % 4 == 0 else (AFRICA,),
            site="dm" if n % 3 else "olj",
        )
        for n in range(1, number + 1)
    )


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    with closing(make()) as made:
        yield made


def expected(connection: sqlite3.Connection, shelf: Shelf) -> list[int]:
    rows = connection.execute("SELECT id, site, first_published FROM article").fetchall()
    member = {row[0] for row in connection.execute("SELECT article FROM article_term WHERE term = ?", (shelf.term,))}
    kept = [
        (published or "", row)
        for row, site, published in rows
        if shelf.site in ("", site)
        and (not shelf.term or row in member)
        and (not shelf.since or (published or "") >= shelf.since)
        and (not shelf.until or (published and published < shelf.until))
    ]
    return [row for _, row in sorted(kept, reverse=True)]


SHELVES = st.builds(
    Shelf,
    site=st.sampled_from(["", "dm", "olj", "none"]),
    term=st.integers(0, 5),
    since=st.sampled_from(["", "2023-01-02T00:00:00Z"]),
    until=st.sampled_from(["", "2023-02-01T00:00:00Z"]),
)


@given(SHELVES, st.integers(1, 25), st.sampled_from([0, 4_000]))
def test_pages_one_after_the_other_are_the_whole_shelf(shelf: Shelf, size: int, few: int) -> None:
    """Older and older pages name every article once, in order; newer and newer ones lead back the same way."""
    with closing(make(30)) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelves, "_SPARSE", few)
        turned = [page(connection, shelf, size)]
        while turned[-1].older is not None:
            turned.append(page(connection, shelf, size, before=turned[-1].older))
        assert [row for one in turned for row in one.rows] == expected(connection, shelf)
        for later, earlier in zip(turned[1:], turned, strict=False):
            assert later.newer is not None
            assert page(connection, shelf, size, after=later.newer).rows == earlier.rows


def test_cards_come_in_the_order_they_were_asked_for(connection: sqlite3.Connection) -> None:
    """Each with its terms in the newsroom's order; a row that is none is left out."""
    found = shelves.cards(connection, [8, 3, 9999, 5])
    assert [card.row for card in found] == [8, 3, 5]
    assert [name.name for name in found[0].named("category")] == ["Africa", "World"]


def test_neighbours_are_the_next_in_time(connection: sqlite3.Connection) -> None:
    """Of one newsroom, older and newer; at the ends there is none."""
    order = expected(connection, Shelf("dm"))
    dates = dict(connection.execute("SELECT id, first_published FROM article").fetchall())
    for before, row, after in zip([None, *order], order, [*order[1:], None], strict=False):
        assert shelves.neighbours(connection, "dm", Place(dates[row] or "", row)) == (after, before)


@given(st.text(max_size=20))
def test_any_text_is_a_place_or_none(text: str) -> None:
    """A place survives being written; anything else is none."""
    found = place_of(text)
    assert found is None or str(found) == text or place_of(str(found)) == found


def test_terms_are_counted_and_listed(connection: sqlite3.Connection) -> None:
    """With their articles, by number and by name, from any name on, or by what the name contains."""
    assert [(one.name.name, one.articles) for one in overviews.busiest(connection, "category", "dm", 5)] == [
        ("Africa", 40),
        ("World", 10),
    ]
    listed = overviews.listed(connection, "category", "", "", ("", 0), 10)
    assert [one.name.name for one, _ in listed] == ["Africa", "Africa", "World", "World"]
    last = listed[1]
    after = overviews.listed(connection, "category", "", "", (last[0].name.name, last[1]), 10)
    assert after == listed[2:]
    assert [one.name.name for one, _ in overviews.listed(connection, "category", "dm", "FRIC", ("", 0), 9)] == [
        "Africa"
    ]


def test_articles_are_counted_between_instants(connection: sqlite3.Connection) -> None:
    """From each instant to before the next; the undated by themselves."""
    bounds = ["2023-01-01T00:00:00Z", "2023-01-02T00:00:00Z", "2023-02-01T00:00:00Z", "2024"]
    assert overviews.between(connection, bounds, "") == [10, 20, 10]
    assert sum(overviews.between(connection, bounds, "olj")) == 10
    assert overviews.undated(connection) == 20
    assert overviews.span(connection) == ("2023-01-01T00:00:00Z", "2023-03-01T00:00:00Z")
