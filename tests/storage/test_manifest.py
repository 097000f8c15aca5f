"""The manifest root is the same for the same content, however and whenever it was archived."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from storage import manifest
from storage.opening import open_store
from storage.records import Tally
from tests.storage import making
from tests.storage.making import article


async def archive(folder: Path, *runs: tuple[str, ...]) -> list[str]:
    """Archive articles run by run; returns the root after each."""
    roots = []
    for numbers in runs:
        async with open_store(folder) as store:
            await store.begin_run("crawl")
            for number in numbers:
                await making.keep_article(store, article(number))
            roots.append(await store.end_run(Tally(), 0))
    return roots


def computed(folder: Path) -> str:
    """Return the root as it is computed from everything."""
    connection = sqlite3.connect(folder / "archive.db")
    try:
        return manifest.computed(connection)
    finally:
        connection.close()


async def test_order_and_time_do_not_matter(tmp_path: Path) -> None:
    """Two archives that came to the same content by other ways have the same root."""
    one = await archive(tmp_path / "one", ("1", "2", "3"))
    two = await archive(tmp_path / "two", ("3",), ("1",), ("2", "1"), ())
    assert one[-1] == two[-1] == computed(tmp_path / "one") == computed(tmp_path / "two")
    assert len(set(two)) == 3


async def test_any_difference_shows(tmp_path: Path) -> None:
    """An article more, or a revision with another content."""
    (before,) = await archive(tmp_path, ("1",))
    async with open_store(tmp_path) as store:
        await store.begin_run("crawl")
        await making.keep_article(store, article("1", title="Another title"))
        after = await store.end_run(Tally(), 0)
    assert before != after == computed(tmp_path)


async def test_anyone_can_compute_it(tmp_path: Path) -> None:
    """The recipe of the documentation, with nothing of ours."""
    (root,) = await archive(tmp_path, ("1", "2"))
    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    recipe = (
        text.split("```python\n", 1)[1].split("```", 1)[0].replace("archive/archive.db", str(tmp_path / "archive.db"))
    )
    told: list[str] = []
    exec(recipe, {"print": told.append, "hashlib": hashlib, "sqlite3": sqlite3})
    assert told == [root]
