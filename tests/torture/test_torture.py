"""A crawl that is killed again and again; `make torture` does the same for longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_nobody_can_tell_that_a_crawl_was_killed(tmp_path: Path) -> None:
    """Killed at commits, renames and any time, it ends row for row and byte for byte as one left in peace."""
    options = ["--kills", "16", "--articles", "48", "--seed", "7", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "16 kills" in done.stdout
