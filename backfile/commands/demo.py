"""`demo`: a whole archive in half a minute, from a newsroom that exists nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from backfile import report, shown
from backfile.context import Context
from backfile.errors import UsageError
from backfile.exits import Exit
from storage.files import make_destination
from storage.reading import open_reading
from storage.search import Filters

_TARGET = "dm:category/africa"


def demo(
    context: typer.Context,
    articles: Annotated[int, typer.Option(min=10, max=5000, help="How many articles the newsroom holds.")] = 120,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where the demo's archive goes.")] = Path("demo"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the newsroom listens, each time the same.")] = 8643,
) -> int:
    """Start a simulated newsroom, archive one of its categories, and say what to look at.

    Every article of the category, every rendition of every picture. Needs no network; run again, it fetches nothing
    that it holds.
    """
    own: Context = context.obj
    own.out.print(f"a newsroom of {articles} articles opens on this machine; archiving its category Africa")
    status = asyncio.run(_archive(own, articles, folder, port))
    with open_reading(folder / "archive") as archive:
        own.out.print()
        shown.status(own.out, str(folder / "archive"), archive.status())
        word = _word(archive.rows("SELECT title FROM articles ORDER BY first_published DESC LIMIT 1"))
        own.out.print(f"\n$ backfile --archive {folder / 'archive'} search {word}\n", markup=False)
        shown.hits(own.out, archive.search(word, Filters(), limit=3))
    own.out.print(
        f"\nLook around:\n"
        f"  .venv/bin/backfile --config {folder / 'config.toml'} browse --open\n"
        f"  .venv/bin/backfile --archive {folder / 'archive'} status\n"
        f"  .venv/bin/backfile --archive {folder / 'archive'} search {word}\n"
        f"  .venv/bin/backfile --archive {folder / 'archive'} verify\n"
        f"  sqlite3 {folder / 'archive' / 'archive.db'} '.schema articles'\n"
        f"  ls {folder / 'archive' / 'media'}",
        markup=False,
    )
    return status


async def _archive(own: Context, articles: int, folder: Path, port: int) -> Exit:
    from backfile import crawling
    from crawler.plan import CrawlRequest
    from crawler.targets import parse_target
    from simulator import Newsroom, Options

    make_destination(folder)
    room = Newsroom(Options(articles=articles, port=port))
    try:
        await room.start()
    except OSError as error:
        raise UsageError(
            f"the newsroom cannot listen on port {port} ({error.strerror}); name another with --port"
        ) from error
    try:
        path = folder / "config.toml"
        path.write_text(room.config_toml("archive"), encoding="utf-8")
        inner = Context(config_path=path, verbose=own.verbose, quiet=own.quiet, log_format=own.log_format)
        config, sites = inner.ready()
        request = CrawlRequest(targets=(parse_target(_TARGET, sites),), command=f"demo {_TARGET}")
        summary, status = await crawling.crawl(
            config.archive,
            sites,
            crawling.settings_of(config),
            request,
            min_free_bytes=0,
            console=inner.err,
            show_progress=inner.show_progress,
        )
    finally:
        await room.stop()
    own.out.print(report.text(summary, str(config.archive)), markup=False)
    if status is not Exit.OK:
        inner.tell(report.shortcomings(summary, status))
    return status


def _word(rows: list[dict[str, str]]) -> str:
    """Return the longest plain word of a title, to search for."""
    words = [word for row in rows for word in row["title"].split() if word.isalpha()]
    return max(words, key=len, default="africa").lower()
