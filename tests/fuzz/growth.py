"""How the time that a parser takes grows with its input: measured on an input and on one several times as long."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from crawler.errors import CrawlError

FACTOR = 4  # how much longer the second input is
MOST_GROWTH = 9.0  # linear is 4, quadratic is 16
_LEAST_SECONDS = 0.02  # below, a clock's grain and a cache's mood would be measured
_DOUBTS = 3  # how often a bad result is measured again
_FIRST_SIZE = 2_000
_LARGEST_SIZE = 1_000_000


def growth(make: Callable[[int], bytes], read: Callable[[bytes], object]) -> float:
    """Return how many times longer an input takes that is FACTOR times as long; 0 where even a megabyte takes no time.

    Starts small, so that what grows too fast shows before it hurts. CPU time, the best of three; what seems to grow too
    fast is measured again, since a neighbour's load on the caches passes and quadratic time does not.
    """
    size = _FIRST_SIZE
    while size <= _LARGEST_SIZE:
        took = _best(make(size), read)
        if took >= _LEAST_SECONDS:
            longer = _best(make(size * FACTOR), read)
            for _ in range(_DOUBTS):
                if longer / took > MOST_GROWTH:
                    took, longer = _best(make(size), read), min(longer, _best(make(size * FACTOR), read))
            return longer / took
        size *= 2
    return 0.0


def _best(body: bytes, read: Callable[[bytes], object]) -> float:
    return min(_once(body, read) for _ in range(3))


def _once(body: bytes, read: Callable[[bytes], object]) -> float:
    began = time.process_time()
    with contextlib.suppress(CrawlError):
        read(body)
    return time.process_time() - began
