"""Every picture an article mentions, each URL exactly as given (contract 6). Pure.

Hosts are never rewritten and sizes never invented: a signed URL is valid as it stands or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from crawler import urls
from crawler.cms import fields, html
from storage.records import Rendition, Role

# The first of these roles wins where one URL plays several.
_RANKS: Final = {role: rank for rank, role in enumerate(
    (Role.ORIGINAL, Role.TRANSFORM, Role.INLINE, Role.AUTHOR, Role.CATEGORY, Role.SEO, Role.OTHER)
)}  # fmt: skip
_SIZE: Final = re.compile(r"/([0-9]{1,5}x[0-9]{1,5})(?=/)")
_HTML: Final = re.compile(r"<(?:img|source|video)[\s/]", re.IGNORECASE)
_PARENTS: Final = 20  # generations of categories


def renditions(article: Mapping[str, object], base_url: str) -> tuple[Rendition, ...]:
    """Return what an article shows, each URL once, in reading order. Raises ParseError for HTML made to hurt."""
    best: dict[str, Rendition] = {}
    joined = {"": ""}  # a transform and its alias are spelled alike
    for found in _mentioned(article):
        url = joined.get(found.url)
        if url is None:
            url = joined[found.url] = urls.join(base_url, found.url)
        if not url:
            continue
        held = best.get(url)
        if held is None or _RANKS[found.role] < _RANKS[held.role]:
            best[url] = Rendition(url, found.role, found.attachment_id, found.transform)
    return tuple(best.values())


def _mentioned(article: Mapping[str, object]) -> Iterator[Rendition]:
    for attachment in fields.objects(article.get("attachments")):
        yield from _attachment(attachment, Role.ORIGINAL)
    for attachment in fields.objects(article.get("inline_attachments")):
        yield from _attachment(attachment, Role.INLINE)
    yield from _inline(article)
    for author in fields.objects(article.get("authors")):
        yield from _named(author, Role.AUTHOR, "image")
        yield from _transforms(author.get("image_transforms"), Role.AUTHOR, None)
    for category in fields.objects(article.get("categories")):
        yield from _category(category)
    for keyword in fields.objects(article.get("keywords")):
        yield from _named(fields.mapping(keyword.get("data")) or keyword, Role.OTHER, "image")
    yield from _named(fields.mapping(article.get("seo")), Role.SEO, "social_image")
    for other in ("sponsor", "source"):
        yield from _named(fields.mapping(article.get(other)), Role.OTHER, "image", "logo")


def _attachment(attachment: Mapping[str, object], role: Role) -> Iterator[Rendition]:
    """Yield an attachment's file, its transforms, and the aliases that name something else (contract 4.2)."""
    attachment_id = fields.first(attachment, "id") or None
    if not _is_picture(attachment):
        role = Role.OTHER
    yield from _named(attachment, role, "url", attachment_id=attachment_id)
    yield from _transforms(attachment.get("transforms"), Role.TRANSFORM, attachment_id)
    for key, value in attachment.items():
        if key.startswith("url_") and isinstance(value, str) and value:
            size = _SIZE.search(value)
            yield Rendition(value, Role.TRANSFORM, attachment_id, size[1] if size else None)


def _is_picture(attachment: Mapping[str, object]) -> bool:
    kind = fields.first(attachment, "type").lower()
    return not kind or "image" in kind or kind in ("photo", "picture", "gallery")


def _transforms(value: object, role: Role, attachment_id: str | None) -> Iterator[Rendition]:
    for transform in fields.objects(value):
        x, y = fields.first(transform, "x"), fields.first(transform, "y")
        yield Rendition(_url(transform.get("url")), role, attachment_id, f"{x}x{y}" if x and y else None)


def _category(category: Mapping[str, object]) -> Iterator[Rendition]:
    for _ in range(_PARENTS):
        yield from _named(category, Role.CATEGORY, "image", "cover", "logo")
        category = fields.mapping(category.get("parent"))
        if not category:
            return


def _named(
    fields_of: Mapping[str, object], role: Role, *keys: str, attachment_id: str | None = None
) -> Iterator[Rendition]:
    for key in keys:
        value = fields_of.get(key)
        if isinstance(value, dict):  # an image may be an attachment in its own right
            yield from _attachment(value, role)
        else:
            yield Rendition(_url(value), role, attachment_id)


def _url(value: object) -> str:
    return value if isinstance(value, str) else ""


def _inline(article: Mapping[str, object]) -> Iterator[Rendition]:
    """Yield the pictures in every HTML text of the article: its body and, under whatever name, its custom fields."""
    for holder in (article, fields.mapping(article.get("options"))):
        for value in holder.values():
            text = fields.html(value)
            if _HTML.search(text):
                yield from (Rendition(url, Role.INLINE) for url in html.images(text))
