"""The folder an export is written to: unchanged files stay as they are, what is no longer wanted goes, nothing else.

`.backfile-export.json` names all files that are ours, and is written last; while an export is under way a journal names
each before it is written, so that one that was cut off can be gone on with and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from storage.errors import ArchiveForeign
from storage.files import make_destination

MANIFEST = ".backfile-export.json"
JOURNAL = ".backfile-export.journal"


class Folder:
    """An export's folder, open for writing."""

    def __init__(self, root: Path, known: set[str], journal: TextIO) -> None:
        """Use `open_folder`."""
        self.root = root
        self.written = 0  # files that are new, or other than they were
        self.wanted: set[str] = set()
        self._known = known
        self._journal = journal

    def put(self, name: str, content: bytes) -> None:
        """Write a file, unless it is there already with this content."""
        path = self._path(name)
        with contextlib.suppress(OSError):
            if path.read_bytes() == content:
                return
        self._announce(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)

    def copy(self, name: str, source: Path) -> bool:
        """Copy a file that is named by its content, unless it is there; False when there is none.

        It is copied, not linked: an export is to be carried away, and nobody who edits it may change the archive.
        """
        path = self._path(name)
        try:
            if path.exists() and path.stat().st_size == source.stat().st_size:
                return True
            self._announce(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.partial")
            shutil.copyfile(source, partial)
        except FileNotFoundError:
            return False
        partial.replace(path)
        return True

    def finish(self) -> int:
        """Remove what is not wanted any more, and say what is ours; returns how many files were removed."""
        gone = self._known - self.wanted
        for name in gone:
            path = self.root / name
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.partial").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty, or not there
                os.removedirs(path.parent)
        partial = self.root / f"{MANIFEST}.partial"
        partial.write_text(json.dumps({"files": sorted(self.wanted)}), encoding="utf-8")
        partial.replace(self.root / MANIFEST)
        return len(gone)

    def _path(self, name: str) -> Path:
        self.wanted.add(name)
        return self.root / name

    def _announce(self, name: str) -> None:
        self.written += 1
        if name not in self._known:
            self._journal.write(f"{json.dumps(name)}\n")
            self._journal.flush()


@contextlib.contextmanager
def open_folder(root: Path) -> Iterator[Folder]:
    """Open a folder to export to.

    Raises BadDestination where there can be none, ArchiveForeign where something that is no export lies, or OSError.
    """
    make_destination(root)
    manifest, journal = root / MANIFEST, root / JOURNAL
    if not manifest.exists() and not journal.exists() and any(root.iterdir()):
        raise ArchiveForeign(
            f"{root} holds something that is no export of ours; nothing was touched. Name an empty folder, or a new one"
        )
    known = _names(manifest, journal)
    with journal.open("a", encoding="utf-8") as stream:
        yield Folder(root, known, stream)
    journal.unlink()


def _names(manifest: Path, journal: Path) -> set[str]:
    """Return the names that we have written, or were about to; none that leads out of the folder."""
    names: list[object] = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        names += json.loads(manifest.read_text(encoding="utf-8"))["files"]
    with contextlib.suppress(OSError):
        for line in journal.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                names.append(json.loads(line))
    return {name for name in names if isinstance(name, str) and name and _is_inside(name)}


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    return not name.startswith("/") and ".." not in parts and "\\" not in name
