"""URLs as text: one spelling for identity, one for the wire, one for people's eyes. Pure.

The three are kept apart on purpose. `canonical` may change a URL, since it only says which URLs are the same;
`for_wire` must not, since a signed picture path is valid as given or not at all (contract 6.3); `display` shows
anything at all without letting it talk to the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import SplitResult, quote, unquote_plus, urljoin, urlsplit

import idna

from crawler.errors import BadURL

__all__ = [
    "MAX_LENGTH",
    "MAX_WIRE_LENGTH",
    "BadURL",
    "canonical",
    "display",
    "for_wire",
    "join",
    "path_key",
    "with_query",
]

MAX_LENGTH: Final = 2_000  # characters of a canonical URL; no newsroom's page address comes near
MAX_WIRE_LENGTH: Final = 4_000  # characters sent; servers commonly refuse request lines of 8 KiB

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# C0 and C1 controls, line and paragraph separators, bidi marks, embeddings, overrides and isolates, lone surrogates.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BLANK: Final = "".join(map(chr, range(0x21))) + "\x7f\x85\u00a0\ufeff"  # what browsers and editors leave around a URL
_BREAKS: Final = re.compile(r"[\t\r\n]")
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})?")
_ILLEGAL: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]")
# What is legal as it is, up to the path and from there on; nearly every picture's address.
_PLAIN: Final = re.compile(
    r"(https?://[A-Za-z0-9.\-_:\[\]]++)(/(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]++|%[0-9A-Fa-f]{2})*+(?<!\?))"
)
# What has its canonical path already, but for a slash at its end; nearly every page's address.
_TIDY: Final = re.compile(r"(https?://[A-Za-z0-9.\-_:]++)((?:/(?!\.)[A-Za-z0-9\-._~:@!$&'()*+,;=]++)*+)/?")
_ILLEGAL_IN_PATH: Final = re.compile(r"[^A-Za-z0-9\-._~:/@!$&'()*+,;=%]")
_ASCII_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def canonical(url: str, keep: Collection[str] = ()) -> str:
    """Return the one spelling that all spellings of `url` share; idempotent.

    Scheme and host are lower case (IDN as punycode), the scheme's own port, the fragment, a trailing slash and the
    query are dropped, except for the query parameters named in `keep`. Raises BadURL.
    """
    if (tidy := _TIDY.fullmatch(url)) and len(url) <= MAX_LENGTH and (front := _canonical_front(tidy[1])):
        return front + (tidy[2] or "/")
    return _made_canonical(url, keep)


@lru_cache(maxsize=4096)
def _canonical_front(front: str) -> str:
    """Return the canonical spelling of a URL up to its path; '' where it has none."""
    try:
        return _made_canonical(front, ()).removesuffix("/")
    except BadURL:
        return ""


def _made_canonical(url: str, keep: Collection[str]) -> str:
    text = _checked(url, MAX_LENGTH)
    parts = _split(text)
    query = _kept_query(parts.query, keep)
    result = f"{parts.scheme}://{_authority(parts, text)}{_canonical_path(parts.path)}{query}"
    return _within(result, MAX_LENGTH)


def path_key(url: str) -> str:
    """Return the canonical path of `url`, as keys use it: `/article/2023-07-06-as-minusma-exits`. Raises BadURL."""
    if (tidy := _TIDY.fullmatch(url)) and len(url) <= MAX_LENGTH:
        return tidy[2] or "/"
    return _canonical_path(_split(_checked(url, MAX_LENGTH)).path)


def for_wire(url: str) -> str:
    """Return `url` exactly as given, but legal to send; idempotent.

    Only what no URL may contain is percent-encoded: spaces, quotes, non-ASCII characters, a `%` that starts no escape.
    What is never sent is cut off: surrounding blanks, the fragment, a `?` with nothing behind it. An IDN host becomes
    punycode. Raises BadURL for anything else: relative references, other schemes, credentials, control characters.
    """
    if plain := _PLAIN.fullmatch(url):
        return _within(_legal_front(plain[1]) + plain[2], MAX_WIRE_LENGTH)
    return _made_legal(url)


@lru_cache(maxsize=4096)
def _legal_front(front: str) -> str:
    """Return a URL up to its path as it is sent. Raises BadURL."""
    return _made_legal(front).removesuffix("/")


def _made_legal(url: str) -> str:
    text = _checked(url, MAX_WIRE_LENGTH)
    parts = _split(text)
    path = _ILLEGAL.sub(_encode, parts.path) or "/"
    query = f"?{_ILLEGAL.sub(_encode, parts.query)}" if parts.query else ""
    return _within(f"{parts.scheme}://{_authority(parts, text)}{path}{query}", MAX_WIRE_LENGTH)


def join(base: str, ref: str) -> str:
    """Return the absolute URL of a reference found in the page at `base`; '' where it leads to no web address.

    An absolute reference comes back as it was given; blanks around it, line breaks in it and the fragment go, as in
    browsers.
    """
    if plain := _PLAIN.fullmatch(ref):
        return ref if _has_host(plain[1]) else ""
    text = _BREAKS.sub("", ref.strip(_BLANK)).partition("#")[0]
    if not text:
        return ""
    try:
        scheme = urlsplit(text).scheme
        joined = text if scheme in _DEFAULT_PORTS and "//" in text[:8] else urljoin(base, text)
        parts = urlsplit(joined)
    except ValueError:
        return ""
    return joined if parts.scheme in _DEFAULT_PORTS and parts.netloc else ""


@lru_cache(maxsize=4096)
def _has_host(front: str) -> bool:
    try:
        return bool(urlsplit(front).netloc)
    except ValueError:
        return False


def with_query(url: str, name: str, value: str | int) -> str:
    """Return `url` with the query parameter `name` set to `value`, the others as they were, and no fragment."""
    whole = url.partition("#")[0]
    path, _, query = whole.partition("?")
    others = [field for field in query.split("&") if field and unquote_plus(field.partition("=")[0]) != name]
    others.append(f"{quote(name, safe='')}={quote(str(value), safe='')}")
    return f"{path}?{'&'.join(others)}"


def display(url: str, limit: int = 200) -> str:
    """Return text from the network as it may be shown in a terminal or a log line, at most `limit` characters long.

    Whatever does not print (control characters, escape sequences, bidi overrides, invisible characters) is shown as
    its escape.
    """
    safe = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in url[: limit + 1]
    )
    return safe if len(safe) <= limit else f"{safe[: max(0, limit - 1)]}…"[:limit]


def _checked(url: str, limit: int) -> str:
    """Return `url` without the blanks around it when nothing in it is dangerous."""
    text = url.strip()
    if not text:
        raise BadURL("an empty text is not a URL")
    found = _FORBIDDEN.search(text)
    if found:
        raise BadURL(f"{_named(text)} contains the character U+{ord(found[0]):04X}, which has no place in a URL")
    return _within(text, limit)


def _within(url: str, limit: int) -> str:
    if len(url) > limit:
        raise BadURL(f"{_named(url)} is {len(url):,} characters long; no more than {limit:,} are accepted")
    return url


def _named(text: str) -> str:
    return f"“{display(text, 80)}”"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise BadURL(f"{_named(text)} is not a URL: {display(str(error), 80)}") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadURL(f"{_named(text)} is not an http or https URL")
    return parts


def _authority(parts: SplitResult, text: str) -> str:
    """Return `host` or `host:port` of a URL; raises BadURL when there is none, or credentials."""
    if "@" in parts.netloc:
        raise BadURL(f"the URL at {_named(parts.netloc.rpartition('@')[2])} carries credentials; leave them out")
    try:
        port = parts.port
    except ValueError as error:
        raise BadURL(f"{_named(text)} has no valid port") from error
    if port == 0:
        raise BadURL(f"{_named(text)} has no valid port")
    host = _host(parts, text)
    return host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"


def _host(parts: SplitResult, text: str) -> str:
    if parts.netloc.startswith("["):
        address, bracket, rest = parts.netloc[1:].partition("]")
        try:
            if not bracket or (rest and not rest.startswith(":")) or "%" in address:
                raise AddressValueError(address)
            return f"[{IPv6Address(address)}]"
        except AddressValueError as error:
            raise BadURL(f"{_named(text)} has no valid address in its brackets") from error
    host = (parts.hostname or "").lower()
    if not host:
        raise BadURL(f"{_named(text)} names no host")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except UnicodeError as error:
            raise BadURL(f"{_named(host)} is not a host name") from error
    if not _ASCII_HOST.fullmatch(host):
        raise BadURL(f"{_named(host)} is not a host name")
    return host.removesuffix(".")


def _canonical_path(path: str) -> str:
    """Normalise escapes, then dot segments, so that an encoded dot is a dot; never climbs above the root."""
    plain = _ILLEGAL_IN_PATH.sub(_encode, _ESCAPE.sub(_normal_escape, path))
    kept: list[str] = []
    for segment in plain.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


def _normal_escape(match: re.Match[str]) -> str:
    if match[1] is None:
        return "%25"
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _encode(match: re.Match[str]) -> str:
    return quote(match[0], safe="")


def _kept_query(query: str, keep: Collection[str]) -> str:
    """Return the wanted parameters in one order and one encoding, with their `?`."""
    if not keep or not query:
        return ""
    fields = []
    for field in query.split("&"):
        name, _, value = field.partition("=")
        if unquote_plus(name) in keep:
            fields.append(f"{quote(unquote_plus(name), safe='')}={quote(unquote_plus(value), safe='')}")
    return f"?{'&'.join(sorted(fields))}" if fields else ""
