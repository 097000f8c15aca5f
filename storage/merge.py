"""Merging another archive into one that is open for writing.

The other is read as of one moment, also while a crawl is writing to it, and never changed. Its files come first, each
compared with its hash; then all its rows, in one transaction: whoever stops a merge, or pulls the plug, has at worst
spare files, which the next attempt uses. Everything is told apart by natural keys (site, CMS id, URL, SHA-256), so a
merge can be repeated, and the order of merges does not matter to what is held.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from storage import manifest, runs
from storage.database import connect_for_reading, open_for_reading
from storage.errors import ArchiveDamaged, ArchiveForeign, OutOfSpace
from storage.files import MediaTree
from storage.merging import absences, answers, listings, urls
from storage.merging.articles import Articles
from storage.merging.files import copy_files
from storage.merging.pair import Pair
from storage.merging.soundness import check_rows, expected
from storage.notes import Notes
from storage.pages import Pages
from storage.records import MERGE, Tally
from storage.store import Store
from storage.translation import translate

_GROWTH = 2  # times its size: a transaction needs room for its log and for the database that grows
_COUNTED = (  # where most rows are; what refers to URLs is read after them
    "frontier", "frontier", "capture", "attempt", "body", "file", "holding", "article", "revision", "article_term",
    "rendition", "listing_item",
)  # fmt: skip

Progress = Callable[[str, int, int], None]
"""Told what is being brought (`files`, then `rows`), how many are done, and of how many; it may raise to stop."""


@dataclass(slots=True)
class Merged:
    """What a merge brought."""

    articles: int = 0  # that were not held
    changed: int = 0  # articles that have other revisions than before
    captures: int = 0
    media: int = 0  # picture URLs of which nothing was held
    files: int = 0  # copied
    bytes: int = 0  # of those
    lacking: list[str] = field(default_factory=list)  # hashes of files and bodies that are missing or damaged there
    asked: int = 0  # URLs that are due again, because what they held did not come

    @property
    def tally(self) -> Tally:
        """Its figures as those of a run."""
        return Tally(articles_new=self.articles, articles_changed=self.changed, media_new=self.media, bytes=self.bytes)


async def merge(store: Store, other: Path, progress: Progress = lambda _what, _done, _total: None) -> Merged:
    """Bring what the archive at folder `other` holds into `store`, and open a run for it, which the caller ends.

    Raises ArchiveMissing, ArchiveDamaged (ArchiveForeign, ArchiveTooNew) for the other; ArchiveUnwritable or OutOfSpace
    for ours; and whatever `progress` raises. Then no row was brought.
    """
    path = other / "archive.db"
    open_for_reading(path).close()
    with Pages(path) as pages:
        _check_sound(pages, path)
        with contextlib.closing(connect_for_reading(path, check_same_thread=False)) as theirs:
            try:
                theirs.execute("BEGIN")  # all that is read from here on is as of one moment
                return await _merge(store, theirs, other, progress)
            except sqlite3.Error as error:
                raise translate(error, path) from error


async def _merge(store: Store, theirs: sqlite3.Connection, other: Path, progress: Progress) -> Merged:
    theirs.row_factory = None
    merged, began = Merged(), store.now()
    await asyncio.to_thread(check_rows, theirs, await store.ask(expected), other / "archive.db")
    await _check_same_newsrooms(store, theirs, other)
    held = await store.ask(lambda own: {sha256 for (sha256,) in own.execute("SELECT sha256 FROM file")})
    files = theirs.execute("SELECT sha256, extension, bytes FROM file ORDER BY sha256").fetchall()
    wanted = [(sha256, extension) for sha256, extension, _ in files if sha256 not in held]
    _check_room(store, other, sum(size for sha256, _, size in files if sha256 not in held))
    told = partial(_tell, progress, "files", len(wanted))
    merged.bytes, lost = await asyncio.to_thread(copy_files, store.media, MediaTree(other), wanted, told)
    merged.files = len(wanted) - len(lost)
    rows = sum(theirs.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _COUNTED)  # noqa: S608
    told = partial(_tell, progress, "rows", rows)

    def unit(own: sqlite3.Connection) -> None:
        _bring(Pair(own, theirs, other / "archive.db", began, told), merged, lost)
        store.run = runs.begin(own, MERGE, began)

    await store.do_alone(unit)
    notes = Notes(store.folder)
    for note in Notes(other).waiting():  # they stay over there as well: whoever is asked twice has nothing new
        notes.add(note)
    return merged


def _tell(progress: Progress, what: str, total: int, done: int) -> None:
    progress(what, min(done, total), total)


def _bring(pair: Pair, merged: Merged, lost: list[str]) -> None:
    """Bring all rows: a table comes after those that it refers to. Run by the writer, in one transaction."""
    try:
        answers.bring_runs(pair)
        urls.bring_urls(pair)
        urls.bring_pauses(pair)
        merged.captures = answers.bring_captures(pair)
        answers.bring_attempts(pair)
        damaged = answers.bring_bodies(pair)
        merged.media = answers.bring_files(pair, set(lost))
        bringing = Articles(pair)
        bringing.bring()
        urls.settle_spellings(pair)
        listings.bring_listings(pair)
        listings.bring_shapes(pair)
        absences.bring_absences(pair)
    except (LookupError, TypeError, ValueError, sqlite3.IntegrityError) as error:  # what the checks did not foresee
        raise ArchiveDamaged(
            f"the rows of {pair.path} contradict each other ({error}); nothing was merged. See what is wrong with: "
            "backfile --archive … verify"
        ) from error
    merged.articles, merged.changed = bringing.new, bringing.changed
    bodies = answers.lost_bodies(pair)
    merged.lacking = [*lost, *sorted({*damaged, *bodies})]
    merged.asked = urls.ask_for_what_lacks(pair, bodies)
    manifest.forget(pair.own)


def _check_sound(pages: Pages, path: Path) -> None:
    """Raise ArchiveDamaged rather than take over what is known to be damaged."""
    if damaged := pages.not_as_written():
        raise ArchiveDamaged(
            f"{damaged} pages of {path} are not as they were written; nothing was merged. Restore that archive from a "
            "backup, or see what is wrong with it: backfile --archive … verify"
        )


_SHARED = 5  # articles that two archives must have in common before they are compared
_DAY = 86_400  # seconds: the same moment, were it told by the clocks of different time zones
_PUBLISHED = "SELECT site, cms_id, unixepoch(first_published) FROM article WHERE unixepoch(first_published) IS NOT NULL"


async def _check_same_newsrooms(store: Store, theirs: sqlite3.Connection, other: Path) -> None:
    """Raise ArchiveForeign where a site of the same name is another newsroom over there: ids would be mixed up."""
    here = await store.ask(lambda own: {(site, cms_id): at for site, cms_id, at in own.execute(_PUBLISHED)})
    agree: dict[str, list[bool]] = {}
    for site, cms_id, at in theirs.execute(_PUBLISHED):
        if (site, cms_id) in here:
            agree.setdefault(site, []).append(abs(here[site, cms_id] - at) <= _DAY)
    for site, same in agree.items():
        if len(same) >= _SHARED and 2 * sum(same) < len(same):
            raise ArchiveForeign(
                f"{site} in {other} seems to be another newsroom than {site} in {store.folder}: of {len(same)} "
                f"articles with the same id, {len(same) - sum(same)} were published at another time; nothing was "
                "merged. Keep these two archives apart"
            )


def _check_room(store: Store, other: Path, media: int) -> None:
    """Raise OutOfSpace rather than begin what has no room; `media`: bytes of the files that are to be copied."""
    store.check_space()
    free = shutil.disk_usage(store.folder).free
    needed = media + _GROWTH * (other / "archive.db").stat().st_size
    if free < needed:
        raise OutOfSpace(
            f"merging {other} takes up to {needed >> 20} MiB, and {free >> 20} MiB are free at {store.folder}; nothing "
            "was merged. Make room and run again"
        )
