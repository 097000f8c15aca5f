"""The night as cron runs it: no HOME, no terminal, a bare PATH; silent when all is well, one line when not."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.lock import locked
from tests.backfile.test_command_line import backfile, newsroom

KEY = {"BACKFILE_DM_KEY": "box-key"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A newsroom in a box, and its configuration."""
    folder = tmp_path_factory.mktemp("nightly")
    with newsroom(folder, "--articles", "25") as config:
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace('targets = ["dm:category/africa"]', 'targets = ["dm:publication/1"]'))
        yield config


def cron(box: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a night with hardly any environment, its input closed, its output to pipes."""
    return subprocess.run(
        [sys.executable, "-m", "backfile.cli", "--config", str(box), *options, "nightly"],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "ignore", **KEY, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_night_that_went_well_says_nothing(box: Path) -> None:
    """The first archives everything, the second next to nothing; each leaves a report, a root, and no words."""
    first, second = cron(box), cron(box)
    for told in (first, second):
        assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    archive = box.parent / "archive"
    connection = sqlite3.connect(archive / "archive.db")
    runs = connection.execute("SELECT id, requests, exit_status, manifest_root FROM runs ORDER BY id").fetchall()
    connection.close()
    assert [status for _, _, status, _ in runs] == [0, 0]
    assert runs[1][1] <= 5
    assert runs[0][3] == runs[1][3] != ""
    assert {path.name for path in (archive / "reports").iterdir()} == {f"{run[0]}.html" for run in runs}
    status = json.loads(backfile("--config", box, "status", "--json", folder=box.parent, **KEY).stdout)
    assert status["due"] == {}


def test_what_went_wrong_is_one_line(box: Path) -> None:
    """A limit that was reached, a key that was refused, another run: its exit status, and a line that says it all."""
    limited = cron(box, BACKFILE_NIGHTLY_REQUESTS="1")
    assert limited.returncode in (0, 9)
    refused = cron(box, BACKFILE_DM_KEY="revoked")
    assert refused.returncode == 6
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("nightly: exit 6 (the key was refused")
    with locked(box.parent / "archive"):
        busy = cron(box)
    assert busy.returncode == 3
    assert busy.stdout == ""
    assert busy.stderr.count("\n") == 1
    assert "in use" in busy.stderr


def test_a_damaged_database_ends_the_night_before_it_begins(tmp_path: Path) -> None:
    """Exit status 4, nothing written over what may be rescued, and how it was found."""
    with newsroom(tmp_path, "--articles", "8") as config:
        assert cron(config).returncode == 0
        path = tmp_path / "archive" / "archive.db"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        told = cron(config, BACKFILE_NIGHTLY_VERIFY_PERCENT="100")
        assert told.returncode == 4
        assert "database" in told.stderr
        assert path.read_bytes() == bytes(content)


def test_the_result_as_json(box: Path) -> None:
    """One document, with what was verified and the manifest root."""
    cron(box)
    told = backfile("--config", box, "nightly", "--json", folder=box.parent, **KEY)
    document = json.loads(told.stdout)
    assert document["exit_status"] == told.returncode == 0
    assert document["verified"] == {"percent": 1.0, "findings": {}, "examples": []}
    assert len(document["manifest_root"]) == 64
