"""The media files of another archive, copied into ours, each compared with its hash."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence

from storage.files import MediaTree, is_name

_CHUNK = 1 << 20

Name = tuple[str, str]
"""SHA-256 and extension of a file."""


def copy_files(
    here: MediaTree, there: MediaTree, names: Sequence[Name], progress: Callable[[int], None]
) -> tuple[int, list[str]]:
    """Copy files; returns the bytes copied, and the hashes of what is missing or damaged over there.

    `progress` is told before each how many are done. Raises OutOfSpace or ArchiveUnwritable for ours.
    """
    size, lost = 0, []
    for number, (sha256, extension) in enumerate(names):
        progress(number)
        copied = _copy(here, there, sha256, extension)
        if copied is None:
            lost.append(sha256)
        size += copied or 0
    return size, lost


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # not waiting for whoever writes to a pipe


def _copy(here: MediaTree, there: MediaTree, sha256: str, extension: str) -> int | None:
    """Copy a file and return its size in bytes; None when it is not there, or not what its name says."""
    if not is_name(sha256, extension):  # a name of another's making may lead anywhere
        return None
    incoming = here.incoming()
    try:
        with open(there.path(sha256, extension), "rb", opener=_at_once) as source:
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):  # a device may never end
                return None
            while chunk := source.read(_CHUNK):
                incoming.write(chunk)
        if incoming.sha256 != sha256:
            return None
        return incoming.keep("", extension, None, None).size
    except OSError:  # of theirs: what befalls ours is a StorageError
        return None
    finally:
        incoming.discard()
