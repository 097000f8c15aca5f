"""A crawl that is going to be killed: the command line in a forked process, which tells where it stands.

The modules are loaded before the fork, so that a thousand crawls start in the time of ten. In the child, the calls
that matter (a body written, a rename, a sync, a commit, a checkpoint) pass through hooks: a hook may kill its own
process at that very point, or tell the parent, which kills while the call is under way. Nothing else is changed but
how often groups are committed and the WAL is checkpointed: more often, so that there is more to hit.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import aiohttp.resolver  # noqa: F401 - loaded once, before any fork

from backfile import cli, crawling  # noqa: F401 - the same
from storage import database, files, frontier, sealing, writer

POINTS = ("write", "rename", "sync", "commit")  # while it works
CLOSING = ("checkpoint", "one-file")  # when it was asked to stop
_UNIT, _POINT = b"u", b"!"


@dataclass(frozen=True, slots=True)
class Fate:
    """When a crawl dies: after so many finished jobs, at a point."""

    units: int
    point: str = ""  # of POINTS or CLOSING; '' = none
    edge: str = ""  # 'before' | 'after' the call: it dies there by itself; '' = the parent is told as the call begins


class Victim:
    """A crawl in a child process; the parent hears of its progress through a pipe."""

    def __init__(self, arguments: list[str], folder: Path, fate: Fate | None) -> None:
        """Start `backfile` with these arguments; without a fate it is left as it is."""
        self._heard, told = os.pipe()
        self.units = 0
        self.at_point = False
        self.status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._heard)
            _live(arguments, folder, fate, told)
        os.close(told)

    def listen(self, until: Callable[[Victim], bool], seconds: float) -> bool:
        """Wait until something has come true; False when the crawl ended, or the time is over."""
        deadline = time.monotonic() + seconds
        while not until(self):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._heard], [], [], left)[0]:
                return False
            heard = os.read(self._heard, 4096)
            if not heard:
                return False
            self.units += heard.count(_UNIT)
            self.at_point = self.at_point or _POINT in heard
        return True

    def send(self, number: signal.Signals) -> None:
        """Send a signal; the child is not reaped yet, so the id is still its own."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Return how it ended: its exit status, or the negative number of the signal that ended it."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            with contextlib.suppress(BlockingIOError):
                self.listen(lambda _: False, 0)  # what it still said
            os.close(self._heard)
        return self.status


def _live(arguments: list[str], folder: Path, fate: Fate | None, told: int) -> NoReturn:
    """Be the crawl; never returns to the parent's code."""
    status = 70
    try:
        gc.freeze()
        log = os.open(folder / "crawl.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(folder)
        if fate is not None:
            _hook(fate, told)
        sys.argv = ["backfile", *arguments]
        cli.main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _hook(fate: Fate, told: int) -> None:
    units = 0

    def done_all(connection: sqlite3.Connection, many: Iterable[tuple[int, int, float]]) -> None:
        nonlocal units
        rows = list(many)
        original_done_all(connection, rows)
        units += len(rows)
        os.write(told, _UNIT * len(rows))

    @contextlib.contextmanager
    def passing(point: str) -> Iterator[None]:
        mine = point == fate.point and units >= fate.units
        if mine and fate.edge == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if mine and not fate.edge:
            os.write(told, _POINT)
        yield
        if mine and fate.edge == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    def through(point: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def hooked(*arguments: Any) -> Any:
            with passing(point):
                return call(*arguments)

        return hooked

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            point = _SPOKEN.get(sql)
            with passing(point) if point else contextlib.nullcontext():
                return super().execute(sql, *values)

    original_done_all = frontier.done_all
    connect = sqlite3.connect
    frontier.done_all = done_all
    os.replace = through("rename", os.replace)
    files._write_all = through("write", files._write_all)
    files.MediaTree.sync = through("sync", files.MediaTree.sync)  # type: ignore[method-assign]
    database.sqlite3.connect = lambda *names, **options: connect(*names, factory=Connection, **options)  # type: ignore[attr-defined]
    writer.GROUP_SECONDS = 0.02
    sealing.CHECKPOINT_FRAMES = 50


_SPOKEN = {
    "COMMIT": "commit",
    "PRAGMA wal_checkpoint(TRUNCATE)": "checkpoint",
    "PRAGMA journal_mode = DELETE": "one-file",
}
