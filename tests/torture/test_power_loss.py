"""Power loss: what the disk had been told is all that is left.

The archive is on a file system of its own in an image file. The crawl is stopped in the middle, and the image copied:
what the kernel had not yet written is not in it, as after a loss of power. The copy is mounted anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.findings import Flaw
from storage.verify import verify
from tests.torture.command import assert_whole, command, crawl, environment
from tests.torture.likeness import Likeness, one
from tests.torture.torment import ROOT

IMAGE_BYTES = 64 << 20
PATIENCE = 60.0
_SPARE = (Flaw.ORPHANED, Flaw.MISNAMED)  # a file, often empty, that no row had named yet
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount a file system in an image, or skip the test."""
    folder.mkdir()
    if subprocess.run(["mount", "-o", "loop", image, folder], check=False, capture_output=True).returncode:
        pytest.skip("no image can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def captures(archive: Path) -> int:
    """Return how many answers the archive holds, as any reader beside the crawl would."""
    with contextlib.suppress(sqlite3.OperationalError):  # not made yet
        return int(one(archive, "SELECT count(*) FROM capture"))
    return 0


@pytest.mark.parametrize("answers", [1, 40, 120])
def test_what_was_committed_survives_power_loss(box: Path, calm: Likeness, tmp_path: Path, answers: int) -> None:
    """All that a reader had seen is there, no row names a file that is not whole, and the next run finishes."""
    image, copy = tmp_path / "disk.img", tmp_path / "copy.img"
    with image.open("wb") as stream:
        stream.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    with mounted(image, tmp_path / "disk") as disk:
        archive = disk / "archive"
        with subprocess.Popen(command(box, archive), cwd=ROOT, env=environment(), stderr=subprocess.PIPE) as run:
            deadline = time.monotonic() + PATIENCE
            while (seen := captures(archive)) < answers:
                assert time.monotonic() < deadline
            run.send_signal(signal.SIGSTOP)
            shutil.copyfile(image, copy)
            run.kill()
    with mounted(copy, tmp_path / "after") as disk:
        archive = disk / "archive"
        assert [finding for finding in verify(archive) if finding.flaw not in _SPARE] == []
        assert captures(archive) >= seen
        assert crawl(box, archive).returncode == 0
        assert_whole(archive, calm)
