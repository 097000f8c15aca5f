"""All measurements that docs/performance.md shows, one after the other, written into it.

    python -m benchmarks [--quick]

Programs that are missing are named, and the rest is measured. Takes some 40 minutes on two cores and up to 20 GB of
disk, all given back at the end: nothing is deleted before (`benchmarks.workplace` says why).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import benchmarks.latency.__main__ as latency
import benchmarks.peers.__main__ as peers
from benchmarks import growth, results, verifying
from benchmarks.peers import server
from benchmarks.peers.clients import CLIENTS
from benchmarks.workplace import workplace

Part = Callable[[Path, bool], tuple[str, Mapping[str, str]]]  # a folder, quick or not: the text, and plots by name


def beside_peers(folder: Path, quick: bool) -> tuple[str, Mapping[str, str]]:
    """Compare with the peers."""
    articles, rounds = (200, 1) if quick else (peers.ARTICLES, peers.ROUNDS)
    text, plot = peers.bench(folder, CLIENTS, peers.SIZES, articles, rounds)
    return text, {"peers": plot}


def over_distance(folder: Path, quick: bool) -> tuple[str, Mapping[str, str]]:
    """Crawl over long round trips."""
    return latency.bench(folder, latency.CASES[-1:] if quick else latency.CASES), {}


def as_it_grows(folder: Path, quick: bool) -> tuple[str, Mapping[str, str]]:
    """Measure how things grow."""
    articles, urls = ((100, 1_000), (10_000, 100_000)) if quick else (growth.ARTICLES, growth.URLS)
    text, held, queued = growth.bench(folder, articles, urls, 1 if quick else growth.ROUNDS)
    return text, {"growth": held, "frontier": queued}


def verified(folder: Path, quick: bool) -> tuple[str, Mapping[str, str]]:
    """Compare `verify` with `sha256sum`."""
    articles, rounds = (200, 1) if quick else (verifying.ARTICLES, verifying.ROUNDS)
    return verifying.bench(folder, verifying.SIZES, articles, rounds), {}


PARTS: Mapping[str, Part] = {
    "latency": over_distance,
    "peers": beside_peers,
    "verify": verified,
    "growth": as_it_grows,
}


def missing() -> list[str]:
    """Return the Debian packages that would have to be installed."""
    programs = {client.debian for client in CLIENTS if client.program and shutil.which(client.program) is None}
    return sorted(programs | ({"nginx-light"} if server.find_nginx() is None else set()))


def main() -> None:
    """Measure all that can be measured here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small and once; nothing is written: does it all work?")
    quick = parser.parse_args().quick
    if packages := missing():
        print(f"some of it is left out; all of it needs: apt-get install {' '.join(packages)}", file=sys.stderr)
    left_out = {"peers"} if server.find_nginx() is None else set()
    with workplace() as folder:
        for name, part in PARTS.items():
            if name in left_out:
                continue
            began = time.monotonic()
            text, plots = part(folder, quick)
            print(f"## {name}, {time.monotonic() - began:.0f} s\n\n{text}", flush=True)
            if not quick:
                results.write(name, text, **plots)


if __name__ == "__main__":
    main()
