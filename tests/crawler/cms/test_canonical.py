"""The content hash: blind to what changes by itself, sharp for every edit (contract 7.2)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cms import canonical, terms
from crawler.cms.canonical import VOLATILE, canonical_form
from crawler.errors import ParseError
from tests.crawler.cms.making import a_category, a_keyword, an_article, an_attachment, seed


def content_hash(article: dict[str, Any]) -> str:
    return canonical.content_hash(article, terms.filed(article))


PLAIN = content_hash(an_article())


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same JSON with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(entry, chance) for entry in value] if isinstance(value, list) else value


def as_text(value: Any) -> Any:
    """Return the same JSON with numbers as text, as the classic API sends it."""
    if isinstance(value, dict):
        return {key: as_text(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_text(entry) for entry in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def salted(value: Any, chance: random.Random) -> Any:
    """Return the same JSON with volatile fields set at random in every object."""
    if isinstance(value, dict):
        noise = {key: chance.choice([None, 1, "187", True]) for key in VOLATILE if chance.random() < 0.5}
        return {key: salted(entry, chance) for key, entry in value.items()} | noise
    return [salted(entry, chance) for entry in value] if isinstance(value, list) else value


@given(st.integers(0, 1 << 32))
def test_order_and_volatile_fields_do_not_count(number: int) -> None:
    """Key order, counters, caches and stale snapshots leave the hash as it is."""
    chance = random.Random(number)
    for made in (an_article(options={"vegan": "1"}), seed()):
        assert content_hash(salted(shuffled(made, chance), chance)) == content_hash(made)


@pytest.mark.parametrize("spelled", [as_text, lambda article: json.loads(json.dumps(article))])
def test_numbers_as_text_do_not_count(spelled: Any) -> None:
    """The classic API sends every number as text."""
    made = an_article(excludedFromGoogleSearchEngine=0, time_to_read=208, options={"vegan": 1, "share": 2.5})
    assert content_hash(spelled(made)) == content_hash(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "https://staging.example.co.za/article/2024-02-03-a-boat/"},
        {"shorturl": "http://prod.example.co.za//article/42"},
        {"firstPublished": "2024-02-03T10:00:00"},
        {"lastUpdate": "2024-02-03T10:00:00.000"},
        {"inline_attachments": []},
        {"introduction": None},
        {"sponsor": {}},
        {"views": 4711, "comments": 3, "rating": 4.67, "rating_count": 3, "access_allowed": True},
        {"categories": [a_category(typeId=[], seo_name="x", articlesCount="187", cached=False)]},
        {"categories": [a_category(url="https://www.example.co.za//3-africa", parent=a_category("1"))]},
        {"categories": {"0": a_category()}},
        {"keywords": [a_keyword(articlesCount=5, url="/article_tag/russia/")]},
        {"keywords": [a_keyword()["data"]]},
        {"authors": [{"id": 9, "name": "Ada Lane", "editorialName": "ada-lane", "biography": "Sails."}]},
        {"attachments": [json.loads(json.dumps(an_attachment()).replace("cdn.example.org", "dmcdn.example.net"))]},
        {"attachments": [json.loads(json.dumps(an_attachment()).replace("AAAAAAAAA", "zzzz-_zzz"))]},
        {"attachments": [{key: value for key, value in an_attachment().items() if key != "url_medium"}]},
        {"authors": [{"id": "9", "name": "Ada Lane-Fox"}]},  # she took another name; nobody edited the article
    ],
)
def test_these_are_no_edits(changes: dict[str, Any]) -> None:
    """Hosts, signatures, aliases, empties and old snapshots are not what an editor changed."""
    assert content_hash(an_article(**changes)) == PLAIN


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "A ship"},
        {"contents": "<p>A boat sails!</p>"},
        {"contents": ""},
        {"summary": "Sailing on."},
        {"introduction": "<p>Hark.</p>"},
        {"authors": []},
        {"authors": [{"id": "10", "name": "Ada Lane"}]},
        {"authors": [{"id": "9", "name": "Ada Lane"}, {"id": "10", "name": "Bo"}]},
        {"attachments": []},
        {"attachments": [an_attachment("ship")]},
        {"attachments": [an_attachment(name="caption")]},
        {"attachments": [an_attachment(description="credit")]},
        {"inline_attachments": [an_attachment("ship")]},
        {"keywords": []},
        {"keywords": [a_keyword("5967")]},
        {"keywords": [a_keyword(), a_keyword("6849")]},
        {"categories": [a_category("4")]},
        {"categories": [a_category("4"), a_category()]},
        {"firstPublished": "2024-02-03 10:00:01"},
        {"lastUpdate": "2024-02-04 10:00:00"},
        {"url": "https://www.example.co.za/article/2024-02-03-a-ship/"},
        {"status": "draft"},
        {"externalUrl": "https://a.example/"},
        {"sponsor": {"id": "1", "url": "https://a.example/"}},
        {"options": {"vegan": "1"}},
        {"a field of tomorrow": "x"},
        {"related": [{"objectType": "Article", "id": "77"}]},
    ],
)
def test_these_are_edits(changes: dict[str, Any]) -> None:
    """Whatever an editor can change makes another hash, fields nobody knows yet included."""
    assert content_hash(an_article(**changes)) != PLAIN


def test_sponsors_are_told_apart_by_host() -> None:
    """Of what leads to other houses the host says something."""
    one, other = ({"id": "1", "url": f"https://{name}.example/"} for name in "ab")
    assert content_hash(an_article(sponsor=one)) != content_hash(an_article(sponsor=other))


def test_nested_articles_count_by_id() -> None:
    """An embedded article has revisions of its own."""
    old, new = (an_article(id="77", title=title) for title in ("Old", "New"))
    assert content_hash(an_article(chef=old)) == content_hash(an_article(chef=new)) != PLAIN


def test_pictures_in_the_text_compare_by_path() -> None:
    """A picture that moved to another host with its path is the same; links and frames are not pictures."""
    body = '<p><img class="x" src="https://{0}/a.jpg" srcset="https://{0}/a/1.jpg 1x, https://{0}/a/2.jpg 2x"></p>'
    link = '<a href="https://{0}/a">a</a>'
    hashes = {content_hash(an_article(contents=body.format(host))) for host in ("one.example", "two.example")}
    assert len(hashes) == 1
    assert len({content_hash(an_article(contents=link.format(host))) for host in ("one.example", "two.example")}) == 2


def test_a_double_slash_in_a_path_hides_nothing() -> None:
    """What follows a double slash inside a path is part of it, not a host: two pictures there are two pictures."""
    one, other = (an_article(attachments=[an_attachment(url=f"/storage//{name}/1.jpg")]) for name in ("a", "b"))
    assert content_hash(one) != content_hash(other)


def test_order_of_terms_counts() -> None:
    """The first category is the primary one."""
    one, other = a_category("3"), a_category("4")
    assert content_hash(an_article(categories=[one, other])) != content_hash(an_article(categories=[other, one]))


def test_deep_nesting_is_refused() -> None:
    """What is nested too deeply to be followed is refused."""
    value: Any = 1
    for _ in range(300):
        value = {"a": [value]}
    with pytest.raises(ParseError, match="nested"):
        content_hash({"id": "1", "x": value})


@given(
    st.sampled_from(["url", "cover", "url_medium", "firstPublished", "contents", "x"]),
    st.lists(
        st.sampled_from(["https://", "http:", "//", "/", "/i/", "A" * 27 + "=", "?", "#", "<img src=", ">", " ", "x"])
    ).map("".join),
)
def test_a_text_is_spelled_alike_alone_and_in_a_list(key: str, text: str) -> None:
    """The shortcut for texts that stay as they are agrees with the way that those in lists take."""
    assert canonical_form({key: text}).get(key, "") == canonical_form({key: [text]})[key][0]  # type: ignore[index]
