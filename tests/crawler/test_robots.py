"""robots.txt as RFC 9309 reads it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.robots import LIFETIME, MAX_BYTES, TROUBLE_LIFETIME, Robots

URL = "https://www.example.org/robots.txt"
AGENT = "backfile/0.1 (+https://example.org/about-the-archive)"
SITE = "https://www.example.org"

FILE = b"""\xef\xbb\xbf# our rules
User-agent: *
Disallow: /
Crawl-delay: 10

User-agent: BackFile
Disallow: /search
Disallow: /*?preview=
Disallow: /private$
Allow: /search/help
Crawl-delay: 0.5

Sitemap: https://www.example.org/sitemap_index.xml
Sitemap: /news-sitemap.xml
Sitemap: /news-sitemap.xml
"""


@pytest.mark.parametrize(
    "path, allowed",
    [
        ("/", True),
        ("/article/a/", True),
        ("/search", False),
        ("/search?q=x", False),
        ("/search/help", True),
        ("/article/a/?preview=1", False),
        ("/private", False),
        ("/private/a", True),
        ("/robots.txt", True),
    ],
)
def test_the_longest_rule_of_our_own_group_decides(path: str, allowed: bool) -> None:
    """Our group wins over `*`, the longest match over the rest; `*` and `$` are understood."""
    assert Robots.parse(FILE, 200, URL).allowed(SITE + path, AGENT) is allowed


def test_others_go_by_the_group_for_all() -> None:
    """An agent without a group of its own takes the one for everybody."""
    rules = Robots.parse(FILE, 200, URL)
    assert not rules.allowed(f"{SITE}/article/a/", "otherbot/2.0")
    assert rules.crawl_delay("otherbot/2.0") == 10


def test_delay_and_sitemaps_are_read() -> None:
    """The crawl delay is our group's; sitemaps are absolute and named once."""
    rules = Robots.parse(FILE, 200, URL)
    assert rules.crawl_delay(AGENT) == 0.5
    assert rules.sitemaps == (f"{SITE}/sitemap_index.xml", f"{SITE}/news-sitemap.xml")


@pytest.mark.parametrize("delay", [b"-1", b"inf", b"nan", b"soon"])
def test_a_senseless_delay_is_none(delay: bytes) -> None:
    """What is not a number of seconds is as if it were not there."""
    assert Robots.parse(b"User-agent: *\nCrawl-delay: " + delay, 200, URL).crawl_delay(AGENT) is None


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
def test_without_the_file_everything_is_allowed(status: int) -> None:
    """4xx, and redirects that lead nowhere, mean that there are no rules."""
    rules = Robots.parse(b"User-agent: *\nDisallow: /", status, URL, now=100.0)
    assert rules.allowed(f"{SITE}/article/a/", AGENT)
    assert rules.crawl_delay(AGENT) is None
    assert not rules.temporary
    assert rules.expires_at == 100 + LIFETIME


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_while_the_server_is_in_trouble_nothing_is_allowed(status: int) -> None:
    """Unknown rules are not permission; they are asked for again soon, and nothing is given up for them."""
    rules = Robots.parse(b"", status, URL, now=100.0)
    assert not rules.allowed(f"{SITE}/article/a/", AGENT)
    assert rules.temporary
    assert rules.expires_at == 100 + TROUBLE_LIFETIME


def test_rules_expire_after_a_day_or_with_their_keeper() -> None:
    """Without a clock they hold for as long as they are kept."""
    assert Robots.parse(FILE, 200, URL, now=100.0).expires_at == 100 + LIFETIME
    assert Robots.parse(FILE, 200, URL).expires_at == math.inf


def test_a_page_in_place_of_the_file_forbids_nothing() -> None:
    """Many sites answer 200 with HTML for what they do not have."""
    assert Robots.parse(b"<!doctype html><p>Disallow: /</p>", 200, URL).allowed(f"{SITE}/a", AGENT)


def test_only_the_beginning_of_a_huge_file_is_read() -> None:
    """Rules past 500 KiB, and a rule cut in two there, do not count."""
    body = b"User-agent: *\n" + b"# padding\n" * (MAX_BYTES // 10) + b"Disallow: /article\n"
    assert Robots.parse(body, 200, URL).allowed(f"{SITE}/article/a", AGENT)
    body = b"User-agent: *\nDisallow: /secret\nDisallow: /" + b"x" * MAX_BYTES
    rules = Robots.parse(body, 200, URL)
    assert rules.allowed(f"{SITE}/article/a", AGENT)
    assert not rules.allowed(f"{SITE}/secret", AGENT)


def test_a_file_that_multiplies_its_rules_is_read_in_part() -> None:
    """Thousands of agents sharing thousands of rules do not fill the memory; the first rules hold."""
    body = b"User-agent: *\nDisallow: /secret\n\n" + b"".join(b"User-agent: a%d\n" % number for number in range(15_000))
    body += b"Disallow: /x\n" * 20_000
    rules = Robots.parse(body, 200, URL)
    assert not rules.allowed(f"{SITE}/secret", AGENT)


LINES = [
    *(
        b"User-agent: *\n",
        b"user-agent",
        b"Disallow: ",
        b"/a*b$c\n",
        b"Allow: /\n",
        b"Sitemap: http://[\n",
        b"Host: x\n",
    ),
    *(
        b"Crawl-delay: 1e999\n",
        b"Request-rate: 1/0\n",
        b"Visit-time: 99\n",
        b"\x00",
        b"\xff",
        b"%zz",
        b"%",
        b":",
        b"\n",
    ),
]


@given(st.binary(max_size=400) | st.lists(st.sampled_from(LINES)).map(b"".join), st.text(max_size=40))
def test_any_file_is_survived(body: bytes, path: str) -> None:
    """Bytes of any kind are read as far as they make sense."""
    rules = Robots.parse(body, 200, URL)
    assert rules.allowed(f"{SITE}/{path}", AGENT) in (True, False)
    assert rules.allowed(path, AGENT) in (True, False)
    delay = rules.crawl_delay(AGENT)
    assert delay is None or 0 <= delay < math.inf
    assert all(isinstance(sitemap, str) for sitemap in rules.sitemaps)


@given(
    st.lists(st.tuples(st.booleans(), st.text("ab/", min_size=1, max_size=4).map("/".__add__)), max_size=8),
    st.text("ab/", max_size=6).map("/".__add__),
)
def test_the_longest_match_decides_whatever_the_order(rules: list[tuple[bool, str]], path: str) -> None:
    """Of all rules that match, the longest counts; of two as long, the one that allows (RFC 9309, 2.2.2)."""
    body = "User-agent: *\n" + "".join(f"{'Allow' if allow else 'Disallow'}: {rule}\n" for allow, rule in rules)
    matching = [(len(rule), allow) for allow, rule in rules if path.startswith(rule)]
    expected = max(matching)[1] if matching else True
    assert Robots.parse(body.encode(), 200, URL).allowed(SITE + path, AGENT) is expected
