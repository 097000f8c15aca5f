"""How large an archive is, and how much of it waits: what a monitor wants to know after each run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from storage import frontier
from storage.reading import open_reading
from storage.records import State


@dataclass(frozen=True, slots=True)
class Measures:
    """An archive from outside; sizes in bytes."""

    urls: Mapping[str, Mapping[str, int]]  # by kind and state
    database: int
    media: int
    free: int  # on its file system

    @property
    def standing(self) -> int:
        """How many URLs could not be archived so far."""
        return sum(states.get(State.FAILED.value, 0) for states in self.urls.values())


def measure(folder: Path) -> Measures:
    """Measure an archive, in some 50 ms for 600,000 files. Raises as `open_reading`."""
    with open_reading(folder) as archive:
        (media,) = archive.rows("SELECT coalesce(sum(bytes), 0) AS bytes FROM file")
        return Measures(
            urls=frontier.counts(archive.connection),
            database=(folder / "archive.db").stat().st_size,
            media=media["bytes"],
            free=shutil.disk_usage(folder).free,
        )
