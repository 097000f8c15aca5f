"""`listen` as a service runs it: a process of its own, stopped by a signal, with nothing but what it was given."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from simulator.webhooks import SIGNATURE, sign
from tests.backfile.test_command_line import PATIENCE, backfile, environment, newsroom

SECRET = "the newsroom's secret"


class Listener:
    """A running `backfile listen --json`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = str(self.next()["urls"][0])

    def next(self) -> dict[str, Any]:
        """Return the next thing that it says happened."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def post(self, body: bytes, secret: str = SECRET) -> int:
        """Post a signed body; returns the status."""
        try:
            with urlopen(Request(self.url, body, {SIGNATURE: sign(secret, body)}), timeout=PATIENCE) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code


@contextmanager
def listening(config: Path, **more: str) -> Iterator[Listener]:
    """Run `listen` with the newsroom's secret, on any free port, and end it as a service manager would."""
    command = [sys.executable, "-m", "backfile.cli", "--config", str(config), "listen", "--port", "0", "--json"]
    process = subprocess.Popen(
        command,
        cwd=config.parent,
        env=environment(BACKFILE_DM_KEY="box-key", BOX_HOOK=SECRET, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Listener(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


def with_secret(config: Path) -> Path:
    """Add the name of the secret's variable to a newsroom's configuration."""
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[[sites]]\n", '[[sites]]\nwebhook_secret_env = "BOX_HOOK"\n'), encoding="utf-8")
    return config


def test_a_saved_article_is_captured_by_a_service(tmp_path: Path) -> None:
    """Noted, captured, at rest when stopped; after a restart the same message does nothing, a forged one never did."""
    with newsroom(tmp_path, "--articles", "5") as config:
        with_secret(config)
        metrics = tmp_path / "backfile.prom"
        crawled = backfile("--config", config, "crawl", folder=tmp_path, BACKFILE_DM_KEY="box-key")
        assert crawled.returncode == 0
        found = json.loads(
            backfile("--config", config, "search", "--json", "the", folder=tmp_path).stdout.split("\n")[0]
        )
        body = json.dumps(
            {
                "parameters": json.dumps({"article_id": found["id"]}),
                "timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
            }
        ).encode()
        with listening(config, BACKFILE_REPORT_METRICS_FILE=str(metrics)) as listener:
            assert listener.post(body, "a guess") == 401
            assert listener.post(body) == 202
            key = f"dm:{found['id']}"
            assert listener.next() | {"saved_at": ""} == {"event": "noted", "article": key, "saved_at": ""}
            assert listener.next() == {"event": "captured", "articles": [key], "exit_status": 0}
        assert f'backfile_run_exit_status{{archive="{tmp_path}/archive",command="listen"}} 0.0' in metrics.read_text()
        with listening(config) as listener:
            assert listener.post(body) == 200
    assert sorted(path.name for path in (tmp_path / "archive").iterdir() if "-" in path.name) == []
    assert backfile("--config", config, "verify", folder=tmp_path).returncode == 0


def test_listening_without_a_secret_is_refused(tmp_path: Path) -> None:
    """Nobody could be believed; the remedy is named."""
    (tmp_path / "config.toml").write_text('[[sites]]\nname = "dm"\nbase_url = "https://www.example.org"\n')
    ended = backfile("listen", folder=tmp_path)
    assert ended.returncode == 2
    assert "webhook_secret_env" in ended.stderr


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """A second listener on the same port ends with 2 and a remedy."""
    config = tmp_path / "config.toml"
    text = '[[sites]]\nname = "dm"\nbase_url = "https://www.example.org"\nwebhook_secret_env = "BOX_HOOK"\n'
    config.write_text(text, encoding="utf-8")
    with listening(config) as first:
        port = first.url.split(":")[2].split("/")[0]
        second = backfile("listen", "--port", port, folder=tmp_path, BOX_HOOK=SECRET)
    assert second.returncode == 2
    assert "--port" in second.stderr


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_secret_may_lie_in_a_private_file(tmp_path: Path, mode: int) -> None:
    """A file that others can read is refused by name; with a private one the next obstacle is the port."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(mode)
    config = tmp_path / "config.toml"
    site = f'[[sites]]\nname = "dm"\nbase_url = "https://www.example.org"\nwebhook_secret_file = "{secret}"\n'
    config.write_text(site, encoding="utf-8")
    ended = backfile("listen", "--host", "host.invalid", folder=tmp_path)
    assert ended.returncode == 2
    assert ("chmod 600" in ended.stderr) == (mode == 0o644)
    assert ("host.invalid" in ended.stderr) == (mode == 0o600)
    assert SECRET not in ended.stderr
