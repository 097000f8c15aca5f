"""SQLite's and the system's words, translated once, at the edge, into ours."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from storage.errors import ArchiveDamaged, ArchiveUnwritable, OutOfSpace, StorageError


def translate(error: sqlite3.Error | OSError, path: Path) -> StorageError:
    """Turn SQLite's and the system's words into ours; called at the edge, with `raise … from error`."""
    code = getattr(error, "sqlite_errorname", "")
    if _is_for_want_of_space(error, code, path):
        return OutOfSpace(f"no space left for {path}: nothing kept so far is lost; make room and run again")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or str(error).startswith("Could not decode to UTF-8"):
        return damaged(path, str(error))
    if code == "SQLITE_READONLY_ROLLBACK":
        return ArchiveUnwritable(
            f"{path} was left in the middle of a write, and reading it must not touch it; nothing kept is lost. "
            "Any command that writes (crawl) puts it right"
        )
    return ArchiveUnwritable(
        f"cannot open or write {path} ({error}); nothing kept so far is lost. Check permissions, the file system and "
        "the limit of open files, and run again"
    )


def is_locked(error: sqlite3.Error) -> bool:
    """Say whether SQLite only asks for patience, because another has its turn."""
    return getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def _is_for_want_of_space(error: sqlite3.Error | OSError, code: str, path: Path) -> bool:
    if code == "SQLITE_FULL" or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return True
    # On a full disk SQLite calls some of its failures (those of its shared memory) just an I/O error.
    return code.startswith("SQLITE_IOERR") and path.parent.is_dir() and shutil.disk_usage(path.parent).free < 1 << 16


def damaged(path: Path, why: str) -> ArchiveDamaged:
    """Say what to do about a damaged database."""
    return ArchiveDamaged(
        f"{path} is damaged ({why}); nothing was touched. Restore it from a backup, or rescue what is left "
        f"with: sqlite3 {path} .recover"
    )
