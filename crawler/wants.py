"""What the crawler asks the frontier for: targets, links and renditions as rows to come. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from crawler.errors import BadURL, ParseError
from crawler.sites import Site, host_of
from crawler.targets import Target, TargetKind, article_target, listing_target
from crawler.urls import display, for_wire
from storage.records import NOT_ASKED_FOR, SWEEP, ArticleRecord, Kind, Term, Wanted

_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST_WORD = 2  # letters; shorter ones are in every title
_DATED = re.compile(r"/(\d{4}-\d{2}-\d{2})-")

PRIORITIES = {Kind.LISTING: 0, Kind.ARTICLE: 1, Kind.MEDIA: 2}
HELPER_DEPTH = -1  # of listings that only help another one, and of what they find

THIRD_PARTY = "third-party host"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run was limited to; dates are `YYYY-MM-DD` in the site's own time, empty where open."""

    since: str = ""
    until: str = ""
    limit: int = 0  # new articles in one run; 0: no limit

    def includes(self, date: str) -> bool:
        """Say whether an article of this date is asked for; one without a date is."""
        day = date[:10]
        return not day or ((not self.since or day >= self.since) and (not self.until or day <= self.until))

    def all_before(self, dates: Iterable[str]) -> bool:
        """Say whether every one of these dates lies before `since`: a newest-first listing holds nothing more."""
        days = [date[:10] for date in dates]
        return bool(self.since and days) and all(day and day < self.since for day in days)


@dataclass(frozen=True, slots=True)
class Wants:
    """Makes frontier rows, knowing the sites and what the run was asked for."""

    sites: Mapping[str, Site]
    bounds: Bounds = Bounds()
    media: bool = True
    third_party: bool = False

    def target(self, target: Target, depth: int) -> Wanted:
        """Return the row of a target."""
        site = self.sites[target.site]
        kind = Kind.ARTICLE if target.kind is TargetKind.ARTICLE else Kind.LISTING
        host = host_of(target.url)
        if kind is Kind.ARTICLE and cms_id_of(target.key) and site.api_url and site.api_key:
            host = host_of(site.api_url)
        elif target.kind is TargetKind.PUBLICATION:
            host = host_of(site.api_url or site.base_url)
        return Wanted(kind, target.key, target.url, target.site, host, PRIORITIES[kind], depth)

    def sweep(self, target: Target) -> Wanted:
        """Return the row of the sweep of a listing, which stands beside the listing's own."""
        want = self.target(target, 0)
        return replace(want, key=want.key.replace(f"{target.site}:", f"{target.site}:{SWEEP}", 1))

    def article(self, site: Site, cms_id: str, depth: int) -> Wanted:
        """Return the row of an article known by its CMS id."""
        return self.target(article_target(site, cms_id), depth)

    def follow(self, site: str, terms: Sequence[Term], depth: int) -> list[Wanted]:
        """Return the rows of the listings that an article's terms name (storage calls this while it keeps one)."""
        return [self.listing(self.sites[site], term, depth) for term in terms]

    def listing(self, site: Site, term: Term, depth: int) -> Wanted:
        """Return the row of a term's listing."""
        return self.target(listing_target(site, TargetKind(term.kind), term.cms_id, term.slug, term.url), depth)

    def renditions(self, record: ArticleRecord) -> list[Wanted]:
        """Return the rows of everything an article shows; what is not to be fetched is recorded with the reason."""
        site = self.sites[record.site]
        asked_for = self.media and self.bounds.includes(record.first_published_raw or "")
        allowed = _allowed_hosts(site)
        priority = PRIORITIES[Kind.MEDIA]
        found = []
        for rendition in record.renditions:
            url = rendition.url
            host = host_of(url)
            skip = self._why_not(url, host, allowed) or ("" if asked_for else NOT_ASKED_FOR)
            found.append(Wanted(Kind.MEDIA, url, url, site.name, host, priority, skip=skip))
        return found

    def _why_not(self, url: str, host: str, allowed: frozenset[str]) -> str:
        try:
            for_wire(url)
        except BadURL as error:
            return f"not a URL that can be requested: {error}"
        if not host:
            return "not a URL with a host"
        if host not in allowed and not self.third_party:
            return f"{THIRD_PARTY}: {host}"
        return ""


@lru_cache(maxsize=64)
def _allowed_hosts(site: Site) -> frozenset[str]:
    return site.allowed_hosts


def cms_id_of(key: str) -> str:
    """Return the CMS id in an article key `site:<id>`; '' when the key is a path."""
    tail = key.partition(":")[2]
    return tail if tail.isdecimal() and tail.isascii() else ""


def check_asked(key: str, url: str, record: ArticleRecord) -> None:
    """Raise ParseError when an article is not the one that its key asks for, or that its address speaks of.

    `url` is where the answer came from in the end. An article may have had another slug once, or another date; hardly
    both (contract 5.1), or a slug that has less than half of its words in common with what the article says of itself:
    then a cache has mixed something up.
    """
    if asked := cms_id_of(key):
        if record.cms_id != asked:
            raise ParseError(f"asked for article {asked}, the answer holds {record.cms_id}")
        return
    if key in record.paths:
        return
    if _speaks_of_another(url, record):
        raise ParseError(f"the page holds article {record.cms_id}, {display(record.title)}, not what its address says")


def _speaks_of_another(url: str, record: ArticleRecord) -> bool:
    (date, slug), (own_date, own_slug) = _dated_slug(url), _dated_slug(record.url)
    if slug == own_slug:
        return False
    if date and own_date and date != own_date:
        return True
    spoken, own = _words(slug), _words(own_slug)
    return min(len(spoken), len(own)) > 1 and len(spoken & (own | _words(record.title))) * 2 < len(spoken)


def _dated_slug(url: str) -> tuple[str, str]:
    """Return the date, if any, and the slug of an article's address, however it ends."""
    segment = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].removesuffix(".html")
    match = _DATED.match(f"/{segment}")
    return (match[1], segment[len(match[0]) - 1 :].strip("-")) if match else ("", segment.strip("-"))


def _words(text: str) -> set[str]:
    """Return the words of a text that tell something, without accents and numbers."""
    plain = "".join(c for c in normalize("NFKD", text.casefold()) if not combining(c))
    return {word for word in _WORD.findall(plain) if len(word) > _SHORTEST_WORD}


def date_in_path(key: str) -> str:
    """Return the date of a dated article path (contract 5.1), as `YYYY-MM-DD`; '' where it has none."""
    match = _DATED.search(key)
    return match[1] if match else ""
