"""The torture: one crawl, killed again and again, must end as if nothing had ever happened."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from storage.verify import verify
from tests.torture.likeness import Likeness, differences, likeness, one, residue
from tests.torture.victim import CLOSING, POINTS, Fate, Victim

ROOT = Path(__file__).resolve().parents[2]
TARGET = "dm:publication/1"  # listed by the API, which names each article in one way: by its id
KEY = "box-key"
_PATIENCE = 2.0  # seconds after which a crawl is killed wherever it stands: its point did not come
_STOPPED = (-signal.SIGTERM, 128 + signal.SIGTERM)  # asked to stop, it was faster than the kill
_MOST_RUNS = 8  # what a fault has put off to a later run is there after so many


@dataclass(slots=True)
class Verdict:
    """What came of it."""

    kills: Counter[str] = field(default_factory=Counter)  # by the kind of instant
    faults: list[str] = field(default_factory=list)  # what is not as it should be
    articles: int = 0
    files: int = 0
    runs: int = 0

    @property
    def total(self) -> int:
        """How many kills there were."""
        return self.kills.total()

    def __str__(self) -> str:
        """Return one line for people."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.kills.items()))
        outcome = "as if nothing had happened" if not self.faults else f"{len(self.faults)} FAULTS"
        return (
            f"{self.total} kills ({kinds}) in {self.runs} runs; {self.articles} articles, {self.files} files: {outcome}"
        )


@contextlib.contextmanager
def newsroom(folder: Path, articles: int, seed: int) -> Iterator[Callable[[], None]]:
    """Run the newsroom in a process of its own; yields what makes it suffer its faults anew."""
    command = [sys.executable, "-m", "tests.torture.newsroom", str(folder / "box.toml"), str(articles), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def renew() -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "as new\n"

        try:
            yield renew
        finally:
            process.stdin.close()


def torture(folder: Path, *, articles: int, kills: int, seed: int, say: Callable[[str], None]) -> Verdict:
    """Crawl undisturbed, then anew under `kills` kills, and compare."""
    os.environ["BACKFILE_DM_KEY"] = KEY
    for name in ("calm", "killed"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    verdict = Verdict()
    with newsroom(folder, articles, seed) as renew:
        began = time.monotonic()
        verdict.faults += _finish(folder, "calm", verdict)
        calm = likeness(folder / "calm" / "archive")
        units = one(folder / "calm" / "archive", "SELECT count(*) FROM frontier WHERE state = 'done'")
        say(f"undisturbed: {units} jobs in {time.monotonic() - began:.1f} s")
        renew()
        _kill_again_and_again(folder, units, kills, random.Random(seed), verdict, say)
        if verdict.total < kills:
            verdict.faults.append(f"the crawl was over after {verdict.total} kills: too few")
        verdict.faults += _finish(folder, "killed", verdict)
    verdict.faults += _judge(calm, folder / "killed" / "archive", verdict)
    return verdict


def _judge(calm: Likeness, archive: Path, verdict: Verdict) -> list[str]:
    verdict.articles = one(archive, "SELECT count(*) FROM articles")
    verdict.files = one(archive, "SELECT count(*) FROM file")
    verdict.runs = one(archive, "SELECT count(*) FROM run")
    return [
        *differences(calm, likeness(archive)),
        *residue(archive),
        *(f"verify: {finding}" for finding in verify(archive)),
    ]


def _arguments(folder: Path) -> list[str]:
    return ["--config", str(folder / "box.toml"), "--archive", "archive", "crawl", TARGET]


def _finish(folder: Path, name: str, verdict: Verdict) -> list[str]:
    """Crawl until nothing is left to be done."""
    status = -1
    for _ in range(_MOST_RUNS):
        status = Victim(_arguments(folder), folder / name, None).wait()
        if status == 0:
            return []
    return [f"the {name} crawl ended with {status}, see {folder / name / 'crawl.log'}"]


def _kill_again_and_again(
    folder: Path, units: int, kills: int, chance: random.Random, verdict: Verdict, say: Callable[[str], None]
) -> None:
    """Spread the kills over the whole crawl: each run gets its share of what seems to be left."""
    done = 0
    began = time.monotonic()
    while verdict.total < kills:
        share = max(0.0, units - done) / (kills - verdict.total)
        kind, victim = _one(folder, chance.randint(0, round(share)), chance)
        status = victim.wait()
        done += victim.units
        if status == -signal.SIGKILL:
            verdict.kills[kind] += 1
            if verdict.total % 25 == 0:
                say(f"{verdict.total} kills, {done} of {units} jobs, {time.monotonic() - began:.0f} s")
        elif status not in _STOPPED:
            say(f"the crawl ended by itself with {status}")
            return


def _one(folder: Path, after: int, chance: random.Random) -> tuple[str, Victim]:
    """Start a crawl, and kill it."""
    manner = chance.random()
    arguments, home = _arguments(folder), folder / "killed"
    if manner < 0.3:
        fate = Fate(after, chance.choice(POINTS), chance.choice(("before", "after")))
        victim = Victim(arguments, home, fate)
        if victim.listen(lambda v: False, _PATIENCE) or _alive(victim):
            victim.send(signal.SIGKILL)
            return "at any time", victim
        return "at a commit or rename", victim
    if manner < 0.6:
        victim = Victim(arguments, home, Fate(after, chance.choice(POINTS)))
        met = victim.listen(lambda v: v.at_point, _PATIENCE)
        _pause(chance, 0.001)
        victim.send(signal.SIGKILL)
        return "during a commit or rename" if met else "at any time", victim
    if manner < 0.7:
        victim = Victim(arguments, home, Fate(0, chance.choice(CLOSING), chance.choice(("", "before", "after"))))
        victim.listen(lambda v: v.units >= after, _PATIENCE)
        victim.send(signal.SIGTERM)
        victim.listen(lambda v: v.at_point, _PATIENCE)
        victim.send(signal.SIGKILL)
        return "while it closed", victim
    victim = Victim(arguments, home, Fate(after))
    if manner < 0.8:
        _pause(chance, 0.2)
        victim.send(signal.SIGKILL)
        return "while it opened", victim
    victim.listen(lambda v: v.units >= after, _PATIENCE)
    _pause(chance, 0.03)
    victim.send(signal.SIGKILL)
    return "at any time", victim


def _alive(victim: Victim) -> bool:
    return os.waitid(os.P_PID, victim.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _pause(chance: random.Random, most: float) -> None:
    time.sleep(chance.uniform(0, most))
