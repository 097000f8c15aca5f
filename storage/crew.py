"""Work that spends its time outside the interpreter, in threads: no more of it at a time than there are processors.

What is asked for last waits longest: more at a time would take turns with what others wait for, and be over no sooner.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

_BATCH_BYTES = 16 << 20
_BATCH_ITEMS = 256
_AHEAD = 4
_HEAVY = 64 << 10
_END = object()


class Crew:
    """The threads; they end with the `with` block, and what was not begun is not done."""

    def __init__(self, stop: Callable[[], None]) -> None:
        """Begin without any: they are made when there is something for them to do.

        `stop` is called at the end, and makes what still goes on in them end soon.
        """
        processors = os.cpu_count() or 1
        self._beside = ThreadPoolExecutor(processors)
        self._awaited = ThreadPoolExecutor(min(2, processors))
        self._stop = stop

    def __enter__(self) -> Self:
        """Go to work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go home."""
        self._stop()
        self._beside.shutdown(cancel_futures=True)
        self._awaited.shutdown(cancel_futures=True)

    def in_order(self, work: Callable[[T], R], items: Iterable[T], weight: Callable[[T], int]) -> Iterator[R]:
        """Yield `work(item)` for each item in order, a few batches ahead and no further.

        `weight` tells the bytes of an item. Light ones are done here: threads would spend more time waiting for the
        interpreter than working.
        """
        pending: deque[Callable[[], list[R]]] = deque()
        for batch, bytes_in_batch in _batches(items, weight):
            job = partial(_all, work, batch)
            pending.append(self._awaited.submit(job).result if bytes_in_batch >= len(batch) * _HEAVY else job)
            if len(pending) > _AHEAD:
                yield from pending.popleft()()
        while pending:
            yield from pending.popleft()()

    def awaited(self, work: Callable[[], R]) -> R:
        """Return what `work` returns; unlike one that is inside SQLite, who waits for that can be stopped by Ctrl-C."""
        return self._awaited.submit(work).result()

    def beside(self, work: Callable[[], R]) -> Future[R]:
        """Begin `work` beside all else, when all that was begun so before it leaves a processor for it."""
        return self._beside.submit(work)

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items of what is gone through beside all else, however few of them have been taken."""
        made: SimpleQueue[T | object] = SimpleQueue()

        def work() -> None:
            for item in items:
                made.put(item)

        over = self.beside(work)
        over.add_done_callback(lambda _: made.put(_END))
        return _taken(made, over)


def _taken(made: SimpleQueue[T | object], over: Future[None]) -> Iterator[T]:
    while (item := made.get()) is not _END:
        yield cast("T", item)
    over.result()


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
