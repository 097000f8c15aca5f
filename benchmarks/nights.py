"""What a night costs when nothing has changed, by how much is held: it should not matter.

    python -m benchmarks.nights [ARTICLES …]

For each size a newsroom in a box is crawled once, without its pictures; a first night sweeps the whole listing. Then
nights without any change are measured, interleaved. The sample that a night verifies is measured apart: it is a
hundredth of the archive, and so grows with it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results
from benchmarks.clock import Measured, run

SIZES = (1_000, 10_000, 100_000)
KEY = {"BACKFILE_DM_KEY": "box-key"}
EVERYTHING = {"BACKFILE_NIGHTLY_SWEEP_REQUESTS": "100000", "BACKFILE_CRAWL_FAILURE_BUDGET": "1"}
_LEFT_OUT = "UPDATE frontier SET state = 'skipped', due_at = NULL, error = 'measured without' WHERE kind = 'media'"
_COMMAND = [sys.executable, "-m", "backfile.cli"]


@dataclass(frozen=True, slots=True)
class Night:
    """One night: what it cost, and how many requests it made."""

    measured: Measured
    requests: int


@contextlib.contextmanager
def newsroom(config: Path, articles: int) -> Iterator[None]:
    """Run a newsroom in a box, whose configuration is written."""
    command = [*_COMMAND, "simulate", "--articles", str(articles), "--write-config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def fill(config: Path, archive: Path) -> None:
    """Archive the articles, and let a night sweep the listing."""
    options = ["--config", str(config), "--archive", str(archive), "--quiet"]
    subprocess.run([*_COMMAND, *options, "crawl", "--no-media"], env=os.environ | KEY, check=True)
    with contextlib.closing(sqlite3.connect(archive / "archive.db")) as database, database:
        database.execute(_LEFT_OUT)
    (archive / "archive.seal").unlink()  # it would rightly say that somebody else has written to the database
    night(config, archive, verify=0)


def night(config: Path, archive: Path, verify: float) -> Night:
    """Measure one night."""
    command = [*_COMMAND, "--config", str(config), "--archive", str(archive), "nightly", "--json"]
    more = KEY | EVERYTHING | {"BACKFILE_NIGHTLY_VERIFY_PERCENT": str(verify)}
    measured, said = run(command, more)
    result = json.loads(said)
    assert result["exit_status"] == 0, said
    assert not result["articles_new"] + result["articles_changed"], said
    return Night(measured, int(result["requests"]))


def compare(folder: Path, sizes: list[int], rounds: int) -> str:
    """Return a table, and what the largest costs as multiples of the smallest."""
    with contextlib.ExitStack() as stack:
        places = {size: (folder / f"{size}.toml", folder / str(size)) for size in sizes}
        for size, (config, archive) in places.items():
            stack.enter_context(newsroom(config, size))
            fill(config, archive)
        nights: dict[tuple[int, int], list[Night]] = {(size, percent): [] for percent in (0, 1) for size in sizes}
        for _ in range(rounds):
            for (size, percent), found in nights.items():
                found.append(night(*places[size], percent))
    rows = [(f"{size:,}", *_cells(nights[size, 0]), *_cells(nights[size, 1])[1:3]) for size in sizes]
    header = (
        "articles held",
        "requests",
        "seconds",
        "CPU s",
        "peak MB",
        "seconds, 1 % verified",
        "CPU s, 1 % verified",
    )
    first, last = nights[sizes[0], 0], nights[sizes[-1], 0]
    ratios = ", ".join(
        f"{name} {_median(last, name) / _median(first, name):.2f} ×" for name in ("wall", "cpu", "memory")
    )
    said = f"{results.machine()}. {sizes[-1]:,} against {sizes[0]:,} articles, nothing verified: {ratios}.\n\n"
    return said + results.table(header, rows)


def _median(nights: list[Night], name: str) -> float:
    return float(statistics.median(getattr(one.measured, name) for one in nights))


def _cells(nights: list[Night]) -> tuple[str, ...]:
    requests = str(max(one.requests for one in nights))
    memory = str(int(_median(nights, "memory")) >> 20)
    return requests, f"{_median(nights, 'wall'):.2f}", f"{_median(nights, 'cpu'):.2f}", memory


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = compare(Path(folder), list(chosen.sizes), chosen.rounds)
    sys.stdout.write(text)
    if chosen.write:
        results.write("nights", text)


if __name__ == "__main__":
    main()
