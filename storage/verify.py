"""`verify`: is the archive whole?

Every file against its row and every row against its file, raw bodies against their hashes, rows against each other,
the search index against the articles. It only reads, also from read-only media and beside a run that writes;
`requeue` is the one thing that repairs.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage import consistency, fixity
from storage.database import open_for_reading
from storage.files import MediaTree
from storage.findings import Finding, Flaw
from storage.store import Store

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all."""

_LOST = (Flaw.MISSING, Flaw.TRUNCATED, Flaw.ALTERED, Flaw.UNREADABLE)


def verify(
    folder: Path,
    *,
    sample: float = 1.0,
    chance: Callable[[], float] = random.random,
    progress: Progress | None = None,
) -> Iterator[Finding]:
    """Yield everything in the archive that is not as it should be; what is quick to find comes first.

    `sample` is the part of all files and kept bodies whose content is read, chosen by `chance`; presence and size are
    looked at for all of them. A sample also spares the slow looks into the database's and the search's indexes.
    Raises as `open_for_reading`, and OutOfSpace when there is no room for the copy that a look into the search needs.
    """
    path = folder / "archive.db"
    with contextlib.closing(open_for_reading(path)) as connection:
        connection.row_factory = None
        advance = _meter(connection, progress)
        whole = sample >= 1.0

        def chosen() -> bool:
            return whole or chance() < sample

        yield from consistency.check_database(connection, "integrity_check" if whole else "quick_check")
        yield from _as_far_as_it_goes("rows", consistency.check_rows(connection))
        yield from _as_far_as_it_goes("search rows", consistency.check_search(connection))
        damaged = set()
        for finding in _as_far_as_it_goes("bodies", consistency.check_bodies(connection, chosen, advance)):
            damaged.add(finding.sha256)
            yield finding
        if whole:
            yield from _as_far_as_it_goes("captures", consistency.check_sizes(connection, damaged))
            yield from _as_far_as_it_goes("search words", consistency.check_index(connection, path))
        tree = MediaTree(folder)
        yield from _as_far_as_it_goes("files", fixity.check_files(connection, tree, chosen, advance))
        if not path.with_name(f"{path.name}-wal").exists():
            yield from fixity.leftovers(tree)


def _as_far_as_it_goes(what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield findings until SQLite stumbles over a damaged page, and that too."""
    try:
        yield from findings
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield Finding(Flaw.DATABASE, "archive.db", f"{error}, so not all {what} could be looked at")


def _meter(connection: sqlite3.Connection, progress: Progress | None) -> fixity.Advance:
    if progress is None:
        return lambda size: None
    done = total = 0
    with contextlib.suppress(sqlite3.DatabaseError):  # damaged: then the total is what there turns out to be
        (total,) = connection.execute(
            "SELECT (SELECT coalesce(sum(bytes), 0) FROM file) + (SELECT coalesce(sum(length(zstd)), 0) FROM body)"
        ).fetchone()

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress(done, max(done, total))

    progress(0, total)
    return advance


@dataclass(frozen=True, slots=True)
class Repair:
    """What `requeue` did."""

    queued: int  # media URLs that are due again
    set_aside: int  # damaged files moved to `damaged/`
    put_back: int  # misnamed files moved to where they belong
    lost: tuple[Finding, ...]  # no URL holds this content any more, so nothing can bring it back


async def requeue(store: Store, findings: Iterable[Finding]) -> Repair:
    """Put right what can be: what is damaged or missing is to be fetched again, what is misnamed goes back.

    Nothing is deleted: a damaged file is moved to `damaged/`, beside `media/`. Each file is looked at again first,
    because a run may have mended it since. Files move before rows change: after a crash in between, the file is
    missing, and the next `verify` says so.
    """
    findings = list(findings)
    put_back = sum([await _put_back(store, finding) for finding in findings if finding.flaw is Flaw.MISNAMED])
    queued = set_aside = 0
    lost = []
    for finding in findings:
        if finding.flaw not in _LOST or not finding.sha256:
            continue
        flaw = await _still(store, finding)
        if flaw is None:
            continue
        urls = await store.holders(finding.sha256)
        if not urls:
            lost.append(finding)
            continue
        if flaw is not Flaw.MISSING:
            store.media.set_aside(store.folder / finding.subject)
            set_aside += 1
        queued += await store.give_up(finding.sha256, f"the file was {finding.flaw}: {finding.detail}")
    await store.flush()
    return Repair(queued, set_aside, put_back, tuple(lost))


async def _still(store: Store, finding: Finding) -> Flaw | None:
    """Return what is wrong with a file now; None when it is sound, or no row names it any more."""
    file = await store.file(finding.sha256)
    if file is None or store.media.relative(file.sha256, file.extension) != finding.subject:
        return None
    path = store.media.path(file.sha256, file.extension)
    return fixity.look(fixity.Task(str(path), finding.subject, file.sha256, file.size, read=True)).flaw


async def _put_back(store: Store, finding: Finding) -> bool:
    file = await store.file(finding.sha256) if finding.sha256 else None
    if file is None:
        return False
    place = store.media.path(file.sha256, file.extension)
    stray = store.folder / finding.subject
    if place.exists() or fixity.look(fixity.Task(str(stray), finding.subject, file.sha256, file.size, read=True)).flaw:
        return False
    store.media.place(stray, file.sha256, file.extension)
    return True
