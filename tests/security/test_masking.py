"""The key of a request, looked for in whatever a server repeats: every spelling of it is found, and nothing else."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.captures import without_secrets
from crawler.masking import MASK, HiddenKey
from tests.fuzz.growth import MOST_GROWTH, growth

KEY = "abc+/defghijklmnop=="
READS_AS_AN_ESCAPE = re.compile(r"\\|%25|&(?:amp;|#)", re.IGNORECASE)  # a key that does has two readings
KEYS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFFF, exclude_categories=["Cs"], exclude_characters="«»")
)
SAFE_KEYS = KEYS.filter(lambda key: len(key) >= 12 and not READS_AS_AN_ESCAPE.search(key))
PLAIN_KEYS = st.text("kqz7/+=:&%", min_size=12)  # no two of these make another one


def spellings(character: str) -> list[str]:
    """Return ways in which servers write one character."""
    percent = "".join(f"%{byte:02x}" for byte in character.encode())
    unicode = json.dumps(f"{character}\x00")[1:-7] if ord(character) > 0x7E else f"\\u{ord(character):04x}"
    return [
        character, percent, percent.upper(), percent.replace("%", "%25"), unicode, unicode.replace("\\", "\\\\"),
        f"&#{ord(character)};", f"&#x{ord(character):X};", f"&amp;#0{ord(character)};", html.escape(character),
        *(["\\/", "\\\\\\/", "&sol;"] if character == "/" else []),
    ]  # fmt: skip


@st.composite
def spelt(draw: st.DrawFn, keys: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    """Draw a key, and a spelling of each of its characters."""
    key = draw(keys)
    return key, [draw(st.sampled_from(spellings(character))) for character in key]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        quote(KEY, safe=""),
        "abc%2b%2fdefghijklmnop%3d%3d",
        "abc%2B/defghijklmnop%3D%3d",
        "abc%252B%252Fdefghijklmnop%253D%253D",
        "abc+\\/defghijklmnop==",
        "abc+/defghijklmnop\\u003d\\u003D",
        "abc\\x2b/defghijklmnop\\\\u003d=",
        "abc&#43;&sol;defghijklmnop&#x3d;&equals;",
        "abc\\u0026plus;/defghijklmnop&amp;#61;=",
        "%61\\u0062&#99;+/defghijklmnop==",
    ],
)
def test_a_key_is_masked_however_servers_escape_it(text: str) -> None:
    """Escapes of URLs, JSON, JavaScript and HTML, in either case, some or all, once or twice, hide no key."""
    key = HiddenKey(KEY, "")
    assert key.is_in(text)
    assert key.out_of(f"<{text}>") == f"<{MASK}>"
    assert key.out_of_bytes(f"<{text}>".encode()) == b"<" + b"*" * len(text) + b">"


@given(spelt(SAFE_KEYS | PLAIN_KEYS))
def test_any_mixture_of_spellings_is_masked(drawn: tuple[str, list[str]]) -> None:
    """Of any key, each character may be spelt in another way: the whole is masked, and what is around it stays."""
    key, characters = drawn
    text = "".join(characters)
    hidden = HiddenKey(key, "")
    assert hidden.out_of(f"«{text}»") == f"«{MASK}»"
    body = text.encode()
    assert hidden.out_of_bytes(b"\x00" + body + b"\x00") == b"\x00" + b"*" * len(body) + b"\x00"


@given(KEYS.filter(bool))
def test_any_key_is_masked_where_it_is_spelt_out(key: str) -> None:
    """Also a key that reads as an escape is found as it is, and percent-encoded as a whole."""
    for text in (key, quote(key, safe="")):
        assert HiddenKey(key, "").out_of(f"«{text}»").replace("*", "") == "«»"


@given(spelt(PLAIN_KEYS))
def test_a_text_without_the_key_stays(drawn: tuple[str, list[str]]) -> None:
    """Of a key whose last character is missing nothing is masked, however it is spelt."""
    key, characters = drawn
    text = "".join(characters[:-1])
    assert HiddenKey(key, "").out_of(text) == text
    assert HiddenKey(key, "").out_of_bytes(text.encode()) == text.encode()


def test_a_key_in_a_url_is_masked_in_another_spelling() -> None:
    """A key that was sent in the URL is found where the server escapes it in its own way."""
    key = HiddenKey("", f"https://cms.example/search?key={quote(KEY, safe='')}&page=1")
    assert key.out_of(f'{{"next": "\\/search?key={quote(KEY).lower()}"}}') == f'{{"next": "\\/search?key={MASK}"}}'


@pytest.mark.parametrize("query", ["key=a", "Key=a", "k%65y=a", "api_KEY=a&token=b"])
def test_a_key_is_not_kept_in_the_url_of_a_capture(query: str) -> None:
    """However its parameter's name is spelt; a URL without one stays as it is, character for character."""
    assert without_secrets(f"https://cms.example/a?{query}&b=1") == "https://cms.example/a?b=1"
    assert without_secrets("https://cms.example/a?b=%7e&&c") == "https://cms.example/a?b=%7e&&c"


def test_a_short_key_is_not_looked_for_in_bodies() -> None:
    """A key that could be a word of the article is masked in messages only."""
    assert HiddenKey("a/word", "").out_of_bytes(b"a\\/word") == b"a\\/word"
    assert HiddenKey("a/word", "").out_of("a\\/word") == MASK


@pytest.mark.parametrize("key", [KEY, "\\" * 40, "%25" * 40, "&amp;" * 30, "\\u005c" * 20])
@pytest.mark.parametrize("piece", ["\\", "%", "%25", "&", "&amp;", "&#0", "\\u005c", "\\u0026amp;"])
def test_looking_for_a_key_takes_linear_time(key: str, piece: str) -> None:
    """Neither the beginnings of escapes nor a key that reads as escapes make a search slow."""
    hidden = HiddenKey(key, "")
    hidden.out_of_bytes(b"%")  # compiled
    assert growth(lambda size: piece.encode() * (size // len(piece)), hidden.out_of_bytes) < MOST_GROWTH
