"""Targets from what a user typed: a URL in any spelling, or `site:…`; errors that say what to do. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from crawler.errors import TargetError, UnknownSite
from crawler.sites import Site, host_of
from crawler.targets.grammar import PREFIXES, Meaning, TargetKind, built, is_cms_id
from crawler.targets.links import Target, article_target, base, made, on_site, publication_target, site_of
from crawler.urls import canonical, display

_EXAMPLES: Final = (
    "a target is the URL of an article, a category, a keyword, an author or the front page of a configured site, or "
    "SITE, SITE:1234567, SITE:category/SLUG, SITE:keyword/SLUG, SITE:author/SLUG, SITE:publication/NUMBER"
)
_HOST: Final = re.compile(r"(?:[\w-]+\.)+[\w-]+(?::[0-9]+)?|localhost(?::[0-9]+)?|\[[0-9a-fA-F:.]+\](?::[0-9]+)?")


def parse_target(text: str, sites: Sequence[Site]) -> Target:
    """Return the target that a user typed: a URL in any spelling of contract 5.1, `site:…`, or a target's key.

    Raises TargetError: UnknownSite, with the `[[sites]]` block to add, when the host is not configured; BadURL when
    the text is a URL that cannot be used.
    """
    text = text.strip()
    name, colon, rest = text.partition(":")
    for site in sites:
        if name.lower() == site.name.lower():
            return _named(rest.strip(), site)
    if "://" in text:
        return _located(text, sites)
    host = re.split(r"[/?#]", text.removeprefix("//"), maxsplit=1)[0].lower()
    configured = site_of(host, sites)
    if configured is not None or _HOST.fullmatch(host):
        scheme = urlsplit(configured.base_url).scheme if configured else "https"
        return _located(f"{scheme}://{text.removeprefix('//')}", sites)
    if colon and re.fullmatch(r"[\w-]+", name):
        raise UnknownSite(f"no site is called {_shown(name)}; {_nearest(name, sites)}")
    raise TargetError(f"{_shown(text)} is not a target; {_nearest(text, sites)}; {_EXAMPLES}")


def _named(rest: str, site: Site) -> Target:
    """Read what follows `site:`; every key that a target has can be typed."""
    if rest in ("", "front"):
        return made(site, base(site), Meaning(TargetKind.FRONT, "front", "/"))
    if is_cms_id(rest):
        return article_target(site, rest)
    if rest.startswith(("/", "article/")):
        return _located(f"{base(site)}/{rest.lstrip('/')}", [site])
    word, _, slug = rest.partition("/")
    slug = slug.strip("/ ")
    if word == TargetKind.PUBLICATION and is_cms_id(slug):
        return publication_target(site, slug)
    if word in PREFIXES and slug.strip(".") and "/" not in slug:
        return made(site, base(site), built(TargetKind(word), slug))
    raise TargetError(f"{_shown(f'{site.name}:{rest}')} is not a target; {_EXAMPLES.replace('SITE', site.name)}")


def _located(url: str, sites: Sequence[Site]) -> Target:
    whole = canonical(url)
    host = host_of(whole)
    site = site_of(host, sites)
    if site is not None:
        target = on_site(url, site)
        if target is None:
            raise TargetError(f"{_shown(url)} is neither an article nor a listing by its address; {_EXAMPLES}")
        return target
    for other in sites:
        if host in other.allowed_hosts:
            raise TargetError(f"{host} serves pictures or the API of {other.name!r}, not its pages; {_EXAMPLES}")
    raise UnknownSite(
        f"{host} is not a configured site, and nothing is fetched from hosts that are not configured. "
        f"To archive it, add this to the configuration:\n\n{_block(whole, host, sites)}"
    )


def _block(url: str, host: str, sites: Sequence[Site]) -> str:
    """Return the `[[sites]]` block for a host; a canonical host holds nothing that TOML would have to quote."""
    first = host.partition(":")[0].removeprefix("www.").partition(".")[0]
    name = stem = first if re.fullmatch(r"[a-z][a-z0-9_-]*", first) else "newsroom"
    taken = {site.name for site in sites}
    number = 2
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    base_url = f"{urlsplit(url).scheme}://{host}/"
    return f'[[sites]]\nname = "{name}"\nbase_url = "{base_url}"\ntimezone = "UTC"  # set the newsroom\'s own\n'


def _nearest(name: str, sites: Sequence[Site]) -> str:
    known = [site.name for site in sites]
    close = difflib.get_close_matches(name[:100].lower(), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"configured are {', '.join(map(repr, known))}" if known else "no site is configured"


def _shown(text: str) -> str:
    return f"“{display(text, 80)}”"
