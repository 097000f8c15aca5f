"""How long the reader's pages take, beside the bare SQLite queries of the same data, and beside a busy crawl.

    python -m benchmarks.big_archive DIR --articles 100000
    python -m benchmarks.reading DIR [--crawl]

`backfile browse` runs in a process of its own; one client asks for one page after the other. Times are milliseconds at
the client. Bare are all statements that a page runs, with their values, run again and fetched. With `--crawl` a crawl
of a newsroom of plain files writes to the same archive meanwhile, as fast as it can.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp

from benchmarks.growth import COMMON, RARE
from benchmarks.peers.clients import Work, backfile
from benchmarks.peers.newsroom import Shape, make
from benchmarks.peers.server import free_port, serving
from reader.app import PAGES
from reader.export.routes import Routes
from reader.pages import front
from reader.room import Room, RoomSettings
from storage.desks import open_desks

TRACED = 12  # pages of a kind whose statements are run bare


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


async def bare(archive: Path, addresses: list[str]) -> float:
    """Return the median milliseconds that the statements behind these pages take on their own."""
    desks = open_desks(archive, 1)
    routes = Routes({"/": front.page, **PAGES})
    taken = []
    try:
        for address in addresses:
            room = Room(RoomSettings(archive), desks)  # a new one remembers nothing
            statements: list[str] = []
            await desks.ask(lambda reading: reading.connection.set_trace_callback(statements.append))  # noqa: B023
            found = routes.find(address)
            assert found is not None, address
            await found[0](room, found[1])
            await desks.ask(lambda reading: reading.connection.set_trace_callback(None))
            reads = [one for one in statements if one.lstrip().upper().startswith(("SELECT", "WITH"))]
            await desks.ask(lambda reading: _run(reading.connection, reads))  # noqa: B023 - the pages are warm, too
            taken.append(await desks.ask(lambda reading: _run(reading.connection, reads)))  # noqa: B023
    finally:
        desks.close()
    return statistics.median(taken)


def _run(connection: sqlite3.Connection, statements: list[str]) -> float:
    start = time.perf_counter()
    for statement in statements:
        connection.execute(statement).fetchall()
    return 1000 * (time.perf_counter() - start)


@contextlib.contextmanager
def crawling(archive: Path, articles: int) -> Iterator[None]:
    """Let a crawl write to the archive, as fast as it can, until the block ends."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        make(folder / "files", f"http://127.0.0.1:{port}", Shape(articles, 4096))
        work = Work(f"http://127.0.0.1:{port}", folder, folder / "urls", Path(sys.executable))
        command = [
            *backfile(work)[:-1],
            "--archive",
            str(archive),
            "crawl",
            "--new-shape",
        ]  # others than the archive has
        with serving(folder, port):
            process = subprocess.Popen(
                command,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"BACKFILE_DM_KEY": "key", "BACKFILE_CRAWL_FAILURE_BUDGET": "1"},
            )
            yield
            assert process.poll() is None, "the crawl ended before the measurement: give it more articles"
            process.send_signal(signal.SIGTERM)
            process.wait()


def memory(process: int) -> float:
    """Return the most memory that a process has held, in MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def main() -> None:
    """Measure every kind of page and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--crawl", type=int, nargs="?", const=20_000, default=0, help="articles to crawl meanwhile")
    chosen = parser.parse_args()
    connection = sqlite3.connect(f"{(chosen.archive / 'archive.db').resolve().as_uri()}?mode=ro", uri=True)
    articles = ids(connection, "SELECT cms_id FROM article ORDER BY random() LIMIT 5000")
    categories = ids(connection, "SELECT cms_id FROM term WHERE kind = 'category'")
    pick = random.Random(1).choice
    kinds: dict[str, Callable[[], str]] = {
        "front": lambda: "/",
        "article": lambda: f"/article/dm/{pick(articles)}",
        "category": lambda: f"/category/dm/{pick(categories)}",
        "search, rare words": lambda: f"/search?q={pick(RARE)}",
        "search, common words": lambda: f"/search?q={pick(COMMON)}",
        "pictures": lambda: "/pictures",
    }
    with contextlib.ExitStack() as stack:
        base, process = stack.enter_context(browsing(chosen.archive))
        if chosen.crawl:
            stack.enter_context(crawling(chosen.archive, chosen.crawl))
            time.sleep(5)  # so that it is in full swing
        print(f"{'page':22} {'p50':>8} {'p99':>8} {'bare SQLite p50':>16} {'ratio':>6}  ms")
        for name, address in kinds.items():
            asyncio.run(ask(base, address, 100))  # the first visit to a section draws its chart
            middle, late = asyncio.run(ask(base, address, chosen.times))
            plain = asyncio.run(bare(chosen.archive, [address() for _ in range(TRACED)]))
            print(f"{name:22} {middle:8.2f} {late:8.2f} {plain:16.2f} {middle / plain:6.1f}")
        print(f"most memory held: {memory(process):.0f} MB")
    connection.close()


if __name__ == "__main__":
    main()
