"""Article pages: the object they embed, dump or show, and what is said of pages that have none (contract 5.2)."""

from __future__ import annotations

import contextlib
import json
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cms import article as reader
from crawler.cms import charset, embedded, pages
from crawler.errors import ParseError
from storage.records import Role, Source
from tests.crawler.cms.making import (
    CDN,
    DM,
    OLJ,
    SEED,
    SEED_URL,
    STAGING,
    an_article,
    astro_page,
    canonical_link,
    island,
    seed,
    text_of,
)

URL = "https://www.example.co.za/article/2024-02-03-a-boat/"
OTHER = an_article(
    id="77", signature="Article:77", url="https://www.example.co.za/article/2024-02-01-other/", slug="other"
)


def test_an_island_gives_the_whole_article() -> None:
    """What the island holds is the object, value for value and in its order."""
    found = pages.article(astro_page(an_article(), an_article(), head=canonical_link(URL)), URL, DM)
    assert (found.source, found.cms_id) == (Source.PAGE, "42")
    assert found.text == json.dumps(an_article(), ensure_ascii=False, separators=(",", ":"))


def test_page_and_api_give_the_same_article() -> None:
    """The seed in an island is the seed: dates with T are no edit."""
    made = seed() | {"firstPublished": "2023-07-06T14:54:06", "lastUpdate": "2023-07-06T14:54:06"}
    page = pages.article(astro_page(made), SEED_URL, STAGING)
    over_page = reader.read(page.text, STAGING, page.source).record
    over_api = reader.read(SEED.decode(), STAGING, Source.API).record
    assert over_page.content_hash == over_api.content_hash
    assert over_page.first_published == over_api.first_published
    assert (over_page.terms, over_page.renditions) == (over_api.terms, over_api.renditions)


@pytest.mark.parametrize(
    "articles, head, url, cms_id",
    [
        ([OTHER, an_article()], canonical_link(URL), URL, "42"),
        ([OTHER, an_article()], "", URL, "42"),
        ([OTHER, an_article()], "", "https://www.example.co.za/article/a-boat", "42"),
        ([OTHER, an_article()], "", "https://www.example.co.za/article/42", "42"),
        ([OTHER, an_article()], '<script>window.dm_ads = {"article_id":"42"};</script>', "https://x.co.za/", "42"),
        ([OTHER, an_article()], "<script>window.dm_ads={article_id: 77}</script>", "https://x.co.za/", "77"),
        ([an_article(contents="", summary=""), an_article()], "", URL, "42"),
        ([[OTHER, an_article()]], canonical_link("/article/42"), "https://www.example.co.za/article/x", "42"),
        ([{"story": an_article()}], "", "https://www.example.co.za/article/other-slug", "42"),
    ],
)
def test_of_several_articles_the_page_s_own_is_taken(articles: Any, head: str, url: str, cms_id: str) -> None:
    """Advertising, canonical URL and own URL say which article a page is about."""
    found = pages.article(astro_page(*articles, head=head), url, DM)
    assert (found.source, found.cms_id) == (Source.PAGE, cms_id)
    assert json.loads(found.text)["contents"]


@pytest.mark.parametrize(
    "body, url, likeness",
    [
        (astro_page(OTHER), "https://www.example.co.za/article/42", "error page or notice"),
        (astro_page(OTHER), "https://www.example.co.za/?post_type=article&p=42", "error page or notice"),
        (astro_page(an_article(), head=canonical_link("https://www.example.co.za/")), URL, "front page"),
        (
            astro_page(an_article(), head=canonical_link("/")),
            "https://www.example.co.za/?post_type=article&p=42",
            "front page",
        ),
        (astro_page(an_article(contents="", summary="")), URL, "error page or notice"),
        (astro_page(OTHER, an_article(id=5, url="")), "https://www.example.co.za/article/else", "error page or notice"),
        (b"<html><title>Something went wrong</title>", URL, "Something went wrong"),
        (
            b"<title>Africa</title><main>"
            + b"".join(b'<a href="/article/2024-01-0%d-x/">x</a>' % n for n in range(1, 6))
            + b"</main>",
            URL,
            "a listing of 5 articles",
        ),
        (b'<meta property="og:type" content="article"><h1>Odd</h1>', URL, "an article whose id it does not state"),
        (b"", URL, "empty"),
        (b"  \n", URL, "empty"),
        (b"Bad gateway", URL, "neither"),
        (b"\x00\x01\x02" * 100, URL, "neither"),
        (b"<title>\x1b[31mred</title><p>", URL, "x1b"),
    ],
)
def test_pages_without_their_article_are_refused(body: bytes, url: str, likeness: str) -> None:
    """A page that shows something else is never taken for the article, and the error says what it looks like."""
    with pytest.raises(ParseError, match=likeness):
        pages.article(body, url, DM)


@pytest.mark.parametrize(
    "encoded, plain",
    [
        ([0, "x"], "x"),
        ([0], None),
        ([0, {"a": [0, 1], "b": [1, [[0, True], [0, None]]]}], {"a": 1, "b": [True, None]}),
        ([1, '[[0,"a"],[0,"b"]]'], ["a", "b"]),
        ([3, "2026-01-06T12:31:36.000Z"], "2026-01-06T12:31:36"),
        ([4, [[1, [[0, "k"], [0, "v"]]]]], [["k", "v"]]),
        ([5, [[0, 1], [0, 2]]], [1, 2]),
        ([6, "123"], "123"),
        ([7, "https://a.example/"], "https://a.example/"),
        ([8, [1, 2]], [1, 2]),
        ("bare", "bare"),
        ([], []),
        ([0, 1, 2], [0, 1, 2]),
        (["x", 1], ["x", 1]),
    ],
)
def test_values_of_islands(encoded: object, plain: object) -> None:
    """Every type of the framework is read, those never seen as it writes them; what is not encoded stays."""
    assert embedded.unwrap({"prop": encoded}) == {"prop": plain}


@pytest.mark.parametrize("digits", ["9" * 5_000, "x" + "f" * 5_000, "0" * 4_000 + "65"])
def test_endless_character_references_mean_nothing(digits: str) -> None:
    """A reference of thousands of digits, which Python refuses to read as a number, is no character and no crash."""
    assert embedded.unescape(f"a&eacute;&#{digits};b") == "aé\ufffdb"


def test_deep_islands_are_passed_over() -> None:
    """Nesting that no article has is not followed."""
    value: Any = {"objectType": [0, "Article"]}
    for _ in range(400):
        value = {"a": [0, value]}
    body = f'<astro-island props="{escape(json.dumps(value))}">'.encode()
    deeper = b'<astro-island props="{&quot;objectType&quot;:[0,&quot;Article&quot;],&quot;a&quot;:' + b"[1,[" * 50_000
    for page in (body, deeper + b'">', deeper):
        with pytest.raises(ParseError):
            pages.article(page, URL, DM)


@pytest.mark.parametrize(
    "before, after, quoted",
    [
        ("<!DOCTYPE html><html><body><pre>All Article Properties:\n", "</pre></body></html>", True),
        ("<html><body><p>A boat</p>All Article Properties:<br>", " and then {more}</body></html>", True),
        ("<html><body><p>A boat</p><b>All Article Properties:</b> ", "<footer>}</footer></body></html>", False),
        ("All Article Properties: ", "", False),
        ("All Article Properties: none\nAll Article Properties: ", " trailing", False),
        ("<meta content='All Article Properties: {x'><pre>All Article Properties:", "</pre>", True),
    ],
)
@pytest.mark.parametrize("quotes", [True, False])
def test_a_dump_is_sliced_as_it_came(before: str, after: str, quoted: bool, quotes: bool) -> None:
    """Raw or escaped, with line endings of its own, the dumped object's text is the file's, byte for byte."""
    document = SEED.decode().replace("\n", "\r\n")
    page = before + (escape(document, quote=quotes) if quoted else document) + after
    found = pages.article(page.encode(), SEED_URL, STAGING)
    assert (found.source, found.cms_id) == (Source.PAGE, "1758224")
    assert found.text == document


def test_entities_of_a_plain_dump_stay() -> None:
    """In an answer that is no HTML page nothing is escaped, so nothing is unescaped."""
    document = text_of(an_article(contents="It&#39;s", title="Salt &amp; pepper"))
    assert pages.article(f"All Article Properties: {document}".encode(), URL, DM).text == document


def a_readable_page(**changes: str) -> bytes:
    """Return a page that shows an article to people and search engines, without embedding it."""
    parts = {
        "ads": '<script>window.dm_ads = {"page_type":"article","article_id":"42","tags":["russia"]};</script>',
        "linked": json.dumps(
            {
                "@context": "https://schema.org",
                "@type": "NewsArticle",
                "headline": "A boat, for search engines",
                "description": "It sails.",
                "datePublished": "2024-02-03T10:00:00.000Z",
                "dateModified": "2024-02-04T11:00:00.000Z",
                "author": [{"@type": "Person", "name": "Ada Lane"}],
                "articleSection": "Africa",
                "keywords": "Russia, Mali",
                "image": [f"{CDN}/ld.jpg"],
            }
        ),
        "image": f'<div class="main-image"><img src="{CDN}/a.jpg" srcset="{CDN}/i/s=/450x0/a.jpg 450w, {CDN}/b.jpg 2x"'
        ' alt="Credit"><em class="image-caption">Caption</em></div>',
        "body": '<div class="article-contents"><div class="max-w-none"><p>A boat <b>sails</b>.</p>'
        f'<img src="{CDN}/inline.jpg"></div></div>',
    } | changes
    return (
        f"<html><head><title>A boat | Site</title>{canonical_link(URL)}{parts['ads']}"
        f'<meta name="author" content="Ada Lane"><meta property="og:image" content="{CDN}/og.jpg">'
        f'<script type="application/ld+json">{parts["linked"]}</script></head>'
        f'<body><nav><a href="/category/africa/">Africa</a></nav><article><h1> A  boat </h1>'
        f'<a href="/author/ada-lane/">Ada Lane</a><div class="top-summary"><p>Sailing.</p></div>{parts["image"]}'
        f'{parts["body"]}<a href="/article_tag/russia/">Russia</a></article></body></html>'
    ).encode()


class TestPartial:
    """A page that does not embed its article still shows much of it."""

    def read(self, body: bytes, url: str = URL) -> reader.Article:
        found = pages.article(body, url, DM)
        assert found.source is Source.PARTIAL
        return reader.read(found.text, DM, found.source)

    def test_what_is_shown_is_kept(self) -> None:
        """Title, dates as local time, texts, terms with their links, and the main picture."""
        record = self.read(a_readable_page()).record
        assert (record.cms_id, record.url, record.title) == ("42", URL, "A boat")
        assert (record.first_published_raw, record.first_published) == ("2024-02-03T10:00:00", "2024-02-03T08:00:00Z")
        assert record.last_update == "2024-02-04T09:00:00Z"
        assert (record.summary, record.text) == ("Sailing.", "A boat sails.")
        assert [(t.kind, t.cms_id, t.name) for t in record.terms] == [
            ("category", "africa", "Africa"),
            ("keyword", "russia", "Russia"),
            ("keyword", "Mali", "Mali"),
            ("author", "ada-lane", "Ada Lane"),
        ]
        assert [(r.url, r.role, r.transform) for r in record.renditions] == [
            (f"{CDN}/a.jpg", Role.ORIGINAL, None),
            (f"{CDN}/i/s=/450x0/a.jpg", Role.TRANSFORM, "450x0"),
            (f"{CDN}/b.jpg", Role.TRANSFORM, None),
            (f"{CDN}/inline.jpg", Role.INLINE, None),
            (f"{CDN}/og.jpg", Role.SEO, None),
        ]

    def test_pictures_without_a_main_one_come_from_json_ld(self) -> None:
        """Where the page shows no main picture, its description for search engines may name one."""
        record = self.read(a_readable_page(image="")).record
        assert (record.renditions[0].url, record.renditions[0].role) == (f"{CDN}/ld.jpg", Role.ORIGINAL)

    @pytest.mark.parametrize("linked", ["", "{", "[]", '"x"', '{"@type":"WebPage"}', "[[" * 5_000])
    def test_broken_json_ld_is_passed_over(self, linked: str) -> None:
        """The rest of the page still tells its article."""
        assert self.read(a_readable_page(linked=linked)).record.text == "A boat sails."

    def test_json_ld_may_be_a_graph(self) -> None:
        """The article may be one of several things described."""
        linked = json.dumps({"@graph": [{"@type": "WebSite"}, {"@type": ["Article"], "headline": "In the graph"}]})
        body = a_readable_page(linked=linked).replace(b"<h1> A  boat </h1>", b"")
        assert self.read(body).record.title == "In the graph"

    def test_an_id_in_the_url_is_enough(self) -> None:
        """Where URLs hold the id, no script needs to state it."""
        url = "https://today.example.com/cuisine/1463801/a-boat.html"
        body = a_readable_page(ads="").replace(URL.encode(), url.encode())
        assert pages.article(body, url, OLJ).cms_id == "1463801"

    def test_without_an_id_there_is_no_article(self) -> None:
        """A slug is no id, whatever digits it begins with."""
        body = a_readable_page(ads="").replace(URL.encode(), b"https://www.example.co.za/article/2024-x/")
        with pytest.raises(ParseError, match="whose id it does not state"):
            pages.article(body, "https://www.example.co.za/article/2024-x/", DM)


@pytest.mark.parametrize(
    "body, text, damaged",
    [
        ("é".encode(), "é", False),
        (b"\xef\xbb\xbfx", "x", False),
        ("é".encode("utf-16-le").join([b"\xff\xfe", b""]), "é", False),
        ('<meta charset="windows-1252">é'.encode("cp1252"), '<meta charset="windows-1252">é', False),
        ("<meta charset=ISO-8859-1>“é”".encode("cp1252"), "<meta charset=ISO-8859-1>“é”", False),
        ('<meta charset="windows-1256">سلام'.encode("cp1256"), '<meta charset="windows-1256">سلام', False),
        (b'<meta charset="windows-1252">\xc3\xa9', '<meta charset="windows-1252">é', False),
        (b'<meta charset="unicode_escape">\xff', '<meta charset="unicode_escape">\ufffd', True),
        (b'<meta charset="\xff">\xff', '<meta charset="\ufffd">\ufffd', True),
        (b"\xff", "\ufffd", True),
    ],
)
def test_encodings_of_pages(body: bytes, text: str, damaged: bool) -> None:
    """UTF-8 where it can be, else what is declared, else with marks where bytes mean nothing."""
    assert charset.decode(body) == charset.PageText(text, damaged)


def test_a_damaged_article_is_refused() -> None:
    """Bytes that mean nothing are never archived as text; elsewhere in the page they do no harm."""
    body = astro_page(an_article(title="Café"))
    with pytest.raises(ParseError, match="UTF-8"):
        pages.article(body.replace(b"Caf\\u00e9", b"Caf\xe9"), URL, DM)
    assert pages.article(body.replace(b"</main>", b"\xe9</main>"), URL, DM).cms_id == "42"


PAGES = {
    "astro": astro_page(OTHER, an_article(), head=canonical_link(URL)),
    "dump": f"<html><body><pre>All Article Properties:\n{escape(text_of(an_article()), quote=False)}</pre>".encode(),
    "readable": a_readable_page(),
}


@pytest.mark.parametrize("kind", PAGES)
@given(data=st.data())
def test_a_damaged_page_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Bytes cut out, changed or repeated anywhere never lead to another exception than ParseError."""
    body = PAGES[kind]
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    middle = data.draw(st.binary(max_size=4) | st.just(body[start:end] * 2))
    with contextlib.suppress(ParseError):
        found = pages.article(body[:start] + middle + body[end:], URL, DM)
        reader.read(found.text, DM, found.source)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """No body leads to another exception than ParseError."""
    for read in (lambda: pages.article(body, URL, DM), lambda: pages.listing(body, URL, DM)):
        with contextlib.suppress(ParseError):
            read()
    with contextlib.suppress(ParseError):
        pages.sitemap(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<astro-island" * 100_000,
        b"<astro-island props='" * 50_000,
        b'<astro-island props="' * 50_000,
        b"All Article Properties: {" * 50_000,
        b"All Article Properties: " + b'{"id":' * 50_000,
        b"<link rel=canonical" * 100_000,
        b"<html>dm_ads" + b"article_id: " * 100_000,
        b"<div>" * 500_000,
        b"&amp;" * 500_000,
        b"<html>" + b" props " * 200_000,
    ],
    ids=lambda body: body[:24].decode(),
)
def test_pages_made_to_hurt_are_refused_in_time(body: bytes) -> None:
    """Repetition of whatever the reader looks for costs linear time."""
    with pytest.raises(ParseError):
        pages.article(body, URL, DM)


def test_a_large_island_is_read() -> None:
    """An article of megabytes is no attack."""
    made = an_article(contents="<p>Word “quoted” &amp; word</p>" * 100_000)
    assert json.loads(pages.article(astro_page(made), URL, DM).text) == made


def test_islands_in_single_quotes_are_read() -> None:
    """Attributes may be quoted either way."""
    props = escape(json.dumps({"content": island(an_article())}))
    body = f"<astro-island uid='a' props='{props}'></astro-island>".encode()
    assert pages.article(body, URL, DM).cms_id == "42"
