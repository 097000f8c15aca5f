"""Bodies for reading: both styles of the contract, pictures, links, embeds, and what never gets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.body import Surroundings, render, web_links
from reader.figures import Caption
from reader.pictures import Shown
from reader.sanitize import clean
from reader.versions import paragraphs

HASH = "ab" * 32
PICTURE = Shown("stored", f"/media/ab/ab/{HASH}.jpg", f"/media/ab/ab/{HASH}.jpg 800w", 800, 600, f"/pictures/{HASH}")
AROUND = Surroundings(
    base="https://www.example.org/article/1/",
    picture=lambda url: PICTURE if url.endswith("held.jpg") else Shown("failed", url=url),
    caption=lambda url: Caption("A bridge <b>", "A bridge"),
    inside=lambda url: "/article/dm/2" if url == "https://www.example.org/article/2/" else "",
)


def shown(html: str) -> str:
    return render(html, AROUND).html


@pytest.mark.parametrize(
    "html, expected",
    [
        ("<p>One</p><p>Two</p>", "<p>One</p><p>Two</p>"),
        ("One\r\n\r\nTwo", "<p>One</p><p>Two</p>"),
        ('<span style="font-weight: 400;">One</span>\r\n\r\n<span>Two</span>', "<p>One</p><p>Two</p>"),
        ("<span>One\r\n\r\nTwo</span>", "<p>One</p><p>Two</p>"),
        ("One\nline", "<p>One<br>line</p>"),
        ("One\r\n\r\nTwo<p>Correction</p>", "<p>One</p><p>Two</p><p>Correction</p>"),
        ("<p>One\nline</p>", "<p>One\nline</p>"),
        ("One<blockquote>Said</blockquote>Two", "<p>One</p><blockquote><p>Said</p></blockquote><p>Two</p>"),
        ("<b>DM</b>\r\n\r\n<i>End</i><b> </b>", "<p><b>DM</b></p><p><i>End</i></p>"),
        ("<p>&nbsp;</p><p><br></p><p>Text</p>", "<p>Text</p>"),
        ("<p>don&#39;t &lt;b&gt;</p>", "<p>don't &lt;b&gt;</p>"),
        ("<ul><li>One</li><li><p>Two</p></li></ul>", "<ul><li>One</li><li>Two</li></ul>"),
        ("<ul><li>One</li><li>Two</li></ul>a\n\nb", "<ul><li>One</li><li>Two</li></ul><p>a</p><p>b</p>"),
        ('<ol start="3"><li>x</li></ol>', '<ol start="3"><li>x</li></ol>'),
        ("<p>a</p><h3>Head</h3><h5>Sub</h5><p>b</p>", "<p>a</p><h2>Head</h2><h3>Sub</h3><p>b</p>"),
        ("<div><section>a<p>b</p></section></div>", "<p>a</p><p>b</p>"),
        ("<b><p>bold block</p></b>", "<p>bold block</p>"),
        ("text [[image 123]] more", "<p>text  more</p>"),
        ("a<hr>b", "<p>a</p><hr><p>b</p>"),
        (
            "<table><tr><td colspan=2>x</td></tr></table>",
            '<div class="table"><table><tbody><tr><td colspan="2">x</td></tr></tbody></table></div>',
        ),
    ],
)
def test_paragraphs_are_paragraphs(html: str, expected: str) -> None:
    """Imported and native bodies read alike, and nothing of what they say is lost."""
    assert shown(html) == expected


def test_a_held_picture_is_shown_with_its_caption() -> None:
    """The local file, every size, its dimensions, its caption as text."""
    html = shown('<p>Before<img class="inlineImage" src="https://cdn.example.org/held.jpg">After</p>')
    assert html.startswith("<p>Before</p><figure")
    assert html.endswith("</figure><p>After</p>")
    for part in (f'src="{PICTURE.src}"', 'width="800"', 'height="600"', 'alt="A bridge"', "A bridge &lt;b&gt;</figcap"):
        assert part in html


def test_a_picture_that_is_not_held_says_so() -> None:
    """An honest place, no request, no broken image."""
    html = shown('<img src="https://cdn.example.org/lost.jpg">')
    assert 'class="missing"' in html
    assert "could not be fetched" in html
    assert "<img" not in html


def test_a_pixel_that_counted_readers_is_left_out() -> None:
    """One by one pixel is no picture."""
    assert shown('<p>x</p><img src="https://counter.example/c.gif" width="1" height="1">') == "<p>x</p>"


@pytest.mark.parametrize(
    "html, what",
    [
        (
            '<div class="embed"><iframe src="https://www.youtube.com/embed/abc?rel=0"></iframe></div>',
            "A video on YouTube",
        ),
        ('<iframe src="//player.vimeo.com/video/1"></iframe>', "A video on Vimeo"),
        ('<video><source src="https://cdn.example.org/a.mp4"></video>', "Something from another site"),
        ('<object data="https://example.net/x.swf"></object>', "Something from another site"),
    ],
)
def test_an_embed_becomes_a_note(html: str, what: str) -> None:
    """What it was and where it pointed, as a link that leaves."""
    found = render(f"<p>a</p>{html}", AROUND)
    assert what in found.html
    assert 'class="leaving"' in found.html
    assert len(found.embeds) == 1
    assert "<iframe" not in found.html


def test_links_inside_stay_and_others_leave() -> None:
    """A link to what is archived leads to its page here."""
    html = shown('<p><a href="/article/2/" target="_blank">in</a> <a href="https://x.example/">out</a></p>')
    assert '<a class="inside" href="/article/dm/2"' in html
    assert '<a class="leaving" href="https://x.example/"' in html
    assert "target" not in html
    assert web_links('<a href="/article/2/">', AROUND.base) == ["https://www.example.org/article/2/"]


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "#top"],
)
def test_a_link_that_leads_nowhere_is_just_its_text(href: str) -> None:
    """Only web addresses, mail and telephone are links."""
    assert shown(f'<p><a href="{href}">text</a></p>') == "<p>text</p>"


MARKUP = st.lists(
    st.sampled_from(
        [
            "<p>", "</p>", "<b>", "</b>", "<a href='javascript:x'>", "</a>", "<img src=x onerror=x>", "<svg><style>",
            "<script>", "</script>", "<table><td>", "</table>", "<math><mtext>", "<!--", "-->", "<iframe src='//x.y/'>",
            "</iframe>", "<ul><li>", "</ul>", "text", "\n\n", "&lt;", "<plaintext>", "<template>",
            "<form><input>", "\x00",
        ]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(MARKUP)
def test_nothing_that_runs_or_loads_gets_through(html: str) -> None:
    """Whatever the tags, in whatever order: no script, no handler, no style, no foreign source; and it stays clean."""
    safe = shown(html)
    assert not re.search(r"<(?:script|style|iframe|svg|math|form|input|template|object|embed|link|meta)\b", safe)
    assert not re.search(r"<[^>]*\s(?:on\w+|style|srcdoc|formaction)\s*=", safe)
    assert not re.search(r"(?:src|href)=\"\s*(?:javascript|data|vbscript)", safe, re.IGNORECASE)
    assert all(source.startswith("/media/") for source in re.findall(r"<img src=\"([^\"]*)", safe))
    assert clean(safe) == safe


@pytest.mark.parametrize(
    "html",
    [
        '<a href="//evil.example">x</a>', '<a href="/\\evil.example">x</a>', '<img src="https://evil.example/x.png">',
        '<img src="/media/../x.jpg">', '<img srcset="https://evil.example/x 1w">', '<p class="evil">x</p>',
        '<p style="color:red">x</p>', "<style>x</style>", '<p id="q">x</p>', '<base href="//evil.example">',
    ],
)  # fmt: skip
def test_the_last_word_lets_nothing_by(html: str) -> None:
    """The cleaner alone, without what comes before it, leaves nothing but text and bare tags."""
    assert not re.search(r"evil|style|class|id=|\.jpg", clean(html))


def test_deep_nesting_is_flattened() -> None:
    """A thousand elements inside each other give their text, and no error."""
    assert "deep" in shown("<div>" * 1000 + "deep" + "</div>" * 1000)
    assert "deep" in shown("<b><ul><li>" * 300 + "deep")


def test_a_body_of_many_megabytes_is_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word is there, line by line, and nothing else."""
    monkeypatch.setattr("reader.body._LONGEST", 10)
    assert shown("<p>One <b>two</b></p><script>x</script><p>&lt;three&gt;</p>").count("<p>") >= 2
    assert "&lt;three&gt;" in shown("<p>One</p><img src=x><p>&lt;three&gt;</p>")


def test_paragraphs_for_comparison_are_plain() -> None:
    """List items and cells among them, without pictures and notes."""
    html = "<p>One<br>more</p><ul><li>Two</li></ul><img src='https://x.example/lost.jpg'><blockquote>Three</blockquote>"
    assert paragraphs(html) == ["One more", "Two", "Three"]
