"""What a night asks of the database costs what is new or due, not what is held."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from storage import givenup, manifest, received, rechecks
from tests.storage import making

# The planner's statistics of an archive with 100,000 articles, with which it once read all of them every night.
_STATISTICS = (
    ("recheck", "recheck_due", "79220 1"),
    ("revision", "revision_of_capture", "53237 1"),
    ("capture", "capture_of_run", "112752 401"),
    ("capture", "capture_of", "60480 3"),
    ("article", "article_published", "306356 1"),
    ("article", "sqlite_autoindex_article_1", "238182 401 1"),
    ("frontier", "sqlite_autoindex_frontier_1", "64316304 267 1"),
)


@pytest.mark.parametrize(
    "query,beginning",
    [
        (manifest._REVISIONS, "SEARCH r USING INDEX revision_of_capture"),
        (manifest._MEDIA, "SEARCH c USING INTEGER PRIMARY KEY (rowid>?)"),
        (rechecks._DUE, "MULTI-INDEX OR"),
    ],
)
def test_a_night_begins_with_what_is_new(folder: Path, query: str, beginning: str) -> None:
    """Whatever the planner believes of a large archive, it does not begin with all that is held."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        connection.execute("ANALYZE")
        connection.execute("DELETE FROM sqlite_stat1")
        connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", _STATISTICS)
        connection.execute("ANALYZE sqlite_schema")
        values = {"now": 0, "horizon": 0, "sites": "[]", "run": 1} if ":now" in query else (0,)
        steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    assert steps[0].startswith(beginning)


def test_what_is_known_of_a_handful_costs_the_handful(folder: Path) -> None:
    """Each row that was received is looked up; what is held, or absent, is not read through."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {received._KNOWN}", {"rows": "[]"})]
    assert [step for step in steps if step.startswith("SCAN")] == ["SCAN r VIRTUAL TABLE INDEX 1:"] * 2
    assert {step.split(" USING ")[0] for step in steps if step.startswith("SEARCH")} == {"SEARCH h", "SEARCH b"}


@pytest.mark.parametrize(
    "query",
    [
        givenup._NUMBERS,
        givenup._EXAMPLES,
        givenup._STANDING,
        givenup._REVIVE,
        givenup._ONCE_MORE,
        rechecks._DUE,
    ],
)
def test_what_a_run_did_with_a_row_is_looked_up_by_the_row(query: str) -> None:
    """In an archive without statistics too, that is in every first run: not all that the run did, for each row."""
    with contextlib.closing(making.memory()) as connection:
        named = {"now": 0, "horizon": 0, "sites": "[]", "run": 1}
        values = named if ":now" in query else ("[]",) * query.count("?")
        steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    assert any("attempt_of (frontier=?)" in step for step in steps)
    assert not any("of_run" in step for step in steps)
