"""Stopping: whoever asks, and however often, the archive is whole and at rest."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.verify import verify
from tests.torture.likeness import one, residue
from tests.torture.torment import KEY, ROOT, TARGET

PATIENCE = 60.0
# Pictures stop coming in the middle and nobody loses patience, so that only a signal ends it.
ENVIRONMENT = {"PATH": os.environ["PATH"], "BACKFILE_DM_KEY": KEY, "BACKFILE_CRAWL_READ_TIMEOUT": "600"}
STALLED = ["--articles", "20", "--faults", "stall-mid-body:url=/i/:forever"]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """Return the configuration of a newsroom whose pictures never end."""
    path = tmp_path / "box.toml"
    command: list[str | Path] = [sys.executable, "-m", "backfile.cli", "simulate", *STALLED, "--write-config", path]
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while path.name not in process.stdout.readline():
            assert process.poll() is None
        yield path
        process.terminate()


def in_hand(archive: Path) -> int:
    """Return how many pictures a running crawl has claimed."""
    with contextlib.suppress(sqlite3.OperationalError):  # not made yet
        return int(one(archive, "SELECT n FROM counter WHERE kind = 'media' AND state = 'doing'"))
    return 0


def test_a_second_signal_ends_a_crawl_at_once(tmp_path: Path, config: Path) -> None:
    """What hangs is dropped and due again; the status is that of the signal; nothing is left lying about."""
    archive = tmp_path / "archive"
    command: list[str | Path] = [sys.executable, "-m", "backfile.cli", "--config", config, "--archive", archive]
    with subprocess.Popen(
        [*command, "crawl", TARGET], cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as crawl:
        deadline = time.monotonic() + PATIENCE
        while not in_hand(archive):
            assert crawl.poll() is None
            assert time.monotonic() < deadline
        crawl.send_signal(signal.SIGINT)
        crawl.send_signal(signal.SIGTERM)  # two of one kind might become one; of two, either may be first
        _, said = crawl.communicate(timeout=PATIENCE)
    assert crawl.returncode in (130, 143)
    assert "Traceback" not in said
    assert residue(archive) == []
    assert one(archive, "SELECT exit_status FROM run") == crawl.returncode
    assert list(verify(archive)) == []
