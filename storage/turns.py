"""Whose turn it is: long questions to the database make room for a run that begins, and end when nobody waits.

A run begins by putting the database into WAL mode, and for that moment nobody may be reading. SQLite lets it wait and
keeps new readers out, but not those of a process that reads already: many long questions that overlap would keep a run
waiting until the last of them is answered, and a nightly run must not fail because somebody verifies. There is no
reading without a lock that would be sound, and no snapshot either while the database is not in WAL mode. So when a run
waits, our questions are broken off, and asked again when it has begun: from then on, readers and the run do not meet.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from storage.translation import is_locked

T = TypeVar("T")

Ask = Callable[..., Iterable[tuple[Any, ...]]]
"""Gives the rows that answer an SQL question, with its values; `execute` of a connection is the simplest."""

_EVERY_SECONDS = 0.2


class Ended(Exception):
    """Nobody waits for the answer any more."""


class Turns:
    """Watches over those who ask, in a thread of its own; it ends with the `with` block."""

    def __init__(self, a_run_waits: Callable[[], bool]) -> None:
        """Take the way to see that a run waits for all reading to pause."""
        self._a_run_waits = a_run_waits
        self._guard = threading.Lock()
        self._asking: set[sqlite3.Connection] = set()
        self._may_ask = threading.Event()
        self._may_ask.set()
        self._ended = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="turns", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Return when the thread is gone."""
        self.end()
        self._over.set()
        self._thread.join()

    def end(self) -> None:
        """Break off what is being asked, and let nothing more be asked."""
        self._ended.set()
        self._may_ask.set()
        self._break_off()

    def ask(self, connection: sqlite3.Connection, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the whole answer. Raises Ended and sqlite3.Error."""
        return self.whole(connection, lambda: connection.execute(question, values).fetchall())

    def whole(self, connection: sqlite3.Connection, work: Callable[[], T]) -> T:
        """Do what takes one connection long, from its beginning again when a run has had to be let in.

        Any thread may have made the connection (`check_same_thread`). Raises Ended and what `work` raises.
        """
        while not self._ended.is_set():
            self._may_ask.wait()
            try:
                with self._heeded(connection):
                    return work()
            except sqlite3.OperationalError as error:
                if not (is_locked(error) or getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT"):
                    raise  # it says something about the database
        raise Ended

    @contextmanager
    def _heeded(self, connection: sqlite3.Connection) -> Iterator[None]:
        with self._guard:
            self._asking.add(connection)
        try:
            yield
        finally:
            with self._guard:
                self._asking.discard(connection)

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            if self._a_run_waits():
                self._may_ask.clear()
                self._break_off()
            else:
                self._may_ask.set()
        self._may_ask.set()
        # One may have been about to ask when all was broken off, and SQLite forgets an interrupt that came too early.
        while not self._over.wait(_EVERY_SECONDS):
            self._break_off()

    def _break_off(self) -> None:
        with self._guard:
            for connection in self._asking:
                connection.interrupt()
