"""A search and its address."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader import query
from reader.query import Query

ASKED = st.builds(
    Query,
    q=st.text(max_size=40).map(lambda text: " ".join(text.split())),
    order=st.sampled_from(["", "newest"]),
    category=st.sampled_from(["", "dm:3", "olj:a:b"]),
    keyword=st.sampled_from(["", "dm:12"]),
    author=st.sampled_from(["", "dm:ada-mensah"]),
    year=st.sampled_from(["", "2023"]),
    site=st.sampled_from(["", "dm"]),
    page=st.integers(1, 50),
)


@given(ASKED)
def test_every_search_has_an_address(asked: Query) -> None:
    """Its address leads back to the same search."""
    assert query.read(asked.address(page=asked.page)) == asked


@given(ASKED)
def test_a_change_begins_at_the_first_page(asked: Query) -> None:
    """Narrowing down leads to page 1 of the narrower search."""
    assert query.read(asked.address(year="1999")) == replace(asked, year="1999", page=1)


@given(st.dictionaries(st.sampled_from([*Query.__slots__, "other"]), st.text(max_size=30)))
def test_any_address_is_a_search(parts: dict[str, str]) -> None:
    """What makes no sense is left out; nothing is an error."""
    asked = query.read(parts)
    assert 1 <= asked.page <= 50
    assert query.read(asked.address(page=asked.page)) == asked


@pytest.mark.parametrize(
    "typed, better, meant",
    [
        ("watr", {"watr": "water"}, "water"),
        ('title:"Watr plan" -x', {"watr": "water"}, 'title:"water plan" -x'),
        ("left alone", {}, "left alone"),
    ],
)
def test_a_correction_leaves_the_rest_alone(typed: str, better: dict[str, str], meant: str) -> None:
    """Only the words that are better known change, marks and fields stay."""
    assert query.corrected(typed, better) == meant


def test_terms_keep_their_ids_whole() -> None:
    """An id may hold a colon; the site never does."""
    assert query.read({"category": "dm:a:b"}).terms == (("category", "dm", "a:b"),)
    assert query.read({"category": "nonsense", "keyword": ":", "author": "x:"}).terms == ()
