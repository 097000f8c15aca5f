"""A newsroom of plain files, for a server that costs nothing: article JSON, list pages, JPEGs of a wanted size.

The answers have the shapes of the CMS's API (contract 3.1, 3.2 and 4), so that a crawl of them is a crawl for real.
Every picture has content of its own; what follows from the same arguments is the same, byte for byte.
"""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

Json = dict[str, Any]
PER_PAGE = 100  # items in a list page (contract 3.2)
WIDTHS = (0, 200, 450, 800, 1200, 1600)  # 0: the original
_SHARES = (2.0, 0.1, 0.3, 0.6, 1.2, 1.8)  # of the mean size; 6 in all
_SIGNATURE = "eeTuBovE9MhEljFLDQGEQslAruA="
_WORDS = re.findall(
    r"\w+",
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what its about "
    "minister parliament harbour election drought budget court union river market school police border farmers council "
    "hospital energy strike province treasury league coast railway audit mission leaders sanctions grain ceasefire",
)
_PARAGRAPHS = 12
_WORDS_IN_PARAGRAPH = 90


@dataclass(frozen=True, slots=True)
class Shape:
    """How much there is: articles, in hundreds, and the mean bytes of a rendition. Each article has one picture of six.

    In hundreds, so that all list pages are full, and everybody asks for the empty one after them.
    """

    articles: int
    mean_bytes: int

    @property
    def renditions(self) -> int:
        """Return how many renditions there are in all."""
        return self.articles * len(WIDTHS)

    @property
    def requests(self) -> int:
        """Return how many requests a crawl takes: list pages down to an empty one, articles, renditions."""
        return self.pages + 1 + self.articles + self.renditions

    @property
    def pages(self) -> int:
        """Return how many list pages have items."""
        return -(-self.articles // PER_PAGE)


def article_id(index: int) -> str:
    """Return the CMS id of an article, counted from 0."""
    return str(1_000_000 + index)


def rendition_path(index: int, width: int) -> str:
    """Return the path of a rendition's URL (contract 6.1)."""
    name = f"dailymaverick/wp-content/uploads/2023/07/{article_id(index)}.jpg"
    return f"/{name}" if width == 0 else f"/i/{_SIGNATURE}/{width}x0/smart/file/{name}"


def urls(origin: str, shape: Shape) -> Iterator[str]:
    """Yield every URL that a crawl asks for, in the order in which it comes to know them."""
    for page in range(1, shape.pages + 2):
        yield f"{origin}/cms/publication/1/content?limit={PER_PAGE}&page={page}"
    for index in range(shape.articles):
        yield f"{origin}/cms/content/{article_id(index)}"
        for width in WIDTHS:
            yield origin + rendition_path(index, width)


def make(folder: Path, origin: str, shape: Shape) -> None:
    """Write all files of the newsroom whose URLs begin with `origin`."""
    for name in ("content", "list", "pictures"):
        (folder / name).mkdir(parents=True)
    articles = [_article(index, origin) for index in range(shape.articles)]
    for article in articles:
        (folder / "content" / f"{article['id']}.json").write_text(json.dumps({"data": [article]}), encoding="utf-8")
    for page in range(shape.pages + 1):  # the last is empty: what is asked for past the end
        items = [_compact(article) for article in articles[page * PER_PAGE : (page + 1) * PER_PAGE]]
        text = json.dumps({"total": shape.articles, "page": page + 1, "data": items})
        (folder / "list" / f"{page + 1}.json").write_text(text, encoding="utf-8")
    _draw(folder / "pictures", shape)


def _draw(folder: Path, shape: Shape) -> None:
    """Write every rendition: a JPEG of noise, about as large as wanted, each with a comment that no other has."""
    for width, share in zip(WIDTHS, _SHARES, strict=True):
        drawing = _noise(int(shape.mean_bytes * share))
        for index in range(shape.articles):
            name = f"{width or 'original'}-{article_id(index)}.jpg"
            comment = name.encode()
            segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment  # ISO 10918-1, B.2.4.5
            (folder / name).write_bytes(drawing[:2] + segment + drawing[2:])


def _noise(wanted: int) -> bytes:
    """Return a JPEG of random pixels of about so many bytes."""
    chance = random.Random(wanted)
    height, body = 8, b""
    while len(body) < wanted - 64:
        stream = io.BytesIO()
        Image.frombytes("L", (64, height), chance.randbytes(64 * height)).save(stream, "JPEG", quality=40)
        body = stream.getvalue()
        height += max(8, (wanted - len(body)) // 64)
    return body


def _text(chance: random.Random) -> str:
    paragraphs = (" ".join(chance.choices(_WORDS, k=_WORDS_IN_PARAGRAPH)) for _ in range(_PARAGRAPHS))
    return "\r\n".join(f'<p><span style="font-weight: 400;">{words.capitalize()}.</span></p>' for words in paragraphs)


def _article(index: int, origin: str) -> Json:
    chance = random.Random(index)
    cms_id, contents = article_id(index), _text(chance)
    title = " ".join(chance.choices(_WORDS, k=9)).capitalize()
    moment = f"{2010 + index % 15}-{1 + index % 12:02d}-{1 + index % 28:02d} {index % 24:02d}:{index % 60:02d}:00"
    slug = f"{moment[:10]}-{title.lower().replace(' ', '-')}-{cms_id}"
    return {
        "access_control": False, "status": "publish", "objectType": "Article", "id": cms_id,
        "signature": f"Article:{cms_id}", "url": f"{origin}/article/{slug}/", "shorturl": f"{origin}/article/{cms_id}",
        "slug": slug, "contentType": {"id": "1", "name": "Article", "slug": "article", "editor": "default"},
        "views": 0, "comments": 0, "preview_limit": None, "rating": 0, "excludedFromGoogleSearchEngine": 0,
        "title": title, "firstPublished": moment, "lastUpdate": moment,
        "categories": [_category(chance.randrange(20), origin)], "access_groups": [], "counted_in_paywall": True,
        "content_length": len(contents), "contents": contents, "teaser": title, "externalUrl": "", "sponsor": None,
        "authors": [_author(chance.randrange(50), origin)], "description": "",
        "keywords": [_keyword(number, origin) for number in chance.sample(range(400), 5)],
        "short_summary": None, "source": None, "related": [], "options": [],
        "attachments": [_attachment(index, origin)], "inline_attachments": [],
        "summary": " ".join(chance.choices(_WORDS, k=30)), "introduction": "", "template_type": None, "elements": [],
        "seo": {"search_title": title, "search_description": "", "social_title": title, "social_image": ""},
        "cached": True, "access_allowed": True,
    }  # fmt: skip


def _compact(article: Json) -> Json:
    """Return an article as lists give it (contract 3.2)."""
    return article | {"contents": "", "summary": "", "introduction": ""}


def _category(number: int, origin: str) -> Json:
    publication = {"typeId": "1", "name": "Daily Benchmark", "slug": "", "domain": "", "locale": ""}
    return {
        "id": str(number), "name": f"Section {number}", "signature": f"Category:{number}", "slug": f"section-{number}",
        "typeId": publication, "parentId": None, "parent": [], "image": "", "cover": "", "logo": "",
        "objectType": "Category", "url": f"{origin}/category/section-{number}/", "description": "",
        "articlesCount": None, "children": [], "cached": True,
    }  # fmt: skip


def _author(number: int, origin: str) -> Json:
    slug = f"writer-{number}"
    return {"id": str(number), "name": f"Writer {number}", "image": "", "url": f"{origin}/author/{slug}/",
            "editorialName": slug, "department": "", "name_latin": ""}  # fmt: skip


def _keyword(number: int, origin: str) -> Json:
    slug = f"subject-{number}"
    data = {"keywordId": str(number), "name": f"Subject {number}", "url": f"{origin}/keyword/{slug}/", "slug": slug,
            "description": "", "articlesCount": 0, "replacedWith": None, "translations": None}  # fmt: skip
    return {"type": "Keyword", "data": data}


def _attachment(index: int, origin: str) -> Json:
    transforms = [{"x": str(width), "y": "0", "url": origin + rendition_path(index, width)} for width in WIDTHS[1:]]
    names = ("url_thumbnail", "url_medium", "url_large", "url_xl", "url_xxl")
    aliases = {name: transform["url"] for name, transform in zip(names, transforms, strict=True)}
    return {
        "id": article_id(index), "name": "", "description": "", "focal": "50% 50%", "width": 0, "height": 0,
        "url": origin + rendition_path(index, 0), "transforms": transforms, "type": "image", **aliases,
    }  # fmt: skip
