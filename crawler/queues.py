"""Who waits for a host, and who has a place there.

A task asks one thing at a time, so that one place is all it needs: whoever needs one at another host gives back its
own before it waits. Nobody keeps what others wait for while waiting for what they keep.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from crawler.errors import Fault, FaultKind
from crawler.politeness import Lane
from storage.records import Job


@dataclass(slots=True, eq=False)
class Visit:
    """A request to a host that is not over, or several of a job; `placed`: it has one of the host's places.

    `again`: it is what has just failed, asked once more.
    """

    host: str
    job: Job | None = None
    placed: bool = True
    again: bool = False
    task: asyncio.Task[object] | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who waits for a host outside of a job's own turn; with a visit not `placed` it has a place there."""

    granted: asyncio.Future[None]
    visit: Visit
    visiting: bool  # it has another visit there


@dataclass(slots=True)
class Queue:
    """The jobs of one host, those who wait for a turn there, and its politeness.

    What has just failed is asked again by one at a time: where all fails, that shows before all have asked twice.
    """

    lane: Lane
    again: Visit | None = None
    askers: deque[Asker] = field(default_factory=deque)
    jobs: deque[Job] = field(default_factory=deque)

    def grant(self, now: float, places: int) -> tuple[float, int]:
        """Give turns to those who may go, in whatever order they wait: some need no place, or have one.

        `places` are left to the run. Returns when the next turn can be given (inf: nobody waits for a time), and how
        many places were taken.
        """
        soonest, taken = float("inf"), 0
        for asker in list(self.askers):
            visit = asker.visit
            if asker.granted.done():  # whoever waited was cancelled
                self.askers.remove(asker)
            elif self.lane.gave_up:
                self.askers.remove(asker)
                reason = f"the host was given up: {self.lane.gave_up}"
                asker.granted.set_exception(Fault(FaultKind.CONNECTION_REFUSED, reason, host=visit.host))
            elif visit.again and self.again is not None:
                continue
            elif (ready := self.lane.ready_at(now, in_place=not visit.placed, visiting=asker.visiting)) > now:
                soonest = min(soonest, ready)
            elif not visit.placed or taken < places:
                self.askers.remove(asker)
                self.lane.started(now, in_place=not visit.placed)
                self.again = visit if visit.again else self.again
                taken += visit.placed
                asker.granted.set_result(None)
        return soonest, taken

    def is_idle(self, now: float) -> bool:
        """Say whether nobody waits for the host, and nothing is known of it that the next request should heed."""
        return not (self.jobs or self.askers or self.again) and self.lane.is_unmarked(now)

    def over(self, visit: Visit) -> None:
        """Let the next one ask again, where it was this visit that did."""
        if self.again is visit:
            self.again = None
