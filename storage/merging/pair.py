"""Two archives: the one that is written, and the one that is read; and which of its rows became which of ours."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from storage.translation import translate

_STEP = 256  # rows between two words about progress


class Pair:
    """An archive that is being written, inside one transaction, and another as of one moment.

    Row ids carry no meaning outside their archive: `became` translates theirs.
    """

    def __init__(
        self,
        own: sqlite3.Connection,
        theirs: sqlite3.Connection,
        path: Path,
        now: float,
        progress: Callable[[int], None],
    ) -> None:
        """`path` is of their database; `now` in Unix seconds.

        `progress` is told every now and then how many rows were read; it may raise.
        """
        self.own = own
        self.path = path
        self.now = now
        self.adopted: set[int] = set()  # our rows of the frontier that now say what theirs said
        (self.captured,) = own.execute("SELECT coalesce(max(id), 0) FROM capture").fetchone()  # the last before theirs
        self._theirs = theirs
        pages, size = (theirs.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        self._most = int(pages) * int(size)  # no row takes less than a byte, so that rows are numbered below
        self._progress = progress
        self._read = 0
        self._became: dict[str, array[int]] = {}

    def read(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield rows of the other archive. Raises StorageError, and what `progress` raises."""
        try:
            for row in self._theirs.execute(query, values):
                self._read += 1
                if self._read % _STEP == 0:
                    self._progress(self._read)
                yield row
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def note(self, table: str, theirs: int, own: int) -> None:
        """Remember which row of ours one of theirs became. Raises LookupError for a number that no run gives."""
        if not 0 < theirs <= self._most:
            raise LookupError(f"{table} {theirs} is not a row that a run writes")
        rows = self._became.setdefault(table, array("q"))
        if theirs >= len(rows):
            rows.extend([0] * (theirs + 1 - len(rows)))
        rows[theirs] = own

    def became(self, table: str, theirs: int | None) -> int | None:
        """Return the row of ours that one of theirs became; None when there is none."""
        rows = self._became.get(table, ())
        return (rows[theirs] or None) if theirs is not None and 0 <= theirs < len(rows) else None

    def must(self, table: str, theirs: int) -> int:
        """Return the row of ours that one of theirs became. Raises LookupError where theirs was not there."""
        own = self.became(table, theirs)
        if own is None:
            raise LookupError(f"the other archive refers to {table} {theirs}, which it does not have")
        return own

    def one(self, query: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        """Return a row of our own; None when there is none."""
        row = self.own.execute(query, values).fetchone()
        return None if row is None else tuple(row)

    def insert(self, table: str, columns: Sequence[str], values: Sequence[object]) -> int:
        """Add a row of our own, and return its id. The names are the schema's own."""
        marks = ", ".join("?" * len(columns))
        query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        return int(self.own.execute(query, values).lastrowid or 0)
