"""backfile and its peers on the same work, side by side: requests a second, CPU, memory, and the ratios.

    python -m benchmarks.peers [--articles 2000] [--rounds 5] [--only backfile,"bare aiohttp script"]

nginx serves a newsroom of plain files from one core; each client has the other to itself. Rounds are interleaved,
medians compared. Wall time is that of the whole process, from its start to its end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import results
from benchmarks.clock import Measured, run
from benchmarks.drawing import bars
from benchmarks.peers.clients import CLIENTS, Client, Work
from benchmarks.peers.environment import interpreter, packages_of
from benchmarks.peers.newsroom import Shape, make, urls
from benchmarks.peers.server import free_port, serving

CLIENT_CORE = 0
SIZES = (4 << 10, 60_000)  # mean bytes of a rendition


def measure(client: Client, work: Work, kept: int) -> Measured:
    """Run a client in an empty folder. Raises RuntimeError when it fails, or has not kept what it was to keep."""
    shutil.rmtree(work.folder, ignore_errors=True)
    (work.folder / "files").mkdir(parents=True)
    if client.name == "crawlee":
        (work.folder / "files").rmdir()
    os.sync()  # what the run before has left to be written is not this one's burden
    measured, _ = run(client.command(work), {"BACKFILE_DM_KEY": "key"}, str(CLIENT_CORE))
    if client.kept is not None and (found := client.kept(work.folder)) < kept:
        raise RuntimeError(f"{client.name} kept {found} bodies of {kept}")
    return measured


def compare(clients: Sequence[Client], shape: Shape, rounds: int, say: Callable[[str], None]) -> list[results.Row]:
    """Return a row for each client."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        origin = f"http://127.0.0.1:{port}"
        make(folder / "files", origin, shape)
        wanted = list(urls(origin, shape))
        (folder / "urls").write_text("\n".join(wanted), encoding="utf-8")
        work = Work(origin, folder / "run", folder / "urls", interpreter())
        runs: dict[str, list[Measured]] = {client.name: [] for client in clients}
        with serving(folder, port):
            for number in range(rounds):
                for client in clients:
                    found = measure(client, work, shape.renditions)
                    runs[client.name].append(found)
                    say(f"round {number + 1}: {client.name}: {len(wanted) / found.wall:.0f} requests/s")
    return [_row(client, runs[client.name], len(wanted)) for client in clients]


def _row(client: Client, runs: Sequence[Measured], requests: int) -> results.Row:
    return results.Row(
        client.name,
        client.about,
        statistics.median(requests / one.wall for one in runs),
        statistics.median(1000 * one.cpu / requests for one in runs),
        max(one.memory for one in runs),
    )


def main() -> None:
    """Compare, print, and write what was found where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="names, with commas")
    parser.add_argument("--size", type=int, action="append", help="mean bytes of a rendition")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    arguments = parser.parse_args()
    chosen = [client for client in CLIENTS if not arguments.only or client.name in arguments.only.split(",")]
    packages = packages_of(interpreter())
    missing = {client.name: why for client in chosen if (why := client.missing(packages))}
    able = [client for client in chosen if client.name not in missing]
    tables = {}
    for size in arguments.size or SIZES:
        shape = Shape(arguments.articles, size)
        tables[size] = compare(able, shape, arguments.rounds, lambda line: print(line, file=sys.stderr, flush=True))
    text = results.peers(tables, missing, arguments.articles, arguments.rounds, packages)
    sys.stdout.write(text)
    if arguments.write:
        results.write("peers", text)
        groups = {f"{size:,} bytes on average": [(row.name, row.rate) for row in rows] for size, rows in tables.items()}
        (results.DOCS / "performance-peers.svg").write_text(
            bars("Requests a second, one core", groups), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
