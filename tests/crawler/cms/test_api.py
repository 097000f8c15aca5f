"""Envelopes, lists and errors of both APIs, in every form the contract knows (2.3, 2.4, 3)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cms import api, jsontext
from crawler.cms.api import ApiListing
from crawler.errors import ParseError
from tests.crawler.cms.making import SEED, a_category, a_keyword, an_article, text_of

ODD = '{ "id" : "7",\r\n "title":"a\\u00e9 \\/ é",  "contents": "<p>"\t}'  # spelled as nobody would spell it again


@pytest.mark.parametrize(
    "before, after",
    [
        ('{"data":[', "]}"),
        ('{"data": [ ', ' ], "error": false}'),
        ('{"error":false,"data":', "}"),
        ('{"error":"0","data":[', "]}"),
        ('{"data":{"7":', "}}"),
        ('{"items":[', ",{}]}"),
        ('{"data":[null,', "]}"),
        ('{"data":[],"data":[', "]}"),
        ("[", "]"),
        ("", ""),
        (" \r\n", "\n "),
        ("\ufeff", ""),
    ],
)
def test_the_article_is_cut_out_as_it_came(before: str, after: str) -> None:
    """Whatever is around it, the object's text is the server's, character for character."""
    assert api.single((before + ODD + after).encode()) == ODD


def test_the_seed_is_cut_out_as_it_came() -> None:
    """The real document stays byte for byte."""
    assert api.single(b'{"data":[' + SEED + b"]}").encode() == SEED


@pytest.mark.parametrize(
    "body, message",
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b'{"data":[]}', "empty"),
        (b'{"data":{}}', "empty"),
        (b'{"data":null}', "not an article"),
        (b'{"data":"soon"}', "not an article"),
        (b'{"data":[null,7]}', "not an article"),
        (b"[]", "empty"),
        (b'"ok"', "JSON"),
        (b'{"total":"many","page":null}', "neither"),
        (b'{"error":true,"message":"Unauthorized: Invalid API key"}', "Unauthorized: Invalid API key"),
        (b'{"error":1,"data":[{"id":1,"title":"x"}],"messages":["no","more"]}', "no"),
        (b'{"data":[{"id":"1"', "JSON"),
        (b"<html>", "JSON"),
        (b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "deep"),
        (b"[" * 1_000_000, "deep"),
    ],
)
def test_what_holds_no_article_is_refused(body: bytes, message: str) -> None:
    """Errors, emptiness, wrong shapes and broken JSON are told apart."""
    with pytest.raises(ParseError, match=message):
        api.single(body)


def listed(**changes: Any) -> bytes:
    return json.dumps({"total": 188, "page": 1, "data": [an_article()], **changes}).encode()


def test_listed_items() -> None:
    """An item tells enough to know the article and whether it changed."""
    categories = [a_category("3", typeId=[]), a_category("4"), a_category("4")]
    item = an_article(contents="", summary="", categories=categories, keywords=[a_keyword("8"), {"id": 9}])
    found = api.listing(listed(data=[item]))
    assert (found.total, found.page, found.unreadable) == (188, 1, 0)
    (one,) = found.items
    assert (one.id, one.title, one.url) == ("42", "A boat", item["url"])
    assert (one.first_published, one.last_update, one.content_length) == (*["2024-02-03 10:00:00"] * 2, 13)
    assert (one.category_ids, one.keyword_ids, one.attachment_ids) == (("3", "4"), ("8", "9"), ("7",))


@pytest.mark.parametrize(
    "body, expected",
    [
        (listed(total="188", page="2"), (["42"], 188, 2, 0)),
        (listed(total="many", page=None), (["42"], None, None, 0)),
        (listed(total=-1), (["42"], None, 1, 0)),
        (listed(data=[]), ([], 188, 1, 0)),
        (listed(data=[], total=0), ([], 0, 1, 0)),
        (listed(data=None, total="0"), ([], 0, 1, 0)),
        (listed(data={"42": {"id": 42}, "7": {"id": "7"}}), (["42", "7"], 188, 1, 0)),
        (listed(data={"id": 5, "title": "x"}), (["5"], 188, 1, 0)),
        (listed(data=[{"id": 1}, None, 7, "x", {}, {"slug": "42"}, {"id": 2}]), (["1", "2"], 188, 1, 5)),
        (listed(data=[{"id": 1, "title": "a"}, {"id": "1", "title": "b"}]), (["1"], 188, 1, 0)),
        (listed(data=[{"type": "Article", "data": {"id": 9}}]), (["9"], 188, 1, 0)),
        (listed(data=[{"signature": "Article:9"}]), (["9"], 188, 1, 0)),
        (b'{"items":[{"id":1}]}', (["1"], None, None, 0)),
        (b'[{"id":1}]', (["1"], None, None, 0)),
        (b'\xef\xbb\xbf{"data":[{"id":1,"rating":1e999}]}', (["1"], None, None, 0)),
        (b'{"error":false,"data":[{"id":"1"}],"total":"3","htmlPrepend":"","htmlAppend":""}', (["1"], 3, None, 0)),
    ],
)
def test_lists_come_in_many_shapes(body: bytes, expected: tuple[list[str], int | None, int | None, int]) -> None:
    """Numbers as text, maps for lists, both envelopes and none, repeated and unreadable items."""
    found = api.listing(body)
    assert ([item.id for item in found.items], found.total, found.page, found.unreadable) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"7", b'"ok"', b"null", b"<html>", b'{"data":"soon"}', b'{"data":null}', b'{"total":3}',
        b'{"total":"many","page":null,"data":{"items":3}}', b'{"data":[null,7]}', b'{"error":true,"data":[]}',
        b'{"data":[{"id":1}', b"\xff", b'{"data":[{"id":NaN}]}', b"[" * 10_000, b'{"data":' * 5_000,
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(body: bytes) -> None:
    """An answer in which nothing is listed is not taken for the end of the list."""
    with pytest.raises(ParseError):
        api.listing(body)


def test_a_category_is_read_with_its_descendants() -> None:
    """The classic view has children; those of children count as well, each once."""
    children = [{"id": "8", "children": [{"id": 9}, {"id": "8"}]}, {"id": ""}, "10", 11, None]
    body = json.dumps({"error": False, "data": [{"id": "3", "name": "Africa", "url": "/c/3", "children": children}]})
    view = api.category(body.encode())
    assert (view.id, view.name, view.slug, view.url) == ("3", "Africa", "", "/c/3")
    assert view.children == api.category_children(body.encode()) == ("8", "9", "10", "11")
    assert api.category_children(b'{"data":{"id":3,"name":"x","children":[]}}') == ()


@pytest.mark.parametrize("body", [b"", b'{"data":[]}', b'{"data":[{"name":"x"}]}', b'{"error":true}', b"{}"])
def test_what_is_no_category_is_refused(body: bytes) -> None:
    """Without an id there is no category."""
    with pytest.raises(ParseError):
        api.category_children(body)


@pytest.mark.parametrize(
    "body, message",
    [
        (b'{"error":true,"message":"Content not found"}', "Content not found"),
        (b'{"error":true,"mess":"cut"}', "cut"),
        (b'{"error":true,"messageText":"long"}', "long"),
        (b'{"error":"Missing API-Key header"}', "Missing API-Key header"),
        (b'{"error":{"code":5,"message":"deep"}}', "deep"),
        (b'{"errors":["first","second"]}', "first"),
        (b'{"error":true}', ""),
        (b'"Unauthorized"', "Unauthorized"),
        (b"Invalid limit specified.\r\nMust be 1-100\n", "Invalid limit specified. Must be 1-100"),
        (b"<html><body><h1>Access denied</h1><p>Robot?</p>", "Access denied Robot?"),
        (b'{"message": "cut o', '{"message": "cut o'),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\x1b[31mb", "a\\x1b[31mb"),
        (b"", ""),
    ],
)
def test_error_messages(body: bytes, message: str) -> None:
    """A message is found in JSON and text, and cannot talk to a terminal."""
    assert api.error_message(body) == message


def test_error_messages_are_short() -> None:
    """However long the body, a message fits a line."""
    assert len(api.error_message(b"x" * 1_000_000)) == 200
    assert len(api.error_message(b"<" * 1_000_000)) == 200


def test_long_lists_are_read() -> None:
    """Fifty thousand items are as good as fifty."""
    found = api.listing(listed(data=[{"id": n} for n in range(1, 50_001)]))
    assert isinstance(found, ApiListing)
    assert len(found.items) == 50_000


@given(st.binary() | st.text().map(str.encode))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """No bytes lead to another exception than ParseError."""
    api.error_message(body)
    readers: tuple[Callable[[bytes], object], ...] = (api.single, api.listing, api.category_children)
    for read in readers:
        with contextlib.suppress(ParseError):
            read(body)


@given(st.integers(0, 3_000), st.binary(max_size=3))
def test_a_damaged_list_is_read_or_refused(position: int, replacement: bytes) -> None:
    """A few bytes changed in a good answer never lead to another exception."""
    body = f'{{"total":2,"page":1,"data":[{text_of(an_article())},{text_of(an_article(id=43))}]}}'.encode()
    body = body[:position] + replacement + body[position + 1 :]
    for read in (api.single, api.listing):
        with contextlib.suppress(ParseError):
            read(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"id":1,"title":"caf\xe9"}]}',
        '{"data":[{"id":1,"title":"caf\ufffd"}]}'.encode("utf-16"),
        b'{"id":2,"title":"not this","data":[{"id":1,"title":"caf\xff"}]}',
    ],
)
def test_one_bad_byte_loses_no_article(body: bytes) -> None:
    """What is no UTF-8 stands as U+FFFD, and the article within the envelope is the article."""
    assert api.single(body) == '{"id":1,"title":"caf\ufffd"}'


def test_an_article_may_have_a_list_of_its_own() -> None:
    """A bare article is read as itself, although one of its fields is named like an envelope."""
    assert '"id":1' in api.single(b'{"id":1,"title":"x","items":[{"id":7}],"data":[]}')


@given(
    st.lists(
        st.sampled_from(
            [
                '{"id":"6"}',
                '{"id":"5"',
                ',"title":"t',
                '"',
                "}",
                "]",
                "[",
                "{",
                ",",
                " ",
                "\n",
                "{}",
                '"é"',
                "1e999",
                "\\ud800",
            ]
        )
    ).map("".join)
)
def test_the_usual_envelope_is_no_exception(inside: str) -> None:
    """The shortcut for the usual envelope agrees with the long way, which one that says more has to go."""
    usual = api.usual(f'{{"data": [{inside}]}}\n'.encode())
    if usual is not None:
        text = api.single(f'{{"data": [{inside}], "page": 1}}'.encode())
        assert usual == (text, jsontext.decode(text))


@pytest.mark.parametrize(
    "written, read",
    [
        (r"cut \ud83d", "cut \ufffd"),
        (r"\udc00 cut", "\ufffd cut"),
        (r"whole \ud83d\ude00", "whole \U0001f600"),
        (r"no escape: \\ud83d", r"no escape: \ud83d"),
        (r"\\\ud83d\ud83d\ude00", "\\\ufffd\U0001f600"),
    ],
)
def test_half_a_character_is_no_reason_to_lose_an_article(written: str, read: str) -> None:
    """A CMS that cuts texts at a length makes such halves, and they are replaced; all else stays as it came."""
    text = f'{{"id": 7,  "title": "{written}"}}'
    found = api.single(f'{{"data": [{text}], "half": "\\ud83d"}}'.encode())
    assert jsontext.decode(found) == {"id": 7, "title": read}
    assert found.startswith('{"id": 7,  "title": ')
