"""`backfile browse` as people start it: where it listens, what it refuses, how it ends."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.reader.making import browsing, empty, write_config


def refused(folder: Path, *arguments: str) -> str:
    """Return what a command that is refused says, in one line."""
    command = [sys.executable, "-m", "backfile.cli", *arguments]
    measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    ended = subprocess.run(
        command, cwd=folder, env={"PATH": os.environ["PATH"], **measured}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    return " ".join(ended.stderr.split())


def status(url: str, password: str = "") -> int:
    headers = {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()} if password else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_no_archive_is_a_sentence(tmp_path: Path) -> None:
    """Not a page that fails later."""
    assert "there is no archive at nowhere" in refused(tmp_path, "--archive", "nowhere", "browse", "--port", "0")


def test_a_wider_address_wants_a_password(tmp_path: Path) -> None:
    """Anybody in the same network could read otherwise."""
    made = empty(tmp_path / "archive")
    said = refused(tmp_path, "--archive", str(made.folder), "browse", "--host", "0.0.0.0", "--port", "0")
    assert "--password-file" in said


@pytest.mark.parametrize(
    "content, mode, words", [("long enough", 0o644, "chmod 600"), ("short", 0o600, "fewer than"), (None, 0, "read")]
)
def test_a_password_that_is_no_secret_is_refused(tmp_path: Path, content: str | None, mode: int, words: str) -> None:
    """Readable by others, too short, or not there."""
    made = empty(tmp_path / "archive")
    path = tmp_path / "password"
    if content is not None:
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
    assert words in refused(tmp_path, "--archive", str(made.folder), "browse", "--password-file", str(path))


def test_with_a_password_it_listens_wider(tmp_path: Path) -> None:
    """And lets in only those who know it."""
    made = empty(tmp_path / "archive")
    path = tmp_path / "password"
    path.write_text("correct horse\n", encoding="utf-8")
    path.chmod(0o600)
    config = write_config(made, tmp_path / "config.toml")
    with browsing(config, "--host", "0.0.0.0", "--password-file", str(path)) as base:
        assert (status(base), status(base, "wrong"), status(base, "correct horse")) == (401, 401, 200)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """With the remedy."""
    config = write_config(empty(tmp_path / "archive"), tmp_path / "config.toml")
    with browsing(config) as base:
        port = base.rpartition(":")[2]
        assert f"port {port}" in refused(tmp_path, "--config", str(config), "browse", "--port", port)
