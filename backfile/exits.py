"""Exit statuses: what cron and monitoring rely on."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from enum import IntEnum

from backfile.errors import ConfigError, UsageError
from crawler.errors import TargetError
from storage.errors import (
    ArchiveDamaged,
    ArchiveInUse,
    ArchiveMissing,
    ArchiveUnwritable,
    BadDestination,
    NothingSelected,
)


class Exit(IntEnum):
    """The promised exit statuses; `MEANINGS` says them in words."""

    OK = 0
    INCOMPLETE = 1
    USAGE = 2
    IN_USE = 3
    DAMAGED = 4
    UNWRITABLE = 5
    KEY_REFUSED = 6
    UNREACHABLE = 7
    BUDGET = 8
    LIMIT = 9
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    Exit.OK: "all that was asked for is archived",
    Exit.INCOMPLETE: "finished, but something could not be archived (failures, truncated listings, partial captures)",
    Exit.USAGE: "wrong usage or configuration: file, table, key, value and remedy are named",
    Exit.IN_USE: "the archive is in use by another run",
    Exit.DAMAGED: "the archive is damaged, not ours, or newer than this program; nothing was touched",
    Exit.UNWRITABLE: "out of space, or not writable; nothing lost, run again after the remedy",
    Exit.KEY_REFUSED: "the key was refused; no further request was made with it",
    Exit.UNREACHABLE: "the site cannot be reached, blocks us, or asks us to stay away",
    Exit.BUDGET: "more failed than the failure budget allows, so the run stopped",
    Exit.LIMIT: "stopped at a configured limit (time, requests, bytes); the rest waits",
    Exit.INTERRUPTED: "stopped by SIGINT after finishing cleanly what was in hand",
    Exit.TERMINATED: "stopped by SIGTERM after finishing cleanly what was in hand",
}

# Foreign errors that a user can cause, most specific first.
_CAUSES: tuple[tuple[type[BaseException], Exit], ...] = (
    (ConfigError, Exit.USAGE),
    (UsageError, Exit.USAGE),
    (TargetError, Exit.USAGE),
    (ArchiveMissing, Exit.USAGE),
    (NothingSelected, Exit.USAGE),
    (BadDestination, Exit.USAGE),
    (ArchiveInUse, Exit.IN_USE),
    (ArchiveDamaged, Exit.DAMAGED),
    (ArchiveUnwritable, Exit.UNWRITABLE),
)
_FULL_OR_READ_ONLY = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}


def most_specific(statuses: Iterable[Exit]) -> Exit:
    """Return the status that wins where several apply: a signal's, else the highest below 100."""
    found = set(statuses) or {Exit.OK}
    signals = [status for status in found if status >= 100]
    return max(signals or found)


def exit_of(error: BaseException) -> Exit | None:
    """Return the exit status of an error that a user can cause; None for one that only we can."""
    if isinstance(error, BaseExceptionGroup):
        inner = [exit_of(one) for one in error.exceptions]
        known = [status for status in inner if status is not None]
        return most_specific(known) if known and len(known) == len(inner) else None
    for kind, status in _CAUSES:
        if isinstance(error, kind):
            return status
    if isinstance(error, OSError) and error.errno in _FULL_OR_READ_ONLY:
        return Exit.UNWRITABLE
    return None
