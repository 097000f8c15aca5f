"""Captures: every answer with its headers, and its body byte for byte."""

from __future__ import annotations

import json
import sqlite3

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from storage import captures, frontier
from storage.errors import ArchiveDamaged
from tests.storage import making


@pytest.fixture
def connection() -> sqlite3.Connection:
    connection = making.memory()
    frontier.enqueue(connection, [making.wanted("1")], scope=None, found_on=None, now=making.NOW)
    return connection


@given(body=st.binary(max_size=5_000))
def test_a_body_comes_back_byte_for_byte(body: bytes) -> None:
    """Whatever the bytes were."""
    connection = making.memory()
    frontier.enqueue(connection, [making.wanted("1")], scope=None, found_on=None, now=making.NOW)
    answer = making.capture(body)
    captures.add(connection, 1, "", 1, answer)
    assert captures.body(connection, answer.sha256) == body
    connection.close()


def test_the_same_body_is_kept_once(connection: sqlite3.Connection) -> None:
    """Two captures may share a body."""
    for _ in range(2):
        captures.add(connection, 1, "", 1, making.capture(b"the same"))
    assert making.rows(connection, "SELECT (SELECT count(*) FROM capture), (SELECT count(*) FROM body)") == [(2, 1)]


def test_a_body_that_is_not_kept_is_none(connection: sqlite3.Connection) -> None:
    """Media bodies are in the media tree; their captures are here."""
    answer = making.capture(None)
    captures.add(connection, 1, "", 1, answer)
    assert captures.body(connection, answer.sha256) is None


def test_what_is_no_text_does_not_cost_the_run(connection: sqlite3.Connection) -> None:
    """A server may send any bytes for a media type; SQLite keeps no lone surrogate, in which Python spells them."""
    answer = replace(making.capture(b"a body"), media_type="image/jp\udcffg", error="not an image/jp\udcffg")
    captures.add(connection, 1, "", 1, answer)
    kept = making.rows(connection, "SELECT media_type, error FROM capture")
    assert kept == [("image/jp\ufffdg", "not an image/jp\ufffdg")]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"not a frame",
        zstandard.ZstdCompressor().compress(b"x" * 1_000)[:-4],
        # A frame that says it holds a pebibyte.
        b"\x28\xb5\x2f\xfd\xe0" + (1 << 50).to_bytes(8, "little") + b"\x01\x00\x00",
    ],
)
def test_a_damaged_body_is_an_error_of_ours(connection: sqlite3.Connection, frame: bytes) -> None:
    """Damage is said, and nothing is reserved for what a damaged frame claims to hold."""
    connection.execute("INSERT INTO body VALUES ('abc', ?)", (frame,))
    with pytest.raises(ArchiveDamaged, match="abc"):
        captures.body(connection, "abc")


def test_headers_are_json_with_lists_where_repeated() -> None:
    """Names in lower case; what was sent twice is a list, in order; any character survives."""
    headers = (("Content-Type", "text/html"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X-Odd", "é\ud800\x01"))
    assert json.loads(captures.headers_json(headers)) == {
        "content-type": "text/html",
        "set-cookie": ["a=1", "b=2"],
        "x-odd": "é\ud800\x01",
    }


def test_the_view_tells_where_an_answer_came_from(connection: sqlite3.Connection) -> None:
    """A capture from the row's own URL does not repeat it; one from elsewhere says where."""
    own = making.wanted("1").url
    captures.add(connection, 1, own, 1, making.capture(url=own))
    captures.add(connection, 1, own, 1, making.capture(url="https://api.example.org/1", error="not JSON"))
    assert making.rows(connection, "SELECT url FROM capture") == [(None,), ("https://api.example.org/1",)]
    assert making.rows(connection, "SELECT url, error, kind, run FROM captures") == [
        (own, None, "article", 1),
        ("https://api.example.org/1", "not JSON", "article", 1),
    ]
