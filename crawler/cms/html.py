"""HTML inside article objects: its text, for search and reading, and its pictures (contract 4.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.cms import tame

# What most bodies are made of is told first, in the one case in which it comes: that spares most of the time.
_BLOCKS: Final = re.compile(
    r"<(?!/?(?:span|a|b|i|em|strong|u)[\s/>])(?=/?(?:p|br|li|div|(?i:address|article|aside|blockquote|br|caption|center"
    r"|dd|details|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|iframe|li|main|nav|ol|option|p|pre|section"
    r"|summary|table|td|th|tr|ul))[\s/>])"
)
_UNREAD: Final = re.compile(r"<(script|style|noscript|title|iframe)(?=[\s/>])", re.IGNORECASE)
_SHORTCODE: Final = re.compile(r"\[\[image[^\[\]]*\]\]")
_LINE_ENDS: Final = re.compile(r"\r\n?")
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\ufeff]")
_PICTURED: Final = re.compile(r"<(?:img|source|video)[\s/]", re.IGNORECASE)
_PICTURES: Final = "img, source, video[poster]"
_PLAYED: Final = "video source, audio source"
_DESCRIPTORS: Final = re.compile(r"(?:[^,(]|\([^)]*\)?)*")


class Prose(NamedTuple):
    """Plain text, and how many words it has."""

    text: str
    words: int


def parse(html: str) -> LexborHTMLParser:
    """Parse a document or a fragment. Raises ParseError when it was made to take a parser long."""
    tame.check(html)
    return LexborHTMLParser(html)


def prose(html: str) -> Prose:
    """Return what a reader would read: blocks become lines, an empty line in an imported body stays a paragraph break.

    Entities are decoded; scripts, styles and `[[image …]]` shortcodes are dropped. Raises ParseError.
    """
    text = _LINE_ENDS.sub("\n", html)
    if "<" in text or "&" in text:
        body = parse(_BLOCKS.sub("\n<", _without_unread(text))).body
        text = body.text() if body is not None else ""
    return _tidied(_SHORTCODE.sub("", text) if "[" in text else text)


def _tidied(text: str) -> Prose:
    """Return text with single blanks, without what does not print and without more than one empty line in a row."""
    lines, words = [""], 0
    for line in text.split("\n"):
        if not line:
            kept = ""
        elif line.isprintable() and "  " not in line:  # of all blanks only the space prints
            kept = line.strip()
            words += kept.count(" ") + 1 if kept else 0
        else:
            spaced = " ".join(line.split())
            kept = spaced if spaced.isprintable() else _UNPRINTABLE.sub("", spaced)
            words += len(kept.split())
        if kept or lines[-1]:
            lines.append(kept)
    return Prose("\n".join(lines).strip(), words)


def images(html: str) -> tuple[str, ...]:
    """Return the URL of every picture in `html`, in order, each once: sources, candidates of srcsets, posters.

    URLs come as they are written; those of a video's or sound's own sources are left out. Raises ParseError.
    """
    if not _PICTURED.search(html):
        return ()
    tree = parse(html)
    played = {node.mem_id for node in tree.css(_PLAYED)}
    found = (url for node in tree.css(_PICTURES) if node.mem_id not in played for url in image_urls(node))
    return tuple(dict.fromkeys(found))


def image_urls(node: LexborNode) -> Iterator[str]:
    """Yield the picture URLs of one `<img>`, `<source>` or `<video>`."""
    attributes = node.attributes
    names = ("poster",) if node.tag == "video" else ("src", "data-src")
    for name in names:
        url = (attributes.get(name) or "").strip()
        if url:
            yield url
    for name in ("srcset", "data-srcset"):
        for url, _ in candidates(attributes.get(name) or ""):
            yield url


def candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """Yield URL and descriptor of each candidate of a `srcset`, as the HTML standard splits it.

    A URL ends at a blank, so that it may hold commas and parentheses as Thumbor's do (contract 6.1).
    """
    position, length = 0, len(srcset)
    while position < length:
        if srcset[position].isspace() or srcset[position] == ",":
            position += 1
            continue
        end = position
        while end < length and not srcset[end].isspace():
            end += 1
        url, position = srcset[position:end], end
        if url.endswith(","):
            yield url.rstrip(","), ""
            continue
        descriptor = _DESCRIPTORS.match(srcset, position)
        position = descriptor.end() if descriptor else length
        yield url, descriptor[0].strip() if descriptor else ""


def _without_unread(html: str) -> str:
    """Cut out the elements whose content nobody reads; what is not closed goes on to the end."""
    parts, position = [], 0
    while match := _UNREAD.search(html, position):
        parts.append(html[position : match.start()])
        end = re.compile(rf"</{match[1]}[\s/>]", re.IGNORECASE).search(html, match.end())
        close = html.find(">", end.start()) if end else -1
        position = len(html) if close < 0 else close + 1
    return "".join(parts) + html[position:] if parts else html
