"""Where measurements take place: one folder for all of them, in which nothing is deleted before the last is over.

A file system remembers. For minutes after many files were deleted ext4 passes over their inodes when it looks for a
free one (it keeps clear of those freed a moment ago), and making a file takes up to ten times as long. So whoever
tidies up between two runs measures the tidying. What is no longer needed is cut to nothing instead, which frees its
space, and the first measurement waits until what was deleted here before is forgotten, and making files is quick.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TIDIED = ROOT / "build" / "bench-tidied"  # changed when a benchmark has deleted its folder
_FOLDERS = 64
_FILES = 32  # in each
_QUICK = 80e-6  # seconds of the kernel for a file: some 15 to 40 µs when nothing disturbs
_PATIENCE = 400.0  # seconds: the kernel forgets after 60, 360 when the block was not written meanwhile


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a folder beside the code, not in a /tmp that may be memory; it is deleted when all is over."""
    (ROOT / "build").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "build"))
    try:
        _settle(folder)
        yield folder
    finally:
        shutil.rmtree(folder)
        _TIDIED.touch()


def empty(folder: Path) -> None:
    """Cut all pictures and pages of a run that is over to nothing: their space is free again, their inodes are not."""
    for place, _, names in os.walk(folder):
        for name in names:
            os.truncate(f"{place}/{name}", 0)


def _settle(folder: Path) -> None:
    """Wait until making files is as quick as it is when nothing was deleted lately."""
    if _TIDIED.exists():  # a few files tell nothing of a million that were deleted
        time.sleep(max(0.0, _TIDIED.stat().st_mtime + _PATIENCE - time.time()))
    until, number = time.monotonic() + _PATIENCE, 0
    while _cost_of_a_file(folder / f"settle-{number}") > _QUICK and time.monotonic() < until:
        number += 1
        time.sleep(10)


def _cost_of_a_file(folder: Path) -> float:
    """Return the kernel's seconds for each of many new files, spread over folders as a media tree's are."""
    began = resource.getrusage(resource.RUSAGE_SELF).ru_stime
    for number in range(_FOLDERS):
        inner = folder / f"{number:02x}"
        inner.mkdir(parents=True)
        for name in range(_FILES):
            (inner / str(name)).touch()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_stime - began) / (_FOLDERS * _FILES)
