"""JSON from the network: decoded within limits, and encoded again. Pure."""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Final, TypeVar

import msgspec

from crawler.errors import ParseError

_T = TypeVar("_T")

MAX_DEPTH: Final = 100  # levels; articles have about ten, a category with its parents included

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ESCAPES: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
_TOO_DEEP: Final = "the JSON is nested too deeply to be an answer of the CMS"


def decode(text: str | bytes) -> object:
    """Return what a JSON text means; of duplicate keys the last one counts.

    Lone surrogates become U+FFFD and numbers beyond a double's range null, since neither can be stored. Raises
    ParseError for anything that is no JSON, NaN and Infinity included.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise ParseError(_TOO_DEEP) from error
    except UnicodeError as error:
        raise ParseError("the JSON is not valid UTF-8") from error
    except msgspec.DecodeError as error:
        return _decode_leniently(text, error)


def encode(value: object) -> str:
    """Return the compact JSON text of a decoded value, its keys in their order. Raises ParseError when too deep."""
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError as error:
        raise ParseError(_TOO_DEEP) from error
    except OverflowError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def utf8(body: bytes) -> bytes:
    """Return a JSON body as UTF-8 without its byte order mark. Raises ParseError when it is empty.

    Bytes that mean nothing become U+FFFD: one bad byte is no reason to lose an article, and the body as it came is
    kept beside it.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    if not body.strip():
        raise ParseError("the answer is empty")
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode(json.detect_encoding(body), "replace").encode()
    return body


def raw_object(text: str | bytes) -> dict[str, msgspec.Raw]:
    """Return the members of a JSON object as the texts they came as. Raises ParseError."""
    return _raw(text, dict[str, msgspec.Raw])


def raw_list(text: str | bytes) -> list[msgspec.Raw]:
    """Return the elements of a JSON list as the texts they came as. Raises ParseError."""
    return _raw(text, list[msgspec.Raw])


def _raw(text: str | bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError as error:
        raise ParseError(_TOO_DEEP) from error
    except (msgspec.DecodeError, UnicodeError) as error:
        mended = _without_lone_surrogates(text)
        if mended is not None:
            return _raw(mended, kind)
        raise ParseError(f"the answer is not JSON: {error}") from error


def _without_lone_surrogates(text: str | bytes) -> bytes | None:
    """Return a JSON text with U+FFFD for halves of characters; None when it has none.

    A CMS that cuts texts to a length makes such halves, and they are no reason to lose an article.
    """
    whole = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    mended = _ESCAPES.sub(lambda found: b"\\ufffd" if found["lone"] else found[0], whole)
    return mended if mended != whole else None


def _decode_leniently(text: str | bytes, why: Exception) -> object:
    try:
        return _storable(json.loads(text, parse_constant=_refuse))
    except RecursionError as error:
        raise ParseError(_TOO_DEEP) from error
    except ValueError as error:
        raise ParseError(f"the answer is not JSON: {why}") from error


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _storable(value: object) -> object:
    """Replace what SQLite and UTF-8 have no room for."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {str(_storable(key)): _storable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
