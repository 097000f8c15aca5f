"""Claims: what the frontier was asked for last, and when it is worth asking for more.

It is asked in batches, and not about hosts that are known to have nothing more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from crawler.queues import Queue
from storage.records import Job, Kind
from storage.store import Store

_BUFFER = 64  # jobs in memory for each host; claiming fewer than 32 at a time costs more than it saves
_LOW = 16
_GLANCE = 0.25  # seconds after which hosts are looked for that nobody has heard of yet
_FAR = 15 * 60.0  # a run does not wait for rows due later than this


class Claims:
    """The claims of one run."""

    def __init__(self, store: Store, scopes: Sequence[int]) -> None:
        """Begin with these scopes."""
        self.finished_count = 0
        self._store = store
        self._scopes = list(scopes)
        self._next_due: float | None = None
        self._exhausted: set[str] = set()  # hosts that had less due than the last claim asked for
        self._news = True  # something was kept that may have put rows on the frontier
        self._claimed_at = 0.0
        self._finished_at_claim = 0

    def widen(self, scopes: Sequence[int]) -> None:
        """Claim for further scopes, too."""
        self._scopes += [scope for scope in scopes if scope not in self._scopes]
        self.begin_anew()

    def begin_anew(self) -> None:
        """Take it that any host may have more."""
        self._exhausted.clear()

    def finished(self, job: Job) -> None:
        """Note that a job is over."""
        self.finished_count += 1
        self._news = self._news or job.kind is not Kind.MEDIA

    async def take(self, queues: Mapping[str, Queue]) -> list[Job]:
        """Claim what the queues have room for; remembers which hosts have nothing more."""
        self._news = False
        self._claimed_at = time.monotonic()
        self._finished_at_claim = self.finished_count
        room = {host: _room(queue) for host, queue in queues.items()}
        jobs, self._next_due = await self._store.claim(self._scopes, room, _BUFFER)
        claimed = Counter(job.host for job in jobs)
        # By what was asked for: while the claim was on its way, workers have taken from what was there.
        self._exhausted = {host for host in {*queues, *claimed} if claimed[host] < room.get(host, _BUFFER)}
        return jobs

    def are_worthwhile(
        self, now: float, queues: Mapping[str, Queue], *, idle: bool, wanting: Callable[[], bool]
    ) -> bool:
        """Say whether more is to be claimed: `idle` when nothing is in hand, `wanting` while somebody waits for it."""
        if idle and not are_pending(queues) and self.finished_count > self._finished_at_claim:
            return True
        if self._news and (wanting() or now - self._claimed_at > _GLANCE):
            return True
        return any(
            len(queue.jobs) < _LOW and host not in self._exhausted and not queue.lane.gave_up
            for host, queue in queues.items()
        )

    def due_in(self) -> float | None:
        """Return in how many seconds the next row is due; None when none is."""
        return None if self._next_due is None else max(0.01, self._next_due - self._store.now())

    def are_over(self) -> bool:
        """Say whether nothing is due that this run would wait for."""
        return self._next_due is None or self._next_due > self._store.now() + _FAR


def are_pending(queues: Mapping[str, Queue]) -> bool:
    """Say whether any buffered job may still be handed out in this run."""
    return any(queue.jobs and not queue.lane.gave_up for queue in queues.values())


def _room(queue: Queue) -> int:
    return 0 if queue.lane.gave_up else _BUFFER - len(queue.jobs)
