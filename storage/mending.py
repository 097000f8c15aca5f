"""Putting right what `verify` has found: what is damaged or missing is wanted again, what is misnamed goes back.

Nothing is deleted: what is damaged is moved to `damaged/`, beside `media/`. Everything is looked at again first,
because a run may have mended it since. Files move before rows change: after a crash in between, the file is missing,
and the next `verify` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zstandard import ZstdDecompressor

from storage.consistency import hash_of
from storage.findings import Finding, Flaw
from storage.fixity import examine
from storage.store import Store

_LOST = (Flaw.MISSING, Flaw.TRUNCATED, Flaw.ALTERED, Flaw.UNREADABLE)


@dataclass(slots=True)
class Repair:
    """What `requeue` did."""

    queued: int = 0  # URLs that are due again
    set_aside: int = 0  # damaged files and bodies moved to `damaged/`
    put_back: int = 0  # misnamed files moved to where they belong
    lost: tuple[Finding, ...] = ()  # no URL holds this content any more, so nothing can bring it back


async def requeue(store: Store, findings: Iterable[Finding]) -> Repair:
    """Put right what can be. The database must be sound: what it says is what is acted upon."""
    findings = list(findings)
    repair = Repair()
    for finding in findings:
        if finding.flaw is Flaw.MISNAMED:
            repair.put_back += await _put_back(store, finding)
    for finding in findings:
        if finding.flaw in _LOST and finding.sha256:
            await (_requeue_body if finding.subject.startswith("body ") else _requeue_file)(store, finding, repair)
    await store.flush()
    return repair


async def _requeue_file(store: Store, finding: Finding, repair: Repair) -> None:
    flaw = await _still(store, finding)
    if flaw is None:
        return
    if not await store.holders(finding.sha256):
        repair.lost += (finding,)
        return
    if flaw is not Flaw.MISSING:
        store.media.set_aside(store.folder / finding.subject)
        repair.set_aside += 1
    repair.queued += await store.give_up(finding.sha256, f"the file was {finding.flaw}: {finding.detail}")


async def _still(store: Store, finding: Finding) -> Flaw | None:
    """Return what is wrong with a file now; None when it is sound, or no row names it any more."""
    file = await store.file(finding.sha256)
    if file is None or store.media.relative(file.sha256, file.extension) != finding.subject:
        return None
    return examine(str(store.media.path(file.sha256, file.extension)), file.sha256, file.size)[0]


async def _requeue_body(store: Store, finding: Finding, repair: Repair) -> None:
    frame = await store.frame(finding.sha256)
    if frame is None or hash_of(frame, ZstdDecompressor()) == finding.sha256:
        return
    copy = store.media.incoming_folder() / f"{finding.sha256}.zst"
    copy.write_bytes(frame)
    store.media.set_aside(copy)
    repair.set_aside += 1
    repair.queued += await store.give_up_body(finding.sha256, f"its kept answer was damaged: {finding.detail}")


async def _put_back(store: Store, finding: Finding) -> bool:
    file = await store.file(finding.sha256) if finding.sha256 else None
    if file is None:
        return False
    place = store.media.path(file.sha256, file.extension)
    stray = store.folder / finding.subject
    if place.exists() or examine(str(stray), file.sha256, file.size)[0] is not None:
        return False
    store.media.place(stray, file.sha256, file.extension)
    return True
