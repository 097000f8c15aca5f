"""Rounds: which part of an archive comes next, so that a sample a night gets all the way round, oldest first.

What is kept is small and lies in the archive's folder: the part that was looked at longest ago, and what is left of a
verification that was cut off. It holds for this folder only, not for a copy; where nothing can be written, nothing is
kept, and a sample begins where the day says.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from storage.clock import iso
from storage.fixity import PARTS

NAME = "verified.json"
WORTH_GOING_ON = 24 * 3600.0  # seconds: a verification cut off longer ago is begun anew
_SAVED_EVERY = 1.0  # seconds
_DAY = 86_400.0


class Round:
    """What one verification is to look at, and what is remembered of it."""

    def __init__(self, folder: Path, percent: float | None, now: float) -> None:
        """Choose the parts: all of them (`percent` None), or so many of those that were looked at longest ago."""
        self._path = folder / NAME
        self._place = _place(folder)
        self._saved = 0.0
        known = _read(self._path, self._place)
        number = len(PARTS) if percent is None else max(1, math.ceil(len(PARTS) * percent / 100))
        self._next = known.get("next", int(now // _DAY) * number % len(PARTS))
        self._began = float(known.get("began", 0.0))
        self._left: list[int] = known.get("left", [])
        goes_on = percent is None and bool(self._left) and 0 <= now - self._began < WORTH_GOING_ON
        self.since = iso(self._began) if goes_on else ""  # when it was begun that now goes on
        if percent is None and not goes_on:
            self._began, self._left = now, self._from_next(len(PARTS))
        self.parts = list(self._left) if percent is None else self._from_next(number)
        self.rows = percent is None or 0 in self.parts
        self._whole = percent is None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remember how far it came."""
        if error is None and self._whole:
            self._left = []
        self._save()

    def done(self, part: int, sound: bool, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Note a part that was looked at; one that is not sound is looked at again when this is cut off."""
        self._next = (part + 1) % len(PARTS)
        if self._whole and sound:
            self._left.remove(part)
        if clock() - self._saved >= _SAVED_EVERY:
            self._saved = clock()
            self._save()

    def _from_next(self, number: int) -> list[int]:
        return [(self._next + place) % len(PARTS) for place in range(number)]

    def _save(self) -> None:
        state = {"next": self._next, "began": self._began, "left": self._left, "folder": self._place}
        temporary = self._path.with_suffix(".partial")
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps(state), encoding="utf-8")
            os.replace(temporary, self._path)


def _place(folder: Path) -> str:
    status = folder.stat()
    return f"{status.st_dev}:{status.st_ino}"


def _read(path: Path, place: str) -> dict[str, Any]:
    """Return what is remembered of this folder; nothing when it is not, or cannot be understood."""
    try:
        state = json.loads(path.read_bytes())
        parts = [state["next"], *state["left"]]
        if state["folder"] == place and all(type(part) is int and part in PARTS for part in parts):
            return {"next": state["next"], "began": float(state["began"]), "left": sorted(set(state["left"]))}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # nothing, or nothing of ours: then it is as if nothing had been kept
    return {}
