"""Two at a time, in order: work that spends its time outside the interpreter, such as hashing what is large."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_BATCH_BYTES = 16 << 20
_BATCH_ITEMS = 256
_AHEAD = 4
_HEAVY = 64 << 10
_MEANWHILE = 5  # threads more than those that hash: one for each work that goes on beside all else


class Crew:
    """The threads; they end with the `with` block, and what was not begun is not done."""

    def __init__(self) -> None:
        """Begin without any: they are made when there is something for them to do."""
        self._pool = ThreadPoolExecutor(min(2, os.cpu_count() or 1) + _MEANWHILE)
        self._stops: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        """Go to work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go home."""
        for stop in self._stops:
            stop()
        self._pool.shutdown(cancel_futures=True)

    def in_order(self, work: Callable[[T], R], items: Iterable[T], weight: Callable[[T], int]) -> Iterator[R]:
        """Yield `work(item)` for each item in order, a few batches ahead and no further.

        `weight` tells the bytes of an item. Light ones are done here: threads would spend more time waiting for the
        interpreter than working.
        """
        pending: deque[Callable[[], list[R]]] = deque()
        for batch, bytes_in_batch in _batches(items, weight):
            job = partial(_all, work, batch)
            pending.append(self._pool.submit(job).result if bytes_in_batch >= len(batch) * _HEAVY else job)
            if len(pending) > _AHEAD:
                yield from pending.popleft()()
        while pending:
            yield from pending.popleft()()

    def meanwhile(self, work: Callable[[], R], stop: Callable[[], None]) -> Future[R]:
        """Begin `work` beside all else; `stop` is called at the end, and makes it end soon if it has not."""
        self._stops.append(stop)
        return self._pool.submit(work)


def _all(work: Callable[[T], R], batch: list[T]) -> list[R]:
    return [work(item) for item in batch]


def _batches(items: Iterable[T], weight: Callable[[T], int]) -> Iterator[tuple[list[T], int]]:
    batch: list[T] = []
    total = 0
    for item in items:
        batch.append(item)
        total += weight(item)
        if total >= _BATCH_BYTES or len(batch) >= _BATCH_ITEMS:
            yield batch, total
            batch, total = [], 0
    if batch:
        yield batch, total
