"""Crawls over long round trips, with and without a rate limit, beside the least time that they can take.

    python -m benchmarks.latency [--write]

Each case has a newsroom of plain files of its own, in memory, whose answers take their time (`latency.server`), and is
a whole `backfile crawl`, from the process's start to its end. `latency.bound` says how the least time is found; it has
neither start nor end. Cases run one after another: what little they compute is what is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results
from benchmarks.clock import Measured, run, surroundings
from benchmarks.latency.bound import Limits, least_seconds
from benchmarks.peers.clients import Work, backfile
from benchmarks.peers.newsroom import Shape, make
from benchmarks.peers.server import free_port
from benchmarks.workplace import workplace

CONCURRENCY = 16
_MEAN_BYTES = 4096
CASES = (  # some 40 s each
    (Shape(1_000, _MEAN_BYTES), Limits(0.1, CONCURRENCY)),
    (Shape(200, _MEAN_BYTES), Limits(0.4, CONCURRENCY)),
    (Shape(400, _MEAN_BYTES), Limits(0.1, CONCURRENCY, rate=60.0)),
    (Shape(100, _MEAN_BYTES), Limits(0.4, CONCURRENCY, rate=20.0)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a case took; `start` is until the first request reached the server, `end` from the last answer."""

    shape: Shape
    limits: Limits
    measured: Measured
    start: float
    end: float
    requests: int
    connections: int

    @property
    def least(self) -> float:
        """Return the least time it can take."""
        return least_seconds(self.shape, self.limits)


def crawl(folder: Path, shape: Shape, limits: Limits) -> Found:
    """Crawl a newsroom that is so far away. Raises RuntimeError when not everything was asked for."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    make(folder / "files", origin, shape)
    command = [sys.executable, "-m", "benchmarks.latency.server", str(folder / "files"), str(port)]
    server = subprocess.Popen(
        [*command, str(limits.round_trip)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings({}),
    )
    assert server.stdout is not None
    server.stdout.readline()
    work = Work(origin, folder, folder / "urls", Path(sys.executable), limits.rate, limits.concurrency)
    began = time.monotonic()
    measured, _ = run(backfile(work), {"BACKFILE_DM_KEY": "key"})
    ended = time.monotonic()
    seen = json.loads(server.communicate()[0])
    if seen["requests"] < shape.requests:
        raise RuntimeError(f"{seen['requests']} requests were made of {shape.requests}")
    end = ended - seen["last"] - limits.round_trip
    return Found(shape, limits, measured, seen["first"] - began, end, seen["requests"], seen["connections"])


def bench(folder: Path, cases: Sequence[tuple[Shape, Limits]] = CASES) -> str:
    """Run the cases; returns a table as Markdown."""

    found = [crawl(folder / f"far-{number}", *case) for number, case in enumerate(cases)]
    header = (
        "round trip",
        "rate limit",
        "requests",
        "least s",
        "backfile s",
        "ratio",
        "before the first",
        "after the last",
    )
    said = f"{CONCURRENCY} requests under way, one host. {results.machine()}.\n\n"
    return said + results.table(header, [_cells(one) for one in found])


def _cells(found: Found) -> Sequence[str]:
    limits, wall = found.limits, found.measured.wall
    return (
        f"{limits.round_trip * 1000:.0f} ms",
        f"{limits.rate:.0f}/s" if limits.rate else "none",
        f"{found.requests:,}",
        f"{found.least:.2f}",
        f"{wall:.2f}",
        f"{wall / found.least:.3f} ×",
        f"{found.start:.2f} s",
        f"{found.end:.2f} s",
    )


def main() -> None:
    """Run all cases, print, and write what was found where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    chosen = parser.parse_args()
    with workplace() as folder:
        text = bench(folder)
        print(text, flush=True)
        if chosen.write:
            results.write("latency", text)


if __name__ == "__main__":
    main()
