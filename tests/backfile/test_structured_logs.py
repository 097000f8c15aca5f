"""Logs of a whole run, for machines: every line an object that says what it belongs to."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

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
