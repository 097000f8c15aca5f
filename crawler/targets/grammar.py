"""The public URL grammar of the CMS (contract 5.1): what a path stands for, whatever the site. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, quote, unquote

from crawler.urls import path_key


class TargetKind(StrEnum):
    """What a target is."""

    ARTICLE = "article"
    CATEGORY = "category"
    KEYWORD = "keyword"
    AUTHOR = "author"
    PUBLICATION = "publication"
    FRONT = "front"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a path stands for: the target's kind, its key without the site, and the path to fetch."""

    kind: TargetKind
    key: str
    path: str


# The prefixes under which listings are found, in the order in which they are tried.
PREFIXES: Final = {
    TargetKind.CATEGORY: ("category", "section", "rubrique", "dossier"),
    TargetKind.KEYWORD: ("keyword", "article_tag"),
    TargetKind.AUTHOR: ("author",),
}
_KINDS: Final = {prefix: kind for kind, prefixes in PREFIXES.items() for prefix in prefixes}
_ARTICLE_PREFIXES: Final = frozenset({"article", "opinionista", "cartoon"})

# First segments that are the site's furniture; any other single segment may be a category without its prefix.
_FURNITURE_WORDS: Final = """
    about about-us account admin advertise api app apps archive archives article articles article_tag author authors
    careers cart cartoon categories category cdn-cgi checkout cms cmsapi contact contact-us cookie-policy cookies dmrss
    donate dossier faq feed feeds help home index jobs keyword keywords legal login logout member members membership
    my-account newsletter newsletters opinionista page pages preview privacy privacy-policy profile register robots rss
    rubrique search section sections sign-in sign-up signin signup sitemap sitemap_index staff static storage subscribe
    subscription tag tags team terms terms-and-conditions terms-of-use user users wp-admin wp-content wp-includes
    wp-json wp-login
"""
_FURNITURE: Final = frozenset(_FURNITURE_WORDS.split())

_ID: Final = re.compile(r"[1-9][0-9]{0,17}")
_NUMBERED: Final = re.compile(r"([0-9]{1,18})(?:-.*)?", re.DOTALL)
_DATED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-.")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}-")
_LONGEST_SLUG: Final = 1_500  # characters of an encoded slug that a URL is built from


def is_cms_id(text: str) -> bool:
    """Say whether `text` is a CMS id as URLs state it: decimal, without leading zeros."""
    return _ID.fullmatch(text) is not None


def is_furniture(segment: str) -> bool:
    """Say whether a path of this one segment is part of the site's frame, not a category without its prefix."""
    return bool(_DATED.match(segment)) or "." in segment or segment.startswith("_") or segment.lower() in _FURNITURE


def is_numbered(segment: str) -> bool:
    """Say whether a listing's segment is a number, or begins with one: `1035-chefs`."""
    return _NUMBERED.fullmatch(segment) is not None


def read(path: str, query: str = "") -> Meaning | None:
    """Return what a canonical path stands for; None when it is neither an article, a listing nor the front page."""
    segments = _without_paging([segment for segment in path.split("/") if segment])
    if not segments:
        cms_id = parse_qs(query).get("p", [""])[0]
        return _article(cms_id) if is_cms_id(cms_id) else Meaning(TargetKind.FRONT, "front", "/")
    if len(segments) == 1:
        return _lone(segments[0])
    if len(segments) > 2 and segments[-1].endswith(".html") and is_cms_id(segments[-2]):
        return _article(segments[-2], _path(segments))  # under whatever prefix the publication has
    if segments[0] in _KINDS:
        kind = _KINDS[segments[0]]
        return Meaning(kind, f"{kind}/{_key(segments[-1], segments[0])}", _path(segments))
    return _article_path(segments) or _numbered_category(segments)


def built(kind: TargetKind, slug: str) -> Meaning:
    """Return the listing of a slug, or number, that did not come in a URL; never raises."""
    text = quote(unquote(slug.strip()), safe="!$&'()*+,:;=@", errors="replace")[:_LONGEST_SLUG]
    segment = path_key(f"https://x/{text}").removeprefix("/")
    slash = "" if is_numbered(segment) else "/"
    return Meaning(kind, f"{kind}/{_key(segment)}", f"/{PREFIXES[kind][0]}/{segment}{slash}")


def plain(segment: str) -> str:
    """Return a slug in lower case, decoded as far as it stays one legible word."""
    decoded = unquote(segment).lower()
    return segment.lower() if not decoded.isprintable() or re.search(r"[/\ufffd\s%?#]", decoded) else decoded


def number_is_a_word(segment: str, cms_id: str, slug: str) -> bool:
    """Say whether the number in front of a listing's segment is part of its name, going by the object it came from."""
    numbered = re.match(r"([0-9]+)-", segment)
    return numbered is not None and numbered[1] != cms_id and plain(segment) == slug.strip().lower()


def _without_paging(segments: list[str]) -> list[str]:
    if len(segments) > 2 and segments[-2] == "page" and segments[-1].isdecimal():
        return segments[:-2]
    if len(segments) > 2 and segments[-1] in ("feed", "amp"):
        return segments[:-1]
    return segments


def _lone(segment: str) -> Meaning | None:
    """Read a path of one segment: an article's short URL, a category that lost its prefix, or furniture."""
    if is_cms_id(segment):
        return _article(segment, f"/{segment}")
    if is_furniture(segment):
        return None
    return Meaning(TargetKind.CATEGORY, f"category/{_key(segment)}", f"/{segment}")


def _article_path(segments: list[str]) -> Meaning | None:
    prefix, second = segments[0], segments[1]
    if segments[:-1] == ["article"] and is_cms_id(second):
        return _article(second)
    if len(segments) == 2 and (prefix in _ARTICLE_PREFIXES or _DATED.match(second)):
        return Meaning(TargetKind.ARTICLE, _path(segments), _path(segments))
    return None


def _numbered_category(segments: list[str]) -> Meaning | None:
    """Read a category under a publication's own prefix: `/cuisine-liban-a-table/1037-recettes`."""
    if len(segments) == 2 and re.match(r"[0-9]+-", segments[1]):
        return Meaning(TargetKind.CATEGORY, f"category/{_key(segments[1])}", _path(segments))
    return None


def _article(cms_id: str, path: str = "") -> Meaning:
    return Meaning(TargetKind.ARTICLE, cms_id, path or f"/article/{cms_id}")


def _path(segments: list[str]) -> str:
    return "/" + "/".join(segments)


def _key(segment: str, prefix: str = "") -> str:
    """Return what identifies a listing: the number in front of its segment, else the slug in lower case.

    Where listings go by number the rest is decoration; where they go by slug, a number may be part of the name. The
    prefix `article_tag` and a year (2024-elections) are signs of a slug. In doubt the slug counts: two keys for one
    listing cost a second walk, one key for two listings would lose one of them.
    """
    numbered = _NUMBERED.fullmatch(segment)
    if numbered and prefix != "article_tag" and not _YEAR.match(segment):
        return numbered[1]
    return plain(segment)
