"""How real shapes are spoilt: by bytes, by structure, by markup. All chance comes from the Random that is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Mutation = Callable[[bytes, Random], bytes]

LONG = 100_000  # how long, deep or often the seldom, huge mutations go
LONGEST = 2_000_000  # bytes of an input
_HUGE_ONE_IN = 25

# Bytes that mean something to somebody: decoders, parsers, terminals, log readers.
_BYTES = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b]8;;x\x07", b"\xc2\x9b31m", b"\xe2\x80\xae", b"\r\n",
    b"\\", b'"', b"'", b"<", b">", b"&", b"&#27;", b"&#" + b"9" * 5000 + b";", b"{", b"[", b"]]>", b"<![CDATA[", b"-->",
    b"<!--", b"%", b"%00", b"//", b"..", b"@", b"*", b"$", b"9" * 400, b"NaN", b"\\ud800", b"\\u0000",
    b"All Article Properties:",
)  # fmt: skip
# JSON values in the wrong place.
_RAW = (
    "null", "true", "0", "-0.0", "1e999", "NaN", "-Infinity", "9" * 25, "9" * 5000, "1.5", '""', '"\\ud800"',
    '"\\u0000"', "[]", "{}", "[[]]", '[null,1,"x",[],{}]', '{"0":{"id":"7"},"1":"x"}', '"[1,2]"',
    '"{\\"id\\":\\"5\\"}"', '"{"', '{"html":"<p>x"}', '{"objectType":"Article","id":"9"}', '"2023-02-30 25:61:00"',
    '"//x//y"', '"javascript:x"',
)  # fmt: skip
# Markup that leaves something open.
_TAGS = (
    "<div>", "<b>", "<a href=x>", "<table>", "<svg>", "<template>", "<p>", "<select>", "<option>", "<script>",
    "<style>", "</div>", "</b>", "</a>", "</table>", "</svg>", "</p>", "<iframe>", "<noscript>", "<textarea>", "<!--",
    "<![CDATA[", '<img srcset="a 1x, b,, c (,) 2w">', '<base href="/x/">', '<link rel=canonical href="//x">',
    '<meta name="author">', '<a rel=next href="?pagination=2">', "<body>", "<object><a href=/category/x>",
    "<astro-island props='{&quot;a&quot;:[0,{&quot;objectType&quot;:[0,",
    '<script type="application/ld+json">{"@type":"NewsArticle","@graph":',
)  # fmt: skip


def mutated(body: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """Return `body` spoilt in one to four ways."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        mutation = chance.choice((by_bytes, by_bytes, by_structure, by_structure, by_markup, _splice(others)))
        body = mutation(body, chance)[:LONGEST]
    return body


def by_bytes(body: bytes, chance: Random) -> bytes:
    """Flip, cut, insert, repeat or break off."""
    start = chance.randrange(len(body) + 1)
    end = min(len(body), start + chance.choice((1, 2, 8, 64, 1024)))
    way = chance.randrange(6)
    if way == 0:
        return body[:start] + bytes(chance.randrange(256) for _ in body[start : min(end, start + 4)]) + body[end:]
    if way == 1:
        return body[:start] + body[end:]
    if way == 2:
        return body[:start]
    if way == 3:
        return body[:end] + body[start:end] * chance.choice((1, 3, 50)) + body[end:]
    token = chance.choice(_BYTES)
    return body[:start] + token * (_often(chance, len(token)) if way == 4 else 1) + body[start:]


def by_structure(body: bytes, chance: Random) -> bytes:
    """Swap types, double keys, nest and multiply in the JSON that the body is, or that its largest braces hold."""
    start, end = body.find(b"{"), body.rfind(b"}") + 1
    try:
        document = json.loads(body[start:end])
    except (ValueError, RecursionError):
        return by_bytes(body, chance)
    raw = chance.choice(_RAW) if chance.randrange(4) else _nested(chance)
    text = json.dumps(_spoilt(document, chance), ensure_ascii=chance.randrange(2) == 0)
    text = text.replace('"@raw@"', raw)
    if chance.randrange(4) == 0:
        brace = text.find("{", chance.randrange(len(text)))
        key = chance.choice(("id", "data", "contents", "url", "categories"))
        text = text[: brace + 1] + f'"{key}":{raw},' * _often(chance, 20) + text[brace + 1 :]
    return body[:start] + text.encode("utf-8", "replace") + body[end:]


def _spoilt(value: Any, chance: Random) -> Any:
    """Return the document with one of its places, however deep, replaced."""
    if isinstance(value, dict) and value and chance.randrange(8):
        key = chance.choice(list(value))
        return {**value, key: _spoilt(value[key], chance)}
    if isinstance(value, list) and value and chance.randrange(8):
        place = chance.randrange(len(value))
        return [*value[:place], _spoilt(value[place], chance), *value[place + 1 :]]
    return chance.choice(_OTHERWISE.get(type(value), []) + _ANYWAY)(value, chance)


_Change = Callable[[Any, Random], Any]
_ANYWAY: list[_Change] = [
    lambda value, _: json.dumps(value),
    lambda _, chance: chance.choice(("x", " ", "&", "<", "/", "\u202e", "\U0001f4f0")) * _often(chance, 1),
    lambda _value, _chance: "@raw@",
    lambda _value, _chance: "@raw@",
]
_OTHERWISE: dict[type, list[_Change]] = {
    list: [
        lambda value, _: {str(number): entry for number, entry in enumerate(value)},
        lambda value, chance: value * min(200, _often(chance, 500)),
    ],
    dict: [lambda value, _: list(value.values())],
    str: [lambda value, chance: by_markup(value.encode("utf-8", "replace"), chance).decode("utf-8", "replace")],
}


def _nested(chance: Random) -> str:
    depth = chance.choice((50, 120, 2_000, 10_000))
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}"), ('[{"objectType":"Article","id":"3","a":', "}]")))
    return opening * depth + "1" + closing * depth


def by_markup(body: bytes, chance: Random) -> bytes:
    """Leave elements open, nest them, stretch attributes, take end tags away."""
    place = body.find(b"<", chance.randrange(len(body) + 1))
    place = len(body) if place < 0 else place
    way = chance.randrange(6)
    if way == 0:
        return body[:place] + body[place + chance.randrange(1, 20) :]
    if way == 1:
        attribute = f"<div {chance.choice(('class', 'href', 'x'))}='{'a ' * _often(chance, 2)}'>"
        return body[:place] + attribute.encode() + body[place:]
    if way == 2:
        attributes = " ".join(f"a{number}=1" for number in range(_often(chance, 30)))
        return body[:place] + f"<p {attributes}>".encode() + body[place:]
    tags = "".join(chance.choice(_TAGS) for _ in range(chance.randrange(1, 4)))
    return body[:place] + tags.encode() * (_often(chance, len(tags)) if way == 3 else 1) + body[place:]


def _splice(others: Sequence[bytes]) -> Mutation:
    def splice(body: bytes, chance: Random) -> bytes:
        other = chance.choice(others)
        start = chance.randrange(len(other) + 1)
        place = chance.randrange(len(body) + 1)
        return body[:place] + other[start : start + chance.choice((10, 200, 5_000))] + body[place:]

    return splice


def _often(chance: Random, size: int) -> int:
    """Return how often something of this size is repeated: mostly a little, now and then so that it hurts."""
    return max(1, LONG // size) if chance.randrange(_HUGE_ONE_IN) == 0 else chance.choice((1, 2, 10, 60))
