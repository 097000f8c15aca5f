"""What a listing's few words are worth: changed, the same as far as it shows, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crawler.cms import api
from crawler.signals import Signals, Verdict, fingerprint, judge, signals

HELD = Signals("7", "A title", "2024-01-02 03:04:05", 6371, ("1", "2"), ("30",))
CHANGED, SAME, UNTOLD = Verdict.CHANGED, Verdict.SAME, Verdict.UNTOLD

texts = st.sampled_from(["", "one", "two"])
ids = st.sampled_from([(), ("1",), ("1", "2")])
anything = st.builds(Signals, st.just("7"), texts, texts, st.sampled_from([None, 0, 1]), ids, ids)


@pytest.mark.parametrize(
    "said, verdict",
    [
        ({}, SAME),
        ({"title": "Another title"}, CHANGED),
        ({"last_update": "2024-01-02 03:04:06"}, CHANGED),
        ({"content_length": 6372}, CHANGED),
        ({"content_length": 0}, CHANGED),
        ({"attachment_ids": ("1", "3")}, CHANGED),
        ({"attachment_ids": ("1",)}, CHANGED),
        ({"keyword_ids": ("30", "31")}, CHANGED),
        ({"title": ""}, UNTOLD),
        ({"last_update": ""}, UNTOLD),
        ({"content_length": None}, UNTOLD),
        ({"attachment_ids": ()}, UNTOLD),
        ({"keyword_ids": ()}, UNTOLD),
        ({"content_length": None, "title": "Another title"}, CHANGED),
    ],
)
def test_a_difference_counts_and_silence_does_not(said: dict[str, object], verdict: Verdict) -> None:
    """One field that differs is a change; one that is missing leaves the question open."""
    assert judge(replace(HELD, **said), HELD) is verdict


@pytest.mark.parametrize("lost", [{"content_length": None}, {"last_update": ""}, {"keyword_ids": ()}])
def test_what_we_never_had_cannot_be_compared(lost: dict[str, object]) -> None:
    """An article captured in part says less than the listing does: that is no change of the article."""
    assert judge(HELD, replace(HELD, **lost)) is UNTOLD


def test_articles_without_pictures_and_keywords_can_be_the_same() -> None:
    """Both sides know of none."""
    bare = replace(HELD, attachment_ids=(), keyword_ids=())
    assert judge(bare, bare) is SAME


def test_a_stale_listing_is_looked_into_once() -> None:
    """What a check has already answered brings no second one; another difference does."""
    stale = replace(HELD, title="The old title")
    assert judge(stale, HELD) is CHANGED
    assert judge(stale, HELD, answered=fingerprint(stale)) is UNTOLD
    assert judge(replace(stale, content_length=1), HELD, answered=fingerprint(stale)) is CHANGED


def test_two_articles_are_not_compared() -> None:
    """That would be our mistake, so it does not pass silently."""
    with pytest.raises(ValueError, match="article 8, not of 7"):
        judge(replace(HELD, id="8"), HELD)


@given(anything, anything)
def test_the_same_is_said_only_of_what_is_the_same(listed: Signals, held: Signals) -> None:
    """A request is spared only when every field is there and equal; a change is claimed only where two differ."""
    verdict = judge(listed, held)
    assert (verdict is SAME) == (listed == held and "" not in (held.title, held.last_update) and held.content_length
                                 is not None)  # fmt: skip
    if verdict is CHANGED:
        assert listed != held
    assert judge(listed, held, answered=fingerprint(listed)) is not CHANGED
    assert (fingerprint(listed) == fingerprint(held)) == (listed == held)


def test_spelling_and_order_are_no_change() -> None:
    """Two routes name the same article in their own ways: `T` in times, blanks in titles, ids in any order."""
    item = {
        "id": "7",
        "title": "A  title ",
        "lastUpdate": "2024-01-02T03:04:05.000",
        "content_length": 6371,
        "attachments": [{"id": "2"}, {"id": 1}],
        "keywords": [{"type": "Keyword", "data": {"keywordId": "30"}}],
    }
    listed = api.listing(json.dumps({"total": 1, "page": 1, "data": [item]}).encode()).items[0]
    assert signals(listed) == HELD
