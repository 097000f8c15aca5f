"""How fast `verify` is beside `sha256sum` over the same files: ratios, not seconds.

    python -m benchmarks.verifying

Archives of the same newsroom with renditions of several sizes; both read everything, one after the other, several
times, interleaved; medians are compared, of the time that passes and of the processors' time, which other work on the
machine disturbs less. `sha256sum` hashes files; `verify` also compares every page of the database with its seal,
every row with others, every kept body with its hash and the search index with its texts.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results
from benchmarks.workplace import ROOT, empty, workplace
from tests.storage import making

SIZES = (500, 4_000, 60_000, 1_000_000)
PER_ARTICLE = 6
MOST_BYTES = 1 << 30
ARTICLES = 4_000
ROUNDS = 3


_OURS = """
import gc, sys, time
from pathlib import Path
from storage.verify import verify
gc.set_threshold(7_000)
began, used = time.perf_counter(), time.process_time()
findings = list(verify(Path(sys.argv[1])))
print(time.perf_counter() - began, time.process_time() - used)
sys.exit(f"the archive is not sound: {findings[0]}" if findings else 0)
"""


def ours(archive: Path) -> tuple[float, float]:
    """Verify an archive, which must be sound; returns how long that took, and how much of the processors.

    In a process of its own, as the command line is one; its start is left out.
    """
    command = [sys.executable, "-c", _OURS, str(archive)]
    wall, cpu = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout.split()
    return float(wall), float(cpu)


def theirs(archive: Path) -> tuple[float, float]:
    """Hash every file of an archive; returns how long that took, and how much of the processors."""
    began, used = time.perf_counter(), _used_by_children()
    subprocess.run("find . -type f -print0 | xargs -0 sha256sum > /dev/null", shell=True, cwd=archive, check=True)
    return time.perf_counter() - began, _used_by_children() - used


def _used_by_children() -> float:
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


@dataclass(frozen=True, slots=True)
class Beside:
    """How fast `verify` is: seconds, MB a second, multiples of sha256sum's speed by the clock and by processor time."""

    seconds: float
    rate: float
    wall: float
    cpu: float


def beside(archive: Path, rounds: int) -> Beside:
    """Compare both on an archive, interleaved; the first round is not counted."""
    total = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file())
    pairs = [(ours(archive), theirs(archive)) for _ in range(rounds + 1)][1:]
    took = statistics.median(mine for (mine, _), _ in pairs)
    return Beside(
        took,
        total / took / 1e6,
        statistics.median(other / mine for (mine, _), (other, _) in pairs),
        statistics.median(other / mine for (_, mine), (_, other) in pairs),
    )


def bench(folder: Path, sizes: Sequence[int], articles: int, rounds: int) -> str:
    """Compare both on archives with renditions of several sizes; returns a table as Markdown."""
    rows = []
    for size in sizes:
        number = min(articles, MOST_BYTES // size // PER_ARTICLE)
        archive = folder / f"verified-{size}"
        asyncio.run(making.make_archive(archive, number, PER_ARTICLE, size))
        found = beside(archive, rounds)
        rows.append((f"{size:,}", f"{number * PER_ARTICLE:,}", f"{found.rate:.0f}", *_ratios(found)))
        empty(archive)
    header = ("bytes of a rendition", "renditions", "MB/s", "speed, sha256sum = 1", "by processor time")
    return f"Medians of {rounds} rounds. {results.machine()}.\n\n" + results.table(header, rows)


def _ratios(found: Beside) -> tuple[str, str]:
    return f"{found.wall:.2f} ×", f"{found.cpu:.2f} ×"


def main() -> None:
    """Compare, print, and write what was found where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=ARTICLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="bytes of a rendition")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    chosen = parser.parse_args()
    with workplace() as folder:
        text = bench(folder, chosen.sizes, chosen.articles, chosen.rounds)
        print(text, flush=True)
        if chosen.write:
            results.write("verify", text)


if __name__ == "__main__":
    main()
