"""What the newsroom's server saw: one entry per request, kept in a ring and written to a file."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

KEPT_ENTRIES = 100_000  # about 70 MB; a longer story is in the file


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the server saw it."""

    at: float
    monotonic: float
    method: str
    host: str
    path_qs: str
    status: int
    seconds: float
    bytes: int
    key_given: bool
    user_agent: str
    in_flight: int
    kind: str
    fault: str | None = None

    def line(self) -> str:
        """Return the entry as a line of JSON; all that a client sent stays escaped."""
        return json.dumps(asdict(self))


class RequestLog:
    """The latest requests, oldest first."""

    def __init__(self, file: Path | None = None, kept: int = KEPT_ENTRIES) -> None:
        self._ring: deque[Entry] = deque(maxlen=kept)
        self._path = file
        self._file: TextIO | None = None

    def open(self) -> None:
        """Open the file, if there is to be one; what it holds already stays."""
        if self._path:
            self._file = self._path.open("a", encoding="utf-8", buffering=1)

    @property
    def entries(self) -> list[Entry]:
        """A copy of what is kept."""
        return list(self._ring)

    def add(self, entry: Entry) -> None:
        """Keep an entry."""
        self._ring.append(entry)
        if self._file:
            self._file.write(entry.line() + "\n")

    def lines(self) -> Iterator[str]:
        """Return the entries as lines of JSON."""
        return (entry.line() for entry in self.entries)

    def clear(self) -> None:
        """Forget what was kept; the file stays."""
        self._ring.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None
