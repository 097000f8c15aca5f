"""The CMS's webhook (contract 7.1): both bodies, signatures, and times that are still believed."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import ParseError
from crawler.webhooks import Saved, is_signed, oldest_believed, read

SECRET = "the newsroom's secret"
BODY_A = (
    b'{"automationId":"2","queueId":"77","timestamp":"2026-01-23 12:23:37","subject":"","user_id":"56",'
    b'"article_id":"1488083","parent_automation_id":"2","trigger_id":"content_publish"}'
)
BODY_B = {"automationId": 10, "queueId": 123, "condition": "condition_success", "timestamp": "2026-01-23 12:23:37"}
MOMENTS = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z")


def signed(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "body",
    [
        BODY_A,
        json.dumps({**BODY_B, "parameters": {"user_id": "123", "article_id": "1488083"}}).encode(),
        json.dumps({**BODY_B, "parameters": {"article_id": 1488083}}).encode(),
        json.dumps({**BODY_B, "parameters": '{"user_id":"123","article_id":"1488083"}'}).encode(),
        json.dumps({**BODY_B, "parameters": [], "article_id": 1488083, "new": {"field": [1]}}).encode(),
        b"\xef\xbb\xbf" + BODY_A,
    ],
    ids=["A", "B", "B with a number", "B as JSON text", "unknown fields", "a byte order mark"],
)
def test_both_bodies_name_the_article_and_the_moment(body: bytes) -> None:
    """The article's id, and the site's local time as an instant, are read from either body."""
    assert read(body, "Asia/Beirut") == Saved("1488083", "2026-01-23T10:23:37Z")


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "empty"),
        (b"not json", "JSON"),
        (b"[" * 60_000, "nested|JSON"),
        (b'"text"', "no article"),
        (b'{"timestamp":"2026-01-23 12:23:37"}', "no article"),
        (b'{"article_id":"../../etc","timestamp":"2026-01-23 12:23:37"}', "no article"),
        (b'{"article_id":"0","timestamp":"2026-01-23 12:23:37"}', "no article"),
        (b'{"article_id":true,"timestamp":"2026-01-23 12:23:37"}', "no article"),
        (b'{"article_id":"' + b"9" * 5000 + b'"}', "no article"),
        (b'{"article_id":"7"}', "no timestamp"),
        (b'{"article_id":"7","timestamp":"yesterday"}', "no timestamp"),
    ],
)
def test_what_cannot_be_read_is_said(body: bytes, words: str) -> None:
    """No article, no time or no JSON is an error that says which."""
    with pytest.raises(ParseError, match=words):
        read(body, "Asia/Beirut")


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Nothing but ParseError comes of a hostile body."""
    with suppress(ParseError):
        assert read(body, "UTC").article.isdecimal()


def test_the_signature_is_of_the_bytes_as_they_came() -> None:
    """The right secret over the right bytes, in either case of hex digits; a bit more or less is wrong."""
    right = signed(BODY_A)
    assert is_signed(BODY_A, right, SECRET)
    assert is_signed(BODY_A, f" {right.upper()} ", SECRET)
    assert not is_signed(BODY_A + b" ", right, SECRET)
    assert not is_signed(BODY_A, right, "another secret")
    assert not is_signed(BODY_A, right.removeprefix("sha256="), SECRET)


@given(st.text() | st.text().map(lambda text: f"sha256={text}"))
def test_no_other_signature_passes(signature: str) -> None:
    """Whatever stands in the header, strange characters included, is refused without an error."""
    assert not is_signed(BODY_A, signature, SECRET)


def test_without_a_secret_nothing_is_signed() -> None:
    """An empty secret, with which anybody could sign, is none."""
    assert not is_signed(BODY_A, "sha256=" + hmac.new(b"", BODY_A, hashlib.sha256).hexdigest(), "")


@pytest.mark.parametrize(
    "newest, now, oldest",
    [
        ("", "2026-01-23T12:00:00Z", ""),
        ("2026-01-23T11:00:00Z", "2026-01-23T12:00:00Z", "2026-01-23T09:00:00Z"),
        ("2022-01-23T11:00:00Z", "2026-01-23T12:00:00Z", "2022-01-23T09:00:00Z"),  # a newsroom with a clock of its own
        ("2038-01-19T03:14:07Z", "2026-01-23T12:00:00Z", "2026-01-23T10:00:00Z"),  # one that ran ahead for a moment
        ("0001-01-01T00:00:00Z", "2026-01-23T12:00:00Z", ""),
    ],
)
def test_messages_are_believed_by_the_newsrooms_own_clock(newest: str, now: str, oldest: str) -> None:
    """Two hours before the newest message, or before now where that is in the future."""
    assert oldest_believed(newest, now) == oldest


@given(MOMENTS, MOMENTS)
def test_a_message_of_now_is_always_believed(newest: str, now: str) -> None:
    """Whatever came before, what the newsroom saves now is not too old."""
    assert oldest_believed(newest, now) <= now


def test_clocks_put_back_silence_nobody() -> None:
    """In the hour that comes twice, a message may seem an hour older than the one before it."""
    before = read(b'{"article_id":"1","timestamp":"2026-10-24 23:59:00"}', "Asia/Beirut").at
    after = read(b'{"article_id":"1","timestamp":"2026-10-24 23:01:00"}', "Asia/Beirut").at
    assert oldest_believed(before, before) <= after
