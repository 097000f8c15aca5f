"""Remembering for a while what takes long to find out and changes slowly."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 512  # answers remembered at once


class Memo:
    """Answers by what was asked, each for so many seconds; what is asked twice at once is found out once."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember answers for `seconds`."""
        self._seconds, self._clock = seconds, clock
        self._answers: OrderedDict[Hashable, tuple[float, asyncio.Future[Any]]] = OrderedDict()

    async def get(self, key: Hashable, find_out: Callable[[], Awaitable[T]]) -> T:
        """Return the answer that is remembered under `key`, or find it out. A failure is not remembered."""
        held = self._answers.get(key)
        if held is None or held[0] <= self._clock():
            task = asyncio.ensure_future(find_out())
            held = self._answers[key] = (self._clock() + self._seconds, task)
            self._answers.move_to_end(key)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        try:
            answer: T = await asyncio.shield(held[1])
        except BaseException:
            if held[1].done() and self._answers.get(key) is held:
                del self._answers[key]
            raise
        return answer
