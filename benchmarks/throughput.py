"""How fast a crawl is beside a bare script that fetches the same URLs: ratios, not seconds.

Both run against a newsroom in a box in a process of its own, one after the other, several times, interleaved; medians
are compared. The bare script hashes what it fetches and writes each body to a file; backfile does everything it does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

CONCURRENCY = 16


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: wall and CPU seconds, requests, and the most memory it held, in bytes."""

    wall: float
    cpu: float
    requests: int
    memory: int


@contextlib.contextmanager
def newsroom(folder: Path, articles: int) -> Iterator[Path]:
    """Run a newsroom in a box; yields the configuration that points at it."""
    config = folder / "box.toml"
    command = [sys.executable, "-m", "backfile.cli", "simulate", "--articles", str(articles)]
    process = subprocess.Popen([*command, "--write-config", str(config)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        yield config
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def backfile(config: Path, archive: Path) -> Measured:
    """Crawl the box's category into a new archive."""
    shutil.rmtree(archive, ignore_errors=True)
    command = ["--config", str(config), "--archive", str(archive), "crawl", "--json"]
    return _measured([sys.executable, "-m", "backfile.cli", *command])


def bare(urls: Path, folder: Path) -> Measured:
    """Fetch the same URLs with a bare script."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return _measured([sys.executable, __file__, "--bare", str(urls), "--folder", str(folder)])


def _measured(command: list[str]) -> Measured:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    facts = json.loads(done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(facts.get("seconds", wall), cpu, facts["requests"], after.ru_maxrss * 1024)


async def fetch_all(urls: list[str], folder: Path) -> None:
    """Fetch, hash and write every URL, `CONCURRENCY` at a time."""
    waiting = iter(urls)

    async def work(session: aiohttp.ClientSession) -> None:
        for url in waiting:
            async with session.get(url) as response:
                body = await response.read()
            name = hashlib.sha256(body).hexdigest()
            temporary = folder / f"{name}.part"
            temporary.write_bytes(body)
            temporary.replace(folder / name)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session, asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(work(session))


def compare(articles: int, rounds: int) -> None:
    """Print the medians of both and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with newsroom(folder, articles) as config:
            backfile(config, folder / "archive")  # the box draws its pictures once
            database = sqlite3.connect(folder / "archive" / "archive.db")
            urls = [row[0] for row in database.execute("SELECT url FROM captures ORDER BY rowid")]
            database.close()
            (folder / "urls").write_text("\n".join(urls), encoding="utf-8")
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(backfile(config, folder / "archive"))
                theirs.append(bare(folder / "urls", folder / "bare"))
    for label, runs in (("backfile", ours), ("bare script", theirs)):
        rate = statistics.median(run.requests / run.wall for run in runs)
        cpu = statistics.median(1000 * run.cpu / run.requests for run in runs)
        memory = max(run.memory for run in runs) >> 20
        sys.stdout.write(f"{label:<12} {rate:8.0f} requests/s  {cpu:6.2f} CPU s per 1,000  {memory:5d} MiB\n")
    ratio = statistics.median(o.requests / o.wall for o in ours) / statistics.median(
        t.requests / t.wall for t in theirs
    )
    sys.stdout.write(
        f"backfile does {ratio:.2f} x the bare script's requests/s ({articles} articles, {rounds} rounds)\n"
    )


def main() -> None:
    """Compare, or be the bare script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare is None:
        compare(arguments.articles, arguments.rounds)
        return
    urls = arguments.bare.read_text(encoding="utf-8").splitlines()
    began = time.perf_counter()
    asyncio.run(fetch_all(urls, arguments.folder))
    sys.stdout.write(json.dumps({"requests": len(urls), "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
