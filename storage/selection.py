"""A part of an archive, as an archive of its own: what is wanted for an export, beside the files it shares."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.desks import open_anywhere
from storage.errors import StorageError
from storage.search import Filters, conditions_of

_BY_ARTICLE = ("revision", "article_term", "rendition", "recheck", "alias")


class NothingSelected(StorageError):
    """No article is what was asked for."""


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
        with (
            contextlib.closing(open_anywhere(folder / "archive.db")) as source,
            contextlib.closing(sqlite3.connect(copy / "archive.db", isolation_level=None)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            _keep_only(target, filters)
        (copy / "media").symlink_to((folder / "media").resolve())
        yield copy


def _keep_only(connection: sqlite3.Connection, filters: Filters) -> None:
    kept = f"SELECT id FROM article WHERE {' AND '.join(conditions_of(filters))}"  # noqa: S608
    values = asdict(filters)
    (number,) = connection.execute(f"SELECT count(*) FROM ({kept})", values).fetchone()  # noqa: S608
    if not number:
        raise NothingSelected("the archive holds no article that is asked for; ask for less, or see: backfile status")
    connection.execute(f"CREATE TEMP TABLE dropped AS SELECT id FROM article WHERE id NOT IN ({kept})", values)  # noqa: S608
    connection.execute("BEGIN")
    for table in _BY_ARTICLE:
        connection.execute(f"DELETE FROM {table} WHERE article IN (SELECT id FROM dropped)")  # noqa: S608
    connection.execute("DELETE FROM search WHERE rowid IN (SELECT id FROM dropped)")
    connection.execute("DELETE FROM article WHERE id IN (SELECT id FROM dropped)")
    connection.execute("DELETE FROM term WHERE id NOT IN (SELECT term FROM article_term)")
    connection.execute("COMMIT")
