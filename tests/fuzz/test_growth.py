"""Nothing that a page or an answer can hold makes a parser take more than its length's worth of time."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from crawler.sites import Site
from tests.fuzz.growth import MOST_GROWTH, growth
from tests.fuzz.parsers import PARSERS

URL = "https://www.room.example/category/africa/"
SITE = Site("room", "https://www.room.example", timezone="Asia/Beirut", media_hosts=("cdn.example",))
PAGE = '<html><head><meta property="og:type" content="article"></head><body><script>dm_ads={article_id:5}</script>'

Make = Callable[[int], bytes]


def repeated(unit: str, before: str = "", after: str = "") -> Make:
    """Return a maker of inputs that repeat a unit up to a length."""
    return lambda size: (before + unit * (size // len(unit)) + after).encode()


def numbered(unit: str, before: str = "", after: str = "", joint: str = "") -> Make:
    """Return a maker of inputs that repeat a unit with a number in it, written `#`."""
    return lambda size: (
        before + joint.join(unit.replace("#", str(n)) for n in range(size // len(unit))) + after
    ).encode()


def article(field: str, value: str) -> Make:
    """Return a maker of API answers whose article has a long field; `@` in the value is what is repeated."""
    unit = value[value.index("@") + 1 : value.rindex("@")]
    before, after = value.split(f"@{unit}@")
    return numbered(unit, f'{{"data":[{{"id":"5","title":"t","{field}":{before}', f"{after}}}]}}")


ARTICLES = {
    "blanks in a URL": article("url", '"@ @"'),
    "slashes in a URL": article("url", '"https://x/@//@"'),
    "dots in a URL": article("url", '"https://x/@../@"'),
    "escapes in a URL": article("shorturl", '"@%@"'),
    "one category again and again": article("categories", '[@{"id":"1","k#":1},@{"id":"1"}]'),
    "many categories": article("categories", '[@{"id":"#","name":"a","slug":"b"},@{"id":"x"}]'),
    "many keywords": article("keywords", '[@{"type":"Keyword","data":{"keywordId":"#"}},@{}]'),
    "many attachments": article("attachments", '[@{"id":"#","url":"https://cdn.example/#.jpg"},@{}]'),
    "aliases of an attachment": article("attachments", '[{@"url_#":"https://cdn.example/#/",@"id":"1"}]'),
    "many related articles": article("related", '[@{"objectType":"Article","id":"1#"},@{}]'),
    "many unknown fields": article("x", '1,@"f#":"<b>",@"y":1'),
    "JSON in JSON": article("options", '"{@\\"#\\":1,@\\"a\\":1}"'),
    "one key again and again": article("x", '1,@"id":"7",@"y":1'),
    "a long number": article("id", "1@1@"),
    "blanks in a date": article("firstPublished", '"2023-01-01@ @x"'),
    "blanks in a body": article("contents", '"@ \\n@"'),
    "line ends in a body": article("contents", '"@\\r\\n\\r\\n@"'),
    "entities in a body": article("contents", '"<p>@&#x41;@"'),
    "scripts in a body": article("contents", '"@<script>x</script>@"'),
    "open scripts in a body": article("contents", '"@<script >@"'),
    "open comments in a body": article("contents", '"@<!--@"'),
    "open brackets in a body": article("contents", '"@[[image @"'),
    "pictures in a body": article("contents", "\"@<img src='https://cdn.example/#.jpg'>@\""),
    "candidates of a picture": article("contents", "\"<img srcset='@https://cdn.example/#.jpg #w, @'>\""),
    "parentheses in candidates": article("contents", "\"<img srcset='a @(@'>\""),
    "tags of no name": article("contents", '"@<@"'),
    "formatting never closed": article("contents", '"@<b>@"'),
    "lists in lists": article("x", "@[@"),
    "ends of an envelope": repeated("}]} \n", '{"data":[{"id":"5","title":"t","x":"', '"}]}'),
    "open envelopes": repeated("{ } ", '{"data":[{"id":"5","title":"t"}]'),
    "types of articles": article("x", '[@"Article",@1]'),
    "objects in objects": article("x", '@{"a":@'),
}
PAGES = {
    "links": numbered("<a href=/article/2023-01-01-x#>x</a>", PAGE),
    "links of a long base": lambda size: (
        f"{PAGE}<base href='/{'a' * (size // 2)}/'>{'<a href=x></a>' * (size // 28)}".encode()
    ),
    "links in links": lambda size: (
        f"{PAGE}{'<a href=/category/x><object>' * min(900, size // 100)}{'x' * (size // 2)}".encode()
    ),
    "boxes in boxes": repeated("<div class=related>", PAGE),
    "paragraphs": repeated("<p>x</p>", f"{PAGE}<div class=article-contents><div class=max-w-none>"),
    "islands": repeated('<astro-island props="{&quot;objectType&quot;:[0,&quot;Article&quot;]}">', PAGE),
    "blanks in an island": repeated(" ", f"{PAGE}<astro-island props", "=x>"),
    "props of an island": repeated(" props=", f"{PAGE}<astro-island", ">"),
    "numbers in an island": repeated("9", f'{PAGE}<astro-island props="&#', ';">'),
    "entities in an island": repeated("&amp;&lt", f'{PAGE}<astro-island props="', '">'),
    "dumps": repeated("All Article Properties:{", PAGE),
    "lists in a dump": repeated("[", f"{PAGE}All Article Properties:{{"),
    "canonical links": repeated("<link rel=canonical href=", PAGE),
    "blanks in a link": repeated(" ", f"{PAGE}<link rel", ">"),
    "attributes": numbered(" a#=1", f"{PAGE}<link", ">"),
    "a long attribute": repeated("x", f"{PAGE}<a href='", "'>x</a>"),
    "linked data": repeated('<script type="application/ld+json">{"@type":"NewsArticle"</script>', PAGE),
    "graphs of linked data": repeated("[", f'{PAGE}<script type="application/ld+json">{{"@graph":'),
    "metas": repeated("<meta name=author content=x>", PAGE),
    "tables": repeated("<table>", PAGE),
    "quotes": repeated("'\"", f"{PAGE}<a href="),
}
SITEMAPS = {
    "urls": numbered("<url><loc>https://x/#</loc></url>", "<urlset>"),
    "open urls": repeated("<url><loc>", "<urlset>"),
    "names": repeated("a", "<urlset><", ":loc>"),
    "prefixes": repeated("<a.b-", "<urlset>"),
    "open sections": repeated("<url><loc><![CDATA[", "<urlset>"),
    "blanks": repeated("<url><loc> ", "<urlset>"),
}
ROBOTS = {
    "stars": repeated("*a", "User-agent: *\nDisallow: /"),
    "agents": numbered("User-agent: a#\n", "", "Disallow: /"),
    "rules": numbered("Disallow: /a#*b\n", "User-agent: *\n"),
    "sitemaps": numbered("Sitemap: /#\n"),
    "one line": repeated("x", "User-agent: "),
}
LISTS = {
    "items": numbered('{"id":"1#","categories":[{"id":"1"}]}', '{"total":9,"data":[', "]}", ","),
    "items without id": repeated('{"x":1},', '{"data":[', "{}]}"),
    "a map of items": numbered('"#":{"id":"1#"}', '{"data":{', "}}", ","),
    "open lists": repeated("[", '{"data":'),
}
CASES = [
    *(("article by the API", name, make) for name, make in ARTICLES.items()),
    *((parser, name, make) for parser in ("article of a page", "listing page") for name, make in PAGES.items()),
    *(("sitemap", name, make) for name, make in SITEMAPS.items()),
    *(("robots", name, make) for name, make in ROBOTS.items()),
    *(("list of an API", name, make) for name, make in LISTS.items()),
    ("category of an API", "children", numbered('{"id":"1#"}', '{"data":[{"id":"1","children":[', "]}]}", ",")),
    ("category of an API", "generations", repeated('{"id":"1","children":[', '{"data":[')),
    ("error of an API", "tags", repeated("<", '{"message":"', '"}')),
    ("links", "escapes", repeated("%41", "https://www.room.example/")),
    ("typed target", "dots", repeated("a.", "")),
    ("typed target", "words", repeated("room:", "")),
]


@pytest.mark.parametrize("parser, name, make", [pytest.param(*case, id=f"{case[0]}: {case[1]}") for case in CASES])
def test_time_grows_with_the_input_and_no_faster(parser: str, name: str, make: Make) -> None:
    """Four times the input takes about four times as long, not sixteen times."""
    assert growth(make, lambda body: PARSERS[parser].read(body, URL, SITE)) < MOST_GROWTH


def test_quadratic_time_is_noticed() -> None:
    """What compares each byte with all others is found out."""

    def quadratic(body: bytes) -> object:
        return sum(body.count(body[place : place + 1]) for place in range(0, len(body), 50))

    assert growth(repeated("x"), quadratic) > MOST_GROWTH


def test_the_articles_above_are_articles() -> None:
    """The long fields stand in JSON that is read, unless they are made to be refused."""
    broken = {"lists in lists", "objects in objects", "a long number", "ends of an envelope", "open envelopes"}
    for name, make in ARTICLES.items():
        if name not in broken:
            assert json.loads(make(3_000))["data"][0]["id"]
