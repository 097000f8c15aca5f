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
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from storage.verify import verify
from tests.storage import making

SIZES = (500, 4_000, 60_000, 1_000_000)
PER_ARTICLE = 6
MOST_BYTES = 1 << 30


def ours(archive: Path) -> None:
    """Verify an archive, which must be sound."""
    findings = list(verify(archive))
    if findings:
        sys.exit(f"the archive is not sound: {findings[0]}")


def theirs(archive: Path) -> None:
    """Hash every file of an archive."""
    subprocess.run("find . -type f -print0 | xargs -0 sha256sum > /dev/null", shell=True, cwd=archive, check=True)


def seconds(work: Callable[[Path], None], archive: Path) -> tuple[float, float]:
    """Return how long it takes, and how much of the processors."""
    began, used = time.perf_counter(), _used()
    work(archive)
    return time.perf_counter() - began, _used() - used


def _used() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def compare(folder: Path, size: int, articles: int, rounds: int) -> None:
    """Print the medians of both for renditions of one size, and their ratio."""
    archive = folder / str(size)
    asyncio.run(making.make_archive(archive, articles, PER_ARTICLE, size))
    total = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file())
    pairs = [(seconds(ours, archive), seconds(theirs, archive)) for _ in range(rounds + 1)][1:]
    rate = total / statistics.median(mine for (mine, _), _ in pairs) / 1e6
    wall = statistics.median(other / mine for (mine, _), (other, _) in pairs)
    cpu = statistics.median(other / mine for (_, mine), (_, other) in pairs)
    sys.stdout.write(
        f"{articles * PER_ARTICLE:7d} renditions of {size:7d} bytes: {rate:5.0f} MB/s, "
        f"{wall:.2f} x the speed of sha256sum, {cpu:.2f} x by processor time\n"
    )
    shutil.rmtree(archive)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="bytes of a rendition")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in chosen.sizes:
            compare(Path(folder), size, min(chosen.articles, MOST_BYTES // size // PER_ARTICLE), chosen.rounds)


if __name__ == "__main__":
    main()
