"""The command line on the newsroom of these tests, and what is to be said of its end."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

from storage.verify import verify
from tests.torture.likeness import Likeness, differences, likeness, residue
from tests.torture.torment import KEY, ROOT, TARGET

DROP_FROM_BOUNDING_SET, OVERRIDE_PERMISSIONS = 24, 1  # of linux/prctl.h and linux/capability.h


def command(box: Path, archive: Path) -> list[str]:
    """Return the command that crawls the newsroom."""
    options = ["--config", str(box / "box.toml"), "--archive", str(archive)]
    return [sys.executable, "-m", "backfile.cli", *options, "crawl", TARGET]


def environment(**more: str) -> dict[str, str]:
    """Return what the command needs around it."""
    return {"PATH": os.environ["PATH"], "BACKFILE_DM_KEY": KEY, "BACKFILE_ARCHIVE_MIN_FREE_MB": "0", **more}


def crawl(
    box: Path, archive: Path, *, open_files: int = 0, humble: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """Crawl the newsroom by the command line; `humble`: as one whom permissions bind, even if that is root."""
    libc = ctypes.CDLL(None)

    def limit() -> None:
        if humble and os.geteuid() == 0:
            libc.prctl(DROP_FROM_BOUNDING_SET, OVERRIDE_PERMISSIONS, 0, 0, 0)
        if open_files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

    return subprocess.run(
        command(box, archive),
        cwd=ROOT,
        env=environment(**more),
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """Fail unless a run ended as promised: status, one sentence with the remedy, no traceback."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("backfile: ") == 1
    for word in words:
        assert word in done.stderr


def assert_whole(archive: Path, calm: Likeness) -> None:
    """Fail unless an archive is as one that nothing ever happened to."""
    wrong = [*differences(calm, likeness(archive)), *residue(archive), *map(str, verify(archive))]
    assert not wrong, "\n".join(wrong)
