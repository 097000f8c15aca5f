"""The page about the archive on disk says what is so."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from storage.findings import Flaw
from tests.storage import making
from tests.storage.making import rows

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "archive.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def table_row(section: str, name: str) -> str:
    """Return the row of a section's table whose first cell names `name`."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    row: str
    (row,) = [line for line in text.splitlines() if re.match(rf"\| [^|]*`{name}`[^|]* \|", line)]
    return row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    asyncio.run(making.make_archive(folder / "archive", articles=1, pictures=2))
    return folder


def test_every_view_is_described_with_all_its_columns() -> None:
    """A column that is added is described too."""
    with closing(making.memory()) as connection:
        for (view,) in rows(connection, "SELECT name FROM sqlite_master WHERE type = 'view'"):
            described = re.findall(r"`(\w+)`", table_row("Public views", view))
            columns = [name for _, name, *_ in rows(connection, f"PRAGMA table_info({view})")]
            assert set(columns) <= set(described), view


def test_every_table_is_described() -> None:
    """But for those that FTS5 and the planner keep for themselves."""
    with closing(making.memory()) as connection:
        tables = rows(connection, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search\\__%' "
                                  "ESCAPE '\\' AND name NOT LIKE 'sqlite%'")  # fmt: skip
        for (table,) in tables:
            assert table_row("Tables", table)


def test_every_finding_is_described() -> None:
    """What `verify` can say is explained."""
    for flaw in Flaw:
        assert table_row("Fixity", flaw)


@pytest.mark.parametrize("sql", blocks("sql"))
def test_the_queries_work(folder: Path, sql: str) -> None:
    """Each can be pasted as it stands."""
    with closing(sqlite3.connect(folder / "archive" / "archive.db")) as connection:
        assert isinstance(rows(connection, sql), list)


@pytest.mark.parametrize("script", blocks("sh"))
def test_the_recipes_find_damage(folder: Path, tmp_path: Path, script: str) -> None:
    """Each is silent about a sound archive, and names what is damaged."""
    if any(shutil.which(word) is None for word in re.findall(r"sqlite3|sha256sum|awk", script)):
        pytest.skip("this machine lacks a program of the recipe")
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    sound = subprocess.run(["sh", "-c", script], cwd=copy, capture_output=True, text=True, check=False)
    assert (sound.returncode, sound.stdout, sound.stderr) == (0, "", "")
    victim = making.files_of(copy / "archive")[0]
    victim.write_bytes(b"damaged")
    damaged = subprocess.run(["sh", "-c", script], cwd=copy, capture_output=True, text=True, check=False)
    assert victim.name in damaged.stdout
    assert damaged.returncode == 1
