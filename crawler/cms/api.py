"""What the API wraps around articles, and what its lists and errors say (contract 2.3, 2.4, 3). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from crawler import urls
from crawler.cms import fields, jsontext
from crawler.errors import ParseError

_ENVELOPES: Final = ("data", "items")
_ARTICLE_MARKS: Final = frozenset({"objectType", "contents", "title", "signature"})
_MESSAGE_KEYS: Final = ("message", "error_message", "messages", "mess", "msg", "detail", "reason", "errors", "error")
# `{"data":[{…}]}` and nothing else, as every answer with one article was that anybody has seen (contract 2.4).
_USUAL: Final = re.compile(rb'~\{~"data"~:~\[~(\{.*\})~\]~\}~'.replace(b"~", rb"[ \t\r\n]*+"), re.DOTALL)
_ID: Final = re.compile(r"[1-9][0-9]{0,17}")
_TAG: Final = re.compile(r"<[^<>]*>")
_HEAD: Final = 20_000  # bytes of an error body that are looked at
_LONGEST_MESSAGE: Final = 200  # characters


class Listed(msgspec.Struct, frozen=True):
    """One item of a list: enough to know the article, and whether it has changed (contract 7.2)."""

    id: str
    url: str
    title: str
    first_published: str  # site-local, as sent
    last_update: str
    content_length: int | None
    category_ids: tuple[str, ...]
    keyword_ids: tuple[str, ...]
    attachment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiListing:
    """One page of a list."""

    items: tuple[Listed, ...]
    total: int | None = None
    page: int | None = None
    unreadable: int = 0  # items without an id


@dataclass(frozen=True, slots=True)
class CategoryView:
    """A category as the classic API describes it (contract 3.5)."""

    id: str
    name: str
    slug: str
    url: str
    children: tuple[str, ...]  # ids, grandchildren included


def single(body: bytes) -> str:
    """Return the JSON text of the one article in an answer, exactly as it came. Raises ParseError."""
    body = jsontext.utf8(body)
    if _starts(body) == b"[":
        return _first_object(body)
    members = jsontext.raw_object(body)
    _refuse_error(body, members)
    bare = not _ARTICLE_MARKS.isdisjoint(members)
    for name in _ENVELOPES:
        if name in members and (not bare or _encloses_article(bytes(members[name]))):
            return _first_object(bytes(members[name]))
    if bare:
        return body.decode().strip()
    raise ParseError("the answer holds no article: it has neither `data` nor `items`")


def usual(body: bytes) -> tuple[str, object] | None:
    """Return the JSON text of the one article in an answer, and what it means; None where anything is out of the usual.

    What is between the brackets of the envelope and is JSON by itself is the only thing in it.
    """
    found = _USUAL.fullmatch(body)
    if found is None:
        return None
    try:
        return found[1].decode(), msgspec.json.decode(found[1])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def listing(body: bytes) -> ApiListing:
    """Return one page of a list of either API, items in order, each id once. Raises ParseError."""
    answer = jsontext.decode(jsontext.utf8(body))
    if isinstance(answer, list) and answer:
        answer = {"data": answer}
    if not isinstance(answer, dict):
        raise ParseError("the answer is not a list of articles")
    if fields.boolean(answer.get("error")):
        raise ParseError(f"the server reports an error: {error_message(body)}")
    total, page = fields.integer(answer.get("total")), fields.integer(answer.get("page"))
    total = None if total is None or total < 0 else total
    entries = _entries(answer, total)
    read = [_listed(entry) for entry in entries]
    items = {item.id: item for item in reversed(read) if item is not None}
    if entries and not items:
        raise ParseError(f"none of the {len(entries)} items of the list has an id")
    return ApiListing(tuple(reversed(items.values())), total, page, read.count(None))


def listed(article: Mapping[str, object]) -> Listed | None:
    """Return an article object as a list would show it; None when it has no id."""
    return _listed(article)


def category(body: bytes) -> CategoryView:
    """Return the category of a classic `categories.php?action=view` answer. Raises ParseError."""
    view = fields.mapping(jsontext.decode(single(body)))
    cms_id = fields.first(view, "id")
    if not cms_id:
        raise ParseError("the answer holds no category with an id")
    name, slug, url = (fields.first(view, key) for key in ("name", "slug", "url"))
    return CategoryView(cms_id, name, slug, url, _descendants(view))


def category_children(body: bytes) -> tuple[str, ...]:
    """Return the ids of a category's children, and of theirs (contract 3.5). Raises ParseError."""
    return category(body).children


def error_message(body: bytes) -> str:
    """Return what an error body says, from JSON or text, in one short printable line; '' when it says nothing."""
    head = body[:_HEAD].decode("utf-8", "replace").lstrip("\ufeff").strip()
    try:
        answer = jsontext.decode(head) if head[:1] in ("{", "[", '"') else head
    except ParseError:
        answer = head
    text = _TAG.sub(" ", answer if isinstance(answer, str) else _message(answer))
    return urls.display(" ".join(text.split()), _LONGEST_MESSAGE)


def _message(answer: object, depth: int = 0) -> str:
    """Return the message in a decoded error body; the documented key's name is partly lost (contract 2.3)."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        return _message(answer[0], depth + 1) if answer and depth < 5 else ""
    if not isinstance(answer, dict) or depth >= 5:
        return ""
    others = (key for key in answer if key.lower().startswith("mess"))
    found = (_message(answer.get(key), depth + 1) for key in (*_MESSAGE_KEYS, *others, "data"))
    return next((text for text in found if text), "")


def _refuse_error(body: bytes, members: Mapping[str, msgspec.Raw]) -> None:
    if "error" in members and fields.boolean(jsontext.decode(bytes(members["error"]))):
        raise ParseError(f"the server reports an error: {error_message(body)}")


def _first_object(text: bytes) -> str:
    """Return the first object of a list, of a map by id, or the object itself, exactly as it came."""
    start = _starts(text)
    if start == b"[":
        entries = [bytes(entry) for entry in jsontext.raw_list(text)]
    elif start == b"{":
        members = jsontext.raw_object(text)
        if not _ARTICLE_MARKS.isdisjoint(members) or "id" in members:
            return text.decode().strip()
        entries = [bytes(entry) for entry in members.values()]
    else:
        raise ParseError("the answer's data is not an article")
    if not entries:
        raise ParseError("the answer is empty: the server knows nothing of this id")
    found = next((entry for entry in entries if _starts(entry) == b"{"), None)
    if found is None:
        raise ParseError("the answer's data is not an article")
    return found.decode()


def _encloses_article(text: bytes) -> bool:
    """Say whether what stands in an envelope is the article, whatever is written on the envelope."""
    try:
        return not _ARTICLE_MARKS.isdisjoint(jsontext.raw_object(_first_object(text)))
    except ParseError:
        return False


def _starts(text: bytes) -> bytes:
    return text.lstrip()[:1]


def _entries(answer: Mapping[str, object], total: int | None) -> list[object]:
    name = next((name for name in _ENVELOPES if name in answer), None)
    data = answer.get(name) if name else None
    if isinstance(data, list):
        return data
    if isinstance(data, dict):
        return fields.items(data) if "id" in data else list(data.values())
    if name and not data and total == 0:
        return []
    raise ParseError("the answer is not a list of articles")


def _listed(entry: object) -> Listed | None:
    item = fields.mapping(entry)
    item = item if "id" in item else fields.mapping(item.get("data")) or item
    cms_id = fields.first(item, "id") or fields.first(item, "signature").removeprefix("Article:")
    if not _ID.fullmatch(cms_id):
        return None
    categories = fields.objects(item.get("categories"))
    keywords = [fields.mapping(found.get("data")) or found for found in fields.objects(item.get("keywords"))]
    return Listed(
        id=cms_id,
        url=fields.first(item, "url"),
        title=fields.first(item, "title"),
        first_published=fields.first(item, "firstPublished"),
        last_update=fields.first(item, "lastUpdate"),
        content_length=fields.integer(item.get("content_length")),
        category_ids=_ids(categories, "id"),
        keyword_ids=_ids(keywords, "keywordId", "id"),
        attachment_ids=_ids(fields.objects(item.get("attachments")), "id"),
    )


def _ids(objects: list[Mapping[str, object]], *keys: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([found for entry in objects if (found := fields.first(entry, *keys))]))


def _descendants(view: Mapping[str, object]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting = list(reversed(fields.items(view.get("children"))))
    while waiting:
        child = waiting.pop()
        facts = fields.mapping(child)
        cms_id = fields.first(facts, "id") or fields.text(child)
        if _ID.fullmatch(cms_id):
            found[cms_id] = None
        waiting += reversed(fields.items(facts.get("children")))
    return tuple(found)
