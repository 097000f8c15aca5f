"""Pictures that are looked at again: the original first, and what comes of it for its transforms."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from storage.clock import iso

_AGAIN = "UPDATE frontier SET state = 'queued', due_at = ?, attempts = 0, fault = NULL, error = NULL, scope = ?"
_ORIGINALS = """
    AND id IN (SELECT frontier FROM rendition
               WHERE article = ? AND removed_at IS NULL AND role IN ('original', 'inline'))
"""
_ABSENT = "AND id IN (SELECT frontier FROM absence WHERE returned_at IS NULL AND gone_at IS NULL AND since <= ?)"
_TRANSFORMS = """
    AND id IN (SELECT other.frontier FROM rendition AS own JOIN rendition AS other
               ON other.article = own.article AND other.attachment_id = own.attachment_id AND other.role = 'transform'
               WHERE own.frontier = ? AND own.role IN ('original', 'inline') AND other.removed_at IS NULL)
"""


def ask_originals(connection: sqlite3.Connection, articles: Iterable[int], scope: int, now: float) -> None:
    """Make the originals of these articles' pictures due, as far as we hold them or took them to be gone."""
    connection.executemany(
        f"{_AGAIN} WHERE state IN ('done', 'gone') {_ORIGINALS}", [(now, scope, article) for article in articles]
    )


def ask_absent(connection: sqlite3.Connection, scope: int, now: float, confirm_after: float) -> None:
    """Make the pictures due that we hold, and that were not there so many seconds ago: are they gone?"""
    connection.execute(
        f"{_AGAIN} WHERE state = 'done' AND kind = 'media' {_ABSENT}", (now, scope, iso(now - confirm_after))
    )


def ask_transforms(connection: sqlite3.Connection, original: int, scope: int, now: float) -> None:
    """Make the transforms of a picture due whose original, a row of the frontier, is another one or is gone."""
    connection.execute(f"{_AGAIN} WHERE state IN ('done', 'gone') {_TRANSFORMS}", (now, scope, original))
