"""Search for people: what is found, in which order, counted how, and that it stays bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from storage import finding, overviews
from storage.finding import Asked, Filed, better_words, find, vocabulary
from tests.storage.making import article, term
from tests.storage.shelving import shelved


def make(number: int = 40) -> sqlite3.Connection:
    return shelved(
        article(
            str(n),
            title="The water plan" if n == 7 else f"Number {n}",
            summary="",
            text="water rises " * (n % 3 + 1) if n % 2 else "drought everywhere",
            first_published=f"20{10 + n % 5}-01-{n % 28 + 1:02d}T00:00:00Z",
            terms=(term("category", "Africa" if n % 4 else "World"), term("author", "Ada Mensah")),
        )
        for n in range(1, number + 1)
    )


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    with closing(make()) as made:
        yield made


def ids(connection: sqlite3.Connection, asked: Asked, limit: int = 100, offset: int = 0) -> list[str]:
    found = find(connection, asked, limit=limit, offset=offset)
    by_row = dict(connection.execute("SELECT id, cms_id FROM article").fetchall())
    return [by_row[one.row] for one in found.articles]


def test_best_comes_first_and_pages_follow_each_other(connection: sqlite3.Connection) -> None:
    """A headline weighs more than a text; two pages are the one page cut in two."""
    whole = ids(connection, Asked("water"))
    assert whole[0] == "7"
    assert len(whole) == 20
    assert ids(connection, Asked("water"), 8) + ids(connection, Asked("water"), 100, 8) == whole


@pytest.mark.parametrize("many", [5, 10_000])
def test_newest_first_is_by_date(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """Whether few match or more than are ranked."""
    monkeypatch.setattr(finding, "MANY", many)
    dates = dict(connection.execute("SELECT cms_id, first_published FROM article").fetchall())
    found = ids(connection, Asked("water", newest=True))
    assert len(found) == 20
    assert [dates[one] for one in found] == sorted((dates[one] for one in found), reverse=True)


def test_more_than_many_are_said_to_be_more(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The total stops one above the bound, and a rank is not claimed."""
    monkeypatch.setattr(finding, "MANY", 5)
    monkeypatch.setattr(finding, "SAMPLE", 3)
    found = find(connection, Asked("water"), limit=2, offset=0)
    assert (found.total, found.ranked, found.facets.of, len(found.articles)) == (6, False, 3, 2)


def test_what_is_narrowed_down_to_holds_for_every_result(connection: sqlite3.Connection) -> None:
    """Term, year and site; the counts beside say beforehand how many there will be."""
    africa = overviews.term(connection, "category", "dm", "6africa")
    assert africa is not None
    whole = find(connection, Asked("water"), limit=5, offset=0)
    narrowed = find(connection, Asked("water", filed=(Filed(africa.row, africa.name),)), limit=5, offset=0)
    assert dict(whole.facets.categories)[africa.name] == narrowed.total == 20
    year = find(connection, Asked("water", since="2012", until="2013"), limit=50, offset=0)
    assert dict(whole.facets.years)["2012"] == year.total
    assert find(connection, Asked("water", site="olj"), limit=5, offset=0).total == 0


@pytest.mark.parametrize("query", ["", " ", "-water", '"', "*", "title:"])
def test_a_query_that_says_nothing_finds_nothing(connection: sqlite3.Connection, query: str) -> None:
    """And is no error."""
    assert find(connection, Asked(query), limit=5, offset=0).total == 0


def test_words_that_nobody_wrote_get_their_likest(connection: sqlite3.Connection) -> None:
    """A slip leads to the word that was meant; a known word and a hopeless one are left alone."""
    known = vocabulary(connection)
    found = better_words(connection, "title:watre Plna drougth water xqzzy", known)
    assert found == {"watre": "water", "plna": "plan", "drougth": "drought"}
