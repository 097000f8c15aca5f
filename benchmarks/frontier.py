"""Starting, claiming and finishing on a frontier of many URLs.

`python -m benchmarks.frontier FOLDER` measures an archive that `fill` has made; `benchmarks.growth` calls it, so that
the process's memory is that of the measured work alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.clock import run
from benchmarks.results import Growth
from storage.opening import open_store
from storage.records import Kind, Wanted

_ITEMS = 1_280  # in a round: the smallest frontier has enough for five
_TARGET = Wanted(Kind.LISTING, "box:category/all", "https://www.example.org/category/all/", "box", "example.org", 10)
_FILL = """
WITH RECURSIVE m(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM m WHERE i < :rows),
n(i, lost) AS (SELECT i, i % (:rows / 1000) = :rows / 1000 - 1 AND i % 10 = 9 FROM m)
INSERT INTO frontier (kind, key, site, host, scope, priority, state, due_at, attempts, found_on, first_seen_at, fault)
SELECT 'media', 'https://cdn.example.org/i/' || hex(randomblob(14)) || '=/1200x0/smart/file/' || i || '.jpg', 'box',
       'cdn.example.org', :scope, 30, iif(i % 10 < 6, 'queued', iif(lost, 'failed', 'done')),
       iif(i % 10 < 6 OR lost, 1e9 + i, NULL), lost, :scope, '2026-01-01T00:00:00Z', iif(lost, 'server-error', NULL)
FROM n
"""


async def fill(folder: Path, rows: int) -> None:
    """Make an archive whose frontier holds so many rows: six in ten wait, a thousand have failed, the others are done.

    A run puts back what has failed before, some of it with each claim: as many for all sizes, to compare the rest.
    """
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        (scope,) = await store.begin_targets([_TARGET])
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        connection.execute(_FILL, {"rows": rows, "scope": scope})
    (folder / "archive.seal").unlink()  # it would rightly say that somebody else has written to the database


async def _measure(folder: Path) -> dict[str, float]:
    """Return seconds to the first claim, to claim an item, and to finish it with its commit."""
    began = time.perf_counter()
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        scopes = await store.begin_targets([_TARGET])
        jobs, _ = await store.claim(scopes, {}, 64)
        started = time.perf_counter()
        while len(jobs) < _ITEMS:
            jobs += (await store.claim(scopes, {}, 64))[0]
        claimed = time.perf_counter()
        for job in jobs:
            await store.skip(job, "measured")
        await store.flush()
        finished = time.perf_counter()
    number = len(jobs)
    return {
        "start": started - began,
        "claim": (claimed - started) / (number - 64),
        "finish": (finished - claimed) / number,
    }


def growth(folder: Path, sizes: Sequence[int], rounds: int) -> list[Growth]:
    """Fill frontiers of these sizes and measure them in turn, each time in a process of its own."""
    archives = [folder / f"frontier-{rows}" for rows in sizes]
    for archive, rows in zip(archives, sizes, strict=True):
        asyncio.run(fill(archive, rows))
    bytes_each = [(archive / "archive.db").stat().st_size / rows for archive, rows in zip(archives, sizes, strict=True)]
    taken: dict[str, list[list[float]]] = {}
    for _ in range(rounds):
        for number, archive in enumerate(archives):
            measured, said = run([sys.executable, "-m", "benchmarks.frontier", str(archive)], {})
            for name, value in (json.loads(said) | {"memory": measured.memory}).items():
                taken.setdefault(name, [[] for _ in sizes])[number].append(value)
    found = {name: [statistics.median(some) for some in values] for name, values in taken.items()}
    each = [claim + finish for claim, finish in zip(found["claim"], found["finish"], strict=True)]
    return [
        Growth("from opening to the first claim, ms", "{:.0f}", [1e3 * one for one in found["start"]], "start"),
        Growth("claim an item, µs", "{:.1f}", [1e6 * one for one in found["claim"]], "claim"),
        Growth("finish an item and commit, µs", "{:.1f}", [1e6 * one for one in found["finish"]], "finish, commit"),
        Growth("both, µs", "{:.1f}", [1e6 * one for one in each]),
        Growth("peak memory, MB", "{:.0f}", [one / 1e6 for one in found["memory"]], "memory"),
        Growth("database bytes a URL", "{:.0f}", bytes_each),
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_measure(Path(sys.argv[1])))))
