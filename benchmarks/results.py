"""Where measurements go: tables between marks in docs/performance.md, and plots beside it."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"


@dataclass(frozen=True, slots=True)
class Growth:
    """How something grows: its name, how to write it, what it is for each size; its curve's name, '' for none."""

    name: str
    form: str
    values: Sequence[float]
    curve: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What one client did: requests a second, CPU seconds per 1,000 requests, peak memory in bytes."""

    name: str
    about: str
    rate: float
    user: float
    system: float
    memory: int


def machine() -> str:
    """Return a line on what this ran on."""
    model = re.search(r"model name\s*: (.+)", _read("/proc/cpuinfo"))
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {model[1] if model else platform.machine()}, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def peers(
    tables: Mapping[int, Sequence[Row]],
    missing: Mapping[str, str],
    articles: int,
    rounds: int,
    versions: Mapping[str, str],
) -> str:
    """Return what a comparison found, as Markdown; each size of rendition has a table."""
    known = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{articles:,} articles and {6 * articles:,} renditions, medians of {rounds} interleaved runs, one core for "
        f"the client, the other for nginx. {machine()}; {known}.",
    ]
    for size, rows in tables.items():
        ours = next((row.rate for row in rows if row.name == "backfile"), 0.0)
        title = f"{size / 1024:.0f} KB" if size < 10_000 else f"{size / 1000:.0f} KB"
        header = ("client", "what it does", "requests/s", "backfile is", "CPU s per 1,000", "user + system", "peak MB")
        lines += ["", f"**Renditions of {title} on average**", "", *_table(header, (_cells(row, ours) for row in rows))]
    if missing:
        lines += ["", "Missing: " + "; ".join(f"{name}: {why}" for name, why in missing.items()) + "."]
    return "\n".join(lines) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    return "\n".join(_table(header, rows)) + "\n"


def growths(what: str, sizes: Sequence[int], rows: Sequence[Growth]) -> str:
    """Return how things grow as a table, with the largest size's as multiples of the smallest's."""
    header = (what, *(f"{size:,}" for size in sizes), "last : first")
    return table(header, [_growth(row) for row in rows])


def _growth(row: Growth) -> tuple[str, ...]:
    values = [row.form.format(value) for value in row.values]
    return row.name, *values, f"{row.values[-1] / row.values[0]:.2f} ×" if row.curve else ""


def write(section: str, text: str, **plots: str) -> None:
    """Put a text between the marks of its section in the page on performance, and plots beside the page, by name.

    Raises ValueError without marks.
    """
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {section} -->\n", f"<!-- /{section} -->"
    before, found, rest = page.partition(begin)
    if not found:
        raise ValueError(f"{PAGE} has no {begin.strip()}")
    PAGE.write_text(before + begin + text + end + rest.partition(end)[2], encoding="utf-8")
    for name, plot in plots.items():
        (DOCS / f"performance-{name}.svg").write_text(plot, encoding="utf-8")


def _cells(row: Row, ours: float) -> tuple[str, ...]:
    ratio = "" if row.name == "backfile" or not ours else f"{ours / row.rate:.2f} ×"
    parts = f"{row.user:.2f} + {row.system:.2f}"
    return row.name, row.about, f"{row.rate:,.0f}", ratio, f"{row.user + row.system:.2f}", parts, f"{row.memory >> 20}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---" if number < 1 else "---:" for number in range(len(header))]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
