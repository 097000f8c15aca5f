"""`export`: take the archive, or a part of it, elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from backfile.commands.browse import reading_room
from backfile.commands.look import date_option
from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from storage.search import Filters


def export(
    context: typer.Context,
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="How; --list names them all.")] = "",
    destination: Annotated[Path | None, typer.Argument(metavar="DEST", help="The folder to write to.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Name the formats, and what each is good for.")] = False,
    category: Annotated[str, typer.Option(help="Only articles of it: name, slug or id.")] = "",
    keyword: Annotated[str, typer.Option(help="Only articles with it: name, slug or id.")] = "",
    author: Annotated[str, typer.Option(help="Only articles by them: name, slug or id.")] = "",
    since: Annotated[str, typer.Option(metavar="DATE", help="Published on or after it.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Published on or before it.")] = "",
) -> int:
    """Write the archive, or a part of it, in another form.

    The archive is only read, also beside a running crawl. Exporting to the same folder again writes what has changed
    and removes what is gone; files that are not ours are never touched.

    Examples:
        backfile export site /media/usb/newsroom

        backfile export site ~/africa --category africa --since 2023
    """
    own: Context = context.obj
    from reader.export import FORMATS  # templates take a while to import
    from storage.selection import selected

    if listed:
        for one in FORMATS.values():
            own.out.print(f"{one.name:10}{one.about}", markup=False)
        return Exit.OK
    if form not in FORMATS:
        raise UsageError(f"{form!r} is no format, so nothing was written; known are: {', '.join(FORMATS)}")
    if destination is None:
        raise UsageError(f"where to? Name a folder: backfile export {form} DEST")
    config, sites = own.ready()
    first, last = date_option(since, "--since"), date_option(until, "--until", last=True)
    filters = Filters(category=category, keyword=keyword, author=author, since=first, until=last)
    settings = reading_room(config, sites)
    with selected(config.archive, filters) as folder, Progress(console=own.err, disable=not own.show_progress) as bar:
        task = bar.add_task("pages", total=None)
        written = FORMATS[form].write(
            replace(settings, archive=folder), destination, lambda done, of: bar.update(task, completed=done, total=of)
        )
    if not own.quiet:
        own.out.print(
            f"{written.pages} pages and {written.pictures} pictures in {destination}: {written.written} files written, "
            f"{written.removed} removed. Open {destination / 'index.html'} in a browser",
            markup=False,
        )
    if written.lacking:
        own.tell(f"{written.lacking} pictures are missing from the archive: backfile verify names them")
    return Exit.INCOMPLETE if written.lacking else Exit.OK
