"""The body of an article, for reading: hostile HTML in, clean paragraphs out, in both styles of the contract (4.3).

Imported bodies have no paragraphs but empty lines; native ones have `<p>` and no line ends. Pictures become the held
ones, links to what is archived stay inside, embeds become a note of what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from reader import embeds
from reader.figures import Caption, figure
from reader.pictures import Shown
from reader.sanitize import clean

_TRANSPARENT = frozenset({"section", "article", "main", "header", "footer", "aside", "center", "div", "address", "form",
                          "fieldset", "details", "summary", "nav", "hgroup", "picture", "figure",
                          "noscript"})  # fmt: skip
_INLINE = frozenset({"b", "strong", "i", "em", "u", "s", "sub", "sup", "small", "mark", "cite", "q", "code", "kbd",
                     "abbr", "del", "ins", "bdi"})  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset({"p", "blockquote", "ul", "ol", "dl", "table", "pre", "hr", "img", "iframe", "video", "audio",
                     "object", "embed", "figcaption", *_HEADINGS, *_TRANSPARENT})  # fmt: skip
_DROPPED = frozenset({"script", "style", "template", "svg", "head", "meta", "link", "base", "input", "button", "map",
                      "source", "track", "param", "-comment", "-doctype"})  # fmt: skip
_TABLE_PARTS = frozenset({"thead", "tbody", "tfoot", "tr", "th", "td", "caption"})
_BREAK = "\x00"  # between two paragraphs of a run of text; no text of a parsed document holds it
_EMPTY_LINE = re.compile(r"[ \t\xa0]*\n[ \t\xa0]*\n\s*")
_BLANK_LINE = re.compile(r"\n[ \t\xa0]*\r?\n")
_PARAGRAPH = re.compile(r"<p[\s>]", re.IGNORECASE)
_SHORTCODE = re.compile(r"\[\[image[^\[\]]*\]\]")
_BLANK = re.compile(r"(?:\s|\xa0|&nbsp;|<br>|</?(?:b|strong|i|em|u|s|small)>)*")
_EDGES = re.compile(r"^(?:\s|<br>)+|(?:\s|<br>)+$")
_DEEPEST = 60
_LONGEST = 3_000_000  # characters; what is longer (no newsroom writes it) is shown as plain text, within a second
_WEB = ("http", "https")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a body needs to know of the archive around it."""

    base: str  # the article's own URL
    picture: Callable[[str], Shown]
    caption: Callable[[str], Caption]
    inside: Callable[[str], str]  # from a URL to the address of a page of ours; '' where there is none


@dataclass(slots=True)
class Rendered:
    """A body as it is shown, and what it showed on the way."""

    html: str = ""
    pictures: list[str] = field(default_factory=list)  # URLs
    embeds: list[str] = field(default_factory=list)  # URLs


def web_links(html: str, base: str) -> list[str]:
    """Return the web addresses that a body links to."""
    if "<a" not in html and "<A" not in html:
        return []
    found = (_absolute(base, node.attributes.get("href") or "") for node in LexborHTMLParser(html).css("a[href]"))
    return [url for url in dict.fromkeys(found) if url]


def render(html: str, around: Surroundings) -> Rendered:
    """Return a body for reading."""
    body = LexborHTMLParser(_SHORTCODE.sub("", html)).body
    if body is None:
        return Rendered()
    if len(html) > _LONGEST:
        lines = (line.strip() for line in body.text(separator="\n").splitlines())
        return Rendered("".join(f"<p>{escape(line)}</p>" for line in lines if line))
    writer = _Writer(around, imported=_is_imported(html), levels=_levels(body))
    blocks = "".join(writer.flow(body, 0))
    writer.done.html = clean(blocks)
    return writer.done


def _is_imported(html: str) -> bool:
    """Say whether empty lines are what parts the paragraphs; an imported body stays one when an editor adds a `<p>`."""
    return len(_BLANK_LINE.findall(html)) >= len(_PARAGRAPH.findall(html))


def _levels(body: LexborNode) -> dict[str, str]:
    """Return the heading that each heading becomes: below the title, and no level left out."""
    used = [tag for tag in _HEADINGS if body.css_first(tag) is not None]
    return {tag: f"h{place + 2}" for place, tag in enumerate(used)} | {"h6": f"h{min(len(used) + 1, 6)}"}


class _Writer:
    def __init__(self, around: Surroundings, *, imported: bool, levels: dict[str, str]) -> None:
        self.around, self.imported, self.levels = around, imported, levels
        self.done = Rendered()

    def flow(self, parent: LexborNode, depth: int) -> Iterator[str]:
        """Yield the blocks in an element; runs of text between them become paragraphs."""
        run: list[str] = []
        for node in _children(parent):
            if self._is_block(node):
                yield from self._paragraphs(run)
                run = []
                yield from self._block(node, depth + 1)
            else:
                run.append(self._inline(node, depth + 1, top=True))
        yield from self._paragraphs(run)

    def _is_block(self, node: LexborNode) -> bool:
        tag = node.tag or ""
        if tag in _BLOCKS:
            return True
        return bool(node.child) and tag not in _DROPPED and node.css_first(_BLOCK_QUERY) is not None

    def _paragraphs(self, run: list[str]) -> Iterator[str]:
        for part in "".join(run).split(_BREAK):
            text = _EDGES.sub("", part)
            if not _BLANK.fullmatch(text):
                yield f"<p>{text}</p>"

    def _block(self, node: LexborNode, depth: int) -> Iterator[str]:
        tag = node.tag or ""
        if depth > _DEEPEST:
            yield f"<p>{escape(node.text())}</p>"
        elif tag in ("p", "figcaption"):
            yield from self._paragraph(node, depth)
        elif tag in self.levels:
            yield self._wrapped(self.levels[tag], self._line(node, depth))
        elif tag == "img":
            yield self._picture(node, "")
        elif tag in embeds.ELEMENTS:
            yield self._embed(node)
        elif tag in ("ul", "ol", "dl", "table", "pre", "hr", "blockquote"):
            yield self._structure(node, tag, depth)
        elif tag == "a":
            yield from self._linked(node, depth)
        else:
            yield from self.flow(node, depth)

    def _paragraph(self, node: LexborNode, depth: int) -> Iterator[str]:
        """Yield a paragraph; one that holds pictures or embeds is taken apart around them."""
        if node.css_first(_BLOCK_QUERY) is not None:
            yield from self.flow(node, depth)
        else:
            yield self._wrapped("p", self._line(node, depth))

    def _structure(self, node: LexborNode, tag: str, depth: int) -> str:
        if tag == "hr":
            return "<hr>"
        if tag == "pre":
            return self._wrapped("pre", escape(node.text()))
        if tag == "blockquote":
            return self._wrapped("blockquote", "".join(self.flow(node, depth)))
        if tag == "table":
            return f'<div class="table">{self._table(node, depth)}</div>'
        start = node.attributes.get("start") or ""
        opening = f'ol start="{start}"' if tag == "ol" and start.isdecimal() else tag
        names = ("dt", "dd") if tag == "dl" else ("li",)
        items = [child for child in _children(node) if (child.tag or "") in names]
        inner = "".join(f"<{item.tag}>{self._item(item, depth + 1)}</{item.tag}>" for item in items)
        return f"<{opening}>{inner}</{tag}>" if items else "".join(self.flow(node, depth))

    def _item(self, node: LexborNode, depth: int) -> str:
        """Return what is in a list item or cell: one line as it is, more as blocks."""
        if node.css_first(_BLOCK_QUERY) is None or depth > _DEEPEST:
            return self._line(node, depth)
        blocks = list(self.flow(node, depth))
        alone = len(blocks) == 1 and blocks[0].startswith("<p>")
        return blocks[0][3:-4] if alone else "".join(blocks)

    def _table(self, node: LexborNode, depth: int) -> str:
        tag = node.tag or ""
        if tag in ("td", "th", "caption"):
            spans = "".join(
                f' {name}="{value}"'
                for name in ("colspan", "rowspan")
                if (value := node.attributes.get(name) or "").isdecimal() and len(value) < 4
            )
            return f"<{tag}{spans}>{self._item(node, depth + 1)}</{tag}>"
        if depth > _DEEPEST:
            return ""
        parts = [child for child in _children(node) if (child.tag or "") in _TABLE_PARTS]
        return f"<{tag}>{''.join(self._table(part, depth + 1) for part in parts)}</{tag}>"

    def _linked(self, node: LexborNode, depth: int) -> Iterator[str]:
        """Yield the blocks in a link; a picture keeps the link, other blocks get it behind them."""
        url = _absolute(self.around.base, node.attributes.get("href") or "")
        images = node.css("img")
        if url and len(images) == 1 and not node.text().strip():
            yield self._picture(images[0], url)
            return
        yield from self.flow(node, depth)
        if url and not images:
            yield f"<p>{self._anchor(url, escape(urlsplit(url).netloc))}</p>"

    def _line(self, parent: LexborNode, depth: int) -> str:
        return "".join(self._inline(node, depth + 1, top=False) for node in _children(parent))

    def _inline(self, node: LexborNode, depth: int, *, top: bool) -> str:
        tag = node.tag or ""
        if tag == "-text":
            return self._text(node.text(deep=False), top=top)
        if tag in _DROPPED:
            return ""
        if tag == "br":
            return "<br>"
        if depth > _DEEPEST:
            return escape(node.text())
        inner = "".join(self._inline(child, depth + 1, top=top and tag == "span") for child in _children(node))
        if tag == "a":
            url = _absolute(self.around.base, node.attributes.get("href") or "")
            return self._anchor(url, inner) if url and inner.strip() else inner
        return self._wrapped(tag, inner) if tag in _INLINE else inner

    def _text(self, text: str, *, top: bool) -> str:
        if not self.imported:
            return escape(text)
        parts = _EMPTY_LINE.split(text)
        lines = ("<br>".join(escape(line) for line in part.split("\n")) for part in parts)
        return (_BREAK if top else "<br><br>").join(lines)

    def _anchor(self, url: str, inner: str) -> str:
        inside = self.around.inside(url)
        if inside:
            return f'<a class="inside" href="{escape(inside)}">{inner}</a>'
        return f'<a class="leaving" href="{escape(url)}">{inner}<span class="unseen"> (leaves the archive)</span></a>'

    def _wrapped(self, tag: str, inner: str) -> str:
        return f"<{tag}>{inner}</{tag}>" if not _BLANK.fullmatch(inner) else ("<br>" if "<br>" in inner else "")

    def _picture(self, node: LexborNode, link: str) -> str:
        attributes = node.attributes
        if attributes.get("width") in ("0", "1") and attributes.get("height") in ("0", "1"):
            return ""  # a pixel that counted readers
        url = _absolute(self.around.base, attributes.get("src") or attributes.get("data-src") or "")
        shown = self.around.picture(url)
        caption = self.around.caption(url)
        self.done.pictures.append(url)
        alt = caption.alt or (attributes.get("alt") or "").strip()
        return figure(shown, Caption(caption.text, alt), self._anchor(link, "Where it led") if link else "")

    def _embed(self, node: LexborNode) -> str:
        url = next((found for name in ("src", "data-src", "data", "poster")
                    if (found := _absolute(self.around.base, node.attributes.get(name) or ""))), "")  # fmt: skip
        source = node.css_first("source")
        if not url and source is not None:
            url = _absolute(self.around.base, source.attributes.get("src") or "")
        if not url or url in self.done.embeds or node.attributes.get("width") in ("0", "1"):
            return ""
        self.done.embeds.append(url)
        return embeds.placeholder(url, self._anchor(url, escape(embeds.where(url))))


_BLOCK_QUERY = ",".join(sorted(_BLOCKS))


def _children(node: LexborNode) -> Iterator[LexborNode]:
    return node.iter(include_text=True)


def _absolute(base: str, reference: str) -> str:
    """Return the web address that a reference in an article means; '' where it means none."""
    text = re.sub(r"[\t\r\n]", "", reference.strip())
    try:
        url = urljoin(base, text)
        parts = urlsplit(url)
    except ValueError:
        return ""
    if text.startswith("#") or parts.scheme not in _WEB or not parts.netloc:
        return url if parts.scheme in ("mailto", "tel") and "\\" not in url and " " not in url else ""
    return url.replace(" ", "%20")
