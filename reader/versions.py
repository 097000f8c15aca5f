"""From the kept JSON of a revision to what can be compared of it. Pure."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from reader import story
from reader.body import Surroundings, render
from reader.compare import Version
from reader.figures import Caption
from reader.pictures import Shown

_LEAVES = "p, h2, h3, h4, h5, h6, li, dt, dd, td, th, pre, caption"
_NOWHERE = Surroundings(
    base="",
    picture=lambda url: Shown("unknown", url=url),
    caption=lambda url: Caption(),
    inside=lambda url: "",
)


def version(json: str) -> Version:
    """Return what readers see of a revision."""
    found = story.read(json)
    texts = (found.summary_html, found.introduction_html, found.contents_html)
    return Version(
        title=found.title,
        paragraphs=tuple(paragraph for text in texts for paragraph in paragraphs(text)),
        pictures=tuple(one.url for one in (*found.attachments, *found.inline) if one.url),
        authors=found.authors,
        categories=found.categories,
        keywords=found.keywords,
        published=found.published.replace("T", " "),  # pages and the API spell the same time differently
        updated=found.updated.replace("T", " "),
    )


def paragraphs(html: str) -> list[str]:
    """Return the paragraphs of a body as plain text, list items and cells among them."""
    body = LexborHTMLParser(render(html, _NOWHERE).html.replace("<br>", "\n")).body
    if body is None:
        return []
    for note in body.css("figure, span.unseen, .embed .why"):
        note.decompose()
    leaves = [node for node in body.css(_LEAVES) if len(node.css(_LEAVES)) == 1]
    return [text for node in leaves if (text := " ".join(node.text().split()))]
