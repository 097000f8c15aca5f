"""How starting, claiming and committing depend on how much the frontier holds.

    python -m benchmarks.frontier [ROWS …]

For each size: the time from opening the archive to the first claimed jobs, the time to claim and finish one item, and
the memory that this took. The times of the largest are also given as multiples of those of the smallest.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from storage.records import Kind, Wanted
from storage.store import Store, open_store

SIZES = (10_000, 100_000, 1_000_000)
ITEMS = 3_200
_TARGET = Wanted(Kind.LISTING, "box:category/all", "https://www.example.org/category/all/", "box", "example.org", 10)
_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
INSERT INTO frontier (kind, key, site, host, scope, priority, state, due_at, attempts, found_on, first_seen_at, fault)
SELECT 'media', 'https://cdn.example.org/i/' || hex(randomblob(14)) || '=/1200x0/smart/file/' || i || '.jpg', 'box',
       'cdn.example.org', :scope, 30, iif(i % 10 < 6, 'queued', iif(i % 10 = 6, 'failed', 'done')),
       iif(i % 10 < 7, 1e9 + i, NULL), i % 10 = 6, :scope, '2026-01-01T00:00:00Z', iif(i % 10 = 6, 'server-error', NULL)
FROM n
"""


async def fill(folder: Path, rows: int) -> None:
    """Make an archive whose frontier holds so many rows: six in ten wait, one has failed, three are done."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        (scope,) = await store.begin_targets([_TARGET])
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        connection.execute(_FILL, {"rows": rows, "scope": scope})


async def measure(folder: Path) -> dict[str, float]:
    """Return seconds to the first claim and per item, and MiB of memory at the end."""
    began = time.perf_counter()
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        scopes = await store.begin_targets([_TARGET])
        await store.claim(scopes, {}, 64)
        started = time.perf_counter() - began
        began = time.perf_counter()
        await _work(store, scopes)
        item = (time.perf_counter() - began) / ITEMS
    size = (folder / "archive.db").stat().st_size / 2**20
    return {"start": started, "item": item, "memory": _peak_memory(), "size": size}


def _peak_memory() -> float:
    """Return the most MiB that this process ever had; `getrusage` would count its parent's before the fork."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


async def _work(store: Store, scopes: list[int]) -> None:
    for _ in range(ITEMS // 64):
        jobs, _ = await store.claim(scopes, {}, 64)
        for job in jobs:
            await store.skip(job, "measured")
    await store.flush()


def main() -> int:
    """Fill and measure each size in a process of its own; print a table."""
    if sys.argv[1:2] == ["--measure"]:
        sys.stdout.write(json.dumps(asyncio.run(measure(Path(sys.argv[2])))))
        return 0
    found: list[tuple[int, dict[str, Any]]] = []
    for rows in [int(text) for text in sys.argv[1:]] or SIZES:
        with TemporaryDirectory() as folder:
            asyncio.run(fill(Path(folder), rows))
            command = [sys.executable, "-m", "benchmarks.frontier", "--measure", folder]
            found.append((rows, json.loads(subprocess.run(command, check=True, capture_output=True).stdout)))
            _say(rows, found[-1][1])
    first, last = found[0][1], found[-1][1]
    ratios = ", ".join(f"{name} {last[name] / first[name]:.2f} x" for name in ("start", "item", "memory"))
    sys.stdout.write(f"{found[-1][0]:,} rows against {found[0][0]:,}: {ratios}\n")
    return 0


def _say(rows: int, one: dict[str, float]) -> None:
    sys.stdout.write(
        f"{rows:>9,} rows, {one['size']:6.1f} MiB: first jobs after {one['start'] * 1000:4.0f} ms, "
        f"{one['item'] * 1e6:4.0f} µs to claim and finish an item, {one['memory']:.0f} MiB of memory\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
