"""What an article is filed under: its categories, keywords and authors (contract 4.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from crawler.cms import fields, jsontext
from storage.records import Term

HOLDERS: Final = {"categories": "category", "keywords": "keyword", "authors": "author"}  # field: kind of its terms

_LONGEST_REMEMBERED: Final = 4_000  # characters of a term's JSON up to which it is remembered
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
_DOUBLE_SLASH: Final = re.compile(r"(?<![:/])/{2,}")
_ID_KEYS: Final = {"category": ("id",), "keyword": ("keywordId", "id"), "author": ("id",)}
_IDENTITY_KEYS: Final = {kind: (*keys, "slug", "editorialName", "name") for kind, keys in _ID_KEYS.items()}
_NAME_KEYS: Final = {"category": ("name",), "keyword": ("display_name", "name"), "author": ("name",)}
_SLUG_KEYS: Final = {"category": ("slug",), "keyword": ("slug",), "author": ("slug", "editorialName")}


class Filed(NamedTuple):
    """What one entry of `categories`, `keywords` or `authors` comes to."""

    term: Term | None  # None when nothing tells it from others
    identity: tuple[str, ...]  # by what it is known, however old its snapshot


def filed(article: Mapping[str, object]) -> dict[str, list[Filed]]:
    """Return the entries of each holder, each once, in the order in which the CMS gives them. Raises ParseError."""
    return {
        holder: [_filed(kind, facts) for facts in _merged(kind, article.get(holder))]
        for holder, kind in HOLDERS.items()
    }


def read(entries: Mapping[str, list[Filed]]) -> tuple[Term, ...]:
    """Return an article's terms, each once: the first is the primary one."""
    found = [entry.term for holder in HOLDERS for entry in entries[holder]]
    return tuple({(one.kind, one.cms_id): one for one in found if one is not None}.values())


def _filed(kind: str, facts: Mapping[str, object]) -> Filed:
    text = jsontext.encode(facts)
    return _remembered(kind, text) if len(text) <= _LONGEST_REMEMBERED else _read(kind, facts, text)


@lru_cache(maxsize=2048)
def _remembered(kind: str, text: str) -> Filed:
    """Return what an entry's JSON comes to: a newsroom sends the same few with one article after the other."""
    return _read(kind, fields.mapping(jsontext.decode(text)), text)


def _read(kind: str, facts: Mapping[str, object], text: str) -> Filed:
    return Filed(_term(kind, facts, text), _identity(kind, facts))


def _identity(kind: str, facts: Mapping[str, object]) -> tuple[str, ...]:
    """Return the id alone where there is one: a category's new name is no edit of the articles filed under it."""
    cms_id = fields.first(facts, *_ID_KEYS[kind])
    return (cms_id,) if cms_id not in ("", "0") else ("", fields.first(facts, *_NAME_KEYS[kind], "slug"))


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
