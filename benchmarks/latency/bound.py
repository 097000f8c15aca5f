"""The least time a crawl can take: what an ideal client needs that computes nothing and always asks in the best order.

It knows at first one list page. A list page's answer makes the next one known and the articles it names, an article's
answer its pictures. At most so many requests are under way, as many connections are open, and no more requests start in
a second than the rate allows, evenly spaced. A request takes a round trip; the first on a connection takes two, since
TCP shakes hands before. Bodies take no time. When there is a choice, whatever has the longest way below it goes first:
list pages, articles, pictures. (For a forest of equal tasks that order is the quickest: Hu's algorithm.)
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from benchmarks.peers.newsroom import PER_PAGE, WIDTHS, Shape

_LIST, _ARTICLE, _PICTURE = range(3)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a crawl is bound to: seconds of a round trip, requests under way, requests a second (0: no limit)."""

    round_trip: float
    concurrency: int
    rate: float = 0.0


def least_seconds(shape: Shape, limits: Limits) -> float:
    """Return the time from the first request's start to the last answer, by playing it through."""
    known = [(_LIST, 0)]  # what may be asked, best first: its kind, and which list page it is
    under_way: list[tuple[float, int, int]] = []  # when its answer comes
    now = next_start = 0.0
    warm = opened = 0  # connections that wait, and all
    while known or under_way:
        while known and len(under_way) < limits.concurrency and next_start <= now:
            new = not warm
            warm, opened = (warm, opened + 1) if new else (warm - 1, opened)
            heapq.heappush(under_way, (now + limits.round_trip * (1 + new), *heapq.heappop(known)))
            next_start = now + (1 / limits.rate if limits.rate else 0.0)
        answered = under_way[0][0] if under_way else math.inf
        startable = known and len(under_way) < limits.concurrency
        if startable and next_start < answered:
            now = next_start
            continue
        now, kind, page = heapq.heappop(under_way)
        warm += 1
        for found in _follow(kind, page, shape):
            heapq.heappush(known, found)
    return now


def _follow(kind: int, page: int, shape: Shape) -> list[tuple[int, int]]:
    """Return what an answer makes known. A list page that names nothing is the last."""
    if kind == _LIST:
        named = max(0, min(PER_PAGE, shape.articles - page * PER_PAGE))
        return [(_LIST, page + 1)] * bool(named) + [(_ARTICLE, page)] * named
    return [(_PICTURE, page)] * len(WIDTHS) if kind == _ARTICLE else []
