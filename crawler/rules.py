"""robots.txt of the public hosts, asked once a run and obeyed for pages (RFC 9309).

The API is opened to us by a key and the pictures belong to the pages that show them; neither is a public page.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from crawler.errors import Fault, FaultKind
from crawler.fetch import Fetcher, Turn
from crawler.robots import TROUBLE_LIFETIME, Robots
from crawler.sites import host_of
from crawler.urls import display

_NO_RULES = frozenset({FaultKind.REDIRECT_LOOP, FaultKind.REDIRECT_REFUSED})  # it leads nowhere (RFC 9309, 2.3.1.2)
_FIRST_TROUBLE = 5.0  # seconds until rules that could not be had are asked for again; each time twice as long


class RobotRules:
    """The rules of each host, fetched when they are first needed."""

    def __init__(
        self,
        fetcher: Fetcher,
        user_agent: str,
        turn: Turn,
        leave: Callable[[], None],
        on_delay: Callable[[str, float], None],
        *,
        obey: bool = True,
    ) -> None:
        """`leave` gives back the place that the asker has; its page then needs a turn.

        `on_delay` is told of a host's crawl delay in seconds; `obey` False asks and refuses nothing.
        """
        self._fetcher = fetcher
        self._user_agent = user_agent
        self._turn = turn
        self._leave = leave
        self._on_delay = on_delay
        self._obey = obey
        self._known: dict[str, Robots] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._troubles: Counter[str] = Counter()  # how often a host's rules could not be had

    async def check(self, url: str) -> None:
        """Raise Fault when the host asks us not to fetch this page, or when its rules cannot be had."""
        if not self._obey:
            return
        rules = await self._rules(url)
        if rules.temporary:
            raise Fault(
                FaultKind.UNAVAILABLE,
                f"robots.txt of {host_of(url)} cannot be had at present; without it no page",
                retry_after=max(0.0, rules.expires_at - time.time()),  # nothing was asked of the host: it only waits
            )
        if not rules.allowed(url, self._user_agent):
            raise Fault(FaultKind.ROBOTS, f"robots.txt of {host_of(url)} asks us not to fetch {display(url)}")

    async def sitemaps(self, url: str) -> tuple[str, ...]:
        """Return the sitemaps that the host of `url` announces."""
        return (await self._rules(url)).sitemaps

    async def _rules(self, url: str) -> Robots:
        host = host_of(url)
        rules = self._fresh(host)
        if rules is not None:
            return rules
        self._leave()  # whoever fetches may need the place; and all who wait here then go one by one, at the pace known
        async with self._locks.setdefault(host, asyncio.Lock()):
            rules = self._fresh(host)
            if rules is None:
                rules = self._known[host] = await self._fetch(url, host)
                self._troubles[host] += rules.temporary
                if delay := rules.crawl_delay(self._user_agent):
                    self._on_delay(host, delay)
            return rules

    def _fresh(self, host: str) -> Robots | None:
        rules = self._known.get(host)
        return rules if rules is not None and rules.expires_at >= time.time() else None

    async def _fetch(self, url: str, host: str) -> Robots:
        location = f"{url.split('://', 1)[0]}://{host}/robots.txt"
        try:
            async with self._turn(host):
                answer = await self._fetcher.page(location, accept="text/plain,*/*;q=0.5")
        except Fault as fault:
            if fault.kind in _NO_RULES:
                return Robots.parse(b"", 404, location, time.time())
            if fault.http_status is None:
                raise  # the host itself is in trouble: the job that asked is retried as for any other request
            rules = Robots.parse(b"", fault.http_status, location, time.time())
            if not rules.temporary:
                return rules
            wait = min(TROUBLE_LIFETIME, _FIRST_TROUBLE * 2.0 ** min(self._troubles[host], 10))
            return replace(rules, expires_at=time.time() + max(wait, fault.retry_after or 0.0))
        return Robots.parse(answer.body, answer.status, location, time.time())
