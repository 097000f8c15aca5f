"""Remembering for a while what takes long to find out and changes slowly."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 512  # answers remembered at once
_STALE = 10  # times as long as it is new, an old answer is better than a wait


@dataclass(frozen=True, slots=True)
class _Held:
    """An answer, or the search for one; `before` serves until it is there."""

    until: float
    answer: asyncio.Future[Any]
    before: _Held | None = None


class Memo:
    """Answers by what was asked, each for so many seconds; what is asked twice at once is found out once.

    After that the old answer is given until a new one is found out, so that nobody waits.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember answers for `seconds`."""
        self._seconds, self._clock = seconds, clock
        self._answers: OrderedDict[Hashable, _Held] = OrderedDict()

    async def get(self, key: Hashable, find_out: Callable[[], Awaitable[T]]) -> T:
        """Return the answer that is remembered under `key`, or find it out. A failure is not remembered."""
        held = self._answers.get(key)
        if held is None or held.until <= self._clock():
            held = self._find_out(key, held, find_out)
        if held.before is not None and not held.answer.done():
            stale: T = held.before.answer.result()
            return stale
        answer: T = await asyncio.shield(held.answer)
        return answer

    def _find_out(self, key: Hashable, old: _Held | None, find_out: Callable[[], Awaitable[T]]) -> _Held:
        now = self._clock()
        usable = old is not None and old.answer.done() and old.until + _STALE * self._seconds > now
        task = asyncio.ensure_future(find_out())
        held = self._answers[key] = _Held(now + self._seconds, task, old if usable else None)
        self._answers.move_to_end(key)
        while len(self._answers) > _MOST:
            self._answers.popitem(last=False)
        task.add_done_callback(lambda done: self._found(key, held, done))
        return held

    def _found(self, key: Hashable, held: _Held, done: asyncio.Future[Any]) -> None:
        """Let go of the old answer; when there is no new one, it serves on."""
        failed = done.cancelled() or done.exception() is not None
        if self._answers.get(key) is not held:
            return
        if not failed:
            self._answers[key] = _Held(held.until, held.answer)
        elif held.before is not None:
            self._answers[key] = held.before
        else:
            del self._answers[key]
