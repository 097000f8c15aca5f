"""Whether the rows of another archive can be trusted to be brought: they are of the kind that ours are, and agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from storage import rules
from storage.errors import ArchiveDamaged

# Without those that are SQLite's own, or the search index's.
_TABLES = """
SELECT name FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search%' ORDER BY name
"""
_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY name'
# What is lost is named, and the rest brought; and our own triggers count what is brought.
_NEVERTHELESS = {"revisions were read from what is kept", "counters count"}
_RULES = {name: rule for name, rule in rules.ROWS.items() if name not in _NEVERTHELESS}
_SHOWN = 3


class Expected(NamedTuple):
    """What the tables of an archive are, by ours: the columns of each, and the rules for what it refers to."""

    columns: dict[str, list[tuple[str, str, int, int]]]
    references: dict[str, str]


def expected(own: sqlite3.Connection) -> Expected:
    """Return what rows are to be compared with."""
    tables = [name for (name,) in own.execute(_TABLES).fetchall()]
    columns = {table: [tuple(column) for column in own.execute(_COLUMNS, (table,))] for table in tables}
    return Expected(columns, rules.references(partial(_ask, own)))


def check_rows(theirs: sqlite3.Connection, norm: Expected, path: Path) -> None:
    """Raise ArchiveDamaged where rows are not what an archive's are, or contradict each other; `path`: of theirs."""
    if wrong := list(islice(_wrong(theirs, norm), _SHOWN)):
        raise ArchiveDamaged(
            f"the rows of {path} cannot be trusted ({'; '.join(wrong)}); nothing was merged. Restore that archive from "
            f"a backup, or see what else is wrong with it: backfile --archive {path.parent} verify"
        )


def _ask(connection: sqlite3.Connection, query: str, values: Sequence[object] = ()) -> list[Any]:
    return connection.execute(query, values).fetchall()


def _wrong(theirs: sqlite3.Connection, norm: Expected) -> Iterator[str]:
    real = {name for (name,) in theirs.execute(_TABLES)}
    for table, columns in norm.columns.items():
        if table not in real or not set(columns) <= set(theirs.execute(_COLUMNS, (table,))):
            yield f"its table {table} is not that of an archive"
            return
    for table, columns in norm.columns.items():
        for name, kind, _, _ in columns:
            if theirs.execute(f"SELECT 1 FROM {table} WHERE {_is_odd(name, kind)} LIMIT 1").fetchone():  # noqa: S608
                yield f"{table}.{name} has a value that no run writes"
    for finding in rules.broken(partial(_ask, theirs), norm.references | _RULES):
        yield f"{finding.subject}: {finding.detail}"


def _is_odd(name: str, kind: str) -> str:
    """Return the condition for a value that is of another type than its column, or no time where one should be."""
    if kind == "BLOB":  # compared with its hash when it is brought
        return "0"
    odd = f"{name} IS NOT NULL AND typeof({name}) <> '{kind.lower()}'"
    if kind == "TEXT" and (name in ("at", "since") or name.endswith("_at")):
        odd += f" OR {name} <> coalesce(strftime('%Y-%m-%dT%H:%M:%SZ', {name}, '+0 days'), '')"
    if name in ("notes", "headers"):
        odd += f" OR NOT json_valid({name})"
    return odd
