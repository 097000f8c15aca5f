"""HTML in articles: what it says, what it shows, and what is refused before it is parsed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.cms import html, tame
from crawler.errors import ParseError

THUMBOR = (
    "https://cdn.example.org/i/eeTuBovE9MhEljFLDQGEQslAruA=/200x100/smart/filters:strip_exif():fill(red,1)/file/a.jpg"
)


@pytest.mark.parametrize(
    "source, text",
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<br>Two</p>", "One\nTwo"),
        ('<p>One<br class="soft-break">Two</p>', "One\nTwo"),
        ("<span>One</span>\r\n\r\n<span>Two</span>", "One\n\nTwo"),
        ("One\r\n<blockquote>Two</blockquote>\r\nThree", "One\n\nTwo\n\nThree"),
        ("<ul><li>One</li><li>Two</li></ul>", "One\n\nTwo"),
        ("It&#39;s &lt;b&gt; &amp;amp; &eacute;\u00a0!", "It's <b> &amp; é !"),
        ("a<script>if (a < b) alert('<p>')</script>b", "ab"),
        ("a<style>p { color: red }</style>b<script>never closed", "ab"),
        ("a<iframe src='https://x.example/'>no frames</iframe>b", "ab"),
        ("before [[image id=5 align=left]] after", "before after"),
        ("<p><br></p>", ""),
        ("<p>  many \t blanks\n</p>", "many blanks"),
        ("a\x00b\x1b[31mc\u200b", "ab[31mc"),
        ("<b>bold</b> <i>and <u>more</u></i>", "bold and more"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\n\nb"),
        ("<p>مرحبا &quot;بيروت&quot;</p>", 'مرحبا "بيروت"'),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_prose(source: str, text: str) -> None:
    """Markup goes, paragraphs stay, entities are read, and nothing that nobody reads is left."""
    assert html.prose(source).text == text


@pytest.mark.parametrize(
    "source, urls",
    [
        ("<p>none</p>", ()),
        ('<img src="/a.jpg">', ("/a.jpg",)),
        ("<IMG SRC=a.jpg><img src=\"a.jpg\"><img src='b.jpg'>", ("a.jpg", "b.jpg")),
        ('<img src="a.jpg" srcset="b.jpg 1x, c.jpg 2x">', ("a.jpg", "b.jpg", "c.jpg")),
        (f'<img srcset="{THUMBOR} 200w, /b,c.jpg 400w">', (THUMBOR, "/b,c.jpg")),
        ('<img src="a.jpg?x=1&amp;y=2">', ("a.jpg?x=1&y=2",)),
        ('<img src="" data-src="lazy.jpg" data-srcset="l1.jpg, l2.jpg 2x">', ("lazy.jpg", "l1.jpg", "l2.jpg")),
        ('<picture><source srcset="a.webp"><img src="a.jpg"></picture>', ("a.webp", "a.jpg")),
        ('<video poster="p.jpg" src="v.mp4"><source src="v.webm"></video>', ("p.jpg",)),
        ('<noscript><img src="n.jpg"></noscript>', ("n.jpg",)),
        ("<script>'<img src=\"s.jpg\">'</script>", ()),
    ],
)
def test_images(source: str, urls: tuple[str, ...]) -> None:
    """Every picture is found, as it is written, each once."""
    assert html.images(source) == urls


@pytest.mark.parametrize(
    "srcset, expected",
    [
        ("", []),
        ("a.jpg", [("a.jpg", "")]),
        ("a.jpg 1x,b.jpg 2x", [("a.jpg", "1x"), ("b.jpg", "2x")]),
        (" a.jpg , , b.jpg 100w 2h ,", [("a.jpg", ""), ("b.jpg", "100w 2h")]),
        ("a.jpg, b.jpg", [("a.jpg", ""), ("b.jpg", "")]),
        ("a(1,2).jpg calc(1, 2) , b", [("a(1,2).jpg", "calc(1, 2)"), ("b", "")]),
        ("a.jpg (never closed, b.jpg", [("a.jpg", "(never closed, b.jpg")]),
    ],
)
def test_srcset_is_split_as_browsers_do(srcset: str, expected: list[tuple[str, str]]) -> None:
    """A comma separates only where the standard says so."""
    assert list(html.candidates(srcset)) == expected


def test_words_are_counted() -> None:
    """Words are what blanks separate."""
    assert html.prose("One  two\n\nthree’s-four\u00a0five").words == 4


BOMBS = {
    "deep": "<div>" * 100_000,
    "deep, closed": "<div>" * 10_000 + "</div>" * 10_000,
    "end tags in a deep tree": "<span>" * 20_000 + "</x>" * 20_000,
    "closed in comments only": "<div><!--</div>-->" * 20_000,
    "closed in attributes only": '<div a="</div>">' * 20_000,
    "quote that opens nothing": '<p a=="><div><div>">' * 20_000,
    "closed behind a barrier": "<div><table></div></table>" * 20_000,
    "raw text that is none": "<svg><textarea>" + "<g>" * 20_000,
    "formatting copied into blocks": "<p>" + "".join(f"<b id={n}>" for n in range(1_000)) + "</p>" + "<p>x" * 20_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">",
    "attributes without blanks": "<p " + "".join(f'a{n}=""' for n in range(100_000)) + ">",
    "quotes never closed": "<p a='" * 100_000,
    "body after body": "".join(f"<body a{n}=1>" for n in range(20_000)),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_html_made_to_hurt_is_refused(bomb: str) -> None:
    """What would cost a parser quadratic time or memory is refused in linear time."""
    with pytest.raises(ParseError, match="HTML"):
        html.prose(BOMBS[bomb])
    with pytest.raises(ParseError, match="HTML"):
        html.images(BOMBS[bomb] + "<img src=a>")


@pytest.mark.parametrize(
    "source",
    [
        "<p>word <b>word</b></p>" * 50_000,
        "<p>never closed" * 100_000,
        "<li>never closed" * 100_000,
        "<table>" + "<tr><td>cell" * 50_000,
        "<" * 500_000,
        "<!--" * 100_000,
        "&amp" * 200_000,
        "</p>" * 100_000,
        "<script>" + "<div>" * 50_000 + "</script>",
        "<script>" * 100_000,
        "[[image" * 100_000,
        "<img srcset='" + "a.jpg (" * 50_000 + "'>",
        "<img srcset='" + "a.jpg, " * 50_000 + "'>",
        "<br>" * 200_000,
        "\r\n" * 200_000,
        "<div><p>x</div>" * 30_000,
    ],
    ids=lambda source: source[:14],
)
def test_large_and_broken_html_is_read(source: str) -> None:
    """Size alone is no reason to refuse, nor are tags that real authors leave open."""
    html.prose(source)
    html.images(source + "<img src=a>")


@given(st.text(alphabet=st.sampled_from("<>/='\"!-& abipsrctdv\n[]"), max_size=300))
def test_any_html_is_read(source: str) -> None:
    """No text leads to an exception, and none has markup characters turned into controls."""
    html.images(source)
    assert html.prose(source).text.strip("\n") == html.prose(source).text


@given(st.text(alphabet=st.sampled_from("ab  \n\t\x00\x1f\x85\u00a0\u00ad\u200b\u2028\u3000é"), max_size=60))
def test_lines_that_are_tidy_already_stay_as_they_are(source: str) -> None:
    """The shortcut for tidy lines agrees with splitting them at every blank, and with counting what comes of it."""
    text, words = html.prose(source)
    assert words == len(text.split())
    wanted = (re.sub("[\x00\u200b]", "", " ".join(line.split())) for line in source.split("\n"))
    assert text == re.sub("\n{3,}", "\n\n", "\n".join(wanted)).strip()


@given(
    st.lists(
        st.sampled_from(["p", "/p", "br", "BR/", "span", "/span", "b", "a x=1", "li", "pre", "sECTION", "hr", "1"])
    )
)
def test_tags_of_any_case_part_the_text_alike(tags: list[str]) -> None:
    """The shortcut for the usual tags agrees with the whole table, which alone knows capitals."""
    source = "1".join(f"<{tag}>" for tag in tags)
    assert html.prose(source) == html.prose(source.upper())


@given(
    st.lists(st.sampled_from(["<div>", "</div>", "<b>", "</b>", "<p>", "x", '<a b="', '">', "<!--", "-->", "<svg>"]))
)
def test_what_is_small_is_never_refused(parts: list[str]) -> None:
    """The guard does not touch what real articles look like."""
    tame.check("".join(parts))
