"""Breaking an archive on purpose, and what `verify` then finds in it."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from storage.findings import Flaw
from storage.seal import beside
from storage.sealing import Sealer
from storage.verify import verify
from tests.storage import making

PAGE = 4096  # bytes in a page of a database

Found = set[tuple[Flaw, str]]


def found(folder: Path) -> Found:
    """Return what is found, without the details."""
    findings = list(verify(folder))
    assert len(set(findings)) == len(findings), "nothing is told twice"
    return {(f.flaw, f.subject) for f in findings}


def seal_again(folder: Path) -> None:
    """Seal an archive as it is."""
    beside(folder / "archive.db").unlink(missing_ok=True)
    with Sealer(folder / "archive.db") as sealer:
        sealer.rest()


def tamper(folder: Path, script: str) -> None:
    """Change rows as a mistake of ours would: sealed, as all that we write is."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        connection.executescript(script)
    seal_again(folder)


def name_of(folder: Path, path: Path) -> str:
    """Return the name of a file relative to the archive."""
    return str(path.relative_to(folder))


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    with path.open("r+b") as stream:
        stream.seek(at, 0 if at >= 0 else 2)
        (byte,) = stream.read(1)
        stream.seek(-1, 1)
        stream.write(bytes([byte ^ 0x20]))


def shuts_out(folder: Path) -> bool:
    """Say whether somebody is reading, so that another process cannot put the database into WAL mode just now."""
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "try: connection.execute('BEGIN EXCLUSIVE')\n"
        "except sqlite3.OperationalError as error: print(error)"
    )
    command = [sys.executable, "-c", script, str(folder / "archive.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout == "database is locked\n"


def page_of(folder: Path, table: str) -> int:
    """Return the first page of a table, counted from 1."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        return int(making.one(connection, "SELECT rootpage FROM sqlite_master WHERE name = ?", table))
