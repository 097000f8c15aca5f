"""Logs of a whole run, for machines: every line an object that says what it belongs to."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.backfile.test_command_line import backfile, newsroom


def test_every_line_of_a_run_says_what_it_belongs_to(tmp_path: Path) -> None:
    """With -v there is a line for each answer, and each names its time, the run and the job; without, silence."""
    with newsroom(tmp_path, "--articles", "6") as config:
        options = ("--config", config, "--log-format", "json")
        crawled = backfile(*options, "-v", "crawl", "--json", folder=tmp_path, BACKFILE_DM_KEY="box-key")
        quiet = backfile(*options, "crawl", folder=tmp_path, BACKFILE_DM_KEY="box-key")
    lines = [json.loads(line) for line in crawled.stderr.splitlines()]
    facts = json.loads(crawled.stdout)
    of_jobs = [line for line in lines if line["logger"] == "crawler.workers"]
    assert len(of_jobs) >= facts["articles_new"] + facts["media_new"] > 0
    for line in of_jobs:
        assert datetime.fromisoformat(line["ts"]).utcoffset() is not None
        assert line["run"] == facts["run"]
        assert line["job"].split()[0] in ("article", "media", "listing")
    assert "box-key" not in crawled.stderr
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_all_that_is_said_on_stderr_is_an_object(tmp_path: Path) -> None:
    """What a run and a night say in their end, too, whether a flag, a variable or the file asks for such logs."""
    with newsroom(tmp_path, "--articles", "6") as config:
        (tmp_path / "json.toml").write_text(
            config.read_text(encoding="utf-8") + '\n[log]\nformat = "json"\n', encoding="utf-8"
        )
        crawled = backfile("--config", config, "--log-format=json", "crawl", "dm:1", folder=tmp_path)
        night = backfile("--config", config, "-v", "nightly", folder=tmp_path, BACKFILE_LOG_FORMAT="json")
        again = backfile("--config", "json.toml", "crawl", "dm:1", "dm:2", folder=tmp_path)
    assert (crawled.returncode, night.returncode, again.returncode) == (1, 1, 1)
    assert crawled.stdout.startswith("articles ")
    for ended, words in ((crawled, "something could not"), (night, "nightly: exit 1"), (again, "something could not")):
        lines = [json.loads(line) for line in ended.stderr.splitlines()]
        assert [line for line in lines if words in line["message"] and line["level"] == "error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--frobnicate"],
        ["frobnicate"],
        ["crawl", "--limit", "x"],
        ["crawl", "é“"],
        ["--config", "no.toml", "status"],
        [],
    ],
    ids=str,
)
def test_a_mistake_is_an_object_too(tmp_path: Path, arguments: list[str]) -> None:
    """Also before any configuration is read, and in an encoding that lacks its letters."""
    ended = backfile("--log-format", "json", *arguments, folder=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert json.loads(line)["level"] == "error"
