"""Ways to take an archive elsewhere: one module for each format, one line for each in this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reader.export import site
from reader.room import RoomSettings

Progress = Callable[[int, int], None]
"""Told how many pages are written, and how many are known to be to come."""


@dataclass(frozen=True, slots=True)
class Format:
    """One way to export."""

    name: str
    about: str
    write: Callable[[RoomSettings, Path, Progress], site.Written]


FORMATS = {
    one.name: one
    for one in (
        Format("site", "the reading room as files, with search: opens from a USB stick in any browser", site.write),
    )
}
