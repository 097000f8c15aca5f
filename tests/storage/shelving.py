"""Articles in an archive's database that has no folder, for queries that only read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from storage import frontier, keeping
from storage.records import ArticleRecord, Kind
from tests.storage import making
from tests.storage.making import WORK, capture, wanted


def shelved(records: Iterable[ArticleRecord]) -> sqlite3.Connection:
    """Return a database that holds these articles."""
    connection = making.memory()
    connection.row_factory = sqlite3.Row
    for record in records:
        want = wanted(f"{record.site} {record.cms_id}")
        keeping.begin_target(connection, want, refresh=True, work=WORK)
        job = frontier.find(connection, Kind.ARTICLE, want.key)
        assert job is not None
        keeping.keep_article(connection, job, capture(record.cms_id.encode()), record, (), (), WORK)
    return connection
