"""Listing pages and sitemaps: what they list, in order, and nothing of their frame (contract 5.1)."""

from __future__ import annotations

import pytest

from crawler.cms.listings import listing
from crawler.cms.sitemaps import Sitemap, sitemap
from crawler.errors import ParseError
from tests.crawler.cms.making import DM, OLJ

URL = "https://www.example.co.za/section/africa/"


def keys(html: str) -> list[str]:
    """Return the keys of the articles that a page of this body lists."""
    return [target.key for target in listing(f"<html><body>{html}</body></html>".encode(), URL, DM).articles]


def link(name: str) -> str:
    return f'<a href="/article/2024-01-01-{name}/">{name}</a>'


def key(name: str) -> str:
    return f"dm:/article/2024-01-01-{name}"


def test_articles_are_listed_in_page_order_each_once() -> None:
    """Links in every spelling, picture and title of one card, are one article."""
    html = (
        f'<main>{link("b")}{link("a")}<a href="https://www.example.co.za/article/2024-01-01-b?utm=x"><img></a>'
        '<a href="/article/42">by id</a><a href="/article/undated/">undated</a>'
        '<a href="../../cartoon/sun/">c</a></main>'
    )
    assert keys(html) == [key("b"), key("a"), "dm:42", "dm:/article/undated", "dm:/cartoon/sun"]


@pytest.mark.parametrize(
    "noise",
    [
        "<header>{}</header>",
        "<footer>{}</footer>",
        "<nav>{}</nav>",
        "<header><div><article-teaser>{}</article-teaser></div></header>",
        "<main><nav>{}</nav></main>",
        "<main><aside>{}</aside></main>",
        '<main><div role="navigation">{}</div></main>',
        '<div role="complementary">{}</div>',
        '<div class="most-read wide">{}</div>',
        '<section class="related"><article>{}</article></section>',
        '<div class="relatedArticles">{}</div>',
    ],
)
def test_the_frame_is_not_listed(noise: str) -> None:
    """What every page repeats, and what stands beside the listing, is none of its items."""
    assert keys(noise.format(link("noise")) + f"<main>{link('item')}</main>") == [key("item")]


def test_a_link_in_frame_and_listing_is_listed() -> None:
    """An item that the frame shows as well is still an item."""
    assert keys(f"<nav>{link('a')}</nav><div>{link('a')}</div>") == [key("a")]


def test_a_card_may_have_a_header() -> None:
    """Headers and footers inside articles are part of the listing."""
    assert keys(f"<div><article><header>{link('a')}</header><footer>{link('b')}</footer></article></div>") == [
        key("a"),
        key("b"),
    ]


def test_a_listing_that_calls_itself_related_is_still_one() -> None:
    """Where nothing else is listed, what looked like an aside is the listing."""
    assert keys(f'<div class="related">{link("a")}</div>') == [key("a")]


@pytest.mark.parametrize(
    "href",
    [
        "/about/", "/article/", "/articles", "/newsletters/?article=1", "https://social.example/article/2024-01-01-x/",
        "mailto:a@example.co.za", "javascript:void(0)", "#top", "", "  ", "http://[", "/section/africa/",
        "/author/ada/", "/tag/2024-01-01", "/feed/", "//", "tel:+27", "/../..", "\x00",
    ],
)  # fmt: skip
def test_other_links_are_no_articles(href: str) -> None:
    """Only addresses in the form of an article's are articles."""
    assert keys(f'<main><a href="{href}">x</a></main>') == []


def test_listings_by_id() -> None:
    """On a site whose URLs hold ids, both fronts and the short host lead to one key."""
    html = (
        '<a href="https://www.example.com/cuisine/1463801/titre.html">a</a><a href="/article/7">b</a>'
        '<a href="https://ex.me/1463801">c</a><a href="https://today.example.com/article/8/x.html">d</a>'
    )
    found = listing(html.encode(), "https://www.example.com/keyword/5-x", OLJ)
    assert [target.key for target in found.articles] == ["olj:1463801", "olj:7", "olj:8"]


@pytest.mark.parametrize(
    "html, next_url, paginated",
    [
        ("", None, False),
        ('<link rel="next" href="/section/africa/?pagination=2">', f"{URL}?pagination=2", True),
        ('<a class="more" rel="nofollow next" href="?pagination=3">More</a>', f"{URL}?pagination=3", True),
        ('<a rel="next" href="https://elsewhere.org/?page=2">More</a>', None, False),
        ('<a rel="next" href="">More</a>', None, False),
        (f'<a rel="next" href="{URL}#top">More</a>', None, False),
        ('<a href="?pagination=2">2</a>', None, True),
        ('<a href="/section/africa?page=7&amp;x=1">7</a>', None, True),
        ('<a href="/section/africa/page/2/">2</a>', None, True),
        ('<a href="/section/europe/?pagination=2">2</a>', None, False),
        ('<a href="?sort=2">2</a>', None, False),
        ('<a href="?pagination=two">2</a>', None, False),
    ],
)
def test_pagination(html: str, next_url: str | None, paginated: bool) -> None:
    """The next page is the one that the page names; numbered pages of the same listing show that there are more."""
    found = listing(f"<p>{html}</p>".encode(), URL, DM)
    assert (found.next_url, found.paginated) == (next_url, paginated)


def test_the_canonical_url_is_told() -> None:
    """A listing may have another address than the one asked for."""
    stated = listing(b'<link rel="canonical" href="/category/africa/"><p>', URL, DM)
    assert stated.canonical == "https://www.example.co.za/category/africa/"
    assert listing(b"<p>", URL, DM).canonical == URL


def test_a_base_counts_on_the_site_only() -> None:
    """Relative links follow the page's base, unless it leads elsewhere."""
    for base, count in (("https://www.example.co.za/article/", 1), ("https://evil.example/article/", 0)):
        found = listing(f'<base href="{base}"><a href="2024-01-01-x/">x</a>'.encode(), "https://www.example.co.za/", DM)
        assert [target.key for target in found.articles].count(key("x")) == count


@pytest.mark.parametrize("body", [b"", b"  ", b'{"data":[]}', b"Bad gateway", b"<div>" * 100_000])
def test_what_is_no_page_is_refused(body: bytes) -> None:
    """An empty answer, JSON or a tree without bottom is no listing of nothing."""
    with pytest.raises(ParseError):
        listing(body, URL, DM)


def test_a_long_listing_is_read() -> None:
    """Twenty thousand links are read as twenty."""
    html = "".join(f'<div><a href="/article/2024-01-01-n{n}/">x</a></div>' for n in range(20_000))
    assert len(keys(html)) == 20_000


def a_urlset(*entries: str, head: str = "") -> bytes:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<urlset {space}>{"".join(entries)}</urlset>'.encode()


A, B = "https://www.example.co.za/a/", "https://www.example.co.za/b/"


@pytest.mark.parametrize(
    "body, children, urls",
    [
        (a_urlset(), (), ()),
        (a_urlset(f"<url><loc>{A}</loc><lastmod>2024-01-01</lastmod></url>", f"<url><loc>{B}</loc></url>"),
         (), ((A, "2024-01-01"), (B, None))),
        (f"<sitemapindex>\n<sitemap>\n <loc> {A} </loc></sitemap><sitemap><loc>{A}</loc></sitemap></sitemapindex>"
         .encode(), (A,), ()),
        (a_urlset(f"<url><image:image><image:loc>{B}</image:loc></image:image><loc>{A}</loc></url>"), (), ((A, None),)),
        (a_urlset(f"<url><loc>{A}</loc><news:news><news:title>x</news:title></news:news></url>"), (), ((A, None),)),
        (f"<s:urlset xmlns:s='x'><s:url><s:loc>{A}</s:loc></s:url></s:urlset>".encode(), (), ((A, None),)),
        (a_urlset(f"<url><loc><![CDATA[ {A}?x=1&y=2 ]]></loc></url>"), (), ((f"{A}?x=1&y=2", None),)),
        (a_urlset(f"<url><loc>{A}?x=1&amp;y=2</loc></url>"), (), ((f"{A}?x=1&y=2", None),)),
        (a_urlset(f"<url><loc>{A}?x=1&y=2</loc></url>"), (), ((f"{A}?x=1&y=2", None),)),
        (f"<urlset><url><loc>{A}</loc></url><url><loc>{B}".encode(), (), ((A, None), (B, None))),
        (f"<urlset><url><loc>{A}</loc><url><loc>{B}</loc>".encode(), (), ((A, None), (B, None))),
        (f"<URLSET><Url><LOC>{A}</LOC></Url></URLSET>".encode(), (), ((A, None),)),
        (b"\xef\xbb\xbf" + a_urlset(f"<url><loc>{A}</loc></url>"), (), ((A, None),)),
        (a_urlset("<url><loc></loc></url><url/><loc>stray</loc>"), (), ()),
        (a_urlset(f"<url><loc>&x;{A}</loc></url>", head='<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
         (), ((f"&x;{A}", None),)),
    ],
)  # fmt: skip
def test_sitemaps(body: bytes, children: tuple[str, ...], urls: tuple[tuple[str, str | None], ...]) -> None:
    """Indexes and sets are read, broken ones as far as they go, pictures left out, entities left alone."""
    assert sitemap(body) == Sitemap(children, urls)


@pytest.mark.parametrize("body", [b"", b"<html><p>Not found</p></html>", b"{}", b"https://www.example.co.za/a/\n"])
def test_what_is_no_sitemap_is_refused(body: bytes) -> None:
    """An error page is not an empty sitemap."""
    with pytest.raises(ParseError):
        sitemap(body)


@pytest.mark.parametrize(
    "part", ["<url>", "<url><loc>", "<loc>", "<url ", "<![CDATA[", "</url>", "<url><loc><![CDATA["]
)
def test_broken_sitemaps_take_linear_time(part: str) -> None:
    """Repetition costs no more than its length."""
    sitemap(("<urlset>" + part * 20_000).encode())
