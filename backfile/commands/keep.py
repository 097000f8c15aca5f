"""`backup` and `merge`: a second copy, and one archive out of several."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from backfile.logs import Mask
from backfile.values import size_text
from storage.backup import backup as copy_archive
from storage.merge import Merged
from storage.merge import merge as merge_archive
from storage.opening import open_store
from storage.reading import open_reading

_SHOWN = 10
_line = Mask(()).line
_STOPS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


def backup(
    context: typer.Context,
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A new folder, or one with an earlier backup.")],
) -> int:
    """Copy the archive, consistently, also while a crawl is writing to it.

    Into a folder with an earlier backup only what is new is copied; until the last step that folder holds the earlier
    backup whole. The copy is an archive like any other: to restore, copy it back, or name it with --archive. Exit
    status 1 when the archive lacks files that it names (backfile verify says more).
    """
    own: Context = context.obj
    config, _ = own.ready()
    with _progress(own) as progress:
        task = progress.add_task("copying files", total=None)
        done = copy_archive(
            config.archive, destination, lambda copied, total: progress.update(task, completed=copied, total=total)
        )
    if not own.quiet:
        own.out.print(
            f"{destination}: {done.files} files copied ({size_text(done.bytes)}), {done.known} were there already",
            markup=False,
        )
    for path in done.missing[:_SHOWN]:
        own.tell(f"backfile: {path} is missing from the archive")
    if done.missing:
        own.tell(f"backfile: {len(done.missing)} files could not be copied; see: backfile verify")
    return Exit.INCOMPLETE if done.missing else Exit.OK


class _Stopped(Exception):
    """A signal came while an archive was merged."""


def merge(
    context: typer.Context,
    others: Annotated[list[Path], typer.Argument(metavar="OTHER", help="Folders of other archives.")],
) -> int:
    """Bring other archives' contents into this one: articles, revisions, pictures, answers, and what is queued.

    The others are read, also while a crawl is writing to them, and not changed. Of an article that several hold, the
    revisions are put in line by their times, and the newest is in view; nothing is held twice. Each OTHER is brought
    whole or not at all: after an interruption run the same command again, as often as needed. Where there is no archive
    yet, one is begun. Sites are told apart by their names in the configuration, so a name must mean the same newsroom
    in all of them.

    Exit status 1 when files of another archive are missing or damaged: they are named, and their URLs are due again.

    Example: backfile --archive all merge africa/ politics/ /mnt/old/archive
    """
    own: Context = context.obj
    config, _ = own.ready()
    for other in others:
        if _is_same(other / "archive.db", config.archive / "archive.db"):
            raise UsageError(f"{other} is the archive itself: nothing can be merged into itself; name others")
        with open_reading(other):
            pass  # says what is wrong with any of them before the first one is merged, or an archive begun
    stopped: list[Exit] = []

    async def run() -> Exit:
        for number, status in _STOPS.items():
            asyncio.get_running_loop().add_signal_handler(number, stopped.append, status)
        status = Exit.OK
        async with open_store(config.archive, min_free_bytes=config.settings.archive.min_free_mb << 20) as store:
            for other in others:
                with _progress(own) as progress:
                    merged = await merge_archive(store, other, _told(progress, stopped))
                found = Exit.INCOMPLETE if merged.lacking else Exit.OK
                await store.end_run(merged.tally, found, [f"merged {other}"])
                _print(own, other, merged)
                status = max(status, found)
        return status

    try:
        return asyncio.run(run())
    except _Stopped:
        own.tell("backfile: stopped; nothing of what was under way was merged. Run the same again")
        return stopped[0]


def _is_same(one: Path, other: Path) -> bool:
    """Say whether two names are of one file, also by way of a link or a mount."""
    return one.exists() and other.exists() and one.samefile(other)


def _progress(own: Context) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn())
    return Progress(*columns, console=own.err, transient=True, disable=not own.show_progress)


def _told(progress: Progress, stopped: list[Exit]) -> Callable[[str, int, int], None]:
    tasks = {what: progress.add_task(f"merging {what}", total=None) for what in ("files", "rows")}

    def told(what: str, done: int, total: int) -> None:
        if stopped:
            raise _Stopped
        progress.update(tasks[what], completed=done, total=total)

    return told


def _print(own: Context, other: Path, merged: Merged) -> None:
    if not own.quiet:
        own.out.print(
            f"{other}: {merged.articles} articles new, {merged.changed} with other revisions than before, "
            f"{merged.media} renditions new; {merged.files} files copied ({size_text(merged.bytes)}), "
            f"{merged.captures} captures",
            markup=False,
        )
    for sha256 in merged.lacking[:_SHOWN]:
        own.tell(f"backfile: {_line(sha256)} is missing from {other}, or damaged")
    if merged.lacking:
        own.tell(
            f"backfile: {len(merged.lacking)} files or bodies could not be brought from {other}; {merged.asked} URLs "
            f"are due again. See: backfile --archive {other} verify"
        )
