"""`backup`: a second copy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from backfile.context import Context
from backfile.exits import Exit
from backfile.values import size_text
from storage.backup import backup as copy_archive


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
    columns = (TextColumn("copying files"), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, console=own.err, transient=True, disable=not own.show_progress) as progress:
        task = progress.add_task("", total=None)
        done = copy_archive(
            config.archive, destination, lambda copied, total: progress.update(task, completed=copied, total=total)
        )
    if not own.quiet:
        own.out.print(
            f"{destination}: {done.files} files copied ({size_text(done.bytes)}), {done.known} were there already",
            markup=False,
        )
    for path in done.missing[:10]:
        own.tell(f"backfile: {path} is missing from the archive")
    if done.missing:
        own.tell(f"backfile: {len(done.missing)} files could not be copied; see: backfile verify")
    return Exit.INCOMPLETE if done.missing else Exit.OK
