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
    """A request to a host that is not over, or several of a job; `placed`: it has one of the host's places."""

    host: str
    job: Job | None = None
    placed: bool = True
    task: asyncio.Task[object] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody who waits for a host outside of a job's own turn."""

    granted: asyncio.Future[None]
    in_place: bool  # the asker has a place there, which serves for this, too
    visiting: bool  # it has a visit there


@dataclass(slots=True)
class Queue:
    """The jobs of one host, those who wait for a turn there, and its politeness."""

    lane: Lane
    turns: deque[Turn] = field(default_factory=deque)
    jobs: deque[Job] = field(default_factory=deque)

    def grant(self, now: float, places: int) -> tuple[float, int]:
        """Give turns to those who may go, in whatever order they wait: some need no place, or have one.

        `places` are left to the run. Returns when the next turn can be given (inf: nobody waits for a time), and how
        many places were taken.
        """
        soonest, taken = float("inf"), 0
        for turn in list(self.turns):
            if turn.granted.done():  # whoever waited was cancelled
                self.turns.remove(turn)
            elif self.lane.gave_up:
                self.turns.remove(turn)
                reason = f"the host was given up: {self.lane.gave_up}"
                turn.granted.set_exception(Fault(FaultKind.CONNECTION_REFUSED, reason))
            elif (ready := self.lane.ready_at(now, in_place=turn.in_place, visiting=turn.visiting)) > now:
                soonest = min(soonest, ready)
            elif turn.in_place or taken < places:
                self.turns.remove(turn)
                self.lane.started(now, in_place=turn.in_place)
                taken += not turn.in_place
                turn.granted.set_result(None)
        return soonest, taken
