"""Targets from what the newsroom itself says: links in pages, terms in an article's JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from crawler.errors import BadURL
from crawler.sites import Site, front_of, host_of
from crawler.targets.grammar import (
    PREFIXES,
    Meaning,
    TargetKind,
    built,
    is_furniture,
    is_numbered,
    number_is_a_word,
    plain,
    read,
)
from crawler.urls import canonical


@dataclass(frozen=True, slots=True)
class Target:
    """Something to archive; `key` is the same for every spelling of its URL."""

    kind: TargetKind
    site: str
    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A link that is no target; `reason` is one of a few fixed phrases, so that they can be counted."""

    reason: str


MALFORMED: Final = Ignored("not a web address")
OTHER_HOST: Final = Ignored("another host")
NOT_ARCHIVED: Final = Ignored("neither an article nor a listing")

KEPT_QUERY: Final = ("p",)  # `/?post_type=article&p=<id>` is the one URL whose query says what it is


def classify(url: str, sites: Sequence[Site]) -> Target | Ignored:
    """Return what an absolute URL found in a page stands for; never raises."""
    try:
        whole = canonical(url, KEPT_QUERY)
    except BadURL:
        return MALFORMED
    site = site_of(host_of(whole), sites)
    if site is None:
        return OTHER_HOST
    return _meant(whole, url, site) or NOT_ARCHIVED


def article_target(site: Site, cms_id: str) -> Target:
    """Return the target of an article known by its CMS id."""
    return Target(TargetKind.ARTICLE, site.name, f"{site.name}:{cms_id}", f"{base(site)}/article/{cms_id}")


def publication_target(site: Site, number: str) -> Target:
    """Return the target of a publication, which only the API lists (contract 3.2)."""
    url = f"{site.api_url.rstrip('/')}/publication/{number}/content" if site.api_url else f"{base(site)}/"
    return Target(TargetKind.PUBLICATION, site.name, f"{site.name}:publication/{number}", url)


def listing_target(site: Site, kind: TargetKind, cms_id: str, slug: str, url: str) -> Target:
    """Return the target of a category, keyword, author or publication that an article's JSON names.

    Its key is the one that `classify(url)` gives. Its URL may name a host that the site is not fetched from
    (`staging.`, `prod.`): the path counts, the host is the configuration's. In place of a URL that cannot be read
    comes one built from the slug, or from the id. Never raises.
    """
    if kind is TargetKind.PUBLICATION:
        return publication_target(site, cms_id)
    target = _of_term(site, url)
    if target is None or target.kind is not kind:
        return made(site, base(site), built(kind, slug.strip(" /") or cms_id))
    segment = _last_segment(target.url)
    if number_is_a_word(segment, cms_id, slug):
        # `16-days-of-activism`: the URL alone looks like listing 16, the object knows better.
        return Target(kind, site.name, f"{site.name}:{kind}/{plain(segment)}", target.url)
    return target


def spellings(target: Target, site: Site) -> tuple[str, ...]:
    """Return the URLs under which a listing may be found, in the order to try them (contract 5.1)."""
    if target.kind not in PREFIXES:
        return (target.url,)
    segment = _last_segment(target.url)
    numbered = is_numbered(segment)
    slash = "" if numbered else "/"
    origin = _origin(target.url) or base(site)
    paths = [f"/{prefix}/{segment}{slash}" for prefix in _prefixes(target.kind, numbered)]
    if target.kind is TargetKind.CATEGORY and not numbered and not is_furniture(segment):
        paths.append(f"/{segment}/")
    if target.kind is TargetKind.AUTHOR and not numbered:
        paths.append(f"/author/{segment.replace('-', '')}/")  # the CMS drops inner hyphens from some
    found = {canonical(target.url): target.url}
    for path in paths:
        found.setdefault(canonical(origin + path), origin + path)
    return tuple(found.values())


def _prefixes(kind: TargetKind, numbered: bool) -> tuple[str, ...]:
    if kind is TargetKind.CATEGORY:
        return ("rubrique", "section", "category") if numbered else ("category", "section")
    return PREFIXES[kind]


def on_site(url: str, site: Site) -> Target | None:
    """Return what a URL on one of the site's page hosts stands for. Raises BadURL."""
    return _meant(canonical(url, KEPT_QUERY), url, site)


def _meant(whole: str, url: str, site: Site) -> Target | None:
    """Return what a URL stands for, given in its canonical spelling and as it came."""
    front = front_of(whole)
    path, _, query = whole[len(front) :].partition("?")
    meaning = read(path, query)
    if meaning is None:
        return None
    slash = "/" if path != "/" and _ends_with_slash(url) else ""
    return made(site, _origin_at(front, site.base_url), meaning, slash)


@lru_cache(maxsize=1024)
def _origin_at(front: str, base_url: str) -> str:
    """Return the origin to fetch from what is found under a canonical one."""
    parts = urlsplit(front)
    secure = base_url.startswith("https://") and parts.port is None
    return f"https://{parts.netloc}" if secure else front  # spares a redirect, and a request that anybody could read


def made(site: Site, origin: str, meaning: Meaning, slash: str = "") -> Target:
    """Return the target of a meaning at one of the site's origins."""
    return Target(meaning.kind, site.name, f"{site.name}:{meaning.key}", f"{origin}{meaning.path}{slash}")


def site_of(host: str, sites: Sequence[Site]) -> Site | None:
    """Return the site that serves public pages under `host[:port]`."""
    return next((site for site in sites if host and host in site.page_hosts), None)


def base(site: Site) -> str:
    """Return the site's base URL without a trailing slash."""
    return site.base_url.rstrip("/")


def _of_term(site: Site, url: str) -> Target | None:
    """Read a URL found in an article's JSON, on a page host of the site whatever its own host was."""
    given = url.strip()
    if given.startswith("/") and not given.startswith("//"):
        given = base(site) + given
    try:
        whole = canonical(given)
        if host_of(whole) not in site.page_hosts:
            given = base(site) + urlsplit(whole).path + ("/" if _ends_with_slash(given) else "")
        return on_site(given, site)
    except BadURL:
        return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _ends_with_slash(url: str) -> bool:
    return url.strip().partition("#")[0].partition("?")[0].endswith("/")


def _last_segment(url: str) -> str:
    return canonical(url).rpartition("/")[2]
