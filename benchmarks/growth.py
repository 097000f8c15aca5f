"""What depends on how much is held: archives of 1,000 to 100,000 articles, frontiers of 10,000 to 1,000,000 URLs.

    python -m benchmarks.growth [--articles 1000 10000 100000] [--urls 10000 100000 1000000] [--rounds 3] [--write]

Each archive is made once (`benchmarks.big_archive`) for everything that is measured on it: starting a command, finding
words, nights without news from a newsroom in a box that has just these articles, verification beside `sha256sum` over
the same files, and keeping articles that are new. Rounds go over all sizes in turn; medians are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import big_archive, frontier, nights, results, verifying
from benchmarks.clock import run
from benchmarks.drawing import curves
from benchmarks.peers.server import free_port
from benchmarks.results import Growth
from benchmarks.workplace import workplace
from storage.reading import open_reading
from storage.search import Filters

ARTICLES = (1_000, 10_000, 100_000)
URLS = (10_000, 100_000, 1_000_000)
ROUNDS = 3
COMMON = ("the", "again", "clerks", "market", "report that", "water -plan")
RARE = ('"amber academy"', '"kalima observatory"', "title:granary", '"white heron" inquiry', "ibrahim mali")
_NEW = 300  # articles that are kept on top
_TIMES = 5  # that each search is asked

Measure = Callable[[Path], float]


class Archive:
    """An archive of so many articles, and the newsroom that they are of."""

    def __init__(self, folder: Path, articles: int) -> None:
        """Make it; takes some 3 ms an article."""
        self.newsroom = big_archive.Newsroom(articles, free_port())
        self.folder, self.config = folder / f"archive-{articles}", folder / f"archive-{articles}.toml"
        big_archive.make(self.folder, self.newsroom)

    @property
    def articles(self) -> int:
        """Return how many articles it holds."""
        return self.newsroom.articles

    @property
    def bytes_each(self) -> float:
        """Return the database's bytes for each article, with its renditions' rows."""
        return (self.folder / "archive.db").stat().st_size / self.articles


def searching(archive: Path, queries: Sequence[str]) -> float:
    """Return the median milliseconds that a search takes."""
    taken = []
    with open_reading(archive) as reading:
        for query in queries:
            reading.search(query, Filters())  # the pages are warm, as they are when somebody reads
            for _ in range(_TIMES):
                began = time.perf_counter()
                reading.search(query, Filters())
                taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def starting(archive: Path) -> float:
    """Return the seconds of a command that says what is held."""
    command = [sys.executable, "-m", "backfile.cli", "--archive", str(archive), "status", "--json"]
    return run(command, {})[0].wall


def archives(folder: Path, sizes: Sequence[int], rounds: int, say: Callable[[str], None]) -> list[Growth]:
    """Make archives of these sizes and measure them."""
    every = []
    for size in sizes:
        began = time.perf_counter()
        every.append(Archive(folder, size))
        say(f"an archive of {size:,} articles made in {time.perf_counter() - began:.0f} s")
    bytes_each = [one.bytes_each for one in every]
    found = [Growth("database bytes an article and its 11 renditions", "{:,.0f}", bytes_each, "bytes an article")]
    found += _read(every, rounds)
    say("started and searched")
    found += _nights(every, rounds)
    say("nights passed")
    found += _verified(every, rounds)
    say("verified")
    kept = [1000 * big_archive.keep_more(one.folder, one.newsroom, _NEW) for one in every]
    return [*found, Growth("keep a new article and its renditions, ms", "{:.2f}", kept, "keep an article")]


def _read(every: Sequence[Archive], rounds: int) -> list[Growth]:
    kinds: dict[str, tuple[str, Measure]] = {
        "`backfile status`, s": ("{:.2f}", starting),
        "search, rare words, ms": ("{:.2f}", lambda archive: searching(archive, RARE)),
        "search, common words, ms": ("{:.1f}", lambda archive: searching(archive, COMMON)),
    }
    taken: dict[str, list[list[float]]] = {name: [[] for _ in every] for name in kinds}
    for _ in range(rounds):
        for number, one in enumerate(every):
            for name, (_, measure) in kinds.items():
                taken[name][number].append(measure(one.folder))
    return [
        Growth(name, form, [statistics.median(one) for one in taken[name]], name.rpartition(",")[0].replace("`", ""))
        for name, (form, _) in kinds.items()
    ]


def _nights(every: Sequence[Archive], rounds: int) -> list[Growth]:
    """Let nights pass: an unmeasured first one for each archive, which sweeps the whole listing."""
    passed: dict[tuple[int, int], list[nights.Night]] = {}
    with contextlib.ExitStack() as stack:
        for one in every:
            stack.enter_context(nights.newsroom(one.config, one.articles, one.newsroom.port))
            nights.night(one.config, one.folder)
        for _ in range(rounds):
            for percent in (0, 1):
                for one in every:
                    night = nights.night(one.config, one.folder, percent)
                    passed.setdefault((one.articles, percent), []).append(night)

    def median(name: str, percent: int, scale: float = 1.0) -> list[float]:
        of = [passed[one.articles, percent] for one in every]
        return [statistics.median(getattr(night.measured, name) / scale for night in some) for some in of]

    requests = [float(max(night.requests for night in passed[one.articles, 0])) for one in every]
    return [
        Growth("night without change, s", "{:.2f}", median("wall", 0), "night"),
        Growth("night without change, CPU s", "{:.2f}", median("cpu", 0), "night, CPU"),
        Growth("night without change, peak MB", "{:.0f}", median("memory", 0, 1e6), "night, memory"),
        Growth("night without change, requests", "{:.0f}", requests),
        Growth("night that verifies 1 %, s", "{:.2f}", median("wall", 1)),
    ]


def _verified(every: Sequence[Archive], rounds: int) -> list[Growth]:
    found = [verifying.beside(one.folder, rounds) for one in every]
    each = [1000 * took.seconds / one.articles for took, one in zip(found, every, strict=True)]
    return [
        Growth("`verify`, ms an article", "{:.2f}", each, "verify"),
        Growth("… MB/s", "{:.0f}", [one.rate for one in found]),
        Growth("… multiple of sha256sum's speed", "{:.2f}", [one.wall for one in found]),
    ]


def bench(folder: Path, articles: Sequence[int], urls: Sequence[int], rounds: int) -> tuple[str, str, str]:
    """Measure; returns the tables as Markdown, and the plots of archives and of frontiers as SVG."""

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    queued = frontier.growth(folder, urls, rounds)
    say("frontiers measured")
    held = archives(folder, articles, rounds, say)
    text = f"Medians of {rounds} rounds. {results.machine()}.\n\n"
    text += (
        results.growths("articles held", articles, held) + "\n" + results.growths("URLs on the frontier", urls, queued)
    )
    return text, _plot("By articles held", articles, held), _plot("By URLs on the frontier", urls, queued)


def _plot(title: str, sizes: Sequence[int], rows: Sequence[Growth]) -> str:
    lines = {row.curve: row.values for row in rows if row.curve}
    return curves(f"{title}: multiples of the smallest", sizes, lines)


def main() -> None:
    """Measure, print, and write what was found where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, nargs="+", default=ARTICLES)
    parser.add_argument("--urls", type=int, nargs="+", default=URLS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md up to date")
    chosen = parser.parse_args()
    with workplace() as folder:
        text, held, queued = bench(folder, chosen.articles, chosen.urls, chosen.rounds)
        print(text, flush=True)
        if chosen.write:
            results.write("growth", text, growth=held, frontier=queued)


if __name__ == "__main__":
    main()
