"""Damage at random, one after the other, and whether `verify` finds each of them and nothing else.

    python -m tests.storage.damage --count 1000 --seed 1

Each damage is done to a sound archive, judged, and undone: one byte flipped, a file deleted, cut off or renamed,
anywhere in the archive: in the media tree, in the database's file at any byte, in its seal; or rows changed, removed
or put in twice by SQL, in any table. A damage to a file must be told as what it is and nothing else must be; damage
to the database must be told as such, and no media file may be blamed for it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from storage.errors import StorageError
from storage.findings import Flaw
from storage.verify import verify
from tests.storage import making

Told = set[tuple[str, str]]  # flaw and subject; a refusal to open the archive is one of the database
_DATABASE = (str(Flaw.DATABASE), "archive.db")
_FILES = ("media/", "archive.seal")


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done, and what must be told of it."""

    kind: str
    what: str
    exactly: Told | None = None  # None: the database must be told, and no file


@dataclass(slots=True)
class Verdict:
    """How many damages of each kind were done, and the words for each that was not told as it should be."""

    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def damage_all(sound: Path, work: Path, count: int, seed: int) -> Verdict:
    """Damage a copy of a sound archive `count` times, and judge what is told each time."""
    chance = random.Random(seed)
    verdict = Verdict()
    files = sorted(str(path.relative_to(sound)) for path in sound.rglob("*") if path.is_file())
    media = [name for name in files if name.startswith("media/")]
    for _ in range(count):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(sound, work)
        match chance.choice(["media", "byte", "database", "seal", "rows"]):
            case "media":
                damage = harm(work, chance.choice(media), chance)
            case "byte":
                damage = harm(work, "archive.db", chance, "flipped")
            case "database":
                damage = harm(work, "archive.db", chance)
            case "seal":
                damage = harm(work, "archive.seal", chance)
            case _:
                damage = change_rows(work, chance)
        verdict.done[damage.kind] += 1
        told = told_of(work)
        if not _fits(told, damage):
            verdict.faults.append(f"{damage.kind} ({damage.what}): {sorted(told)}")
    return verdict


def _fits(told: Told, damage: Damage) -> bool:
    if damage.exactly is not None:
        return told == damage.exactly
    return _DATABASE in told and not any(subject.startswith(_FILES) for _, subject in told)


def told_of(archive: Path) -> Told:
    try:
        return {(str(finding.flaw), finding.subject) for finding in verify(archive)}
    except StorageError:
        return {_DATABASE}


# One file -------------------------------------------------------------------------------------------------------------


def harm(archive: Path, name: str, chance: random.Random, way: str = "") -> Damage:
    """Do one thing to one file, in this way or another."""
    way = way or chance.choice(list(_WAYS))
    do, flaw = _WAYS[way]
    what = f"{way} {name}" + do(archive / name, chance)
    place = "media" if name.startswith("media/") else name
    if name == "archive.db":
        return Damage(f"{place} {way}", what)
    exactly = {(str(flaw), name)}
    if way == "renamed" and place == "media":
        exactly |= {(str(Flaw.MISNAMED), what.rpartition(" ")[2])}
    return Damage(f"{place} {way}", what, exactly)


def _flip(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content))
    content[at] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return f" at {at}"


def _delete(path: Path, chance: random.Random) -> str:
    path.unlink()
    return ""


def _cut(path: Path, chance: random.Random) -> str:
    size = chance.randrange(path.stat().st_size)
    with path.open("r+b") as stream:
        stream.truncate(size)
    return f" to {size} bytes"


def _rename(path: Path, chance: random.Random) -> str:
    new = path.with_name(chance.choice([f"{path.stem}.webp", f"{path.name}.bak", f"{chance.randrange(10**9)}.jpg"]))
    path.rename(new)
    archive = next(parent for parent in path.parents if (parent / "lock").exists())
    return f" to {new.relative_to(archive)}"


_WAYS: dict[str, tuple[Callable[[Path, random.Random], str], Flaw]] = {
    "flipped": (_flip, Flaw.ALTERED),
    "deleted": (_delete, Flaw.MISSING),
    "cut": (_cut, Flaw.TRUNCATED),
    "renamed": (_rename, Flaw.MISSING),
}


# Rows -----------------------------------------------------------------------------------------------------------------


def change_rows(archive: Path, chance: random.Random) -> Damage:
    """Change, remove or repeat one row of one table, as a program that is not ours would."""
    with contextlib.closing(sqlite3.connect(archive / "archive.db", isolation_level=None)) as connection:
        while True:
            connection.text_factory = str
            table = chance.choice(_tables(connection))
            columns = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
            column = chance.choice(columns)
            row = chance.randrange(max(1, making.one(connection, f"SELECT count(*) FROM {table}")))
            before = _content(connection, table)
            sql = chance.choice(_CHANGES).format(table=table, column=column, row=row, all=", ".join(columns))
            with contextlib.suppress(sqlite3.Error):  # not every table takes every change
                connection.execute(sql)
            if _content(connection, table) != before:
                return Damage(f"rows of {table}", sql)


def _tables(connection: sqlite3.Connection) -> list[str]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    return [name for (name,) in tables]


def _content(connection: sqlite3.Connection, table: str) -> list[str]:
    connection.text_factory = bytes  # what was changed need not be text any more
    return sorted(map(repr, connection.execute(f"SELECT * FROM {table}")))


_THIS = "(SELECT {column} FROM {table} LIMIT 1 OFFSET {row})"
_CHANGES = (
    f"UPDATE {{table}} SET {{column}} = {{column}} || 'x' WHERE {{column}} IS {_THIS}",
    f"UPDATE {{table}} SET {{column}} = {{column}} + 1 WHERE {{column}} IS {_THIS}",
    f"UPDATE {{table}} SET {{column}} = NULL WHERE {{column}} IS {_THIS}",
    f"DELETE FROM {{table}} WHERE {{column}} IS {_THIS}",
    "INSERT INTO {table} SELECT * FROM {table} LIMIT 1 OFFSET {row}",
    "DELETE FROM {table}",
)


def main() -> int:
    """Read the command line; 0 when all was found and nothing else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--archive", type=Path, help="a sound archive to be copied; none: one is made")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sound = chosen.archive or Path(name) / "sound"
        if chosen.archive is None:
            asyncio.run(making.make_archive(sound, articles=5, pictures=6))
        verdict = damage_all(sound, Path(name) / "work", chosen.count, chosen.seed)
    for kind, number in sorted(verdict.done.items()):
        sys.stdout.write(f"{number:6d}  {kind}\n")
    for fault in verdict.faults:
        sys.stdout.write(f"not as it should be: {fault}\n")
    found = verdict.done.total() - len(verdict.faults)
    sys.stdout.write(f"{found} of {verdict.done.total()} found, and nothing else (seed {chosen.seed})\n")
    return int(bool(verdict.faults))


if __name__ == "__main__":
    sys.exit(main())
