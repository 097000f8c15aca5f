"""A newsroom that serves given documents, byte for byte, under their own ids and addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zlib import crc32

from simulator.addresses import Addresses
from simulator.articles import compact
from simulator.events import Way
from simulator.inventory import Rendition, mentioned
from simulator.media import in_proportion
from simulator.profiles import Profile
from simulator.stock import Hit, Json, Listing, Picture

_DATED = re.compile(r"/\d{4}-\d\d-\d\d-")
_SIZE = re.compile(r"(?<!\d)(\d{1,4})x(\d{1,4})(?!\d)")
DEFAULT_SIZE = (1200, 800)


@dataclass(slots=True)
class Document:
    """One replayed article: its bytes, and what they say."""

    raw: bytes
    article: Json

    @property
    def id(self) -> str:
        """The CMS id."""
        return str(self.article["id"])


@dataclass(slots=True)
class _Shelf:
    """A listing while it is collected."""

    kind: str
    id: str
    slug: str
    name: str
    url: str
    ids: list[str] = field(default_factory=list)
    facts: Json = field(default_factory=dict)


def load(folder: Path) -> list[Document]:
    """Read the JSON files of a folder, newest article first."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError(f"{folder} holds no *.json file to replay; put article documents there")
    documents = [_document(file) for file in files]
    return sorted(documents, key=lambda document: str(document.article.get("firstPublished")), reverse=True)


def _document(file: Path) -> Document:
    raw = file.read_bytes()
    try:
        article = json.loads(raw.decode("utf-8"))
    except ValueError as broken:
        raise ValueError(f"{file} is not UTF-8 JSON ({broken}); replay serves one article object per file") from broken
    if not isinstance(article, dict) or not article.get("id") or not article.get("url"):
        raise ValueError(f"{file} has no id and url; replay serves one article object per file")
    return Document(raw, article)


def _key(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/") or "/"


class Replay:
    """Stock made of documents."""

    def __init__(self, documents: Sequence[Document], profile: Profile, seed: int, local: Addresses | None) -> None:
        self.profile, self.seed = profile, seed
        self._documents = {document.id: document for document in documents}
        self._paths: dict[str, Hit] = {}
        self._shelves: dict[tuple[str, str], _Shelf] = {}
        self._shelf_paths: dict[str, _Shelf] = {}
        self._pictures: dict[str, Picture] = {}
        self.media_hosts: set[str] = set()
        self.front_hosts: set[str] = set()
        for document in documents:
            self._shelve(document)
        first = urlsplit(str(documents[0].article["url"]))
        front = f"{first.scheme}://{first.netloc}"
        media = next(iter(sorted(self.media_hosts)), first.netloc)
        self.addresses = local or Addresses(
            front, front, front, f"{first.scheme}://{media}", f"{front}/cms", f"{front}/cmsapi"
        )

    def hosts(self) -> set[str]:
        """Return every host that the documents name for articles, listings and pictures."""
        return self.front_hosts | self.media_hosts

    def _shelve(self, document: Document) -> None:
        article, url = document.article, str(document.article["url"])
        self._paths.setdefault(_key(url), Hit(document.id, True))
        self._paths.setdefault(_DATED.sub("/", _key(url)), Hit(document.id, True))
        for path in (_key(str(article.get("shorturl") or "")), f"/article/{document.id}", f"/{document.id}"):
            if path != "/":
                self._paths.setdefault(path, Hit(document.id, False))
        self.front_hosts |= {urlsplit(u).netloc for u in (url, str(article.get("shorturl") or url))}
        for category in _dicts(article.get("categories")):
            self._file("category", category, document.id, ("category", "section"))
        for entry in _dicts(article.get("keywords")):
            data = entry["data"] if isinstance(entry.get("data"), dict) else entry
            self._file(
                "keyword", data | {"id": data.get("keywordId", data.get("id"))}, document.id, ("keyword", "article_tag")
            )
        for author in _dicts(article.get("authors")):
            self._file("author", author, document.id, ("author",))
        for rendition in mentioned(article):
            self._picture(article, rendition)

    def _file(self, kind: str, facts: Json, article_id: str, prefixes: tuple[str, ...]) -> None:
        url = str(facts.get("url") or "")
        path = _key(url)
        slug = str(facts.get("slug") or path.rsplit("/", 1)[-1])
        fresh = _Shelf(kind, str(facts.get("id")), slug, str(facts.get("name")), url, facts=facts)
        shelf = self._shelves.setdefault((kind, fresh.id), fresh)
        if article_id not in shelf.ids:
            shelf.ids.append(article_id)
        for known in (path, *(f"/{prefix}/{slug}" for prefix in prefixes)):
            self._shelf_paths.setdefault(known, shelf)
        self.front_hosts |= {urlsplit(url).netloc} - {""}

    def _picture(self, article: Json, rendition: Rendition) -> None:
        parts = urlsplit(rendition.url)
        if not parts.netloc or (
            parts.netloc not in self.media_hosts and rendition.role == "inline" and not rendition.attachment_id
        ):
            return  # an <img> of somebody else's in the text
        self.media_hosts.add(parts.netloc)
        width, height = _original_size(article, rendition)
        size = _SIZE.search(rendition.transform or "") or _SIZE.search(parts.path)
        if size:
            width, height = in_proportion(width, height, int(size[1]), int(size[2]))
        path = unquote(parts.path)
        extension = path.rsplit(".", 1)[-1].lower()
        scene = crc32((rendition.attachment_id or path).encode()) % 36
        drawn = Picture(width, height, extension, scene, rendition.url, original=not size)
        self._pictures.setdefault(path, drawn)

    def ids(self) -> Sequence[str]:
        """Return the ids of all articles, newest first."""
        return list(self._documents)

    def article(self, article_id: str) -> Json | None:
        """Return an article, if it is published."""
        document = self._documents.get(article_id)
        return document.article if document else None

    def raw(self, article_id: str, _visit: int | None = None, short: bool = False) -> bytes | None:
        """Return the document's own bytes; for lists, the document without its long texts."""
        document = self._documents.get(article_id)
        if document is None:
            return None
        return json.dumps(compact(document.article), ensure_ascii=False).encode() if short else document.raw

    def page_json(self, article_id: str) -> str:
        """Return the document's own text."""
        return self._documents[article_id].raw.decode("utf-8")

    def way(self, _article_id: str) -> Way | None:
        """Nothing replayed was ever removed."""
        return None

    def modified(self, _article_id: str) -> datetime | None:
        """Nobody knows."""
        return None

    def removed_ids(self) -> Iterator[str]:
        """Return nothing, for the same reason."""
        return iter(())

    def summary(self, article_id: str) -> tuple[str, str, str]:
        """Return address, title and naive local date of an article."""
        article = self._documents[article_id].article
        return str(article["url"]), str(article.get("title")), str(article.get("firstPublished"))

    def locate(self, path: str) -> Hit | None:
        """Return the article that a public path leads to."""
        return self._paths.get(path.rstrip("/"))

    def listing(self, kind: str, key: str) -> Listing | None:
        """Return a listing by its id or slug."""
        by_slug = (shelf for shelf in self._shelves.values() if shelf.kind == kind and shelf.slug == key)
        return _listing(self._shelves.get((kind, key)) or next(by_slug, None))

    def listing_at(self, path: str) -> Listing | None:
        """Return the listing that a public path leads to."""
        return _listing(self._shelf_paths.get(path.rstrip("/")))

    def forwarded(self, _path: str) -> str | None:
        """Nothing replayed has moved."""
        return None

    def listings(self, kind: str) -> Iterator[Listing]:
        """Return all listings of a kind."""
        found = (_listing(shelf) for shelf in self._shelves.values() if shelf.kind == kind)
        return (listing for listing in found if listing is not None)

    def filed_under(self, category_ids: Sequence[str], _with_children: bool = False) -> Sequence[str]:
        """Return the ids of articles in any of these categories, newest first."""
        wanted = set(category_ids)
        return [
            i
            for i, d in self._documents.items()
            if wanted & {str(c.get("id")) for c in _dicts(d.article.get("categories"))}
        ]

    def category(self, category_id: str) -> Json | None:
        """Return a category as the documents show it."""
        shelf = self._shelves.get(("category", category_id))
        return shelf.facts if shelf else None

    def publication(self, publication_id: str, content_type: str | None) -> Sequence[str] | None:
        """Return the ids of a publication's articles, newest first."""
        return [
            article_id
            for article_id, document in self._documents.items()
            if publication_id in _publications(document.article)
            and content_type in (None, "", str((document.article.get("contentType") or {}).get("id")))
        ]

    def picture(self, path: str) -> Picture | None:
        """Return what to draw for a media path; None when there is nothing there."""
        return self._pictures.get(unquote(path))

    def forged(self, _path: str) -> bool:
        """Signatures were made elsewhere and cannot be checked here."""
        return False


def _dicts(value: object) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _publications(article: Json) -> set[str]:
    types = (category.get("typeId") for category in _dicts(article.get("categories")))
    return {str(kind["typeId"]) for kind in types if isinstance(kind, dict) and "typeId" in kind}


def _listing(shelf: _Shelf | None) -> Listing | None:
    return Listing(shelf.kind, shelf.id, shelf.slug, shelf.name, shelf.url, tuple(shelf.ids)) if shelf else None


def _original_size(article: Json, rendition: Rendition) -> tuple[int, int]:
    for entry in _dicts(article.get("attachments")) + _dicts(article.get("inline_attachments")):
        if str(entry.get("id")) == rendition.attachment_id:
            width, height = int(entry.get("width") or 0), int(entry.get("height") or 0)
            return (width, height) if width and height else DEFAULT_SIZE
    return DEFAULT_SIZE
