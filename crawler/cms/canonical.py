"""When an article has changed: a hash of what its editors control, blind to what changes by itself (contract 7.2).

Pure. What does not count:

| left out | why |
|---|---|
| `views`, `comments`, `rating`, `rating_count`, `cached`, at any depth | counters and caches |
| `articlesCount`, `seo_name`, `typeId`, at any depth | come and go with the age of a nested snapshot |
| `access_allowed` | says who asked, not what was published |
| of categories and keywords all but id, name and slug; of authors all but id and name | stale snapshots (2.5) |
| of articles nested in this one all but the id | they have revisions of their own |
| host of the article's and the pictures' URLs; a double slash in their path | depends on who rendered them |
| the signature in a picture's path; `url_<alias>` beside `transforms` | depends on an installation's key and names |
| host of `<img>` and `<source>` in HTML | the same pictures, served from elsewhere |
| order of keys; `1`, `"1"` or `true`; absent, `null`, `""`, `[]` or `{}` | APIs and pages spell them differently |
| `T` or a blank in `firstPublished`, `lastUpdate` | the pages rewrite it |
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from crawler.cms import fields, terms
from crawler.cms.jsontext import MAX_DEPTH
from crawler.errors import ParseError

VOLATILE: Final = frozenset(
    {"views", "comments", "rating", "rating_count", "cached", "articlesCount", "seo_name", "access_allowed", "typeId"}
)
_URLS: Final = frozenset({"url", "shorturl", "image", "cover", "logo", "social_image"})
_MOMENTS: Final = frozenset({"firstPublished", "lastUpdate"})
_RESPELLED: Final = _URLS | _MOMENTS
_STRANGERS: Final = frozenset({"sponsor", "source"})  # their URLs lead to other houses, so the host says something

_ORIGIN: Final = re.compile(r"\s*(?:https?:)?//[^/?#]*", re.IGNORECASE)
_SIGNATURE: Final = re.compile(r"/i/[A-Za-z0-9_-]{27}=/")
_SLASHES: Final = re.compile(r"/{2,}")
_PICTURE: Final = re.compile(r"<(?:img|source)\b[^<>]*", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:https?:)?//[^/\s\"'<>,]+", re.IGNORECASE)
_MOMENT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.0+)?")
_TOO_DEEP: Final = f"the article is nested more than {MAX_DEPTH} levels deep"


def content_hash(article: Mapping[str, object], filed: Mapping[str, list[terms.Filed]]) -> str:
    """Return the SHA-256, in hex, of an article's canonical form. Raises ParseError when it is nested too deeply."""
    return hashlib.sha256(msgspec.json.encode(_form_of(article, filed), order="sorted")).hexdigest()


def canonical_form(article: Mapping[str, object]) -> dict[str, object]:
    """Return what of an article counts as its content, spelled in one way. Raises ParseError when nested too deeply."""
    return _form_of(article, terms.filed(article))


def _form_of(article: Mapping[str, object], filed: Mapping[str, list[terms.Filed]]) -> dict[str, object]:
    own = dict(article)
    for holder in terms.HOLDERS:
        own.pop(holder, None)
    named = {holder: [list(entry.identity) for entry in entries] for holder, entries in filed.items() if entries}
    return _map(own, 0, strange=False) | named


def _map(value: Mapping[str, object], depth: int, *, strange: bool) -> dict[str, object]:
    if depth and value.get("objectType") == "Article" and (cms_id := fields.first(value, "id", "signature")):
        return {"article": cms_id.removeprefix("Article:")}
    aliased = "transforms" in value
    form: dict[str, object] = {}
    for key, entry in value.items():
        if key in VOLATILE or (aliased and key.startswith("url_")):
            continue
        if depth >= MAX_DEPTH:
            raise ParseError(_TOO_DEEP)
        spelled: object = entry
        if not isinstance(entry, str):
            if entry is not None and entry != []:
                spelled = _form(key, entry, depth + 1, strange=strange or key in _STRANGERS)
        elif entry and (key in _RESPELLED or "<" in entry or key.startswith("url_")):
            spelled = _string(key, entry, strange=strange or key in _STRANGERS)
        if spelled:
            form[key] = spelled
    return form


def _form(key: str, value: object, depth: int, *, strange: bool) -> object:
    if isinstance(value, str):
        return _string(key, value, strange=strange)
    if isinstance(value, dict):
        return _map(value, depth, strange=strange)
    if isinstance(value, list):
        if depth >= MAX_DEPTH and value:
            raise ParseError(_TOO_DEEP)
        return [_form(key, entry, depth + 1, strange=strange) for entry in value]
    if isinstance(value, bool):
        return str(int(value))
    return value if value is None else fields.text(value) or repr(value)


def _string(key: str, value: str, *, strange: bool) -> str:
    if key in _URLS or key.startswith("url_"):
        return value if strange else _located(value)
    if key in _MOMENTS:
        moment = _MOMENT.fullmatch(value)
        return f"{moment[1]} {moment[2]}" if moment else value
    return _PICTURE.sub(_without_hosts, value) if "<" in value else value


def _located(url: str) -> str:
    """Return what a URL says apart from its host."""
    origin = _ORIGIN.match(url)
    path, mark, query = (url[origin.end() :] if origin else url).partition("?")
    if "//" in path:
        path = _SLASHES.sub("/", path)
    signature = _SIGNATURE.match(path)
    return (f"/i/{path[signature.end() :]}" if signature else path) + mark + query


def _without_hosts(match: re.Match[str]) -> str:
    return _HOST.sub("", match[0])
