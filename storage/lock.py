"""One run at a time: the archive's folder, and the lock in it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from storage.errors import ArchiveInUse, ArchiveUnwritable


def make_folder(folder: Path) -> None:
    """Make the archive's folder when it is not there. Raises ArchiveUnwritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveUnwritable(
            f"cannot create the archive folder {folder} ({error.strerror or error}); nothing was fetched. "
            "Check its path and permissions, or name another with --archive"
        ) from error


RUN, LISTENER = "a run", "a listener"  # who may hold an archive: a listener, only for a short while
_POLL_SECONDS = 0.5


def wait_for_listener(folder: Path, patience: float) -> None:
    """Return when nobody holds the archive, or at once raise ArchiveInUse when it is not a listener who does.

    `patience` in seconds. Raises ArchiveUnwritable, too.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with locked(folder):
                return
        except ArchiveInUse:
            if _holder(folder) != LISTENER or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _holder(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return (folder / "lock").read_text(encoding="utf-8", errors="replace").strip()
    return ""


@contextlib.contextmanager
def locked(folder: Path, holder: str = RUN) -> Iterator[None]:
    """Hold the archive against other runs. Raises ArchiveInUse or ArchiveUnwritable."""
    lock = FileLock(
        folder / "lock", blocking=False, thread_local=False, preserve_lock_file=True, fallback_to_soft=False
    )
    try:
        lock.acquire()
    except Timeout as error:
        raise ArchiveInUse(
            f"the archive {folder} is in use by another run; nothing was touched. Wait for it to finish, or stop it"
        ) from error
    except (OSError, NotImplementedError) as error:
        raise ArchiveUnwritable(
            f"cannot lock {folder / 'lock'} ({error}); nothing was touched. The archive needs a writable local file "
            "system that supports locks"
        ) from error
    try:
        with contextlib.suppress(OSError):  # a full disk: then nobody is told who it is
            (folder / "lock").write_text(f"{holder}\n", encoding="utf-8")
        yield
    finally:
        lock.release()
