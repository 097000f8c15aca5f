"""How long the reader's pages take, beside the bare SQLite queries of the same data.

    python -m benchmarks.big_archive DIR --articles 100000
    python -m benchmarks.reading DIR

`backfile browse` runs in a process of its own; one client asks for one page after the other. Times are milliseconds at
the client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp

COMMON = ("the", "again", "clerks", "market", "report that", "water -plan")
RARE = ('"amber academy"', '"kalima observatory"', "title:granary", '"white heron" inquiry', "ibrahim mali")
SHELF = (
    "SELECT a.* FROM article AS a INDEXED BY article_published WHERE EXISTS (SELECT 1 FROM article_term AS t "
    "WHERE t.term = (SELECT id FROM term WHERE kind = 'category' AND cms_id = ?) AND t.article = a.id) "
    "ORDER BY a.first_published DESC LIMIT 30"
)
MATCH = "SELECT rowid, bm25(search) AS score FROM search WHERE search MATCH ? ORDER BY score LIMIT 20"


@contextlib.contextmanager
def browsing(archive: Path) -> Iterator[tuple[str, int]]:
    """Run the reader; yields its address and process."""
    command = [sys.executable, "-m", "backfile.cli", "--archive", str(archive), "browse", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split(" at ")[1].split(" ")[0].rstrip("/"), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def ids(connection: sqlite3.Connection, sql: str) -> list[str]:
    """Return the first column of a query."""
    return [str(row[0]) for row in connection.execute(sql)]


def percentiles(times: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return statistics.median(times), sorted(times)[int(len(times) * 0.99) - 1]


async def ask(base: str, address: Callable[[], str], times: int) -> tuple[float, float]:
    """Ask for pages one after the other; returns the median and the 99th percentile in milliseconds."""
    taken = []
    async with aiohttp.ClientSession() as session:
        for _ in range(times):
            path = address()
            start = time.perf_counter()
            async with session.get(base + path) as answer:
                await answer.read()
                assert answer.status == 200, path
            taken.append(1000 * (time.perf_counter() - start))
    return percentiles(taken)


def bare(connection: sqlite3.Connection, sql: str, value: Callable[[], str], times: int) -> float:
    """Run a query as often; returns the median in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        connection.execute(sql, (value(),)).fetchall()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def memory(process: int) -> float:
    """Return the most memory that a process has held, in MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def main() -> None:
    """Measure every kind of page and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--times", type=int, default=300)
    chosen = parser.parse_args()
    connection = sqlite3.connect(f"{(chosen.archive / 'archive.db').resolve().as_uri()}?mode=ro", uri=True)
    articles = ids(connection, "SELECT cms_id FROM article ORDER BY random() LIMIT 5000")
    categories = ids(connection, "SELECT cms_id FROM term WHERE kind = 'category'")
    pick = random.Random(1).choice
    kinds: dict[str, tuple[Callable[[], str], str, Callable[[], str]]] = {
        "front": (lambda: "/", "SELECT * FROM article WHERE first_published < ? "
                  "ORDER BY first_published DESC LIMIT 13", lambda: "~"),
        "article": (lambda: f"/article/dm/{pick(articles)}", "SELECT r.json, a.* FROM article AS a JOIN revision AS r "
                    "ON r.article = a.id WHERE a.site = 'dm' AND a.cms_id = ?", lambda: pick(articles)),
        "category": (lambda: f"/category/dm/{pick(categories)}", SHELF, lambda: pick(categories)),
        "search, rare words": (lambda: f"/search?q={pick(RARE)}", MATCH, lambda: "amber AND academy"),
        "search, common words": (lambda: f"/search?q={pick(COMMON)}", MATCH, lambda: pick(COMMON[:5])),
        "pictures": (lambda: "/pictures", "SELECT * FROM article WHERE first_published < ? "
                     "ORDER BY first_published DESC LIMIT 40", lambda: "~"),
    }  # fmt: skip
    with browsing(chosen.archive) as (base, process):
        print(f"{'page':22} {'p50':>8} {'p99':>8} {'bare SQLite p50':>16}  ms")
        for name, (address, sql, value) in kinds.items():
            asyncio.run(ask(base, address, 20))
            middle, late = asyncio.run(ask(base, address, chosen.times))
            print(f"{name:22} {middle:8.2f} {late:8.2f} {bare(connection, sql, value, chosen.times):16.2f}")
        print(f"most memory held: {memory(process):.0f} MB")
    connection.close()


if __name__ == "__main__":
    main()
