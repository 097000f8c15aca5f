"""A consistent copy of an archive, also while a crawl is writing to it.

The database is copied first, as of one moment; then every file its rows name, which are all in place, because files
come before rows; the copied database takes its name last, and is sealed. So the destination is a whole archive at any
time: the earlier backup until the last step, the new one after it. What a run had in hand waits in the copy, and a
page that was damaged in the original is known to be damaged in the copy.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storage import seal
from storage.database import connect_for_reading, open_for_reading
from storage.errors import ArchiveDamaged, ArchiveForeign, BadDestination
from storage.files import MediaTree, make_destination
from storage.pages import Pages
from storage.sealing import Sealer
from storage.translation import translate

_PARTIAL = "archive.db.partial"


@dataclass(slots=True)
class Backup:
    """What a backup copied."""

    files: int = 0
    bytes: int = 0
    known: int = 0  # files that an earlier backup had brought already
    missing: list[str] = field(default_factory=list)  # named by the database, not on the disk


def backup(
    folder: Path, destination: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Backup:
    """Copy the archive at `folder` to `destination`, or bring an earlier backup there up to date.

    `progress` is told how many files are done, and of how many. Raises ArchiveMissing, ArchiveDamaged, BadDestination,
    ArchiveForeign when something else lies at the destination, ArchiveUnwritable or OutOfSpace.
    """
    path = folder / "archive.db"
    open_for_reading(path).close()
    with Pages(path) as pages, contextlib.closing(connect_for_reading(path)) as source:
        _check_destination(folder, destination)
        if (destination / "archive.db").exists():
            _check_sound(pages, path, destination)
        try:
            return _copy(folder, destination, source, progress)
        except (OSError, sqlite3.Error) as error:
            raise translate(error, destination) from error


def _check_destination(folder: Path, destination: Path) -> None:
    if destination.resolve() == folder.resolve() or folder.resolve() in destination.resolve().parents:
        raise BadDestination(
            f"the backup of {folder} cannot lie inside it, at {destination}: it would be lost with it; nothing was "
            "touched. Name a folder elsewhere, best on another disk"
        )
    if (destination / "archive.db").exists():
        open_for_reading(destination / "archive.db").close()
    elif destination.is_dir() and any(entry.name not in (_PARTIAL, "media") for entry in destination.iterdir()):
        raise ArchiveForeign(
            f"{destination} holds something that is no backup; nothing was touched. Name another folder"
        )


def _check_sound(pages: Pages, path: Path, destination: Path) -> None:
    """Raise ArchiveDamaged rather than replace an earlier backup by what is known to be damaged."""
    if damaged := pages.not_as_written():
        raise ArchiveDamaged(
            f"{damaged} pages of {path} are not as they were written, so the earlier backup at {destination} stays as "
            "it is. Restore the archive from it; or name another folder to copy what is there"
        )


def _copy(folder: Path, destination: Path, source: sqlite3.Connection, progress: Callable[[int, int], None]) -> Backup:
    make_destination(destination)
    partial = destination / _PARTIAL
    partial.unlink(missing_ok=True)
    done = Backup()
    here, there = MediaTree(folder), MediaTree(destination)
    with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as copy:
        source.backup(copy)  # in one step: in small ones a busy writer would make it begin again for ever
        copy.execute("PRAGMA journal_mode = DELETE")  # a copy of a database in use says that it is one
        copy.execute("UPDATE frontier SET state = 'queued' WHERE state = 'doing'")
        (total,) = copy.execute("SELECT count(*) FROM file").fetchone()
        for number, (sha256, extension, size) in enumerate(_files(copy), 1):
            _copy_file(here.path(sha256, extension), there.path(sha256, extension), size, done)
            progress(number, total)
    os.sync()
    seal.beside(destination / "archive.db").unlink(missing_ok=True)
    os.replace(partial, destination / "archive.db")
    with Sealer(destination / "archive.db") as sealer:
        sealer.spoil(_damaged(folder))
        sealer.rest()
    return done


def _damaged(folder: Path) -> list[int]:
    """Return the pages of the original that are not what its seal says: they have been copied as they are."""
    with Pages(folder / "archive.db") as pages:
        for _ in pages.compare(0, 1):
            pass
        return [*pages.found.altered, *pages.found.spoiled]


def _files(copy: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    yield from copy.execute("SELECT sha256, extension, bytes FROM file ORDER BY sha256")


def _copy_file(source: Path, target: Path, size: int, done: Backup) -> None:
    with contextlib.suppress(FileNotFoundError):
        if target.stat().st_size == size:
            done.known += 1
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".partial")
    try:
        shutil.copyfile(source, temporary)
    except FileNotFoundError:
        done.missing.append(str(source))
        return
    os.replace(temporary, target)
    done.files += 1
    done.bytes += size
