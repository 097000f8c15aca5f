"""backfile and its peers on the same work, side by side: requests a second, CPU, memory, and the ratios.

    python -m benchmarks.peers [--articles 2000] [--rounds 5] [--only backfile,"bare aiohttp script"]

nginx serves a newsroom of plain files from one core; each client has the other to itself. Rounds are interleaved,
medians compared. Wall time is that of the whole process, from its start to its end. Every run begins in a folder of its
own, and must keep every body that there is, to the byte; a small one of each client, which nobody measures, is first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import results
from benchmarks.clock import Measured, run
from benchmarks.drawing import bars
from benchmarks.peers import server
from benchmarks.peers.clients import CLIENTS, Client, Weight, Work, version_of, weigh
from benchmarks.peers.environment import interpreter, packages_of
from benchmarks.peers.newsroom import Shape, make, urls
from benchmarks.workplace import empty, workplace

CLIENT_CORE = 0
ARTICLES = 2000
ROUNDS = 5
SIZES = (4 << 10, 60_000)  # mean bytes of a rendition
_LONG = 5  # times the articles, in a crawl whose memory is watched
_WARMING = Shape(100, 4 << 10)


def measure(client: Client, work: Work, everything: Weight, pictures: Weight) -> Measured:
    """Run a client in a new folder. Raises RuntimeError when it fails, or has not kept what it was to keep."""
    (work.folder / "files").mkdir(parents=True)
    os.sync()  # what the run before has left to be written is not this one's burden
    measured, _ = run(client.command(work), {"BACKFILE_DM_KEY": "key"}, str(CLIENT_CORE))
    wanted, found = pictures if client.only_pictures else everything, client.kept(work.folder)
    if found != wanted:
        raise RuntimeError(f"{client.name} kept {found}, and was to keep {wanted}")
    empty(work.folder)
    return measured


def compare(
    clients: Sequence[Client], shape: Shape, rounds: int, folder: Path, say: Callable[[str], None]
) -> dict[str, list[Measured]]:
    """Return what each client's runs cost; the newsroom, and a folder for each run, are made in `folder`."""
    port = server.free_port()
    origin = f"http://127.0.0.1:{port}"
    make(folder / "files", origin, shape)
    wanted = list(urls(origin, shape))
    (folder / "urls").write_text("\n".join(wanted), encoding="utf-8")
    everything, pictures = weigh(folder / "files"), weigh(folder / "files" / "pictures")
    runs: dict[str, list[Measured]] = {client.name: [] for client in clients}
    with server.serving(folder, port):
        for number in range(rounds):
            for client in clients:
                place = folder / f"run-{number}-{client.name.replace(' ', '-')}"
                found = measure(client, Work(origin, place, folder / "urls", interpreter()), everything, pictures)
                runs[client.name].append(found)
                say(f"round {number + 1}: {client.name}: {len(wanted) / found.wall:.0f} requests/s")
    empty(folder / "files")
    return runs


def _row(client: Client, runs: Sequence[Measured], requests: int) -> results.Row:
    return results.Row(
        client.name,
        client.about,
        statistics.median(requests / one.wall for one in runs),
        statistics.median(1000 * one.user / requests for one in runs),
        statistics.median(1000 * one.system / requests for one in runs),
        max(one.memory for one in runs),
    )


def bench(folder: Path, clients: Sequence[Client], sizes: Sequence[int], articles: int, rounds: int) -> tuple[str, str]:
    """Compare the clients; returns the tables as Markdown and the plot as SVG."""
    packages = packages_of(interpreter())
    missing = {client.name: why for client in clients if (why := client.missing(packages))}
    able = [client for client in clients if client.name not in missing]
    compare(able, _WARMING, 1, folder / "warming", lambda line: _say(f"warming up, {line}"))
    tables, each = {}, []
    for size in sizes:
        shape = Shape(articles, size)
        runs = compare(able, shape, rounds, folder / f"{size}", _say)
        tables[size] = [_row(client, runs[client.name], shape.requests) for client in able]
        cpu = [1000 * one.cpu / shape.renditions for one in runs.get("backfile", [])]
        each += [f"{statistics.median(cpu):.2f} s at {size:,} bytes"] if cpu else []
    text = results.peers(tables, missing, articles, rounds, _versions(able, packages))
    if each:
        text += f"\nbackfile's CPU for 1,000 renditions, lists and articles included: {', '.join(each)}.\n"
        text += _long_crawl(folder, Shape(_LONG * articles, sizes[0]))
    groups = {f"{size:,} bytes on average": [(row.name, row.rate) for row in rows] for size, rows in tables.items()}
    return text, bars("Requests a second, one core", groups)


def _versions(clients: Sequence[Client], packages: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of all that is compared and not ours."""
    found = {"nginx": version_of(server.find_nginx() or "", "-v")}
    found |= {client.package: packages[client.package] for client in clients if client.package}
    return found | {client.program: version_of(client.program) for client in clients if client.program}


def _long_crawl(folder: Path, shape: Shape) -> str:
    """Return how much memory a crawl of ours holds as it goes on."""
    ours = [client for client in CLIENTS if client.name == "backfile"]
    (measured,) = compare(ours, shape, 1, folder / "long", _say)["backfile"]
    memory = ", ".join(f"{held / 1e6:.0f}" for held in measured.resident_at(10, 50, 100))
    return (
        f"\nA crawl of {shape.articles:,} articles and {shape.renditions:,} renditions: {memory} MB resident after 10, "
        f"50 and 100 % of its {measured.wall:.0f} s, {measured.memory / 1e6:.0f} MB at most.\n"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Compare, print, and write what was found where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=ARTICLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="names, with commas")
    parser.add_argument("--size", type=int, action="append", help="mean bytes of a rendition")
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    arguments = parser.parse_args()
    chosen = [client for client in CLIENTS if not arguments.only or client.name in arguments.only.split(",")]
    if server.find_nginx() is None:
        parser.exit(1, f"{server.MISSING}\n")
    with workplace() as folder:
        text, plot = bench(folder, chosen, arguments.size or SIZES, arguments.articles, arguments.rounds)
        print(text, flush=True)
        if arguments.write:
            results.write("peers", text, peers=plot)


if __name__ == "__main__":
    main()
