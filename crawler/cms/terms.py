"""What an article is filed under: its categories, keywords and authors (contract 4.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from crawler.cms import fields, jsontext
from storage.records import Term

HOLDERS: Final = {"categories": "category", "keywords": "keyword", "authors": "author"}  # field: kind of its terms

_LONGEST_KNOWN: Final = 4_000  # characters of a term's JSON up to which it is remembered
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
_DOUBLE_SLASH: Final = re.compile(r"(?<![:/])/{2,}")
_ID_KEYS: Final = {"category": ("id",), "keyword": ("keywordId", "id"), "author": ("id",)}
_IDENTITY_KEYS: Final = {kind: (*keys, "slug", "editorialName", "name") for kind, keys in _ID_KEYS.items()}
_NAME_KEYS: Final = {"category": ("name",), "keyword": ("display_name", "name"), "author": ("name",)}
_SLUG_KEYS: Final = {"category": ("slug",), "keyword": ("slug",), "author": ("slug", "editorialName")}


def read(article: Mapping[str, object]) -> tuple[Term, ...]:
    """Return an article's terms, each once, in the order in which the CMS gives them: the first is the primary one."""
    found = [_filed(kind, facts) for holder, kind in HOLDERS.items() for facts in _merged(kind, article.get(holder))]
    return tuple({(one.kind, one.cms_id): one for one in found if one is not None}.values())


def identities(article: Mapping[str, object], holder: str) -> list[list[str]]:
    """Return by what the entries of `categories`, `keywords` or `authors` are known, however old their snapshots.

    The id alone where there is one: a category that gets another name is no edit of the articles filed under it.
    """
    kind = HOLDERS[holder]
    names = (*_NAME_KEYS[kind], "slug")
    found = ((fields.first(facts, *_ID_KEYS[kind]), facts) for facts in _merged(kind, article.get(holder)))
    return [[cms_id] if cms_id not in ("", "0") else ["", fields.first(facts, *names)] for cms_id, facts in found]


def _filed(kind: str, facts: Mapping[str, object]) -> Term | None:
    text = jsontext.encode(facts)
    return _known(kind, text) if len(text) <= _LONGEST_KNOWN else _term(kind, facts, text)


@lru_cache(maxsize=2048)
def _known(kind: str, text: str) -> Term | None:
    """Return the term that a JSON text stands for: a newsroom sends the same few with one article after the other."""
    return _term(kind, fields.mapping(jsontext.decode(text)), text)


def _term(kind: str, facts: Mapping[str, object], text: str) -> Term | None:
    """Return one term; None when nothing tells it from others.

    Without an id its slug, or else its name, stands for it.
    """
    cms_id = fields.first(facts, *_ID_KEYS[kind])
    name = fields.first(facts, *_NAME_KEYS[kind])
    url = _DOUBLE_SLASH.sub("/", fields.first(facts, "url"))
    slug = fields.first(facts, *_SLUG_KEYS[kind]) or _slug_in(url, kind)
    if cms_id in ("", "0"):
        cms_id = slug or name
    if not cms_id:
        return None
    return Term(kind, cms_id, name or slug or cms_id, slug, url, text)


def _merged(kind: str, value: object) -> Iterable[Mapping[str, object]]:
    """Return the facts of each term; of an id that occurs twice the fuller ones, since snapshots may be stale."""
    found: dict[str, Mapping[str, object]] = {}
    merged: dict[str, dict[str, object]] = {}
    for entry in fields.items(value):
        facts = _facts(entry)
        identity = fields.first(facts, *_IDENTITY_KEYS[kind])
        if identity in found:
            if identity not in merged:
                found[identity] = merged[identity] = dict(found[identity])
            known = merged[identity]
            known.update((key, fact) for key, fact in facts.items() if known.get(key) in _EMPTY)
        elif identity:
            found[identity] = facts
    return found.values()


def _facts(entry: object) -> Mapping[str, object]:
    """Return a term's own fields, whether it comes flat, as `{type, data}`, or as a bare name."""
    if isinstance(entry, str) and entry.strip()[:1] not in ("{", "["):
        return {"name": entry}
    outer = fields.mapping(entry)
    return fields.mapping(outer.get("data")) or outer


def _slug_in(url: str, kind: str) -> str:
    """Return the last segment of an author's URL; the other kinds carry their slug."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] if kind == "author" else ""
