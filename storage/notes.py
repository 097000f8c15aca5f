"""Notes of articles that the CMS said were saved (its webhook), until a run has put them on the frontier.

A note is an empty file in `hooks/waiting/` whose name says it all, so that there is no half of one. It is written by a
process that need not hold the archive's lock. Whoever takes it moves it to `hooks/seen/`, by which the same message is
known when it is posted again.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.translation import translate

_NAME = re.compile(r"(\d{8}T\d{6}Z)\.([a-z][a-z0-9_-]*)\.(\d+)\.([0-9a-f]{64})")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One message: its time (UTC ISO 8601), the article it is about, and the SHA-256 of its body."""

    at: str
    site: str
    article: str  # CMS id
    digest: str

    @property
    def name(self) -> str:
        """The name of its file: notes sort by time."""
        return f"{self.at.replace('-', '').replace(':', '')}.{self.site}.{self.article}.{self.digest}"


class Notes:
    """The notes of one archive; several processes may use them at once."""

    def __init__(self, archive: Path) -> None:
        """Name the notes of the archive folder `archive`; folders are made when there is something to note."""
        self._waiting = archive / "hooks" / "waiting"
        self._seen = archive / "hooks" / "seen"

    def add(self, note: Note) -> bool:
        """Note an article, for good when this returns; False when the same message was noted before.

        Raises OutOfSpace or ArchiveUnwritable.
        """
        with _disk(self._waiting):
            # In this order, since a run may be moving it from the one to the other.
            if (self._waiting / note.name).exists() or (self._seen / note.name).exists():
                return False
            self._waiting.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._waiting / note.name, os.O_CREAT | os.O_WRONLY, 0o600))
            _sync(self._waiting)
            return True

    def waiting(self) -> list[Note]:
        """Return what no run has taken yet, oldest first. Raises as `add`."""
        return sorted(_notes(self._waiting))

    def settle(self, taken: Iterable[Note]) -> None:
        """Say that these are on the frontier, durably; some may be settled already. Raises as `add`."""
        with _disk(self._seen):
            for note in taken:
                self._seen.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self._waiting / note.name, self._seen / note.name)

    def newest(self, site: str) -> str:
        """Return the latest time that any message of a site had; '' when there was none. Raises as `add`."""
        return max((note.at for note in (*_notes(self._waiting), *_notes(self._seen)) if note.site == site), default="")

    def forget(self, site: str, before: str) -> None:
        """Forget the settled messages of a site from before a time, which are no longer believed. Raises as `add`."""
        with _disk(self._seen):
            for note in _notes(self._seen):
                if note.site == site and note.at < before:
                    (self._seen / note.name).unlink(missing_ok=True)


def _notes(folder: Path) -> Iterator[Note]:
    """Yield the notes in a folder; what has another name is somebody else's."""
    with _disk(folder):
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            return
    for name in names:
        if match := _NAME.fullmatch(name):
            yield Note(_TIME.sub(r"\1-\2-\3T\4:\5:\6Z", match[1]), *match.groups()[1:])


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise translate(error, path) from error
