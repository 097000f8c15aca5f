"""`verify`: is the archive whole?

Every page of the database against its seal, rows against each other, raw bodies against their hashes, the search index
against the articles, every file against its row and every row against its file. It only reads, also from read-only
media and beside a run that writes; `requeue` is the one thing that repairs.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import filterfalse
from pathlib import Path
from typing import Any

from storage import consistency
from storage.crew import Crew
from storage.database import connect_for_reading, open_for_reading
from storage.files import MediaTree
from storage.findings import Finding, Flaw
from storage.fixity import PARTS, Advance, Tree, check_outside, leftovers
from storage.identity import at_rest
from storage.pages import Pages
from storage.turns import Ask, Turns

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all."""
PartDone = Callable[[int, bool], None]
"""Told each part that was looked at, and whether it was sound."""
Remark = Callable[[str], None]
"""Told in a sentence what could not be looked at, and why."""
Look = Callable[[sqlite3.Connection, Ask], Iterator[Finding]]
"""Looks at one kind of flaw, with a connection of its own and the way to ask on it."""

_IN_HAND = 3600.0  # seconds: a file without a row that is older was left by a run that was cut off
_BUSY_MS = 500  # what waits for a lock cannot be broken off, so it never waits long


def verify(
    folder: Path,
    *,
    parts: Sequence[int] = PARTS,
    rows: bool = True,
    done: PartDone = lambda _part, _sound: None,
    remark: Remark = lambda _: None,
    progress: Progress | None = None,
) -> Iterator[Finding]:
    """Yield everything in the archive that is not as it should be.

    `parts` are those of the 256 parts of all content (pages, bodies, files) that are read; `rows` says whether also
    the whole database is looked at: all of its pages, its rows beside each other, and the search index.
    Raises as `open_for_reading`, and OutOfSpace when there is no room for the copy that a look into the search needs.
    """
    path = folder / "archive.db"
    open_for_reading(path).close()  # what is wrong with it as a whole is said before anything is held open
    with (
        Pages(path) as pages,
        contextlib.closing(_connect(path)) as connection,
        Turns(pages.is_awaited) as turns,
        Crew(turns.end) as crew,
    ):
        look = _Look(connection, path, pages, turns, crew)
        look.advance = _meter(look.ask, pages, len(parts), progress)
        bodies = crew.ahead(look.at_bodies(parts))
        told = [look.beside(one) for one in look.kinds if rows]
        yield from look.at_pages(PARTS if rows else parts, remark)
        yield from look.at_content(parts, bodies, done)
        for one in told:
            yield from filterfalse(look.is_told, one.result())
        if rows:
            yield from look.at_surroundings()


@dataclass(slots=True)
class _Look:
    """One look at an archive."""

    connection: sqlite3.Connection
    path: Path
    pages: Pages
    turns: Turns
    crew: Crew
    advance: Advance = lambda _: None
    damaged: set[str] = field(default_factory=set)  # the bodies that are
    stumbles: set[Finding] = field(default_factory=set)
    believed: bool = True  # the rows that name files

    @property
    def media(self) -> MediaTree:
        return MediaTree(self.path.parent)

    def at_pages(self, parts: Sequence[int], remark: Remark) -> Iterator[Finding]:
        for part in parts:
            for size in self.pages.compare(part, len(PARTS)):
                self.advance(size)
        yield from self.pages.findings(self.ask)
        if unsealed := self.pages.found.unsealed:
            remark(
                f"{unsealed} pages of archive.db are in the hands of a run, or were when one was cut off: "
                "whether they were altered can be told when the next run has ended"
            )
        self.believed = self.pages.files_are_told(self.ask)
        if not self.believed:
            remark(
                "archive.db is not to be believed about files: they are only compared with their own names. "
                "Restore it from a backup, and verify again"
            )

    def ask(self, question: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask what may take long, in another thread: Ctrl-C does not reach one that is inside SQLite."""
        return self.crew.awaited(partial(self.turns.ask, self.connection, question, values))

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """Give another thread a connection of its own."""
        with contextlib.closing(_connect(self.path)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            yield connection

    def beside(self, look: Look) -> Future[list[Finding]]:
        """Begin to look at rows: SQLite does so outside the interpreter, while pages and files are hashed."""

        def work() -> list[Finding]:
            with self.connected() as connection:
                return list(look(connection, partial(self.turns.ask, connection)))

        return self.crew.beside(work)

    @property
    def is_at_rest(self) -> bool:
        return at_rest(self.path, self.pages.head)

    @property
    def kinds(self) -> Sequence[Look]:
        """Return the looks that go on beside each other, the longest first, so that the last is not waited for."""
        return (
            self.at_database,
            self.at_index,
            self.at_rows,
            self.at_references,
            self.at_search,
            self.at_captures,
        )

    def at_database(self, _: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
        yield from consistency.check_database(ask)

    def at_references(self, _: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("rows", consistency.check_references(ask))

    def at_rows(self, _: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("rows", consistency.check_rows(ask, at_rest=lambda: self.is_at_rest))

    def at_search(self, _: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("search rows", consistency.check_search(ask))

    def at_index(self, connection: sqlite3.Connection, _: Ask) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("search words", consistency.check_index(connection, self.turns))

    def at_captures(self, connection: sqlite3.Connection, ask: Ask) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("captures", consistency.check_captures(connection, ask))

    def is_told(self, finding: Finding) -> bool:
        """Say whether a finding follows from a damaged body, which is a finding of its own."""
        return bool(finding.sha256) and finding.sha256 in self.damaged

    def at_bodies(self, parts: Sequence[int]) -> Iterator[tuple[int, list[Finding]]]:
        """Yield for each part how many bytes of bodies it has, and what is wrong with them."""
        with self.connected() as connection:
            for part in parts:
                sizes: list[int] = []
                found = consistency.check_bodies(partial(self.turns.ask, connection), part, sizes.append)
                findings = list(self._as_far_as_it_goes("bodies", found))
                yield sum(sizes), findings

    def at_content(
        self, parts: Sequence[int], bodies: Iterator[tuple[int, list[Finding]]], done: PartDone
    ) -> Iterator[Finding]:
        tree = Tree(self.connection, self.media, self.crew, self.advance)
        for part, (size, damaged) in zip(parts, bodies, strict=True):
            self.advance(size)
            self.damaged.update(finding.sha256 for finding in damaged)
            files = tree.check(part) if self.believed else tree.check_by_names(part)
            sound = not damaged
            yield from damaged
            for finding in self._as_far_as_it_goes("files", files):
                if not self.is_in_hand(finding):
                    sound = False
                    yield finding
            done(part, sound)

    def is_in_hand(self, finding: Finding) -> bool:
        """Say whether a file that no row names may be a run's: files come before their rows, up to a group earlier."""
        if finding.flaw is not Flaw.ORPHANED:
            return False
        path = self.path.parent / finding.subject
        if self.is_at_rest:  # the run may have ended since the row was asked for
            rows = self.connection.execute("SELECT 1 FROM file WHERE sha256 = ?", (path.stem,)).fetchall()
            return bool(rows)
        with contextlib.suppress(OSError):
            return time.time() - path.stat().st_mtime < _IN_HAND
        return True

    def at_surroundings(self) -> Iterator[Finding]:
        if self.believed:
            yield from check_outside(self.connection, self.media)
            if self.is_at_rest:
                yield from leftovers(self.media)

    def _as_far_as_it_goes(self, what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
        """Yield findings until SQLite stumbles over a damaged page, and that too, the first time."""
        try:
            yield from findings
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            stumble = Finding(Flaw.DATABASE, "archive.db", f"{error}, so not all {what} could be looked at")
            if stumble not in self.stumbles:
                self.stumbles.add(stumble)
                yield stumble


def _connect(path: Path) -> sqlite3.Connection:
    connection = connect_for_reading(path, check_same_thread=False)
    connection.row_factory = None
    return connection


def _meter(ask: Ask, pages: Pages, parts: int, progress: Progress | None) -> Advance:
    if progress is None:
        return lambda size: None
    done = total = 0
    with contextlib.suppress(sqlite3.DatabaseError):  # damaged: then the total is what there turns out to be
        ((content,),) = ask(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM file) + (SELECT coalesce(sum(length(zstd)), 0) FROM body)"
        )
        total = (pages.size + content) * parts // len(PARTS)

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress(done, max(done, total))

    progress(0, total)
    return advance
