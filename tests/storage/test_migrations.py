"""An archive made by an older program becomes what a new one would be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.clock import iso, seconds_of
from storage.database import open_for_reading, prepare
from storage.errors import ArchiveForeign
from storage.findings import Flaw
from storage.identity import APPLICATION_ID, SCHEMA_VERSION
from storage.opening import open_store
from tests.storage import making
from tests.storage.breaking import PAGE, flip, found, page_of, tamper
from tests.storage.making import NOW

OLDEST = (Path(__file__).parent / "schema_1.sql").read_text(encoding="utf-8")


def structure(connection: sqlite3.Connection) -> dict[str, object]:
    """Return every table with its columns, and every other object with its words."""
    found: dict[str, object] = {}
    objects = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
    for kind, name, sql in objects:
        if kind == "table":
            found[name] = sorted(row[1:] for row in connection.execute(f"PRAGMA table_xinfo({name})"))
        else:
            found[name] = " ".join(sql.split())
    return found


def oldest(path: Path) -> None:
    """Make an archive as the first program did, with an article in it."""
    connection = sqlite3.connect(path)
    connection.executescript(f"{OLDEST}\nPRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = 1;")
    checked = iso(NOW)
    connection.execute(
        "INSERT INTO article (id, site, cms_id, url, title, status, content_type, summary, word_count, source,"
        " content_hash, first_seen_at, last_checked_at)"
        " VALUES (7, 'dm', '1', 'u', 't', 'publish', 'Article', '', 0, 'api', 'h', ?, ?)",
        (checked, checked),
    )
    connection.execute("INSERT INTO listing_item (frontier, item, route, walk) VALUES (1, 2, 'pages', 4)")
    connection.commit()
    connection.close()


async def test_the_oldest_archive_becomes_a_new_one(tmp_path: Path) -> None:
    """Same tables, columns, indexes, triggers and views as one that was made today."""
    oldest(tmp_path / "archive.db")
    async with open_store(tmp_path) as store:
        fresh = sqlite3.connect(":memory:")
        prepare(fresh, Path("fresh"))
        assert await store.ask(structure) == structure(fresh)
        assert await store.ask(lambda c: c.execute("PRAGMA user_version").fetchone()) == (SCHEMA_VERSION,)


async def test_an_archive_whose_tables_are_todays_is_read_as_it_is(tmp_path: Path) -> None:
    """On read-only media nothing is ever migrated; a reader has today's views all the same."""
    await making.make_archive(tmp_path, articles=1, pictures=1)
    path = tmp_path / "archive.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP VIEW media; CREATE VIEW media AS SELECT 'old' AS state; PRAGMA user_version = 2")
    before = path.read_bytes()
    with closing(open_for_reading(path)) as connection:
        assert {row["state"] for row in connection.execute("SELECT state, role FROM media")} == {"stored"}
    assert path.read_bytes() == before


async def test_an_archive_whose_tables_are_others_is_not_read(tmp_path: Path) -> None:
    """What cannot be read says which command will change that."""
    oldest(tmp_path / "archive.db")
    with pytest.raises(ArchiveForeign, match=r"has schema 1, .* any command that writes"):
        open_for_reading(tmp_path / "archive.db")


async def test_what_an_old_archive_holds_is_looked_at_again(tmp_path: Path) -> None:
    """Its articles are due within weeks, not all at once; its listings keep their items."""
    oldest(tmp_path / "archive.db")
    async with open_store(tmp_path) as store:
        due, checked = await store.ask(lambda c: c.execute("SELECT due_at, checked_at FROM recheck").fetchone())
        assert checked == seconds_of(iso(NOW))
        assert 0 < due - checked <= 36 * 86_400
        assert await store.ask(lambda c: c.execute("SELECT first_walk FROM listing_item").fetchone()) == (4,)


async def test_damage_is_not_forgotten_when_a_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """A page that was not as it was written is known to be damaged by the next version of the program, too."""
    await making.make_archive(tmp_path)
    tamper(tmp_path, "DROP VIEW media; CREATE VIEW media AS SELECT 'old' AS state; PRAGMA user_version = 2")
    flip(tmp_path / "archive.db", (page_of(tmp_path, "capture") - 1) * PAGE + PAGE - 40)
    assert found(tmp_path) == {(Flaw.DATABASE, "archive.db")}
    async with open_store(tmp_path):
        pass
    assert found(tmp_path) == {(Flaw.DATABASE, "archive.db")}
    with closing(open_for_reading(tmp_path / "archive.db")) as connection:
        assert tuple(connection.execute("PRAGMA user_version").fetchone()) == (SCHEMA_VERSION,)
