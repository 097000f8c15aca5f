"""The computed newsroom: every article, listing and picture on demand."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote

from simulator import names
from simulator.addresses import Addresses
from simulator.articles import Writer, compact
from simulator.corpus import Corpus
from simulator.events import Event, Kind, Way
from simulator.filing import Filing
from simulator.media import SCENES, Original, in_proportion
from simulator.profiles import Profile
from simulator.states import after
from simulator.stock import Hit, Json, Listing, Mapped, Picture
from simulator.walltime import instant_of

KEPT_ARTICLES = 256
OTHER_SCENE = 6  # so many scenes on is another one of the same shape
_DATED = re.compile(r"/(?:article|opinionista)/(\d{4}-\d\d-\d\d)-([^/]+)/?")
_UNDATED = re.compile(r"/article/([^/]+)/?")
_BY_ID = re.compile(r"/(?:article/)?(\d+)/?")
_OLJ_ARTICLE = re.compile(r"/[\w-]+/(\d+)/[^/]*")
_OLJ_LISTING = re.compile(r"/([\w-]*)/(\d+)-([^/]*)/?")
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


class Content:
    """A newsroom computed from a profile, a seed and a number of articles, and from what happened since."""

    def __init__(self, profile: Profile, seed: int, founded: int, quirks: bool, addresses: Addresses) -> None:
        self.profile, self.seed, self.addresses = profile, seed, addresses
        self.corpus = Corpus(profile, seed, founded, quirks)
        self.writer = Writer(self.corpus, addresses)
        self.written = 0
        self._filing = Filing(self.corpus)
        self._article = lru_cache(KEPT_ARTICLES)(self._write)

    def _write(self, index: int) -> Json:
        self.written += 1
        return self.writer.article(index)

    def apply(self, event: Event, local: datetime) -> None:
        """Let an event happen, at this site-local time. Raises KeyError for an article or term that is not here."""
        changes = self.corpus.changes
        if event.article is not None:
            index = self.corpus.place(event.article)
            if index is None:
                raise KeyError(event.article)
            shown = self.writer.pictures.main_places(index)
            changes.articles[index] = after(self.corpus.state(index), event, local, shown)
        elif event.kind is Kind.RENAMED and event.term is not None:
            changes.rename(self.corpus.section(event.term), *event.values)
        elif event.kind is Kind.MERGED and event.term is not None:
            changes.merged[event.term] = event.values[0]
        elif event.kind is Kind.MOVED:
            self.addresses = self.addresses.moved(event.values[0])
            self.writer = Writer(self.corpus, self.addresses, self.writer.founding)
        self._filing.changed()
        self._article.cache_clear()

    def _ids(self, places: Sequence[int]) -> Sequence[str]:
        return Mapped(places, self.corpus.id)

    def ids(self) -> Sequence[str]:
        """Return the ids of all articles, newest first."""
        return self._ids(self._filing.everything())

    def article(self, article_id: str) -> Json | None:
        """Return an article, if the API still answers for it."""
        index = self.corpus.index(article_id)
        if index is None or self.corpus.state(index).way in (Way.MISSING, Way.DELETED):
            return None
        return self._article(index)

    def way(self, article_id: str) -> Way | None:
        """Return how an article is away that was there once; None for one that is there, or never was."""
        index = self.corpus.index(article_id)
        if index is None:
            return Way.MISSING if self.corpus.was_removed(article_id) else None
        return self.corpus.state(index).way

    def modified(self, article_id: str) -> datetime | None:
        """Return the instant of the latest change of an article's JSON, where it is known."""
        index = self.corpus.index(article_id)
        if index is None:
            return None
        return self.corpus.state(index).touched or instant_of(self.corpus.published(index), self.profile.timezone)

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
        return self._ids(self._filing.sections(wanted))

    def removed_ids(self) -> Iterator[str]:
        """Return the ids of articles that were taken down, unless they were only taken out of the lists."""
        founding = (self.corpus.removed_id(index) for index in range(self.corpus.founded))
        away = (i for i, state in self.corpus.changes.articles.items() if state.way not in (None, Way.UNLISTED))
        return itertools.chain((article_id for article_id in founding if article_id), map(self.corpus.id, away))

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
            return Hit(by_id[1], False) if self.corpus.index(by_id[1]) is not None else None
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
        section = self.corpus.section(key) if key in self.profile.sections else self.corpus.section_by_slug(key)
        if section is None:
            return None
        ids = self._ids(self._filing.sections((section.id,)))
        url = self.writer.taxonomy.section_url(section)
        return Listing("category", section.id, section.slug, section.name, url, ids)

    def _keyword(self, key: str) -> Listing | None:
        known = key if key.isdecimal() else self.corpus.topic_by_slug(key)
        keyword = self.corpus.changes.keyword(known) if known else None
        places = self._filing.topic(keyword) if keyword else None
        if keyword is None or places is None:
            return None
        name, url = self.corpus.topic_name(keyword), self.writer.taxonomy.keyword_url(keyword)
        return Listing("keyword", keyword, names.slug_of(name), name, url, self._ids(places))

    def _author(self, key: str) -> Listing | None:
        author = key if key.isdecimal() else self.corpus.author_by_slug(key)
        places = self._filing.author(author) if author else None
        if author is None or places is None:
            return None
        name, url = self.corpus.author_name(author), self.writer.taxonomy.author_url(author)
        return Listing("author", author, names.slug_of(name), name, url, self._ids(places))

    def listing_at(self, path: str) -> Listing | None:
        """Return the listing that a public path leads to."""
        named = self._named(path)
        return self.listing(*named[:2]) if named else None

    def _named(self, path: str) -> tuple[str, str, str] | None:
        """Return kind, key and slug of the listing that a public path names."""
        kinds = {"article_tag": "keyword", "keyword": "keyword", "author": "author"}
        if self.profile.name == "olj":
            numbered = _OLJ_LISTING.fullmatch(path)
            return (kinds.get(numbered[1], "category"), numbered[2], numbered[3]) if numbered else None
        match = _DM_LISTING.fullmatch(path)
        slug = path.strip("/")
        if match:
            return kinds.get(match[1], "category"), match[2], match[2]
        former = slug in self.corpus.changes.slugs
        return ("category", slug, slug) if slug in _FRONTS and (former or self._section(slug)) else None

    def forwarded(self, path: str) -> str | None:
        """Return where a listing has moved that was at this path: a merged keyword, a renamed category."""
        kind, key, slug = self._named(path) or ("", "", "")
        changes, found = self.corpus.changes, self.listing(kind, key) if kind else None
        if kind == "category" and found and changes.slugs.get(slug) == found.id:
            return found.url
        keyword = key if key.isdecimal() else self.corpus.topic_by_slug(key) if kind == "keyword" else None
        return found.url if kind == "keyword" and found and keyword in changes.merged else None

    def listings(self, kind: str) -> Iterator[Listing]:
        """Return all listings of a kind."""
        sources = {"category": lambda: list(self.profile.sections), "keyword": self._filing.all_topics}
        keys = sources.get(kind, self._filing.all_authors)()
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
        return self._ids(self._filing.publication(publication_id))

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
        scene = (found.scene + OTHER_SCENE * found.version) % SCENES
        stamp = f"{found.key} {found.version}" if found.version else found.key
        return Picture(width, height, found.extension, scene, stamp, x == y == 0, found.since)

    def forged(self, path: str) -> bool:
        """Say whether a media path carries a signature that is not ours."""
        match = _THUMBOR.fullmatch(unquote(path))
        return match is not None and self.writer.pictures.sign(match[2]) != match[1]
