"""A part of an archive, as an archive of its own: what is wanted for an export, beside the files it shares."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.desks import open_anywhere
from storage.errors import NothingSelected
from storage.search import Filters, conditions_of
from storage.translation import translate

_TERMS = {"category": "categories", "keyword": "keywords", "author": "authors"}  # and the views that list them
_BY_ARTICLE = ("revision", "article_term", "rendition", "recheck", "alias")


@contextlib.contextmanager
def selected(folder: Path, filters: Filters) -> Iterator[Path]:
    """Yield an archive's folder with the articles that satisfy all filters: a copy, gone afterwards; or the archive.

    Raises NothingSelected, and as `open_for_reading`.
    """
    if not any(asdict(filters).values()):
        yield folder
        return
    with TemporaryDirectory(prefix="backfile-") as name:
        copy = Path(name)
        try:
            _copy(folder, copy, filters)
        except sqlite3.OperationalError as error:  # above all, no room for the copy
            raise translate(error, copy / "archive.db") from error
        except sqlite3.Error as error:
            raise translate(error, folder / "archive.db") from error
        (copy / "media").symlink_to((folder / "media").resolve())
        yield copy


def _copy(folder: Path, copy: Path, filters: Filters) -> None:
    with (
        contextlib.closing(open_anywhere(folder / "archive.db")) as source,
        contextlib.closing(sqlite3.connect(copy / "archive.db", isolation_level=None)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
        _keep_only(target, filters, folder / "archive.db")


def _keep_only(connection: sqlite3.Connection, filters: Filters, archive: Path) -> None:
    kept = f"SELECT id FROM article WHERE {' AND '.join(conditions_of(filters))}"  # noqa: S608
    values = asdict(filters)
    if not _holds(connection, filters):
        raise _nothing(connection, filters, archive)
    connection.execute(f"CREATE TEMP TABLE dropped AS SELECT id FROM article WHERE id NOT IN ({kept})", values)  # noqa: S608
    connection.execute("BEGIN")
    for table in _BY_ARTICLE:
        connection.execute(f"DELETE FROM {table} WHERE article IN (SELECT id FROM dropped)")  # noqa: S608
    connection.execute("DELETE FROM search WHERE rowid IN (SELECT id FROM dropped)")
    connection.execute("DELETE FROM article WHERE id IN (SELECT id FROM dropped)")
    connection.execute("DELETE FROM term WHERE id NOT IN (SELECT term FROM article_term)")
    connection.execute("COMMIT")


def _holds(connection: sqlite3.Connection, filters: Filters) -> bool:
    where = " AND ".join(conditions_of(filters))
    query = f"SELECT EXISTS (SELECT 1 FROM article WHERE {where})"  # noqa: S608
    return bool(connection.execute(query, asdict(filters)).fetchone()[0])


def _nothing(connection: sqlite3.Connection, filters: Filters, archive: Path) -> NothingSelected:
    """Say which part of a selection names nothing, and how to find what there is."""
    for kind, view in _TERMS.items():
        name = getattr(filters, kind)
        if name and not _holds(connection, Filters(**{kind: name})):
            all_there_are = f"SELECT name, slug, articles FROM {view}"  # noqa: S608
            return NothingSelected(
                f"the archive holds no article of the {kind} {name!r}, so nothing was written. To see what there is: "
                f"sqlite3 {archive} '{all_there_are}'"
            )
    given = ", ".join(f"{name} {value}" for name, value in asdict(filters).items() if value)
    first, last = connection.execute("SELECT min(first_published), max(first_published) FROM article").fetchone()
    return NothingSelected(
        f"the archive holds no article that is all of this: {given}; so nothing was written. What it holds was "
        f"published from {first} to {last}: ask for less"
        if first
        else "the archive holds no article yet, so nothing was written: crawl first"
    )
