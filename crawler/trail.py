"""What the code that runs now is part of: which run, which job, which request. For whoever writes logs. Pure.

A task inherits the trail of whoever started it, and leaves marks on its own copy only (contextvars), so nothing has to
be handed down and nothing put back.
"""

from __future__ import annotations

from contextvars import ContextVar
from itertools import count

import msgspec


class Trail(msgspec.Struct, frozen=True):
    """Where we are; zero and empty where that is nowhere in particular."""

    run: int = 0
    job: str = ""  # its kind and its row on the frontier: 'article 12'
    request: int = 0  # the how-manieth HTTP request of this process


_here: ContextVar[tuple[int, str, int, int]] = ContextVar("trail", default=(0, "", 0, 0))  # run, kind, row, request
_requests = count(1)


def here() -> Trail:
    """Return where the calling task is."""
    run, kind, row, request = _here.get()
    return Trail(run, f"{kind} {row}" if kind else "", request)


def begin_run(run: int) -> None:
    """Say that all that follows in this task, and in the tasks it starts, is part of a run."""
    _here.set((run, "", 0, 0))


def begin_job(kind: str, row: int) -> None:
    """Say that what follows in this task is part of a job of the run."""
    _here.set((_here.get()[0], kind, row, 0))


def begin_request() -> None:
    """Say that what follows in this task belongs to an HTTP request that is sent now."""
    run, kind, row, _ = _here.get()
    _here.set((run, kind, row, next(_requests)))
