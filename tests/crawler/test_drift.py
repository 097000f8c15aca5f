"""The shape of what the CMS sends is learned and watched."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.drift import JUDGED_FROM, LEARNED_FROM, Watch, shape_of
from simulator import Newsroom, Options, content
from tests.crawling import crawl, rows, site_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


def article(**fields: object) -> dict[str, object]:
    """Return an article object with a few fields."""
    return {"id": "1", "title": "A title", "contents": "<p>…", "authors": [{"name": "A"}], "rating": 0, **fields}


def learned(*articles: dict[str, object]) -> Watch:
    """Return a watch that knows many articles like these."""
    before = Watch("dm")
    for number in range(2 * LEARNED_FROM):
        before.take(shape_of(articles[number % len(articles)], "Article"))
    return Watch("dm", Counter(before.seen))


def told(watch: Watch, given: dict[str, object], times: int = JUDGED_FROM) -> list[str]:
    """Let a watch see an article so many times, and return what it says of it."""
    for _ in range(times):
        watch.take(shape_of(given, "Article"))
    return [str(finding) for finding in watch.findings()]


@pytest.mark.parametrize(
    "given, words",
    [
        ({"id": "1", "title": "A", "contents": "B", "rating": 1}, "dm: Article.authors is missing in 20 articles"),
        (article(title={"en": "A"}), "dm: Article.title is an object, not text as usual in 20 articles"),
        (article(contents=""), "dm: Article.contents is nothing, not text as usual in 20 articles"),
        (article(rating="4.5"), "dm: Article.rating is text, not a number as usual in 20 articles"),
    ],
)
def test_what_is_not_as_usual_is_named(given: dict[str, object], words: str) -> None:
    """A field that is gone, another type, a husk: in words, and counted against the budget."""
    watch = learned(article(), article(authors=[], rating=4.67))
    assert words in told(watch, given)
    assert watch.share() == 1.0


@pytest.mark.parametrize(
    "given", [article(), article(authors=[]), article(rating=3.5), article(sponsor={"name": "S"}), article(views=3)]
)
def test_what_varies_by_nature_is_no_drift(given: dict[str, object]) -> None:
    """Empty lists, floats for integers, and what was never there: told at most, never held against a run."""
    watch = learned(article(), article(authors=[], rating=4.67))
    assert all("is new" in words for words in told(watch, given))
    assert watch.share() == 0.0


def test_nothing_is_usual_before_enough_was_seen() -> None:
    """The first articles of a content type set no rule, nor do few articles of a run break one."""
    few = Watch("dm")
    told(few, article(), LEARNED_FROM - 1)
    watch = Watch("dm", Counter(few.seen))
    assert told(watch, {"id": "2"}) == []
    known = learned(article())
    told(known, {"id": "2"}, JUDGED_FROM - 1)
    assert known.share() == 0.0


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=8), st.text(max_size=200))
def test_any_object_has_a_shape(value: dict[str, Any], content_type: str) -> None:
    """Whatever is sent: it can be taken, and its articles are counted."""
    watch = Watch("dm")
    watch.take(shape_of(value, content_type))
    assert sum(number for (_, kind), number in watch.seen.items() if kind == "article") == 1


async def test_a_run_stops_when_articles_have_lost_a_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which, learns nothing from it, and goes on when a person says that it is right so."""
    async with Newsroom(Options(articles=150)) as room:
        site, archive = site_of(room, key="box-key"), tmp_path / "archive"
        await crawl(archive, site, "dm:publication/1", media=False)

        def without(found: dict[str, Any], _visit: int) -> dict[str, Any]:
            return {key: value for key, value in found.items() if key != "slug"}

        monkeypatch.setattr(content, "restless", without)
        ids = [str(row[0]) for row in rows(archive, "SELECT id FROM articles")]
        again = [f"dm:{one}" for one in ids]
        stopped = await crawl(archive, site, *again, media=False, refresh=True)
        assert stopped.stopped_by == "drift"
        assert any("Article.slug is missing" in line for line in stopped.drift)
        assert stopped.tally.requests < 80
        right = await crawl(archive, site, *again, media=False, refresh=True, new_shape=True)
        assert right.stopped_by == ""
        assert (await crawl(archive, site, *again, media=False, refresh=True)).drift == []


@given(
    st.dictionaries(
        st.sampled_from(["a", "a[]", "b.c", "title", "x" * 200]),
        st.recursive(
            st.sampled_from([None, "", "x", 0, 1.5, False]),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
            max_leaves=4,
        ),
    )
)
def test_a_shape_that_is_remembered_is_the_one_that_is_found(value: dict[str, object]) -> None:
    """A shape found for an article before is the one that is found anew for a longer one that shows nothing more."""
    longer = {**value, "y" * 10_000: "too long a name to be noted, or to be remembered"}
    assert shape_of(value, "Article") == shape_of(longer, "Article")


def test_what_is_seen_is_counted_however_many_shapes_there_are() -> None:
    """Counting each shape once, and its articles, comes to the same as counting each article."""
    watch, expected = Watch("dm"), Counter[tuple[str, str]]()
    for number in range(1_500):
        shape = shape_of({f"f{number % 700}": 1, "title": "t"}, "Article")
        watch.take(shape)
        expected.update(shape)
    assert watch.seen == expected


def test_fields_without_number_take_no_memory_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each article brings fields, and a type, that no other has, what is usual is counted all the same."""
    monkeypatch.setattr("crawler.drift._MOST_SEEN", 2_000)
    monkeypatch.setattr("crawler.drift._MOST_COUNTED", 16)
    watch = Watch("dm")
    for number in range(1_000):
        numbered = {f"{number}-{place}": place for place in range(9)}
        watch.take(shape_of(article(boxes=numbered), "Article"))
        watch.take(shape_of({"id": "1"}, f"Type {number}"))
    assert len(watch.seen) <= 2_000
    assert len(watch._usual) == 0
    assert watch.seen["Article.title", "text"] == 1_000
