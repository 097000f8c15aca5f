"""The key of one request, kept out of everything that is kept or shown of its answer. Pure.

Servers repeat what they were sent: in messages, in redirects, in links to the next page. The archive must not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html.entities import html5
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

from crawler.errors import Fault
from crawler.urls import display

MASK = "********"
_LONGEST_MESSAGE = 400  # characters of a Fault
_SHORTEST = 12  # characters of a key that is looked for in bodies; a shorter one could be a word of the article
_PARAMETER = "key"  # contract 2.1
_LONGEST_MIXED = 256  # characters of a key whose escapes may be mixed: each takes 0.1 ms once, and any link has a key
_ESCAPES = ("%", "\\u", "\\x", "&#", "amp;#")  # that spell letters and digits, too
_DEEP = "{0,4}"  # times that an escape is escaped again; all repetition is bounded, so that a search is linear
_BACKSLASHES = r"\\\\{0,7}+"  # of an escape that is escaped again thrice


class HiddenKey:
    """What a request's key looks like, sent as a header or in its URL: as it is, or with any of its characters escaped.

    Escapes are those of URLs, of JSON and JavaScript, and of HTML, each also escaped again.
    """

    __slots__ = ("_keys", "_spellings")

    def __init__(self, api_key: str, url: str) -> None:
        """Know the keys of a request for `url` with the header `api_key`; '' when there is none."""
        self._keys: Sequence[str] = ()
        self._spellings: Sequence[str] = ()
        if not api_key and _PARAMETER not in url:
            return
        in_url = parse_qs(urlsplit(url).query).get(_PARAMETER, []) if f"{_PARAMETER}=" in url else []
        self._keys = [key for key in dict.fromkeys((api_key, *in_url)) if key]
        self._spellings = sorted({text for key in self._keys for text in _usual(key)}, key=len, reverse=True)

    def __bool__(self) -> bool:
        """Say whether there is a key at all."""
        return bool(self._keys)

    def is_in(self, text: str) -> bool:
        """Say whether `text` repeats the key."""
        return self.out_of(text) != text

    def out_of(self, text: str) -> str:
        """Return `text` with a mask in place of the key."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        for key in self._keys:
            if _core(key) in text or any(escape in text for escape in _ESCAPES):
                text = _mixed(key).sub(MASK, text)
        return text

    def out_of_bytes(self, body: bytes) -> bytes:
        """Return a body with as many asterisks in place of the key."""
        for spelling in self._spellings:
            if len(spelling) >= _SHORTEST:
                body = body.replace(spelling.encode(), b"*" * len(spelling.encode()))
        for key in self._keys:
            if body and len(key) >= _SHORTEST:
                body = _mixed_in_body(key).sub(_asterisks, body)
        return body

    def out_of_fault(self, fault: Fault) -> Fault:
        """Return a fault without the key, and no longer than people read: cut last, lest part of the key stays."""
        message = display(self.out_of(str(fault)), _LONGEST_MESSAGE)
        return Fault(fault.kind, message, http_status=fault.http_status, retry_after=fault.retry_after, host=fault.host)


def _asterisks(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])


@lru_cache(maxsize=256)
def _usual(key: str) -> frozenset[str]:
    """Return a key as most servers spell it; replacing these costs next to nothing."""
    return frozenset((key, quote(key, safe=""), quote_plus(key)))


@lru_cache(maxsize=256)
def _core(key: str) -> str:
    """Return the longest part of a key that only escapes of letters and digits can hide: most texts have neither."""
    parts: list[str] = re.findall("[0-9A-Za-z]*", key)
    return max(parts, key=len)


@lru_cache(maxsize=64)
def _mixed(key: str) -> re.Pattern[str]:
    """Return what matches a key whose every character is spelt in one of its ways."""
    return re.compile(_pattern(key))


@lru_cache(maxsize=64)
def _mixed_in_body(key: str) -> re.Pattern[bytes]:
    return re.compile(_pattern(key).encode("utf-8", "surrogatepass"))


def _pattern(key: str) -> str:
    """Return a pattern for a key, nothing of a monstrous one; a search for it takes linear time.

    A character is read in one way only (an atomic group), the longest. The first one's group is an ordinary one: `re`
    sees what it can begin with, and skips quickly to that.
    """
    if len(key) > _LONGEST_MIXED:
        return "(?!)"
    first, *others = map(_ways, key)
    return f"(?:{first})" + "".join(f"(?>{ways})" for ways in others)


@lru_cache(maxsize=256)
def _ways(character: str) -> str:
    """Return alternatives for one character: percent-escaped, with a backslash, as an HTML entity, as it is."""
    code = ord(character)
    percent = "".join(f"%(?:25){_DEEP}{_hex(byte, 2)}" for byte in character.encode("utf-8", "surrogatepass"))
    entity = f"(?:amp;){_DEEP}(?:#0{_DEEP}{code};|#[xX]0{_DEEP}{_hex(code)};{_named(character)})"
    backslashed = [_unicode(character), f"x{_hex(code, 2)}", f"u0026{entity}"]
    plain = [re.escape(character)]
    if character == "\\":
        plain.insert(0, r"\\\\")
    elif not character.isalnum():
        backslashed.append(plain[0])  # \/ of JSON
    if character == " ":
        plain.append(r"\+")
    return "|".join((percent, f"{_BACKSLASHES}(?:{'|'.join(backslashed)})", f"&{entity}", *plain))


def _unicode(character: str) -> str:
    """Return a pattern for what JSON has after a backslash: the units of UTF-16."""
    units = character.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return _BACKSLASHES.join(f"u{_hex(code, 4)}" for code in codes)


def _hex(number: int, digits: int = 0) -> str:
    """Return a pattern for a number in hexadecimal digits of either case."""
    return "".join(f"[{digit}{digit.lower()}]" if digit.isalpha() else digit for digit in f"{number:0{digits}X}")


def _named(character: str) -> str:
    """Return further alternatives: the names that HTML has for a character."""
    return "".join(f"|{name}" for name, meaning in html5.items() if meaning == character and name.endswith(";"))
