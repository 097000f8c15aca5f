"""The pictures of an article: every one, exactly as given, each once (contract 6)."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.cms.media import renditions
from storage.records import Rendition, Role
from tests.crawler.cms.making import CDN, a_category, a_keyword, an_attachment

BASE = "https://www.example.co.za/"


def found(**article: Any) -> list[tuple[str, Role, str | None, str | None]]:
    return [(r.url, r.role, r.attachment_id, r.transform) for r in renditions(article, BASE)]


def one(url: str, role: Role, attachment_id: str | None = None, transform: str | None = None) -> Any:
    return [(url, role, attachment_id, transform)]


def test_aliases_of_transforms_are_no_renditions_of_their_own() -> None:
    """Original and transforms, each once."""
    attachment = an_attachment()
    small = attachment["url_medium"]
    assert found(attachments=[attachment]) == [
        (f"{CDN}/boat.jpg", Role.ORIGINAL, "7", None),
        (small, Role.TRANSFORM, "7", "450x0"),
    ]


@pytest.mark.parametrize(
    "url, transform",
    [
        (f"{CDN}/i/sig=/800x0/smart/filters:strip_exif()/file/a.jpg", "800x0"),
        ("https://s.example.com/storage/attachments/1/a.jpg/r/800/a.jpg", None),
    ],
)
def test_an_alias_that_is_no_transform_is_wanted_too(url: str, transform: str | None) -> None:
    """An alias may name a picture that the list of transforms lacks."""
    attachment = {"id": 5, "url": f"{CDN}/a.jpg", "transforms": [], "url_large": url, "url_tiny": "", "url_x": None}
    assert found(attachments=[attachment])[1:] == one(url, Role.TRANSFORM, "5", transform)


@pytest.mark.parametrize(
    "transform, name",
    [
        ({"x": "450", "y": "0"}, "450x0"),
        ({"x": 245, "y": 164}, "245x164"),
        ({"x": 245.0, "y": "0"}, "245x0"),
        ({"x": None}, None),
        ({}, None),
    ],
)
def test_transforms_are_named_by_their_size(transform: dict[str, Any], name: str | None) -> None:
    """Sizes come as text or numbers, and not always."""
    attachment = {"transforms": [{**transform, "url": f"{CDN}/t.jpg"}]}
    assert found(attachments=[attachment]) == one(f"{CDN}/t.jpg", Role.TRANSFORM, None, name)


@pytest.mark.parametrize(
    "article, expected",
    [
        ({"inline_attachments": [{"id": "1", "url": f"{CDN}/i.jpg"}]}, (Role.INLINE, "1", None)),
        ({"inline_attachments": {"0": {"id": "1", "url": f"{CDN}/i.jpg"}}}, (Role.INLINE, "1", None)),
        ({"contents": f'<img src="{CDN}/i.jpg">'}, (Role.INLINE, None, None)),
        ({"contents": {"html": f'<img src="{CDN}/i.jpg">'}}, (Role.INLINE, None, None)),
        ({"summary": f'<img srcset="{CDN}/i.jpg 2x">'}, (Role.INLINE, None, None)),
        ({"introduction": f'<video poster="{CDN}/i.jpg">'}, (Role.INLINE, None, None)),
        ({"a_custom_field": f'<IMG SRC="{CDN}/i.jpg">'}, (Role.INLINE, None, None)),
        ({"options": {"astuce": f'<img src="{CDN}/i.jpg">'}}, (Role.INLINE, None, None)),
        ({"authors": [{"image": f"{CDN}/i.jpg"}]}, (Role.AUTHOR, None, None)),
        (
            {"authors": [{"image": "", "image_transforms": [{"x": 9, "y": 9, "url": f"{CDN}/i.jpg"}]}]},
            (Role.AUTHOR, None, "9x9"),
        ),
        ({"categories": [a_category(image=f"{CDN}/i.jpg")]}, (Role.CATEGORY, None, None)),
        ({"categories": [a_category(cover=f"{CDN}/i.jpg")]}, (Role.CATEGORY, None, None)),
        ({"categories": [a_category(parent=a_category(logo=f"{CDN}/i.jpg"))]}, (Role.CATEGORY, None, None)),
        ({"seo": {"social_image": f"{CDN}/i.jpg"}}, (Role.SEO, None, None)),
        ({"keywords": [a_keyword(image=f"{CDN}/i.jpg")]}, (Role.OTHER, None, None)),
        ({"sponsor": {"image": f"{CDN}/i.jpg"}}, (Role.OTHER, None, None)),
        ({"attachments": [{"id": "1", "type": "video", "url": f"{CDN}/i.jpg"}]}, (Role.OTHER, "1", None)),
        ({"attachments": [{"id": "1", "type": "pdf", "url": f"{CDN}/i.jpg"}]}, (Role.OTHER, "1", None)),
    ],
)
def test_every_place_that_shows_a_picture(
    article: dict[str, Any], expected: tuple[Role, str | None, str | None]
) -> None:
    """Pictures are found wherever an article may hold one, with the part they play."""
    assert found(**article) == one(f"{CDN}/i.jpg", *expected)


def test_the_best_role_wins_and_the_first_place_stays() -> None:
    """A picture that plays several parts is listed once, in the most important of them."""
    attachment = an_attachment(transforms=[], url_medium="")
    article = {
        "attachments": [attachment],
        "inline_attachments": [{"id": "8", "url": f"{CDN}/inline.jpg"}],
        "contents": f'<img src="{CDN}/inline.jpg"><img src="{CDN}/boat.jpg"><img src="{CDN}/late.jpg">',
        "authors": [{"image": f"{CDN}/late.jpg"}],
        "seo": {"social_image": f"{CDN}/boat.jpg"},
    }
    assert found(**article) == [
        (f"{CDN}/boat.jpg", Role.ORIGINAL, "7", None),
        (f"{CDN}/inline.jpg", Role.INLINE, "8", None),
        (f"{CDN}/late.jpg", Role.INLINE, None, None),
    ]


@pytest.mark.parametrize(
    "given, url",
    [
        ("https://cdn.example.org/i/s=/1x1/smart/filters:f(1,2):g()/file/a%20b.jpg",) * 2,
        ("http://CDN.example.org:8080/A.JPG?x=1&y=2",) * 2,
        ("//cdn.example.org/a.jpg", "https://cdn.example.org/a.jpg"),
        ("/media/a.jpg", "https://www.example.co.za/media/a.jpg"),
        ("a.jpg", "https://www.example.co.za/a.jpg"),
        (" https://cdn.example.org/a.jpg ", "https://cdn.example.org/a.jpg"),
    ],
)
def test_urls_are_as_given(given: str, url: str) -> None:
    """Only what is relative is joined; nothing is rewritten or encoded."""
    assert renditions({"attachments": [{"url": given}]}, BASE) == (Rendition(url, Role.ORIGINAL),)


@pytest.mark.parametrize(
    "url", ["", " ", None, 7, [], {}, "data:image/gif;base64,R0lGOD", "javascript:x", "blob:x", "ftp://a/b", "http://["]
)
def test_what_is_no_web_address_is_no_rendition(url: object) -> None:
    """Empty strings, inline data and other schemes are passed over."""
    assert found(attachments=[{"url": url, "transforms": [{"url": url}]}], seo={"social_image": url}) == []
