"""The command line as people and cron use it: real processes, a real newsroom in a box."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SEED = Path(__file__).resolve().parents[1] / "seed" / "article-1758224.json"
SEED_URL = (
    "https://staging.dailymaverick.co.za/article/2023-07-06-as-minusma-exits-mali-questions-remain-on-regional-leaders-"
    "ability-to-address-security-challenges/"
)
PATIENCE = 120


def environment(**more: str) -> dict[str, str]:
    """Return a bare environment, as cron gives it, but for what measures coverage."""
    measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", **measured, **more}


def backfile(*arguments: object, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "backfile.cli", *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@contextmanager
def newsroom(folder: Path, *options: str) -> Iterator[Path]:
    """Run `backfile simulate` in a process of its own; yields the configuration that points at it."""
    config = folder / "box.toml"
    command = [sys.executable, "-m", "backfile.cli", "simulate", *options, "--write-config", str(config)]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "listening on" in process.stdout.readline()
        assert str(config) in process.stdout.readline()
        yield config
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


@pytest.mark.parametrize("key", ["", "box-key"], ids=["without a key", "with a key"])
def test_a_real_article_is_archived_under_its_real_addresses(tmp_path: Path, key: str) -> None:
    """A real article over TLS: one article, its terms and renditions, byte-identical JSON, found again, asked once."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / SEED.name).write_bytes(SEED.read_bytes())
    variables = {"BACKFILE_DM_KEY": key} if key else {}
    with newsroom(tmp_path, "--tls", "--replay", "documents", "--log-file", "requests.jsonl") as config:
        first = backfile("--config", config, "crawl", SEED_URL, folder=tmp_path, **variables)
        assert (first.returncode, first.stderr) == (0, "")
        asked = (tmp_path / "requests.jsonl").read_text(encoding="utf-8").count("\n")
        second = backfile("--config", config, "crawl", SEED_URL, folder=tmp_path, **variables)
        assert second.returncode == 0
        assert (tmp_path / "requests.jsonl").read_text(encoding="utf-8").count("\n") == asked
    database = sqlite3.connect(tmp_path / "archive" / "archive.db")
    counts = {
        view: database.execute(f"SELECT count(*) FROM {view}").fetchone()[0]
        for view in ("articles", "revisions", "categories", "keywords", "authors", "media")
    }
    urls = {row[0] for row in database.execute("SELECT url FROM media WHERE state = 'stored'")}
    kept = database.execute("SELECT json FROM revisions").fetchone()[0]
    database.close()
    assert counts == {"articles": 1, "revisions": 1, "categories": 2, "keywords": 9, "authors": 1, "media": 6}
    attachment = json.loads(SEED.read_bytes())["attachments"][0]
    assert urls == {attachment["url"], *(transform["url"] for transform in attachment["transforms"])}
    assert kept.encode() == SEED.read_bytes().strip()
    found = backfile("--config", config, "search", "Ecowas", folder=tmp_path)
    assert "dm:1758224" in found.stdout
    shown = backfile("--config", config, "show", SEED_URL, folder=tmp_path)
    assert "As Minusma exits Mali" in shown.stdout
    raw = backfile("--config", config, "show", "1758224", "--raw", folder=tmp_path)
    assert raw.stdout.encode() == SEED.read_bytes().strip()
    assert backfile("--config", config, "verify", folder=tmp_path).returncode == 0


def test_the_archive_can_be_listed_searched_and_reread(tmp_path: Path) -> None:
    """After a crawl, status, search, show, verify and reparse agree with each other, in words and as JSON."""
    with newsroom(tmp_path, "--articles", "30") as config:
        crawled = backfile("--config", config, "crawl", "--json", folder=tmp_path)
        assert crawled.returncode == 0
        facts = json.loads(crawled.stdout)
    status = json.loads(backfile("--config", config, "status", "--json", folder=tmp_path).stdout)
    assert status["articles"] == facts["articles_new"] > 5
    assert "archived" in backfile("--config", config, "status", folder=tmp_path).stdout
    database = sqlite3.connect(tmp_path / "archive" / "archive.db")
    before = database.execute("SELECT * FROM articles ORDER BY id").fetchall()
    title = database.execute("SELECT title FROM articles ORDER BY length(title) DESC").fetchone()[0]
    database.close()
    word = max((word for word in title.split() if word.isalpha()), key=len)
    lines = backfile("--config", config, "search", "--json", f"title:{word}", folder=tmp_path).stdout.splitlines()
    assert title in {json.loads(line)["title"] for line in lines}
    reread = backfile("--config", config, "reparse", folder=tmp_path)
    assert reread.returncode == 0
    database = sqlite3.connect(tmp_path / "archive" / "archive.db")
    assert database.execute("SELECT * FROM articles ORDER BY id").fetchall() == before
    database.close()
    assert backfile("--config", config, "verify", folder=tmp_path).stdout.startswith("whole")
    again = backfile("--config", config, "search", "--json", f"title:{word}", folder=tmp_path).stdout.splitlines()
    assert again == lines


def test_damage_is_found_and_repaired_only_when_asked(tmp_path: Path) -> None:
    """verify names a damaged picture and ends with 1; --requeue lets the next crawl fetch it again."""
    with newsroom(tmp_path, "--articles", "10") as config:
        assert backfile("--config", config, "crawl", folder=tmp_path).returncode == 0
        victim = next((tmp_path / "archive" / "media").rglob("*.jpg"))
        victim.write_bytes(b"rubbish")
        found = backfile("--config", config, "verify", folder=tmp_path)
        assert (found.returncode, victim.read_bytes()) == (1, b"rubbish")
        assert victim.stem in found.stdout
        assert backfile("--config", config, "verify", "--requeue", folder=tmp_path).returncode == 1
        assert backfile("--config", config, "crawl", folder=tmp_path).returncode == 0
        assert backfile("--config", config, "verify", folder=tmp_path).returncode == 0
        assert victim.read_bytes() != b"rubbish"


def test_a_second_run_finds_the_archive_in_use(tmp_path: Path) -> None:
    """While one run works on an archive, another ends with 3; the first is stopped by SIGTERM with 143."""
    with newsroom(tmp_path, "--articles", "200") as config:
        slow = environment(BACKFILE_CRAWL_RATE="5")
        command = [sys.executable, "-m", "backfile.cli", "--config", str(config), "crawl"]
        first = subprocess.Popen(command, cwd=tmp_path, env=slow, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        while not (tmp_path / "archive" / "archive.db-wal").exists():
            assert first.poll() is None
        second = backfile("--config", config, "crawl", folder=tmp_path)
        assert second.returncode == 3
        assert "in use" in second.stderr
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=PATIENCE)
        assert first.returncode == 143
        assert sorted(path.name for path in (tmp_path / "archive").iterdir() if "-" in path.name) == []


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (["crawl", "https://unknown.example/article/1/"], 2, ["unknown.example", "[[sites]]"]),
        (["crawl", "ht!tp://[::bad"], 2, ["ht!tp://[::bad"]),
        (["crawl", "nowhere:1"], 2, ["nowhere"]),
        (["crawl"], 2, ["targets"]),
        (["crawl", "olj:publication/17"], 2, ["olj:publication/17", "api_key_env"]),
        (["crawl", "dm:1", "--since", "soon"], 2, ["--since", "'soon'"]),
        (["crawl", "dm:1", "--time-limit", "soon"], 2, ["--time-limit", "'soon'"]),
        (["--archive", "/dev/null/x", "crawl", "dm:1"], 5, ["/dev/null/x", "--archive"]),
        (["--archive", "nowhere", "status"], 2, ["nowhere", "--archive"]),
        (["--config", "missing.toml", "status"], 2, ["missing.toml", "--config"]),
        (["--log-format", "xml", "status"], 2, ["xml"]),
        (["frobnicate"], 2, ["frobnicate"]),
        (["--archive", "nowhere", "why", "http://["], 2, ["nowhere", "--archive"]),
        (["--archive", "/dev/null", "status"], 2, ["/dev/null", "--archive"]),
        (["demo", "--folder", "/dev/null/x"], 2, ["/dev/null/x", "no folder"]),
        (["simulate", "--write-config", "/dev/null/x"], 2, ["--write-config", "/dev/null/x"]),
        (["report", "9" * 20], 2, ["RUN", "9" * 20]),
        (["crawl", "--frobnicate"], 2, ["frobnicate"]),
    ],
)
def test_a_mistake_gets_one_clear_message(tmp_path: Path, arguments: list[str], status: int, words: list[str]) -> None:
    """The value, the remedy and the promised status; never a traceback."""
    ended = backfile(*arguments, folder=tmp_path)
    assert ended.returncode == status
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    "text, words",
    [
        ('[nightly]\ntime_limit = "soon"\n', ["[nightly] time_limit", "'soon'"]),
        ('[network]\nproxy = "ftp://x"\n', ["[network] proxy", "'ftp://x'"]),
        ('[network]\nca_file = "c.toml"\n', ["[network] ca_file", "'c.toml'", "PEM"]),
        ('[[sites]]\nname = "dm"\nbase_url = "http://x"\ntargets = ["nosuch"]\n', ["[[sites]] dm targets", "nosuch"]),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_by_the_check(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    """The check stumbles over what a crawl or a night would stumble over, and ends with 2."""
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    ended = backfile("--config", "c.toml", "config", "check", folder=tmp_path)
    assert (ended.returncode, "valid" in ended.stdout) == (2, False)
    for word in ("c.toml: ", *words):
        assert word in ended.stderr


def test_a_blank_key_masks_no_blanks(tmp_path: Path) -> None:
    """What is said stays legible when a key's variable holds nothing but blanks."""
    ended = backfile("--config", "missing.toml", "status", folder=tmp_path, BACKFILE_DM_KEY=" ")
    assert "cannot read the configuration missing.toml" in ended.stderr


def test_a_foreign_database_is_not_touched(tmp_path: Path) -> None:
    """An SQLite file that is no archive is refused with 4 and stays as it was."""
    folder = tmp_path / "archive"
    folder.mkdir()
    database = sqlite3.connect(folder / "archive.db")
    database.execute("CREATE TABLE somebody_elses (x)")
    database.close()
    before = (folder / "archive.db").read_bytes()
    ended = backfile("--archive", folder, "crawl", "dm:1", folder=tmp_path)
    assert ended.returncode == 4
    assert [path.name for path in folder.iterdir()] == ["archive.db"]
    assert (folder / "archive.db").read_bytes() == before


@pytest.mark.parametrize("trap, status", [("", 130), ("trap '' INT; ", 7)], ids=["heard", "ignored, as by nohup"])
def test_an_interrupt_while_the_program_is_imported_ends_it_quietly(tmp_path: Path, trap: str, status: int) -> None:
    """No traceback of half an import; whoever has had the signal ignored is not stopped by it."""
    interrupting = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise SystemExit(7)\n"
    (tmp_path / "typer.py").write_text(interrupting, encoding="utf-8")
    command = ["sh", "-c", f'{trap}exec "$@"', "sh", sys.executable, "-m", "backfile", "status"]
    ended = subprocess.run(
        command, env=environment(PYTHONPATH=str(tmp_path)), capture_output=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, b"", b"")


def test_a_wrong_key_is_said_once(tmp_path: Path) -> None:
    """A refused key ends the run with 6 and is not printed."""
    with newsroom(tmp_path, "--articles", "20") as config:
        ended = backfile("--config", config, "crawl", "dm:publication/1", folder=tmp_path, BACKFILE_DM_KEY="hush-hush")
        assert ended.returncode == 6
        assert "hush" not in ended.stderr + ended.stdout


def test_faults_are_listed_and_given_in_a_row(tmp_path: Path) -> None:
    """Faults can be named one after the other; a name that is none is refused with a remedy."""
    listed = backfile("simulate", "--faults", "list", folder=tmp_path)
    assert "truncated-jpeg" in listed.stdout
    wrong = backfile("simulate", "--faults", "reset:0.1", "no-such-fault", folder=tmp_path)
    assert wrong.returncode == 2
    assert "no-such-fault" in wrong.stderr


def test_help_teaches(tmp_path: Path) -> None:
    """Help names the commands, the grammar of targets and every exit status."""
    text = " ".join(backfile("--help", folder=tmp_path).stdout.split())
    for word in ("crawl", "simulate", "site:category/SLUG", "143: stopped by SIGTERM"):
        assert word in text
    assert "Examples" in backfile("crawl", "--help", folder=tmp_path).stdout


def test_the_demo_runs_twice(tmp_path: Path) -> None:
    """The demo archives a category, shows what to look at, and the second time fetches no article again."""
    first = backfile("demo", "--articles", "20", folder=tmp_path)
    assert first.returncode == 0
    assert "Look around" in first.stdout
    second = backfile("demo", "--articles", "20", folder=tmp_path)
    assert "0 new, 0 changed" in second.stdout


def test_the_configuration_is_checked_and_shown_with_keys_masked(tmp_path: Path) -> None:
    """config check says what a configuration allows; config show prints no key."""
    with newsroom(tmp_path, "--articles", "10") as config:
        checked = backfile("--config", config, "config", "check", folder=tmp_path, BACKFILE_DM_KEY="hush-hush")
        shown = backfile("--config", config, "config", "show", folder=tmp_path, BACKFILE_DM_KEY="hush-hush")
    assert "valid" in checked.stdout
    assert "rate = 0.0" in shown.stdout
    assert "hush" not in checked.stdout + shown.stdout
