"""Every picture an article mentions, each URL exactly as given (contract 6). Pure.

Hosts are never rewritten and sizes never invented: a signed URL is valid as it stands or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from crawler import urls
from crawler.cms import fields, html
from storage.records import Rendition, Role

# The first of these roles wins where one URL plays several.
_RANKS: Final = {role: rank for rank, role in enumerate(
    (Role.ORIGINAL, Role.TRANSFORM, Role.INLINE, Role.AUTHOR, Role.CATEGORY, Role.SEO, Role.OTHER)
)}  # fmt: skip
_SIZE: Final = re.compile(r"/([0-9]{1,5}x[0-9]{1,5})(?=/)")
_PARENTS: Final = 20  # generations of categories


def renditions(article: Mapping[str, object], base_url: str) -> tuple[Rendition, ...]:
    """Return what an article shows, each URL once, in reading order. Raises ParseError for HTML made to hurt."""
    shown = _Shown(base_url)
    for attachment in fields.objects(article.get("attachments")):
        _attachment(shown, attachment, Role.ORIGINAL)
    for attachment in fields.objects(article.get("inline_attachments")):
        _attachment(shown, attachment, Role.INLINE)
    _inline(shown, article)
    for author in fields.objects(article.get("authors")):
        _named(shown, author, Role.AUTHOR, "image")
        _transforms(shown, author.get("image_transforms"), Role.AUTHOR, None)
    for category in fields.objects(article.get("categories")):
        _category(shown, category)
    for keyword in fields.objects(article.get("keywords")):
        _named(shown, fields.mapping(keyword.get("data")) or keyword, Role.OTHER, "image")
    _named(shown, fields.mapping(article.get("seo")), Role.SEO, "social_image")
    for other in ("sponsor", "source"):
        _named(shown, fields.mapping(article.get(other)), Role.OTHER, "image", "logo")
    return tuple(shown.best.values())


class _Shown:
    """The pictures found so far: each where it was found first, in the best of its parts."""

    def __init__(self, base_url: str) -> None:
        self.best: dict[str, Rendition] = {}
        self._base_url = base_url
        self._joined: dict[str, str] = {}  # a transform and its alias are spelled alike

    def add(self, spelled: object, role: Role, attachment_id: str | None = None, transform: str | None = None) -> None:
        """Add a picture, if that is what is spelled there and it says more than is known."""
        if url := self.news(spelled, role):
            self.best[url] = Rendition(url, role, attachment_id, transform)

    def news(self, spelled: object, role: Role) -> str:
        """Return the URL of a picture that is not known yet, or only in a lesser part; '' of any other."""
        if not spelled or not isinstance(spelled, str):
            return ""
        url = self._joined.get(spelled)
        if url is None:
            url = self._joined[spelled] = urls.join(self._base_url, spelled)
        held = self.best.get(url)
        return url if held is None or _RANKS[role] < _RANKS[held.role] else ""


def _attachment(shown: _Shown, attachment: Mapping[str, object], role: Role) -> None:
    """Add an attachment's file, its transforms, and the aliases that name something else (contract 4.2)."""
    attachment_id = fields.first(attachment, "id") or None
    if not _is_picture(attachment):
        role = Role.OTHER
    _named(shown, attachment, role, "url", attachment_id=attachment_id)
    _transforms(shown, attachment.get("transforms"), Role.TRANSFORM, attachment_id)
    for key, value in attachment.items():
        if key.startswith("url_") and (url := shown.news(value, Role.TRANSFORM)):
            size = _SIZE.search(str(value))
            shown.best[url] = Rendition(url, Role.TRANSFORM, attachment_id, size[1] if size else None)


def _is_picture(attachment: Mapping[str, object]) -> bool:
    kind = fields.first(attachment, "type").lower()
    return not kind or "image" in kind or kind in ("photo", "picture", "gallery")


def _transforms(shown: _Shown, value: object, role: Role, attachment_id: str | None) -> None:
    for transform in fields.objects(value):
        x, y = fields.first(transform, "x"), fields.first(transform, "y")
        shown.add(transform.get("url"), role, attachment_id, f"{x}x{y}" if x and y else None)


def _category(shown: _Shown, category: Mapping[str, object]) -> None:
    for _ in range(_PARENTS):
        _named(shown, category, Role.CATEGORY, "image", "cover", "logo")
        category = fields.mapping(category.get("parent"))
        if not category:
            return


def _named(
    shown: _Shown, fields_of: Mapping[str, object], role: Role, *keys: str, attachment_id: str | None = None
) -> None:
    for key in keys:
        value = fields_of.get(key)
        if not value:
            continue
        if isinstance(value, dict):  # an image may be an attachment in its own right
            _attachment(shown, value, role)
        else:
            shown.add(value, role, attachment_id)


def _inline(shown: _Shown, article: Mapping[str, object]) -> None:
    """Add the pictures in every HTML text of the article: its body and, under whatever name, its custom fields."""
    for holder in (article, fields.mapping(article.get("options"))):
        texts = holder.values()
        marked = [text for text in texts if ("<" in text if isinstance(text, str) else isinstance(text, dict))]
        for text in marked:
            for url in html.images(fields.html(text)):
                shown.add(url, Role.INLINE)
