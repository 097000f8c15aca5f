"""Article objects inside a public page: in its islands, or dumped as text (contract 5.2.1 and 5.2.2). Pure.

Found by searching the page's text, without building a tree: quick, and nothing can be nested too deeply for it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from crawler.cms import fields, jsontext
from crawler.errors import ParseError

MARKER: Final = "All Article Properties:"

_ISLAND: Final = re.compile(r"<astro-island\b", re.IGNORECASE)
_PROPS: Final = re.compile(r"\sprops\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_ARTICLE: Final = re.compile(r'"objectType"\s*:\s*\[\s*0\s*,\s*"Article"\s*\]')
_SIMPLE: Final = (("&quot;", '"'), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#x27;", "'"))
_ENDLESS_NUMBER: Final = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")  # no character, and int() refuses it
_MARKUP: Final = re.compile(r"<[a-zA-Z!/]")
_MOST_DUMPS: Final = 5  # places where the marker is looked behind
_VALUE, _LIST, _DATE, _MAP, _SET = 0, 1, 3, 4, 5
_UTC_MARK: Final = re.compile(r"(?:\.0+)?Z$")


@dataclass(frozen=True, slots=True)
class Embedded:
    """An article object found in a page; `text` is what it came as, where it came as JSON."""

    article: Mapping[str, object]
    text: str | None = None

    @property
    def json(self) -> str:
        """The object's JSON text."""
        return jsontext.encode(self.article) if self.text is None else self.text


def articles(page: str) -> Iterator[Embedded]:
    """Yield the article objects of a page, those in islands first; what cannot be read is passed over."""
    for props in _island_props(page):
        if _ARTICLE.search(props):
            try:
                plain = unwrap(jsontext.decode(props))
            except ParseError:
                continue
            yield from (Embedded(found) for found in _articles_in(plain))
    yield from _dumps(page)


def unwrap(value: object, depth: int = 0) -> object:
    """Return what the props of an island mean: of `[type, value]` pairs, the values. Raises ParseError when too deep.

    Types other than plain values and lists were never seen and are read as the framework writes them.
    """
    if depth > jsontext.MAX_DEPTH:
        raise ParseError("the page's embedded JSON is nested too deeply")
    if isinstance(value, dict):
        return {key: _pair(entry, depth + 1) for key, entry in value.items()}
    return value


def _pair(pair: object, depth: int) -> object:
    if not isinstance(pair, list) or not pair or len(pair) > 2 or not isinstance(pair[0], int):
        return pair  # not encoded after all
    kind, value = pair[0], pair[1] if len(pair) == 2 else None
    if kind in (_LIST, _MAP, _SET):
        value = jsontext.decode(value) if isinstance(value, str) else value  # older versions nest JSON text
        entries = value if isinstance(value, list) else []
        return [_pair(entry, depth + 1) for entry in entries] if depth < jsontext.MAX_DEPTH else unwrap({}, depth + 1)
    if kind == _DATE and isinstance(value, str):
        return _UTC_MARK.sub("", value)  # site-local time that the front end labels as UTC (contract 4.4)
    return unwrap(value, depth + 1)


def unescape(text: str) -> str:
    """Return `text` without character references; quick where there are only those of serialised JSON."""
    plain = text
    for reference, character in _SIMPLE:
        plain = plain.replace(reference, character)
    if plain.count("&") == plain.count("&amp;"):
        return plain.replace("&amp;", "&")
    return html.unescape(_ENDLESS_NUMBER.sub("\ufffd", text))


def _island_props(page: str) -> Iterator[str]:
    starts = [match.start() for match in _ISLAND.finditer(page)]
    for start, end in pairwise([*starts, len(page)]):
        match = _PROPS.search(page, start, end)
        if match:
            yield unescape(match[1] or match[2] or "")


def _articles_in(value: object) -> Iterator[Mapping[str, object]]:
    """Yield the outermost article objects, in order."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if found.get("objectType") == "Article":
                yield found
            else:
                waiting += reversed(found.values())
        elif isinstance(found, list):
            waiting += reversed(found)


def _dumps(page: str) -> Iterator[Embedded]:
    position = page.find(MARKER)
    for _ in range(_MOST_DUMPS):
        if position < 0:
            return
        for text in _readings(page, position):
            sliced = _object_after(text)
            if sliced is not None:
                yield sliced
                break
        position = page.find(MARKER, position + len(MARKER))


def _readings(page: str, position: int) -> Iterator[str]:
    """Yield the text after a marker as it may be meant: as it stands, or as the escaped text of an element.

    In a page of markup JSON that stands there raw shows tags of its own; where it shows none it was escaped.
    """
    rest = page[position + len(MARKER) :]
    raw = _object_after(rest)
    is_page = _MARKUP.search(page, 0, position) is not None
    if raw is not None and (not is_page or _MARKUP.search(raw.json)):
        yield rest
    else:
        yield unescape(rest)
        yield rest


def _object_after(text: str) -> Embedded | None:
    """Return the first JSON object in a text, as it came."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return Embedded(found, text[start:end]) if fields.first(found, "id", "signature") else None
