"""What an article is filed under: its categories, keywords and authors (contract 4.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from crawler.cms import fields, jsontext
from storage.records import Term

HOLDERS: Final = {"categories": "category", "keywords": "keyword", "authors": "author"}  # field: kind of its terms

_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
_DOUBLE_SLASH: Final = re.compile(r"(?<![:/])/{2,}")
_ID_KEYS: Final = {"category": ("id",), "keyword": ("keywordId", "id"), "author": ("id",)}
_NAME_KEYS: Final = {"category": ("name",), "keyword": ("display_name", "name"), "author": ("name",)}
_SLUG_KEYS: Final = {"category": ("slug",), "keyword": ("slug",), "author": ("slug", "editorialName")}


def read(article: Mapping[str, object]) -> tuple[Term, ...]:
    """Return an article's terms, each once, in the order in which the CMS gives them: the first is the primary one."""
    found = (term(kind, facts) for holder, kind in HOLDERS.items() for facts in _merged(kind, article.get(holder)))
    return tuple({(one.kind, one.cms_id): one for one in found if one is not None}.values())


def identities(article: Mapping[str, object], holder: str) -> list[list[str]]:
    """Return by what the entries of `categories`, `keywords` or `authors` are known, however old their snapshots.

    The id alone where there is one: a category that gets another name is no edit of the articles filed under it.
    """
    kind = HOLDERS[holder]
    names = (*_NAME_KEYS[kind], "slug")
    found = ((fields.first(facts, *_ID_KEYS[kind]), facts) for facts in _merged(kind, article.get(holder)))
    return [[cms_id] if cms_id not in ("", "0") else ["", fields.first(facts, *names)] for cms_id, facts in found]


def term(kind: str, fields_of: Mapping[str, object]) -> Term | None:
    """Return one term; None when nothing tells it from others.

    Without an id its slug, or else its name, stands for it.
    """
    cms_id = fields.first(fields_of, *_ID_KEYS[kind])
    name = fields.first(fields_of, *_NAME_KEYS[kind])
    url = _DOUBLE_SLASH.sub("/", fields.first(fields_of, "url"))
    slug = fields.first(fields_of, *_SLUG_KEYS[kind]) or _slug_in(url, kind)
    if cms_id in ("", "0"):
        cms_id = slug or name
    if not cms_id:
        return None
    return Term(kind, cms_id, name or slug or cms_id, slug, url, jsontext.encode(fields_of))


def _merged(kind: str, value: object) -> Iterable[Mapping[str, object]]:
    """Return the facts of each term; of an id that occurs twice the fuller ones, since snapshots may be stale."""
    merged: dict[str, dict[str, object]] = {}
    for entry in fields.items(value):
        facts = _facts(entry)
        identity = fields.first(facts, *_ID_KEYS[kind], "slug", "editorialName", "name")
        if identity in merged:
            known = merged[identity]
            known.update((key, fact) for key, fact in facts.items() if known.get(key) in _EMPTY)
        elif identity:
            merged[identity] = dict(facts)
    return merged.values()


def _facts(entry: object) -> Mapping[str, object]:
    """Return a term's own fields, whether it comes flat, as `{type, data}`, or as a bare name."""
    if isinstance(entry, str) and entry.strip()[:1] not in ("{", "["):
        return {"name": entry}
    outer = fields.mapping(entry)
    return fields.mapping(outer.get("data")) or outer


def _slug_in(url: str, kind: str) -> str:
    """Return the last segment of an author's URL; the other kinds carry their slug."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] if kind == "author" else ""
