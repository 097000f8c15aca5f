"""The last word on HTML that came from outside: only what is listed here reaches a page.

What `body` writes passes through here too, so that a mistake there can cost formatting and not safety. The page's
Content-Security-Policy is the wall behind this one.
"""

from __future__ import annotations

import re

import nh3

_BLOCKS = {"p", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "dl", "dt", "dd", "pre", "hr", "figure",
           "figcaption", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "div"}  # fmt: skip
_INLINE = {"a", "abbr", "b", "bdi", "br", "cite", "code", "del", "em", "i", "img", "ins", "kbd", "mark", "q", "s",
           "small", "span", "strong", "sub", "sup", "u"}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "class"},
    "img": {"src", "srcset", "sizes", "width", "height", "alt", "loading", "decoding"},
    "figcaption": {"dir"},
    "figure": {"class"},
    "div": {"class"},
    "p": {"class"},
    "span": {"class"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_CLASSES = {"leaving", "inside", "picture", "missing", "embed", "kind", "where", "why", "unseen", "table"}
_DROPPED = {"script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math", "select", "textarea",
            "title", "xmp", "noembed", "noframes"}  # fmt: skip
_HELD = r"(?:\.{0,2}/)*(?:\.\./)*media/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,8}"
_SRC = re.compile(_HELD)
_SRCSET = re.compile(rf"{_HELD} \d+w(?:, {_HELD} \d+w)*")
_NUMBER = re.compile(r"\d{1,5}")
_LEAVING = re.compile(r"https?://[^\s]+|mailto:[^\s]+|tel:[^\s]+", re.IGNORECASE)


def _checked(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value when it is one that we write."""
    del tag
    if name == "src":
        return value if _SRC.fullmatch(value) else None
    if name == "srcset":
        return value if _SRCSET.fullmatch(value) else None
    if name in ("width", "height", "colspan", "rowspan", "start"):
        return value if _NUMBER.fullmatch(value) else None
    if name == "dir":
        return value if value == "auto" else None
    if name == "class":
        return value if set(value.split()) <= _CLASSES else None
    if name == "href":
        return value if _LEAVING.fullmatch(value) or _is_ours(value) else None
    return value


def _is_ours(address: str) -> bool:
    """Say whether an address has no scheme and no host, so that it can only lead to a page beside this one."""
    return re.match(r"(?:/(?![/\\])|\.{1,2}/|[a-z0-9-]+/)[^:\\]*$", address) is not None


_CLEANER = nh3.Cleaner(
    tags=_BLOCKS | _INLINE,
    clean_content_tags=_DROPPED,
    attributes=_ATTRIBUTES,
    attribute_filter=_checked,
    strip_comments=True,
    link_rel="noopener noreferrer external",
    url_schemes={"http", "https", "mailto", "tel"},
)


def clean(html: str) -> str:
    """Return HTML in which nothing runs, nothing loads from elsewhere, and nothing leaves its place."""
    return _CLEANER.clean(html)
