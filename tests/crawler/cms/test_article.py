"""Reading an article object: the seed exactly, every quirk of contract 4, and nothing fatal but what is no article."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crawler.cms import article, canonical, media, terms
from crawler.errors import ParseError
from crawler.targets import TargetKind
from storage.records import ArticleRecord, Role, Source
from tests.crawler.cms.making import (
    DM,
    OLJ,
    SEED,
    SEED_URL,
    STAGING,
    a_category,
    a_keyword,
    an_article,
    text_of,
)


def read(changed: dict[str, Any]) -> article.Article:
    return article.read(text_of(changed), DM, Source.API)


def record(**changes: Any) -> ArticleRecord:
    return read(an_article(**changes)).record


class TestSeed:
    """The one real document we were given."""

    text = SEED.decode()
    found = article.read(text, STAGING, Source.API)

    def test_facts(self) -> None:
        """Its facts are read as they stand, its time in the newsroom's zone."""
        record = self.found.record
        assert (record.site, record.cms_id, record.url, record.status) == ("dm", "1758224", SEED_URL, "publish")
        assert record.title.startswith("As Minusma exits Mali questions remain on regional leaders’ ability")
        assert (record.first_published, record.first_published_raw) == ("2023-07-06T12:54:06Z", "2023-07-06 14:54:06")
        assert (record.last_update, record.last_update_raw) == ("2023-07-06T12:54:06Z", "2023-07-06 14:54:06")
        assert record.content_type == "Article"
        assert record.summary.startswith("The UN mission’s withdrawal opens the door")
        assert record.paths == ("dm:" + SEED_URL.removeprefix("https://staging.dailymaverick.co.za").rstrip("/"),)
        assert (self.found.compact, self.found.public, self.found.linked_ids) == (False, True, ())

    def test_json_is_kept_as_it_came(self) -> None:
        """The text is kept byte for byte."""
        assert self.found.record.json.encode() == SEED

    def test_text(self) -> None:
        """Its body reads as paragraphs, without markup."""
        paragraphs = self.found.record.text.split("\n\n")
        assert paragraphs[0].startswith("On 30 June the United Nations (UN) Security Council voted unanimously")
        assert paragraphs[-1] == "First published by ISS Today."
        assert "<" not in self.found.record.text
        assert self.found.record.word_count == len(self.found.record.text.split()) == 938

    def test_terms(self) -> None:
        """Two categories, nine keywords and one author, in order."""
        terms = self.found.record.terms
        kinds = [term.kind for term in terms]
        assert [kinds.count(kind) for kind in ("category", "keyword", "author")] == [2, 9, 1]
        assert [(term.cms_id, term.name) for term in terms[:3]] == [
            ("3", "Africa"),
            ("387188", "Maverick News"),
            ("5966", "Russia"),
        ]
        assert (terms[-1].cms_id, terms[-1].slug) == ("306060", "fahiraman-rodrigue-and-hassane-kone")
        assert json.loads(terms[0].json)["typeId"]["typeId"] == "1"

    def test_renditions(self) -> None:
        """The original and five transforms, the aliases adding none."""
        renditions = self.found.record.renditions
        assert [(r.role, r.transform) for r in renditions] == [
            (Role.ORIGINAL, None),
            (Role.TRANSFORM, "200x100"),
            (Role.TRANSFORM, "450x0"),
            (Role.TRANSFORM, "800x0"),
            (Role.TRANSFORM, "1200x0"),
            (Role.TRANSFORM, "1600x0"),
        ]
        assert {r.attachment_id for r in renditions} == {"55614"}
        assert all(r.url in self.text for r in renditions)

    def test_links(self) -> None:
        """Each term leads to its listing."""
        links = self.found.links(STAGING)
        assert len(links) == 12
        assert (links[0].kind, links[0].key) == (TargetKind.CATEGORY, "dm:category/africa")

    def test_hash_is_the_same_in_every_release(self) -> None:
        """The hash never changes by itself: every held article would seem edited."""
        assert self.found.record.content_hash == "9f98e7bd1cee221c05961a3788ad36bbc329551bbaf753cc0b4fb119009d2854"


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"id": 42}, "42"),
        ({"id": 42.0}, "42"),
        ({"id": " 42 "}, "42"),
        ({"id": None, "signature": "Article:7"}, "7"),
        ({"id": "", "signature": "Article:7"}, "7"),
        ({"id": "007", "signature": "Article:7"}, "7"),
    ],
)
def test_id_comes_from_id_or_signature(changes: dict[str, Any], expected: str) -> None:
    """An id may be text or number; where it is unusable the signature tells it."""
    assert record(**changes).cms_id == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "null",
        '"Article"',
        "{}",
        '{"id": 5}',
        '{"id": true, "title": "x"}',
        '{"id": "2023-07-06-slug", "title": "x"}',
        '{"id": "../../etc", "title": "x"}',
        '{"id": 0, "title": "x"}',
        '{"id": -3, "title": "x"}',
        '{"id": "٤٢", "title": "x"}',
        '{"slug": "42", "title": "x"}',
        '{"id": "3", "objectType": "Category", "title": "x"}',
        '{"id": 1, "title": NaN}',
        '{"id": 1, "title": "a',
        '{"id": 1, "title": "x"} and more',
    ],
)
def test_what_is_no_article_is_refused(text: str) -> None:
    """Without a usable id, or of another type, an object is no article."""
    with pytest.raises(ParseError):
        article.read(text, DM, Source.API)


@pytest.mark.parametrize("opening, closing", [('{"id":1,"title":', "}"), ("[", "]"), ('{"a":[', "]}")])
@pytest.mark.parametrize("depth", [150, 900, 10_000, 200_000])
def test_deep_nesting_is_refused(opening: str, closing: str, depth: int) -> None:
    """Nesting that no newsroom makes is refused, however deep, and not followed."""
    inner = opening * depth + "1" + closing * depth
    with pytest.raises(ParseError):
        article.read(f'{{"id":1,"title":"x","extra":{inner}}}', DM, Source.API)


def test_parents_of_categories_may_be_nested_as_deep_as_they_come() -> None:
    """A dozen generations of categories are no attack."""
    category = a_category()
    for number in range(12):
        category = a_category(str(number + 10), parent=category)
    assert len([t for t in record(categories=[category]).terms if t.kind == "category"]) == 1


@pytest.mark.parametrize(
    "wrong", [None, "", "x", 7, 4.5, True, [], {}, [None], [7, "x", []], {"a": 1}, [[[]]], {"0": {}}]
)
@pytest.mark.parametrize("key", sorted(set(an_article()) - {"id", "objectType"}))
def test_wrong_types_are_never_fatal(key: str, wrong: object) -> None:
    """Any field may hold anything, and the article is still read."""
    assert record(**{key: wrong}).cms_id == "42"


@pytest.mark.parametrize("key", ["html", "body", "raw", "rendered", "content", "value", "text"])
def test_contents_may_be_an_object(key: str) -> None:
    """A body may come inside an object, under one of several names."""
    assert record(contents={key: "<p>Inside.</p>"}).text == "Inside."


def test_introduction_precedes_the_body() -> None:
    """The text is introduction and body, as read."""
    assert record(introduction="<p>First.</p>", contents="<p>Then.</p>").text == "First.\n\nThen."


@pytest.mark.parametrize(
    "changes, summary",
    [
        ({"summary": "<p>One</p>"}, "One"),
        ({"summary": "<p><br></p>", "description": "Two"}, "Two"),
        ({"summary": "", "description": None, "short_summary": "Three"}, "Three"),
        ({"summary": ""}, ""),
    ],
)
def test_summary_falls_back(changes: dict[str, Any], summary: str) -> None:
    """An empty summary gives way to the description, and that to the short summary."""
    assert record(**changes).summary == summary


def test_title_is_not_unescaped() -> None:
    """A title is plain text and stays as it was sent."""
    assert record(title="Salt &amp; <i>vinegar</i>").title == "Salt &amp; <i>vinegar</i>"


@pytest.mark.parametrize(
    "url, kept",
    [
        (
            "https://prod.example.co.za/article/2024-02-03-a-boat/",
            "https://prod.example.co.za/article/2024-02-03-a-boat/",
        ),
        ("/article/2024-02-03-a-boat/", "https://www.example.co.za/article/2024-02-03-a-boat/"),
        ("", "https://www.example.co.za/article/42"),
        ("javascript:alert(1)", "https://www.example.co.za/article/42"),
        (None, "https://www.example.co.za/article/42"),
    ],
)
def test_url_is_a_web_address(url: object, kept: str) -> None:
    """The URL is as sent where it is one, else the address by id."""
    assert record(url=url).url == kept


@pytest.mark.parametrize(
    "url, paths",
    [
        ("https://www.example.co.za/article/2024-02-03-a-boat/", ("dm:/article/2024-02-03-a-boat",)),
        ("https://staging.example.co.za/article/2024-02-03-a-boat", ("dm:/article/2024-02-03-a-boat",)),
        ("https://www.example.co.za/article/a-boat/", ()),
        ("https://www.example.co.za/article/42", ()),
        ("https://www.example.co.za/cartoon/a-boat/", ("dm:/cartoon/a-boat",)),
        ("https://elsewhere.org/article/2024-02-03-a-boat/", ()),
        ("https://evilexample.co.za/article/2024-02-03-a-boat/", ()),
        ("https://www.example.co.za/article/43", ()),
        ("https://www.example.co.za/category/africa/", ()),
    ],
)
def test_paths_lead_to_this_article_only(url: str, paths: tuple[str, ...]) -> None:
    """Paths count whatever front of the CMS they name; undated slugs, ids and other houses do not."""
    assert record(url=url, shorturl="").paths == paths


def test_ids_in_paths_need_no_alias() -> None:
    """Where URLs hold the id, no path is noted."""
    made = an_article(url="https://today.example.com/article/42/a-boat.html", shorturl="https://ex.me/42")
    assert article.read(text_of(made), OLJ, Source.API).record.paths == ()


def test_terms_in_other_shapes() -> None:
    """Flat keywords, bare names, maps with gaps and lone objects are terms as well."""
    terms = record(
        categories=a_category("3"),
        keywords={"0": {"id": 8, "name": " Mali "}, "2": "Ecowas", "5": a_keyword("9", display_name=None)},
        authors=["Ada Lane", {"name": "Bo", "url": "https://www.example.co.za/author/bo/"}, {"name": "Ada Lane"}],
    ).terms
    assert [(t.kind, t.cms_id, t.name) for t in terms] == [
        ("category", "3", "Africa"),
        ("keyword", "8", "Mali"),
        ("keyword", "Ecowas", "Ecowas"),
        ("keyword", "9", "russia"),
        ("author", "Ada Lane", "Ada Lane"),
        ("author", "bo", "Bo"),
    ]


def test_stale_snapshots_are_merged() -> None:
    """Of a category that occurs twice the facts of both are kept, and double slashes go."""
    stale = a_category("1035", name="", slug="", url="https://www.example.com//1035-chefs", articlesCount="187")
    full = a_category("1035", name="Chefs", slug="chefs", typeId=[])
    (term,) = (t for t in record(categories=[stale, full]).terms if t.kind == "category")
    assert (term.name, term.slug, term.url) == ("Chefs", "chefs", "https://www.example.com/1035-chefs")
    assert json.loads(term.json)["typeId"] == {"typeId": "1", "name": "Example"}


def test_linked_articles_are_named() -> None:
    """Articles embedded in this one are named in order, each once, never the article itself."""
    chef = an_article(id="1463801", contents="", summary="")
    nested = {"type": "Article", "data": {"id": 77, "title": "Another"}}
    found = read(an_article(chef=chef, related=[nested, chef, an_article()], options={"chef": 1463801}))
    assert found.linked_ids == ("77", "1463801")


@pytest.mark.parametrize(
    "changes, compact",
    [
        ({"contents": "", "summary": ""}, True),
        ({"contents": None, "summary": None, "content_length": "6371"}, True),
        ({"contents": "", "summary": "", "content_length": 0}, False),
        ({"contents": ""}, False),
        ({}, False),
    ],
)
def test_compact_objects_are_recognised(changes: dict[str, Any], compact: bool) -> None:
    """An object without texts that has a length was sent without them."""
    assert read(an_article(**changes)).compact is compact


@pytest.mark.parametrize("status, public", [("publish", True), ("draft", False), ("", True), ("trash", False)])
def test_only_what_is_published_is_public(status: str, public: bool) -> None:
    """Any other status is not public."""
    assert read(an_article(status=status)).public is public


def test_what_cannot_be_stored_is_replaced() -> None:
    """Lone surrogates, endless numbers and huge ones leave a record that SQLite takes; the text stays as it came."""
    text = (
        '{"id":1,"title":"a\\ud800b","contents":"\\udfff","keywords":[{"id":1e999,"name":"k\\ud801","n":'
        + "9" * 300
        + ',"inf":-1e999}]}'
    )
    found = article.read(text, DM, Source.API).record
    assert (found.json, found.title, found.terms[0].name) == (text, "a\ufffdb", "k\ufffd")
    assert json.loads(found.terms[0].json)["inf"] is None
    assert found.content_hash.encode()


def test_the_last_of_duplicate_keys_counts() -> None:
    """Of duplicate keys the last one counts."""
    assert article.read('{"id":1,"title":"a","id":2,"title":"b"}', DM, Source.API).record.cms_id == "2"


def test_large_articles_are_read_in_linear_time() -> None:
    """Megabytes of text, pictures, keywords and linked articles are read as they come."""
    found = read(
        an_article(
            contents="<p>Word &amp; word</p>" * 100_000 + '<img src="https://cdn.example.org/p.jpg">',
            attachments=[{"id": n, "url": f"https://cdn.example.org/{n}.jpg"} for n in range(20_000)],
            keywords=[a_keyword(str(n)) for n in range(5_000)],
            related=[{"id": n, "title": "x"} for n in range(1, 20_000)],
        )
    )
    assert len(found.record.renditions) == 20_001
    assert found.record.word_count == 300_000
    assert len(found.linked_ids) == 19_998


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["publish", "[]", "{}", "<img src=a>"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(sorted(an_article())), inner)
    ),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from([*sorted(an_article()), "seo", "inline_attachments", "related", "chef"]), JSON))
def test_any_object_is_read_or_refused(changes: dict[str, Any]) -> None:
    """Whatever the fields hold, nothing but ParseError comes out."""
    changed = an_article(**changes)
    try:
        found = article.read(text_of(changed), DM, Source.API)
    except ParseError:
        return
    assert found.record.content_hash == article.read(text_of(changed), DM, Source.API).record.content_hash
    found.links(DM)


@given(st.dictionaries(st.text(), JSON))
def test_any_map_has_pictures_and_a_hash(article_like: dict[str, Any]) -> None:
    """The pure functions below take any map."""
    try:
        media.renditions(article_like, DM.base_url)
        assert len(canonical.content_hash(article_like, terms.filed(article_like))) == 64
    except ParseError:
        pass


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "replace")))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Text that is no JSON is refused."""
    with pytest.raises(ParseError):
        article.read(text, DM, Source.API)


@given(st.integers(0, len(SEED) - 1), st.binary(min_size=0, max_size=3))
def test_damaged_json_is_read_or_refused(position: int, replacement: bytes) -> None:
    """A few bytes changed anywhere in a real article never lead to another exception."""
    damaged = (SEED[:position] + replacement + SEED[position + 1 :]).decode("utf-8", "replace")
    with contextlib.suppress(ParseError):
        article.read(damaged, STAGING, Source.API)


@given(
    st.sampled_from(["categories", "keywords", "authors"]),
    st.dictionaries(
        st.sampled_from(["id", "keywordId", "name", "slug", "url", "x"]),
        st.sampled_from(["", "0", "5", 7, 1.5, None, ["a"], {"b": "é"}]),
    ),
)
def test_a_term_that_is_remembered_is_the_one_that_is_read(holder: str, facts: dict[str, Any]) -> None:
    """A term is the same remembered and read anew, as it is where its JSON is too long to be remembered."""
    short, long = (terms.read(terms.filed({holder: [{**facts, "y": padding}]})) for padding in ("", "y" * 5_000))
    assert [replace(term, json="") for term in short] == [replace(term, json="") for term in long]
    assert [json.loads(term.json) for term in short] == [{**facts, "y": ""}] * len(short)


NESTS = st.recursive(
    st.sampled_from(["Article", "Category", 5, None]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["objectType", "id", "name", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["contentType", "x", "teaser", "options"]), NESTS))
def test_articles_that_cannot_be_nested_are_not_looked_for(changes: dict[str, Any]) -> None:
    """The shortcut for JSON in which no other article is written agrees with the walk, to which an escape leads."""
    made = an_article(**changes)
    plain, escaped = text_of(made), text_of(made).replace('"Article"', '"\\u0041rticle"')
    linked = [article.read(text, DM, Source.API).linked_ids for text in (plain, escaped)]
    assert linked[0] == linked[1]
