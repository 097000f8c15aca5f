"""`verify`: is the archive whole?

Every page of the database against its seal, rows against each other, raw bodies against their hashes, the search index
against the articles, every file against its row and every row against its file. It only reads, also from read-only
media and beside a run that writes; `requeue` is the one thing that repairs.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import filterfalse
from pathlib import Path

from storage import consistency
from storage.crew import Crew
from storage.database import at_rest, open_for_reading
from storage.files import MediaTree
from storage.findings import Finding, Flaw
from storage.fixity import PARTS, Advance, Tree, check_outside, leftovers
from storage.pages import Pages

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all."""
PartDone = Callable[[int, bool], None]
"""Told each part that was looked at, and whether it was sound."""
Remark = Callable[[str], None]
"""Told in a sentence what could not be looked at, and why."""


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
    with contextlib.closing(open_for_reading(path)) as connection, Pages(path) as pages, Crew() as crew:
        connection.row_factory = None
        look = _Look(connection, path, pages, crew, _meter(connection, pages, len(parts), progress))
        told = [look.meanwhile(one) for one in look.kinds if rows]
        yield from look.at_pages(PARTS if rows else parts, remark)
        yield from look.at_content(parts, done)
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
    crew: Crew
    advance: Advance
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
        yield from self.pages.findings(self.connection)
        if unsealed := self.pages.found.unsealed:
            remark(
                f"{unsealed} pages of archive.db are in the hands of a run, or were when one was cut off: "
                "whether they were altered can be told when the next run has ended"
            )
        self.believed = self.pages.files_are_told(self.connection)
        if not self.believed:
            remark(
                "archive.db is not to be believed about files: they are only compared with their own names. "
                "Restore it from a backup, and verify again"
            )

    def meanwhile(self, look: Callable[[sqlite3.Connection], Iterator[Finding]]) -> Future[list[Finding]]:
        """Begin to look at rows: SQLite does so outside the interpreter, while pages and files are hashed."""
        connection = open_for_reading(self.path, check_same_thread=False)
        connection.row_factory = None

        def work() -> list[Finding]:
            with contextlib.closing(connection):
                return list(look(connection))

        return self.crew.meanwhile(work, stop=partial(_interrupt, connection))

    @property
    def kinds(self) -> Sequence[Callable[[sqlite3.Connection], Iterator[Finding]]]:
        """Return the looks that go on beside each other: many small ones, so that the last is not waited for."""
        return consistency.check_database, self.at_rows, self.at_search, self.at_index, self.at_sizes

    def at_rows(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("rows", consistency.check_rows(connection, at_rest=at_rest(self.path)))

    def at_search(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("search rows", consistency.check_search(connection))

    def at_index(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("search words", consistency.check_index(connection, self.path))

    def at_sizes(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        yield from self._as_far_as_it_goes("captures", consistency.check_sizes(connection))

    def is_told(self, finding: Finding) -> bool:
        """Say whether a finding follows from a damaged body, which is a finding of its own."""
        return bool(finding.sha256) and finding.sha256 in self.damaged

    def at_content(self, parts: Sequence[int], done: PartDone) -> Iterator[Finding]:
        tree = Tree(self.connection, self.media, self.crew, self.advance)
        for part in parts:
            sound = True
            bodies = consistency.check_bodies(self.connection, part, self.advance)
            files = tree.check(part) if self.believed else tree.check_by_names(part)
            for finding in self._both(bodies, files):
                sound = False
                yield finding
            done(part, sound)

    def at_surroundings(self) -> Iterator[Finding]:
        if self.believed:
            yield from check_outside(self.connection, self.media)
            if at_rest(self.path):
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

    def _both(self, bodies: Iterator[Finding], files: Iterator[Finding]) -> Iterator[Finding]:
        for finding in self._as_far_as_it_goes("bodies", bodies):
            self.damaged.add(finding.sha256)
            yield finding
        yield from self._as_far_as_it_goes("files", files)


def _interrupt(connection: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.ProgrammingError):  # it is closed: the work was done
        connection.interrupt()


def _meter(connection: sqlite3.Connection, pages: Pages, parts: int, progress: Progress | None) -> Advance:
    if progress is None:
        return lambda size: None
    done = total = 0
    with contextlib.suppress(sqlite3.DatabaseError):  # damaged: then the total is what there turns out to be
        (content,) = connection.execute(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM file) + (SELECT coalesce(sum(length(zstd)), 0) FROM body)"
        ).fetchone()
        total = (pages.size + content) * parts // len(PARTS)

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress(done, max(done, total))

    progress(0, total)
    return advance
