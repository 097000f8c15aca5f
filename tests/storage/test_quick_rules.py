"""The rules as they are asked, which is fast, find exactly what the same rules find as they are said."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
import zstandard

from storage import consistency, rules
from tests.storage.damage import change_rows

CASES = 40
PLAIN = {
    "what is looked at again is an article": """
        SELECT 'recheck ' || article, 'of an article that is not there'
        FROM recheck AS r WHERE NOT EXISTS (SELECT 1 FROM article AS a WHERE a.id = r.article)
    """,
    "what is archived holds a file": """
        SELECT coalesce(f.url, f.key), 'archived, but it holds no file'
        FROM frontier AS f WHERE f.kind = 'media' AND f.state = 'done'
        AND NOT EXISTS (SELECT 1 FROM holding AS h WHERE h.frontier = f.id)
    """,
    "only media hold files": """
        SELECT coalesce(f.url, f.key), 'a ' || f.kind || ' that holds a file'
        FROM holding AS h JOIN frontier AS f ON f.id = h.frontier WHERE f.kind <> 'media'
    """,
    "what is held was captured": """
        SELECT coalesce(f.url, f.key), 'holds ' || h.sha256 || ', which no capture of it says it was'
        FROM holding AS h JOIN frontier AS f ON f.id = h.frontier
        WHERE NOT EXISTS (SELECT 1 FROM capture AS c WHERE c.frontier = h.frontier AND c.sha256 = h.sha256)
    """,
    "revisions were read from what is kept": """
        SELECT a.site || ':' || a.cms_id, 'the body that revision ' || r.number || ' was read from is not kept'
        FROM revision AS r JOIN article AS a ON a.id = r.article JOIN capture AS c ON c.id = r.capture
        WHERE NOT EXISTS (SELECT 1 FROM body AS b WHERE b.sha256 = c.sha256)
    """,
    "revisions were read from articles": """
        SELECT a.site || ':' || a.cms_id, 'revision ' || r.number || ' was read from a ' || f.kind
        FROM revision AS r JOIN article AS a ON a.id = r.article JOIN capture AS c ON c.id = r.capture
        JOIN frontier AS f ON f.id = c.frontier WHERE f.kind <> 'article'
    """,
    "counters count": """
        SELECT 'counter ' || c.kind || ' ' || c.state, 'says ' || c.n || ', and there are ' || coalesce(r.n, 0)
        FROM counter AS c LEFT JOIN (SELECT kind, state, count(*) AS n FROM frontier GROUP BY kind, state) AS r
        ON r.kind = c.kind AND r.state = c.state WHERE c.n <> coalesce(r.n, 0)
    """,
    "holding.frontier": """
        SELECT 'holding ' || c.frontier, 'frontier ' || c.frontier || ': there is no such frontier'
        FROM holding AS c WHERE NOT EXISTS (SELECT 1 FROM frontier AS p WHERE p.id = c.frontier)
    """,
    "recheck.article": """
        SELECT 'recheck ' || c.article, 'article ' || c.article || ': there is no such article'
        FROM recheck AS c WHERE NOT EXISTS (SELECT 1 FROM article AS p WHERE p.id = c.article)
    """,
}
_CAPTURED = """
SELECT 'capture ' || c.id, c.sha256, 'says ' || c.bytes || ' bytes, and the body kept has ' || frame_size(b.zstd)
FROM capture AS c JOIN body AS b ON b.sha256 = c.sha256
WHERE typeof(b.zstd) = 'blob' AND frame_size(b.zstd) <> c.bytes
UNION ALL SELECT 'body ' || sha256, '', 'no capture says where it came from'
FROM body WHERE length(sha256) = 64 AND sha256 NOT IN (SELECT sha256 FROM capture)
UNION ALL SELECT 'file ' || sha256, '', 'no capture says where it came from'
FROM file WHERE length(sha256) = 64 AND sha256 NOT IN (SELECT sha256 FROM capture)
AND sha256 NOT IN (SELECT sha256 FROM holding)
"""
_CHANGES = (
    "UPDATE capture SET bytes = bytes + 1 WHERE id % 3 = ?",
    "DELETE FROM holding WHERE frontier % 3 = ?",
    "DELETE FROM capture WHERE id % 3 = ?",
)
_MORE = """
INSERT INTO recheck (article, due_at, turn, reason, checked_at, interval)
SELECT id, 9 - id, 1, 'aging', 0, 1 FROM article;
"""


def damaged(sound: Path, work: Path, chance: random.Random) -> sqlite3.Connection:
    """Return the database of a copy in which some rows were changed."""
    work.mkdir(exist_ok=True)
    shutil.copy(sound / "archive.db", work / "archive.db")
    connection = sqlite3.connect(work / "archive.db", isolation_level=None)
    connection.executescript(_MORE)
    for _ in range(chance.randrange(1, 12)):
        change_rows(work, chance)
    return connection


def said(connection: sqlite3.Connection, rule: str) -> list[tuple[str, str]]:
    """Return what a rule finds."""
    return [(finding.subject, finding.detail) for finding in rules.broken(connection.execute, {"": rule})]


@pytest.mark.parametrize("seed", range(3))
def test_rules_find_what_they_say(sound: Path, tmp_path: Path, seed: int) -> None:
    """Whichever rows are changed, removed or repeated; and in this many archives most rules find something."""
    chance = random.Random(seed)
    broken: set[str] = set()
    for _ in range(CASES):
        with contextlib.closing(damaged(sound, tmp_path / "work", chance)) as connection:
            asked = rules.references(connection.execute) | rules.ROWS
            for name, plain in PLAIN.items():
                found = said(connection, asked[name])
                # As they are said, the planner finds them in one order in a small archive, in another in a large one.
                assert sorted(found) == sorted(said(connection, plain)), name
                broken |= {name} if found else set()
    assert len(broken) > len(PLAIN) - 3


@pytest.mark.parametrize("seed", range(3))
def test_captures_are_found_as_they_are_said(sound: Path, tmp_path: Path, seed: int) -> None:
    """A capture of another size than its body is told, and so is what is kept without a capture."""
    chance = random.Random(seed)
    kinds: set[str] = set()
    for _ in range(CASES):
        with contextlib.closing(damaged(sound, tmp_path / "work", chance)) as connection:
            for change in chance.choices(_CHANGES, k=3):
                connection.execute(change, (chance.randrange(3),))
            told = list(consistency.check_captures(connection, connection.execute))
            found = [(one.subject, one.sha256, one.detail) for one in told]
            assert sorted(found) == sorted(connection.execute(_CAPTURED).fetchall())
            kinds |= {one.subject.split()[0] for one in told}
    assert kinds == {"capture", "body", "file"}


@pytest.mark.parametrize("seed", range(3))
def test_bodies_are_judged_at_once_as_they_are_step_by_step(seed: int) -> None:
    """However a body is damaged, cut off or lengthened, it is told in the same words."""
    chance = random.Random(seed)
    decompressor = zstandard.ZstdDecompressor()
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE body (sha256 TEXT PRIMARY KEY, zstd BLOB)")
        expected = {}
        for number in range(300):
            frame = harmed(zstandard.ZstdCompressor().compress(chance.randbytes(40) * chance.randrange(200)), chance)
            content = consistency.hash_of(frame, decompressor)
            sha256 = content if content and number % 2 else f"{number:064x}"
            connection.execute("INSERT OR REPLACE INTO body VALUES (?, ?)", (sha256, frame))
            if sha256 != content:
                told = f"its content has the hash {content}" if content else "it cannot be decompressed"
                expected[f"body {sha256}"] = told
        parts = [consistency.check_bodies(connection.execute, part, lambda _: None) for part in range(256)]
        assert {one.subject: one.detail for part in parts for one in part} == expected


def harmed(frame: bytes, chance: random.Random) -> bytes:
    """Return a frame with one bit flipped, cut off, or with something behind it."""
    at = chance.randrange(len(frame))
    flipped = frame[:at] + bytes([frame[at] ^ 1 << chance.randrange(8)]) + frame[at + 1 :]
    return chance.choice([flipped, frame[:at], frame + b"more"])
