"""Nights over an archive of a newsroom in a box that has nothing new: what is held should not matter."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clock import Measured, run, surroundings

_KEY = {"BACKFILE_DM_KEY": "box-key"}
_EVERYTHING = {"BACKFILE_NIGHTLY_SWEEP_REQUESTS": "100000"}
_COMMAND = [sys.executable, "-m", "backfile.cli"]


@dataclass(frozen=True, slots=True)
class Night:
    """One night: what it cost, and how many requests it made."""

    measured: Measured
    requests: int


@contextlib.contextmanager
def newsroom(config: Path, articles: int, port: int) -> Iterator[None]:
    """Run a newsroom in a box; the configuration that is written wants all of it."""
    command = [*_COMMAND, "simulate", "--articles", str(articles), "--port", str(port), "--write-config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=surroundings({}))
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("dm:category/africa", "dm:publication/1"), encoding="utf-8")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def night(config: Path, archive: Path, verify: float = 0.0) -> Night:
    """Measure a night that verifies so many per cent. Raises RuntimeError when it finds anything new, or fails."""
    command = [*_COMMAND, "--config", str(config), "--archive", str(archive), "nightly", "--json"]
    measured, said = run(command, _KEY | _EVERYTHING | {"BACKFILE_NIGHTLY_VERIFY_PERCENT": str(verify)})
    result = json.loads(said)
    if result["articles_new"] or result["articles_changed"]:
        raise RuntimeError(f"the night found something: {said}")
    return Night(measured, int(result["requests"]))
