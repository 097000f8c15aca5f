"""docs/operating.md and packaging/: what an operator copies is what the program does."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest
import typer

from backfile.cli import application
from backfile.exits import MEANINGS
from backfile.hooks import MAX_BODY
from backfile.metrics import _GAUGES
from backfile.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
PACKAGING = ROOT / "packaging"
COMMANDS = set(typer.main.get_command(application()).commands)  # type: ignore[attr-defined]
METRIC = re.compile(r"\bbackfile_[a-z_]+")


def test_every_metric_is_explained_with_its_labels() -> None:
    """The page's table has each metric once, with the labels that the file gives it."""
    rows = re.findall(r"^\| `(backfile_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE)
    explained = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert explained == {name: labels[1:] for name, (labels, _) in _GAUGES.items()}
    assert len(rows) == len(explained)


def test_alerts_watch_metrics_that_exist() -> None:
    """An alert on a name that nobody writes would be silent for ever."""
    rules = (PACKAGING / "prometheus" / "backfile-alerts.yml").read_text(encoding="utf-8")
    watched = set(METRIC.findall(rules)) - {"backfile_alerts"}
    assert watched
    assert watched <= set(_GAUGES)


def test_every_exit_status_has_its_remedy() -> None:
    """No status leaves an operator without a line to read."""
    section = PAGE.split("## What an exit status asks of you", 1)[1].split("\n## ", 1)[0]
    told = {
        int(number) for cell in re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE) for number in cell.split(",")
    }
    assert told == set(map(int, MEANINGS))


def test_the_crontab_line_is_the_packaged_one() -> None:
    """The page and the file to install say the same."""
    packaged = (PACKAGING / "cron" / "backfile").read_text(encoding="utf-8").splitlines()
    assert packaged[-1] in PAGE


@pytest.mark.parametrize("name", ["backfile-nightly.service", "backfile-listen.service"])
def test_a_service_starts_a_command_that_exists(name: str) -> None:
    """Each service runs one of our commands with the configuration of the page, as a user of its own."""
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.read(PACKAGING / "systemd" / name, encoding="utf-8")
    program, option, config, command = shlex.split(unit["Service"]["execstart"])
    assert (program, option, config) == ("/opt/backfile/bin/backfile", "--config", "/etc/backfile/config.toml")
    assert command in COMMANDS
    assert unit["Service"]["user"] == "backfile"


def test_both_services_are_equally_confined() -> None:
    """What listens to strangers may do no more than what runs at night."""
    confined = [
        {
            line
            for line in text.splitlines()
            if line.startswith(("Private", "Protect", "Restrict", "System", "Cap", "No"))
        }
        for text in ((PACKAGING / "systemd" / f"backfile-{name}.service").read_text() for name in ("nightly", "listen"))
    ]
    assert confined[0] == confined[1] - {line for line in confined[1] if line.startswith("RestartPrevent")}


def test_the_webhooks_address_and_limit_are_the_pages() -> None:
    """The proxy in front passes on what the server behind it takes."""
    table = Settings().listen
    assert f"proxy_pass http://{table.host}:{table.port};" in PAGE
    assert f"client_max_body_size {MAX_BODY >> 10}k;" in PAGE
