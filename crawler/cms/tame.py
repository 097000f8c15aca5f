"""Whether HTML is tame enough to be parsed: the tree builder takes quadratic time on some documents. Pure.

The HTML standard makes a parser search its stack of open elements at most tags, create every unclosed formatting
element again in every block, and compare every attribute of a tag with all others. Pages and articles stay far below
the limits here; what is above them was made to hurt, and is refused before it is parsed. The count errs on the side
of too many open elements wherever it does not follow the standard.
"""

from __future__ import annotations

import re
from typing import Final

from crawler.errors import ParseError

_SMALL_LENGTH: Final = 50_000  # characters; with fewer, and with few tags, nothing takes long
_SMALL_TAGS: Final = 1_500
_MOST_DEPTH: Final = 2_000
_MOST_ATTRIBUTES: Final = 500
_MOST_ROOTS: Final = 50
_STEPS: Final = 50_000_000  # open elements × tags: well under a second
_COPIES: Final = 1_000_000  # unclosed formatting elements × tags: as many nodes at the most

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)|<!--")
_ATTRIBUTE: Final = re.compile(
    r"[\s/]*+(?:(>)|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]*+)|(?!\s*+=)))"
)
_RAW_END: Final = {
    name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
_VOID: Final = frozenset(
    {
        "area",
        "base",
        "basefont",
        "bgsound",
        "br",
        "col",
        "embed",
        "frame",
        "hr",
        "img",
        "input",
        "keygen",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    }
)
# Elements that close each other: their depth is bounded by that of the elements counted.
_SELF_CLOSING: Final = frozenset(
    {
        "p",
        "li",
        "dt",
        "dd",
        "option",
        "optgroup",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "colgroup",
        "caption",
        "rt",
        "rp",
        "rb",
        "rtc",
        "html",
        "head",
        "body",
    }
)
_FORMATTING: Final = frozenset({"b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"})
_BARRIERS: Final = frozenset(
    {"table", "template", "applet", "marquee", "object", "svg", "math", "select", "foreignobject", "desc"}
)
_NEAR: Final = 16  # how far down the stack an end tag looks for its element


def check(html: str) -> None:
    """Raise ParseError when `html` could take a parser long or blow up in memory; linear in its length."""
    if len(html) <= _SMALL_LENGTH and html.count("<") <= _SMALL_TAGS:
        return
    _Counter(html).run()


class _Counter:
    """Follows the tags of a document with the least that bounds what a parser would do."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._foreign = re.search(r"<(?:svg|math)[\s/>]", html, re.IGNORECASE) is not None
        self._stack: list[str] = []
        self._formatting: dict[str, int] = {}
        self._unclosed = 0  # formatting elements
        self._tags = 0
        self._roots = 0
        self._deepest = 0
        self._most_unclosed = 0

    def run(self) -> None:
        html, position = self._html, 0
        while match := _TAG.search(html, position):
            self._tags += 1
            if match[2] is None:
                end = html.find("-->", match.end() - 2)
                position = len(html) if end < 0 else end + 3
            else:
                position = self._tag(match)
        if self._deepest * self._tags > _STEPS or self._most_unclosed * self._tags > _COPIES:
            raise ParseError(f"the HTML leaves too much open: {self._deepest:,} elements, {self._tags:,} tags")

    def _tag(self, match: re.Match[str]) -> int:
        name = match[2].lower()
        position = self._attributes(match.end())
        if match[1]:
            self._close(name)
            return position
        self._open(name)
        if name in _RAW_END and not self._foreign:
            end = _RAW_END[name].search(self._html, position)
            return end.start() if end else len(self._html)
        return position

    def _attributes(self, position: int) -> int:
        """Return where the tag ends."""
        for _ in range(_MOST_ATTRIBUTES):
            match = _ATTRIBUTE.match(self._html, position)
            if match is None:
                return len(self._html)  # the document ends within the tag
            position = match.end()
            if match[1]:
                return position
        raise ParseError(f"the HTML has a tag with more than {_MOST_ATTRIBUTES} attributes")

    def _open(self, name: str) -> None:
        if name in ("html", "body"):
            self._roots += 1
            if self._roots > _MOST_ROOTS:
                raise ParseError(f"the HTML has more than {_MOST_ROOTS} html and body tags")
        if name in _VOID or name in _SELF_CLOSING:
            return
        self._stack.append(name)
        self._deepest = max(self._deepest, len(self._stack))
        if self._deepest > _MOST_DEPTH:
            raise ParseError(f"the HTML is nested more than {_MOST_DEPTH:,} elements deep")
        if name in _FORMATTING:
            self._formatting[name] = self._formatting.get(name, 0) + 1
            self._unclosed += 1
            self._most_unclosed = max(self._most_unclosed, self._unclosed)

    def _close(self, name: str) -> None:
        """Take the element off the stack where it is near the top and nothing hides it."""
        stack, blocked = self._stack, False
        for place in range(len(stack) - 1, max(-1, len(stack) - 1 - _NEAR), -1):
            if stack[place] == name:
                del stack[place:]
                break
            if stack[place] in _BARRIERS:
                blocked = True
                break
        if self._formatting.get(name) and not blocked:
            self._formatting[name] -= 1
            self._unclosed -= 1
