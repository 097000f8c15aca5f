"""URLs: one spelling for identity, one for the wire, one for the eye."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from crawler.errors import BadURL, TargetError
from crawler.sites import _host_of, host_of
from crawler.urls import (
    MAX_LENGTH,
    MAX_WIRE_LENGTH,
    _made_legal,
    canonical,
    display,
    for_wire,
    join,
    path_key,
    with_query,
)

SIGNED = "https://cdn.example.org/i/aB-_9=/800x0/smart/filters:strip_exif()/file/a/wp-content/uploads/X%41;b[1].jpg"

# Text that is nearly a URL: where the interesting mistakes are.
PIECES = st.sampled_from(
    ["http://", "https://", "HTTP://", "//", "/", "..", ".", "%2e", "%2F", "%zz", "%", "%41", "a", "é", "ل", " ", "?",
     "#", "&", "=", "@", ":", ":80", ":99999", "[", "]", "[::1]", "x.org", "X.ORG.", "bücher.example", "\\", '"', "<",
     "\u202e", "\r\n", "\x00", "\ud800", "ﬀ", "℀", "|", "^", "`", "{", "}", "'", "(", ")", ";", ",", "p=1", "\u00a0"]
)  # fmt: skip
NEARLY = st.lists(PIECES, max_size=14).map("".join)
WEB = st.builds(
    lambda scheme, host, rest: f"{scheme}://{host}/{rest}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["x.org", "X.org:8080", "[::1]:80", "bücher.example", "10.0.0.1"]),
    st.text(max_size=60) | NEARLY,
)
T = TypeVar("T")
ANYTHING = st.text(max_size=80) | NEARLY | WEB


@pytest.mark.parametrize(
    "url, expected",
    [
        ("HTTPS://WWW.Example.ORG:443/Article/A/", "https://www.example.org/Article/A"),
        ("http://example.org:80", "http://example.org/"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://example.org//1035-chefs", "https://example.org/1035-chefs"),
        ("https://example.org/a/./b/../c/?utm_source=x#top", "https://example.org/a/c"),
        ("https://example.org/../../etc/passwd", "https://example.org/etc/passwd"),
        ("https://example.org/%2e%2E/a", "https://example.org/a"),
        ("https://example.org/%7euser/%c3%a9t%C3%A9", "https://example.org/~user/%C3%A9t%C3%A9"),
        ("https://example.org/été", "https://example.org/%C3%A9t%C3%A9"),
        ("https://example.org/a%2Fb", "https://example.org/a%2Fb"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://example.org/%2541", "https://example.org/%2541"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("http://[2001:DB8:0::1]:80/x", "http://[2001:db8::1]/x"),
        ("  https://example.org/a \n", "https://example.org/a"),
    ],
)
def test_spellings_of_one_url_have_one_canonical_form(url: str, expected: str) -> None:
    """Case, ports, escapes, dots, double and trailing slashes, query and fragment make no difference."""
    assert canonical(url) == expected


def test_named_query_parameters_are_kept() -> None:
    """Only what the caller names survives of a query, in one order and one encoding."""
    assert canonical("https://x.org/?b=2&utm=1&a=%c3%a9", keep=("a", "b")) == "https://x.org/?a=%C3%A9&b=2"


@pytest.mark.parametrize(
    "url, says",
    [
        ("", "empty"),
        ("ftp://example.org/a", "not an http or https URL"),
        ("javascript:alert(1)", "not an http or https URL"),
        ("example.org/a", "not an http or https URL"),
        ("http:///a", "names no host"),
        ("https://user:secret@example.org/", "carries credentials"),
        ("https://example.org:99999/", "no valid port"),
        ("https://example.org:0/", "no valid port"),
        ("https://[::1/", "not a URL"),
        ("https://[fe80::1%25eth0]/", "brackets"),
        ("https://exa mple.org/", "not a host name"),
        ("https://-x-.org/", "not a host name"),
        ("https://example.org/a\r\nHost: evil", "U+000D"),
        ("https://example.org/a\x00", "U+0000"),
        ("https://example.org/\u202egpj.exe", "U+202E"),
        ("https://example.org/\ud800", "U+D800"),
        ("https://example.org/" + "a" * 8_000, "8,020 characters"),
    ],
)
def test_what_is_no_usable_url_is_refused_with_the_reason(url: str, says: str) -> None:
    """The message says what is wrong, in printable characters and few of them; secrets are not repeated."""
    for read in (canonical, for_wire):
        with pytest.raises(BadURL) as caught:
            read(url)
        message = str(caught.value)
        assert says in message
        assert message.isprintable()
        assert len(message) < 300
        assert "secret" not in message
    assert issubclass(BadURL, TargetError)


@pytest.mark.parametrize(
    "url",
    [
        SIGNED,
        "https://s.example.org/storage/attachments/12/a.jpg/r/800/a.jpg",
        "https://x.org//double//slash/../and/%2e%2E/./dots/",
        "https://x.org/a?b=c%20d&&e='f'&g=[1]",
        "http://x.org:8080/@user/~me/!$&'()*+,;=:",
    ],
)
def test_a_legal_url_goes_out_exactly_as_given(url: str) -> None:
    """A signed path is valid as given or not at all (contract 6.3)."""
    assert for_wire(url) == url


@pytest.mark.parametrize(
    "url, sent",
    [
        (" https://x.org/a b.jpg\n", "https://x.org/a%20b.jpg"),
        ("https://x.org/é%C3%A9.jpg", "https://x.org/%C3%A9%C3%A9.jpg"),
        ('https://x.org/"<a>"\\^`{|}', "https://x.org/%22%3Ca%3E%22%5C%5E%60%7B%7C%7D"),
        ("https://x.org/100%.jpg", "https://x.org/100%25.jpg"),
        ("https://x.org", "https://x.org/"),
        ("https://x.org?a=1", "https://x.org/?a=1"),
        ("https://x.org/a?#top", "https://x.org/a"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
    ],
)
def test_only_what_is_illegal_is_encoded_for_the_wire(url: str, sent: str) -> None:
    """Spaces, quotes, non-ASCII and stray percent signs are encoded, once; what is never sent is cut off."""
    assert for_wire(url) == sent


@given(ANYTHING)
@example("https://x.org/%%34%31")
@example("https://x.org/%25zz/%2")
def test_canonical_is_idempotent_and_fails_only_as_declared(text: str) -> None:
    """Whatever the text, there is one canonical form or a BadURL."""
    try:
        once = canonical(text, keep=("p",))
    except BadURL:
        return
    assert canonical(once, keep=("p",)) == once
    assert len(once) <= MAX_LENGTH
    segments = urlsplit(once).path.split("/")
    assert ".." not in segments
    assert "." not in segments
    assert "//" not in urlsplit(once).path
    assert path_key(text) == urlsplit(once).path


@given(ANYTHING)
@example("https://x.org/a%2Fb/%2e%2e/c")
@example("https://X.org:443/%7Eme?x=1#y")
def test_what_is_sent_is_what_is_meant(text: str) -> None:
    """The spelling for the wire and the one given mean the same resource of the same host; neither is another's."""
    try:
        sent, once = for_wire(text), canonical(text)
    except BadURL:
        return
    assert canonical(sent) == once
    assert urlsplit(sent).netloc == urlsplit(once).netloc == URL(sent, encoded=True).raw_authority
    assert "@" not in urlsplit(sent).netloc


@given(ANYTHING)
@example("http://x.org:80")
@example("https://x.org/a?b=?")
def test_wire_urls_are_ascii_and_survive_the_http_client(text: str) -> None:
    """Whatever goes out holds no blank and no control character, and the client sends it unchanged."""
    try:
        sent = for_wire(text)
    except BadURL:
        return
    assert re.fullmatch(r"[\x21-\x7e]+", sent)
    assert len(sent) <= MAX_WIRE_LENGTH
    assert for_wire(sent) == sent
    assert str(URL(sent, encoded=True)) == sent


HOSTS = st.sampled_from(
    ["x.org", "X.Org", "x.org.", "x..org", "[::1]", "[::1", "x.org:80", "x.org:0", "x.org:443", "a_b"]
)
PARTS = st.lists(st.sampled_from([*"ab09-._~:/?[]@&=# ", "%41", "%4", "é", "//"]), max_size=12).map("".join)


@given(st.sampled_from(["http", "https"]), HOSTS, PARTS)
def test_short_cuts_lead_to_the_same_place(scheme: str, host: str, rest: str) -> None:
    """What is legal at a glance is spelled, joined and filed as what is taken apart."""
    url = f"{scheme}://{host}/{rest}"
    assert _said(for_wire, url) == _said(_made_legal, url)
    parts = _said(urlsplit, url)
    named = parts is not None and bool(parts.netloc)
    assert join("https://y.org/", url) == (url.strip().partition("#")[0] if named else "")
    assert _said(host_of, url) == _said(_host_of, url)
    for shortened in (canonical, path_key):
        assert _said(shortened, url) == _said(shortened, f" {url}")  # a blank is no part of it, and bars the short cut


def _said(read: Callable[[str], T], url: str) -> T | None:
    try:
        return read(url)
    except (ValueError, BadURL):
        return None


@given(st.lists(st.sampled_from([*"abcXYZ019-._~:/?[]@!$&'()*+,;=", "%41"]), max_size=80).map("".join))
def test_legal_characters_are_never_touched(rest: str) -> None:
    """A path and query of legal characters comes out as it went in."""
    url = f"https://x.org/{rest}"
    assert for_wire(url) == (url[:-1] if url.endswith("?") and url.count("?") == 1 else url)


@pytest.mark.parametrize(
    "ref, expected",
    [
        ("/article/a/", "https://x.org/article/a/"),
        ("b", "https://x.org/section/b"),
        ("?pagination=2", "https://x.org/section/africa?pagination=2"),
        ("//cdn.org/p.jpg", "https://cdn.org/p.jpg"),
        (SIGNED, SIGNED),
        ("https://y.org/a/../b", "https://y.org/a/../b"),
        ("\n /a\tb/ ", "https://x.org/ab/"),
        ("\x08\u00a0HTTP://y.org/a", "HTTP://y.org/a"),
        ("/a#part", "https://x.org/a"),
        ("#part", ""),
        ("", ""),
        ("javascript:void(0)", ""),
        ("mailto:a@b.org", ""),
        ("data:image/gif;base64,AAAA", ""),
        ("http://[bad", ""),
    ],
)
def test_references_are_joined_as_browsers_do(ref: str, expected: str) -> None:
    """A reference becomes an absolute web address, or nothing."""
    assert join("https://x.org/section/africa", ref) == expected


@given(ANYTHING, ANYTHING)
def test_join_never_raises(base: str, ref: str) -> None:
    """Pages hold any text as links."""
    joined = join(base, ref)
    assert joined == "" or joined.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://x.org/a", "https://x.org/a?page=3"),
        ("https://x.org/a?page=2", "https://x.org/a?page=3"),
        ("https://x.org/a?b=%20&page=2&c#top", "https://x.org/a?b=%20&c&page=3"),
    ],
)
def test_one_parameter_is_set_and_the_others_stay(url: str, expected: str) -> None:
    """Setting a page number replaces the old one and touches nothing else."""
    assert with_query(url, "page", 3) == expected


def test_a_parameter_is_encoded() -> None:
    """A name or value cannot smuggle in another parameter."""
    assert with_query("https://x.org/", "a b", "1&c=2") == "https://x.org/?a%20b=1%26c%3D2"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("https://x.org/é/لبنان", "https://x.org/é/لبنان"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202egpj", "\\u202egpj"),
        ("\ud800", "\\ud800"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_what_is_shown_cannot_talk_to_the_terminal(text: str, shown: str) -> None:
    """Controls, escape sequences and direction overrides are shown as escapes, and long text is cut."""
    assert display(text) == shown


@given(st.text(), st.integers(1, 300))
def test_display_is_printable_and_short(text: str, limit: int) -> None:
    """Nothing from the network reaches a log line otherwise."""
    shown = display(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
