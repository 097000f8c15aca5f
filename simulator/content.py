"""The computed newsroom: every article, listing and picture on demand."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import unquote

from simulator import names
from simulator.addresses import Addresses
from simulator.articles import Writer, compact
from simulator.corpus import Corpus
from simulator.measures import content_length, time_to_read
from simulator.media import Original, in_proportion
from simulator.profiles import CYCLE, Profile
from simulator.stock import Hit, Json, Listing, Mapped, Picture

KEPT_ARTICLES = 256
_DATED = re.compile(r"/(?:article|opinionista)/(\d{4}-\d\d-\d\d)-([^/]+)/?")
_UNDATED = re.compile(r"/article/([^/]+)/?")
_BY_ID = re.compile(r"/(?:article/)?(\d+)/?")
_OLJ_ARTICLE = re.compile(r"/[\w-]+/(\d+)/[^/]*")
_OLJ_LISTING = re.compile(r"/([\w-]*)/(\d+)-[^/]*/?")
_DM_LISTING = re.compile(r"/(section|category|article_tag|keyword|author)/([^/]+)/?")
_FRONTS = ("business-maverick", "johannesburg", "maverick-life")
_THUMBOR = re.compile(r"/i/([\w=-]{28})/((\d+)x(\d+)/smart(?:/filters:[^/]+)?/file/(.+))")
_SUFFIXED = re.compile(r"/(storage/.+)/r/(\d+)(?:/[^/]+)?")


def dump(article: Json, escaped: bool) -> bytes:
    """Return an article's JSON; one installation escapes as PHP does."""
    text = json.dumps(article, ensure_ascii=escaped, separators=(",", ":"))
    return (text.replace("/", "\\/") if escaped else text).encode()


def restless(article: Json, visit: int) -> Json:
    """Return the article with the fields that move between two visits without any edit."""
    moved = article | {"cached": visit % 2 == 0}
    if article["views"]:
        moved["views"] = article["views"] + visit % 9
    if article.get("rating"):
        moved["rating"] = (4.67, 4.5)[visit % 2]
    moved["categories"] = [
        category
        | {"cached": (visit + place) % 2 == 0, "articlesCount": category["articlesCount"] if visit % 2 else None}
        for place, category in enumerate(article["categories"])
    ]
    return moved


def edited(article: Json, times: int) -> Json:
    """Return the article after so many edits; the CMS does not date them."""
    contents = f"{article['contents']}<p>Correction {times}: an earlier version was wrong.</p>"
    facts: Json = {"title": f"{article['title'].rstrip()} (updated {times})", "contents": contents}
    if "time_to_read" in article:
        facts["time_to_read"] = time_to_read(contents, article["introduction"], article["summary"])
    return article | facts | {"content_length": content_length(contents)}


class Content:
    """A newsroom computed from a profile, a seed and a number of articles."""

    def __init__(self, profile: Profile, seed: int, count: int, quirks: bool, addresses: Addresses) -> None:
        self.profile, self.seed, self.addresses = profile, seed, addresses
        self.corpus = Corpus(profile, seed, count, quirks)
        self.writer = Writer(self.corpus, addresses)
        self.written = 0
        self._withdrawn: set[str] = set()
        self._edits: Counter[str] = Counter()
        self._article = lru_cache(KEPT_ARTICLES)(self._write)

    def _write(self, index: int, edits: int) -> Json:
        self.written += 1
        article = self.writer.article(index)
        return edited(article, edits) if edits else article

    def publish(self, number: int) -> list[str]:
        """Bring out so many more articles and return their ids, newest first."""
        self.corpus.count += number
        return list(self.ids()[:number])

    def withdraw(self, article_id: str) -> None:
        """Take an article down: from the API, from its page and from every list."""
        self._known(article_id)
        self._withdrawn.add(article_id)

    def revise(self, article_id: str) -> None:
        """Edit the title and the text of an article, leaving its dates as they are."""
        self._known(article_id)
        self._edits[article_id] += 1

    def _known(self, article_id: str) -> None:
        if self._index(article_id) is None:
            raise KeyError(f"article {article_id} is not in this newsroom")

    def _ids(self, places: Sequence[int]) -> Sequence[str]:
        ids = Mapped(places, self.corpus.id)
        return [article_id for article_id in ids if article_id not in self._withdrawn] if self._withdrawn else ids

    def ids(self) -> Sequence[str]:
        """Return the ids of all articles, newest first."""
        return self._ids(self.corpus.everything())

    def article(self, article_id: str) -> Json | None:
        """Return an article, if it is published."""
        index = self._index(article_id)
        return None if index is None else self._article(index, self._edits[article_id] if self._edits else 0)

    def _index(self, article_id: str) -> int | None:
        return None if article_id in self._withdrawn else self.corpus.index(article_id)

    def raw(self, article_id: str, visit: int | None = None, short: bool = False) -> bytes | None:
        """Return an article's JSON as the API sends it at this visit; short as lists carry it."""
        article = self.article(article_id)
        if article is None:
            return None
        if visit is not None and self.corpus.quirks:
            article = restless(article, visit)
        return dump(compact(article) if short else article, escaped=self.profile.name == "olj")

    def page_json(self, article_id: str) -> str:
        """Return an article's JSON as a page embeds it as text."""
        return json.dumps(self.article(article_id), ensure_ascii=False, indent=2)

    def filed_under(self, category_ids: Sequence[str], with_children: bool = False) -> Sequence[str]:
        """Return the ids of articles in any of these categories, newest first."""
        wanted = set(category_ids)
        if with_children:
            wanted |= {section.id for section in self.profile.sections.values() if section.parent in wanted}
        slots = tuple(slot for slot, ids in enumerate(self.profile.slots) if wanted & set(ids))
        return self._ids(self.corpus.in_slots(slots))

    def removed(self, article_id: str) -> bool:
        """Say whether an article with this id was taken down."""
        return article_id in self._withdrawn or self.corpus.was_removed(article_id)

    def removed_ids(self) -> Iterator[str]:
        """Return the ids of articles that were taken down."""
        gone = (self.corpus.removed_id(index) for index in range(self.corpus.count))
        return itertools.chain((article_id for article_id in gone if article_id), sorted(self._withdrawn))

    def summary(self, article_id: str) -> tuple[str, str, str]:
        """Return address, title and naive local date of an article, without writing the rest of it."""
        index = self.corpus.index(article_id)
        if index is None:
            raise KeyError(article_id)
        return self.writer.url(index), self.writer.title(index), str(self.corpus.published(index))

    def locate(self, path: str) -> Hit | None:
        """Return the article that a public path leads to."""
        by_id = _BY_ID.fullmatch(path)
        if by_id:
            return Hit(by_id[1], False) if self._index(by_id[1]) is not None else None
        return self._locate_olj(path) if self.profile.name == "olj" else self._locate_dm(path)

    def _locate_olj(self, path: str) -> Hit | None:
        match = _OLJ_ARTICLE.fullmatch(path)
        return Hit(match[1], True) if match and self.corpus.index(match[1]) is not None else None

    def _locate_dm(self, path: str) -> Hit | None:
        dated, undated = _DATED.fullmatch(path), _UNDATED.fullmatch(path)
        day, slug = (dated[1], dated[2]) if dated else (None, undated[1] if undated else "")
        for index in self.corpus.by_slug(slug):
            if slug == self.writer.slug(index) and day in (None, f"{self.corpus.published(index):%Y-%m-%d}"):
                return Hit(self.corpus.id(index), True)
        return None

    def listing(self, kind: str, key: str) -> Listing | None:
        """Return a listing by its id or slug."""
        return {"category": self._section, "keyword": self._keyword, "author": self._author}[kind](key)

    def _section(self, key: str) -> Listing | None:
        section = self.profile.sections.get(key) or self.profile.section_by_slug(key)
        if section is None:
            return None
        ids = self._ids(self.corpus.in_section(section.id))
        url = self.writer.taxonomy.section_url(section)
        return Listing("category", section.id, section.slug, section.name, url, ids)

    def _keyword(self, key: str) -> Listing | None:
        keyword = key if key.isdecimal() else self.corpus.topic_by_slug(key)
        places = self.corpus.in_topic(keyword) if keyword else []
        if keyword is None or not places:
            return None
        name, url = self.corpus.topic_name(keyword), self.writer.taxonomy.keyword_url(keyword)
        return Listing("keyword", keyword, names.slug_of(name), name, url, self._ids(places))

    def _author(self, key: str) -> Listing | None:
        author = key if key.isdecimal() else self.corpus.author_by_slug(key)
        places = self.corpus.by_author(author) if author else []
        if author is None or not places:
            return None
        name, url = self.corpus.author_name(author), self.writer.taxonomy.author_url(author)
        return Listing("author", author, names.slug_of(name), name, url, self._ids(places))

    def listing_at(self, path: str) -> Listing | None:
        """Return the listing that a public path leads to."""
        if self.profile.name == "olj":
            numbered = _OLJ_LISTING.fullmatch(path)
            if not numbered:
                return None
            return self.listing(numbered[1] if numbered[1] in ("keyword", "author") else "category", numbered[2])
        match = _DM_LISTING.fullmatch(path)
        if match:
            kinds = {"article_tag": "keyword", "keyword": "keyword", "author": "author"}
            return self.listing(kinds.get(match[1], "category"), match[2])
        return self.listing("category", path.strip("/")) if path.strip("/") in _FRONTS else None

    def listings(self, kind: str) -> Iterator[Listing]:
        """Return all listings of a kind."""
        sources = {"category": lambda: list(self.profile.sections), "keyword": self.corpus.all_topics}
        keys = sources.get(kind, self.corpus.all_authors)()
        return (found for found in (self.listing(kind, key) for key in keys) if found is not None)

    def category(self, category_id: str) -> Json | None:
        """Return a category with its children."""
        known = category_id in self.profile.sections
        return self.writer.taxonomy.category_with_children(category_id) if known else None

    def publication(self, publication_id: str, content_type: str | None) -> Sequence[str] | None:
        """Return the ids of a publication's articles, newest first."""
        known = self.profile.publications.get(publication_id)
        if known is None:
            return None
        if content_type not in (None, "", known.content_type[0]):
            return ()
        slots = (s for s in range(CYCLE) if self.writer.publication(s).id == publication_id)
        return self._ids(self.corpus.in_slots(tuple(slots)))

    def picture(self, path: str) -> Picture | None:
        """Return what to draw for a media path; None when there is nothing there."""
        path = unquote(path)
        thumbor, suffixed = _THUMBOR.fullmatch(path), _SUFFIXED.fullmatch(path)
        if thumbor:
            return self._drawn(thumbor[5], int(thumbor[3]), int(thumbor[4]))
        if suffixed:
            size = next((size for size in self.profile.sizes if size.x == int(suffixed[2])), None)
            return self._drawn(suffixed[1], size.x, size.y) if size else None
        return self._drawn(path.lstrip("/"), 0, 0)

    def _drawn(self, key: str, x: int, y: int) -> Picture | None:
        found: Original | None = self.writer.pictures.by_key(key)
        if found is None:
            return None
        width, height = in_proportion(found.width, found.height, x, y)
        return Picture(width, height, found.extension, found.scene, found.key, original=x == y == 0)

    def forged(self, path: str) -> bool:
        """Say whether a media path carries a signature that is not ours."""
        match = _THUMBOR.fullmatch(unquote(path))
        return match is not None and self.writer.pictures.sign(match[2]) != match[1]
