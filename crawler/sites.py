"""A configured installation of the CMS: its hosts, doors and habits. Pure data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_AUTHORITY = re.compile(r"[^/?#]*//[^/?#]*")


def front_of(url: str) -> str:
    """Return a URL up to the end of its authority: the same for all of a host's, so that it can be remembered."""
    found = _AUTHORITY.match(url)
    return found[0] if found else url


def host_of(url: str) -> str:
    """Return `host[:port]` of an absolute URL in lower case, without the scheme's default port; '' when it has none."""
    return _host_of(front_of(url))


@lru_cache(maxsize=4096)
def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that there is none, or a bracket without its other
        return ""
    host = (parts.hostname or "").lower()
    if not host:
        return ""
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return host if port in (None, default) else f"{host}:{port}"


@lru_cache(maxsize=64)
def _page_hosts(base_url: str, hosts: tuple[str, ...]) -> frozenset[str]:
    return frozenset({host_of(base_url), *hosts})


@dataclass(frozen=True, slots=True)
class Site:
    """One `[[sites]]` block of the configuration (contract 1: hosts and base URLs)."""

    name: str
    base_url: str
    hosts: tuple[str, ...] = ()  # further public fronts and short hosts of the same CMS
    api_url: str = ""
    classic_url: str = ""
    api_key: str = ""
    classic_key: str = ""
    timezone: str = "UTC"
    media_hosts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    page_param: str = "pagination"

    @property
    def page_hosts(self) -> frozenset[str]:
        """Hosts that serve public pages."""
        return _page_hosts(self.base_url, self.hosts)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Every host this site may be fetched from."""
        doors = {host_of(url) for url in (self.api_url, self.classic_url) if url}
        return self.page_hosts | doors | frozenset(self.media_hosts)

    def __repr__(self) -> str:
        """Show the site without its keys."""
        return f"Site(name={self.name!r}, base_url={self.base_url!r})"
