"""What a host's robots.txt asks of us (RFC 9309). Pure.

No answer is not a yes: while the file cannot be had because the server is in trouble, everything is off limits, and
`temporary` says that this is no rule of theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from protego import Protego

MAX_BYTES: Final = 500 * 1024  # RFC 9309, 2.5: at least this much is read
LONGEST_DELAY: Final = 300.0  # seconds; a longer one would keep a crawl from ever ending
LIFETIME: Final = 24 * 3600.0  # seconds; RFC 9309, 2.4: not used for longer than a day
TROUBLE_LIFETIME: Final = 300.0  # seconds until a file that could not be had is asked for again, at most
_MAX_RULES: Final = 100_000  # rules times the agents they are for: a file of half a megabyte can claim millions
_MAX_SITEMAPS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one host.

    `expires_at` is Unix seconds. `temporary` is true when the rules are unknown because the server is in trouble:
    nothing is allowed now, and nothing is to be given up for it.
    """

    expires_at: float
    temporary: bool = False
    sitemaps: tuple[str, ...] = ()
    _rules: Protego | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, body: bytes, status: int, url: str, now: float | None = None) -> Robots:
        """Read the answer to a request for `url`, the host's robots.txt.

        4xx and redirects that lead nowhere: there are no rules. 5xx, 429 and 0 (no answer): unknown, so nothing is
        allowed until it is asked again. `now` in Unix seconds; None: the rules hold for as long as they are kept.
        """
        trouble = status in (0, 429) or status >= 500
        expires_at = math.inf if now is None else now + (TROUBLE_LIFETIME if trouble else LIFETIME)
        if trouble:
            return cls(expires_at, temporary=True)
        if not 200 <= status < 300:
            return cls(expires_at)
        rules = Protego.parse(_bounded(_text(body)))
        sitemaps: dict[str, None] = {}
        for sitemap in rules.sitemaps:
            location = _absolute(url, sitemap)
            if location and len(sitemaps) < _MAX_SITEMAPS:
                sitemaps[location] = None
        return cls(expires_at, sitemaps=tuple(sitemaps), _rules=rules)

    def allowed(self, url: str, user_agent: str) -> bool:
        """Say whether the host lets this user agent fetch `url`."""
        if self.temporary:
            return False
        if self._rules is None:
            return True
        try:
            return self._rules.can_fetch(url, user_agent)
        except ValueError:  # not a URL that any rule could speak of
            return False

    def crawl_delay(self, user_agent: str) -> float | None:
        """Return the seconds that the host wants between two requests, bounded; None when it does not say."""
        delay = self._rules.crawl_delay(user_agent) if self._rules is not None else None
        return None if delay is None or not delay > 0 else min(delay, LONGEST_DELAY)


def _text(body: bytes) -> str:
    """Decode what may be read of the file; the last line counts only when it is whole."""
    if len(body) > MAX_BYTES:
        body = body[:MAX_BYTES].rpartition(b"\n")[0]
    return body.decode("utf-8-sig", "replace").replace("\x00", "")


def _bounded(text: str) -> str:
    """Return the file up to where its rules, counted once for each agent they are for, become too many."""
    agents, grouping, rules = 0, False, 0
    kept = []
    for line in text.splitlines():
        if line.lstrip()[:4].lower() == "user":
            agents = agents + 1 if grouping else 1
            grouping = True
        elif line.strip():
            grouping = False
            rules += agents
        if rules > _MAX_RULES:
            break
        kept.append(line)
    return "\n".join(kept)


def _absolute(url: str, sitemap: str) -> str:
    try:
        return urljoin(url, sitemap)
    except ValueError:
        return ""
