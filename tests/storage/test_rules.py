"""Each rule that rows keep has a way to break it, and is then the one that tells."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from storage import rules
from storage.findings import Flaw
from tests.storage import making
from tests.storage.breaking import Found, found, name_of, tamper

MEDIA = "https://cdn.example.org/1/0.jpg"
ROW = f"(SELECT id FROM frontier WHERE key = '{MEDIA}')"
UNCOUNTED = "DROP TRIGGER frontier_recounted; "
HASH = "ab" * 32


def contradicts(*subjects: str) -> Found:
    """Return the contradictions to be found."""
    return {(Flaw.CONTRADICTION, subject) for subject in subjects}


BREAKS: dict[str, tuple[str, Found]] = {
    "what is wanted is wanted by a target": (
        "UPDATE frontier SET scope = 99 WHERE key = 'dm:1'",
        contradicts("frontier 1"),
    ),
    "what is gone was absent": ("UPDATE article SET gone_at = 'a' WHERE cms_id = '1'", contradicts("dm:1")),
    "what is looked at again is an article": (
        "INSERT INTO recheck (article, due_at, turn, reason, checked_at, interval) VALUES (99, 1, 1, 'r', 0, 1)",
        contradicts("recheck 99"),
    ),
    "what was found was found somewhere": (
        "UPDATE frontier SET found_on = 99 WHERE key = 'dm:1'",
        contradicts("frontier 1"),
    ),
    "what is queued is due one day": (
        f"UPDATE frontier SET state = 'queued', due_at = NULL WHERE id = {ROW}",
        contradicts(MEDIA),
    ),
    "what is archived holds a file": (f"DELETE FROM holding WHERE frontier = {ROW}", contradicts(MEDIA)),
    "only media hold files": (
        f"{UNCOUNTED} UPDATE capture SET frontier = 1 WHERE frontier = {ROW};"
        f"UPDATE holding SET frontier = 1 WHERE frontier = {ROW};"
        f"UPDATE frontier SET state = 'failed' WHERE id = {ROW};"
        "UPDATE counter SET n = n - 1 WHERE kind = 'media' AND state = 'done';"
        "UPDATE counter SET n = n + 1 WHERE kind = 'media' AND state = 'failed'",
        contradicts("https://www.example.org/article/1"),
    ),
    "what is held was captured": (
        f"UPDATE capture SET sha256 = (SELECT sha256 FROM body) WHERE frontier = {ROW};"
        f"INSERT INTO capture SELECT NULL, 1, run, url, fetched_at, seconds, http_status, media_type,"
        f" (SELECT sha256 FROM holding WHERE frontier = {ROW}), bytes, headers, error FROM capture WHERE id = 1;"
        f"UPDATE capture SET bytes = (SELECT bytes FROM capture WHERE id = 1), sha256 ="
        f" (SELECT sha256 FROM capture WHERE id = 1) WHERE frontier = {ROW}",
        contradicts(MEDIA),
    ),
    "renditions are media": (
        "INSERT INTO rendition (article, frontier, position, role) VALUES (1, 1, 9, 'other')",
        contradicts("https://www.example.org/article/1"),
    ),
    "a mark is no later than its walk": (
        "INSERT INTO frontier (kind, key, site, host, scope, priority, state, first_seen_at)"
        " VALUES ('listing', 'dm:category/x', 'dm', 'h', 1, 0, 'done', 'a');"
        "INSERT INTO listing (frontier, cursor, started_at, mark)"
        " SELECT id, '', '', 7 FROM frontier WHERE kind = 'listing'",
        contradicts("dm:category/x"),
    ),
    "only listings are walked": (
        "INSERT INTO listing (frontier, cursor, started_at) VALUES (1, '', '')",
        contradicts("dm:1"),
    ),
    "listings list articles": (
        f"INSERT INTO listing_item (frontier, item, route, walk) VALUES (1, {ROW}, 'pages', 1)",
        contradicts("dm:1"),
    ),
    "files are named by their content": (
        "INSERT INTO file (sha256, bytes, media_type, extension) VALUES ('../../../etc/passwd', 1, 'text/html', 'txt')",
        contradicts("file ../../../etc/passwd"),
    ),
    "articles have revisions": ("DELETE FROM revision WHERE article = 3", contradicts("dm:3")),
    "an article is its newest revision": ("UPDATE article SET content_hash = 'x' WHERE id = 2", contradicts("dm:2")),
    "revisions are numbered without a gap": (
        "UPDATE revision SET number = 2 WHERE article = 2",
        contradicts("dm:2"),
    ),
    "revisions were read from what is kept": (
        "DELETE FROM body WHERE sha256 = (SELECT sha256 FROM capture WHERE id = 1)",
        contradicts("dm:1"),
    ),
    "revisions were read from articles": (
        f"UPDATE capture SET frontier = {ROW} WHERE id = 1",
        contradicts("dm:1"),
    ),
    "terms are of the kind they are used as": (
        "UPDATE article_term SET term = (SELECT id FROM term WHERE kind = 'author') "
        "WHERE article = 1 AND kind = 'keyword'",
        contradicts("dm:1"),
    ),
    "terms of an article have no gap": (
        "DELETE FROM article_term WHERE article = 1 AND kind = 'category' AND position = 0",
        contradicts("dm:1"),
    ),
    "headers are JSON": ("UPDATE capture SET headers = '{' WHERE id = 1", contradicts("capture 1")),
    "bodies are named by their content": (
        "UPDATE body SET sha256 = 'x' WHERE sha256 = (SELECT sha256 FROM capture WHERE id = 1);"
        "UPDATE capture SET sha256 = 'x' WHERE id = 1",
        contradicts("body x"),
    ),
    "an attempt and its capture are of one URL": (
        "INSERT INTO attempt (id, frontier, run, at, fault, error, capture) VALUES (7, 2, 1, '', '', '', 1)",
        contradicts("attempt 7"),
    ),
    "a run that has ended has an exit status": (
        "UPDATE run SET exit_status = 0 WHERE id = 1",
        contradicts("run 1"),
    ),
    "counters count": (
        "UPDATE counter SET n = n + 1 WHERE kind = 'media' AND state = 'done'",
        contradicts("counter media done"),
    ),
    "nothing is in hand": (f"UPDATE frontier SET state = 'doing' WHERE id = {ROW}", contradicts(MEDIA)),
    "every article can be found": ("DELETE FROM search WHERE rowid = 2", {(Flaw.SEARCH, "dm:2")}),
    "what can be found is an article": (
        "INSERT INTO search (rowid, title) VALUES (99, 'ghost')",
        {(Flaw.SEARCH, "search 99")},
    ),
}
MORE: dict[str, tuple[str, Found]] = {
    "file that was never captured": (
        f"INSERT INTO file (sha256, bytes, media_type, extension) VALUES ('{HASH}', 1, 'image/png', 'png')",
        contradicts(f"file {HASH}") | {(Flaw.MISSING, f"media/ab/ab/{HASH}.png")},
    ),
    "body that was never captured": (
        f"INSERT INTO body VALUES ('{HASH}', x'')",
        contradicts(f"body {HASH}") | {(Flaw.ALTERED, f"body {HASH}")},
    ),
    "capture of another size": ("UPDATE capture SET bytes = bytes + 1 WHERE id = 1", contradicts("capture 1")),
    "article indexed in other words": (
        "UPDATE article SET title = 'Another' WHERE id = 2",
        {(Flaw.SEARCH, "dm:2")},
    ),
    "folded text out of step": ("UPDATE search SET folded_body = 'x' WHERE rowid = 2", {(Flaw.SEARCH, "dm:2")}),
    "index that leads to other words": (
        "UPDATE search_content SET c2 = 'Swapped behind its back' WHERE id = 2",
        {(Flaw.SEARCH, "search")},
    ),
}


def test_every_rule_has_a_way_to_break_it() -> None:
    """A rule that is added is broken by a test."""
    assert {*rules.ROWS, *rules.AT_REST, *rules.SEARCH} == set(BREAKS)


@pytest.mark.parametrize("script, expected", [*BREAKS.values(), *MORE.values()], ids=[*BREAKS, *MORE])
def test_rows_that_contradict_each_other_are_found(folder: Path, script: str, expected: Found) -> None:
    """Each contradiction is told, once, by what it concerns; none hides another flaw or makes up one."""
    tamper(folder, script)
    assert found(folder) == expected


def declared(folder: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        return [(name.split(".")[0], name.split(".")[1]) for name in rules.references(connection.execute)]


def test_every_declared_reference_is_looked_at(folder: Path) -> None:
    """The schema says what refers to what; each of them becomes a rule."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        schema = "".join(
            sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'") if sql
        )
    assert len(declared(folder)) == len(re.findall(r"\bREFERENCES\b", schema)) > 10


@pytest.mark.parametrize(
    "script, subject",
    [
        ("UPDATE rendition SET frontier = 99 WHERE article = 1 AND position = 0", "rendition 1 99"),
        ("UPDATE revision SET article = 99 WHERE id = 1", "revision 1"),
        ("UPDATE revision SET capture = 99 WHERE id = 1", "revision 1"),
        ("UPDATE capture SET run = 99 WHERE id = 1", "capture 1"),
        ("UPDATE article_term SET term = 99 WHERE article = 1 AND position = 0", "article_term 1 author 0"),
        ("INSERT INTO alias VALUES ('dm:/x', 99)", "alias dm:/x"),
    ],
)
def test_a_row_that_refers_to_nothing_is_found(folder: Path, script: str, subject: str) -> None:
    """It is told by its key, whatever else does not fit any more because of it."""
    tamper(folder, script)
    assert (Flaw.CONTRADICTION, subject) in found(folder)


def test_a_holding_without_file_row_is_found(folder: Path) -> None:
    """The holding dangles, and the file has become an orphan."""
    path = making.files_of(folder)[0]
    tamper(folder, f"DELETE FROM file WHERE sha256 = '{path.stem}'")
    findings = found(folder)
    assert {flaw for flaw, _ in findings} == {Flaw.CONTRADICTION, Flaw.ORPHANED}
    assert (Flaw.ORPHANED, name_of(folder, path)) in findings
