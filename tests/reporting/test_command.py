"""`backfile report` as people and programs use it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from backfile.reporting.terminal import spark
from backfile.reporting.writing import leave_report, put, write_report
from tests.backfile.test_command_line import backfile
from tests.crawling import rows
from tests.reader.making import empty
from tests.reporting.making import PROMISE, harmed

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reports.md"
# What is documented with another command, named by what it holds, or the same in every list of articles.
ELSEWHERE = re.compile(r"changed\.shown\.difference\.|traffic\.statuses\.|pauses\.|.*\.shown\.article\.")


def report(archive: Path, *arguments: object, **more: str) -> tuple[int, str, str]:
    """Run the command; returns exit status, stdout and stderr."""
    done = backfile("--archive", archive, "report", *arguments, folder=archive.parent, **more)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def keys(document: Any, prefix: str = "") -> set[str]:
    """Return the names in a document, with dots between them; of lists the names in their entries."""
    if isinstance(document, list):
        return set().union(*(keys(entry, prefix) for entry in document))
    if not isinstance(document, dict):
        return set()
    inner = (keys(value, f"{prefix}{name}.") for name, value in document.items())
    return {f"{prefix}{name}" for name in document}.union(*inner)


def test_the_last_run_is_told_in_words(archive: Path) -> None:
    """What came in, changed and failed, how fast, and how the archive grew: in a few lines each, with no colour."""
    status, text, _ = report(archive)
    assert status == 0
    ((new, changed),) = rows(archive, "SELECT articles_new, articles_changed FROM runs WHERE id = 2")
    assert f"{new} article" in text
    assert f"{changed} changed" in text
    for word in ("came in", "unannounced", "not-found", "pace", "latency", "archive", "runs 1 to 2"):
        assert word in text
    assert "\x1b" not in text


def test_the_facts_are_one_document(archive: Path) -> None:
    """The same facts as JSON; its figures are those that the run itself counted."""
    status, text, _ = report(archive, 2, "--json")
    facts = json.loads(text)
    (counted,) = rows(archive, "SELECT articles_new, articles_changed, requests, bytes FROM runs WHERE id = 2")
    told = (facts["new"]["total"], facts["changed"]["total"], facts["run"]["requests"], facts["run"]["bytes"])
    assert (status, told) == (0, counted)
    assert facts["growth"][-1]["articles"] == facts["size"]["articles"]
    assert facts["growth"][0]["articles"] + counted[0] == facts["size"]["articles"]
    assert 0 < facts["traffic"]["requests"] <= counted[2]
    assert {cause["fault"] for cause in facts["causes"]} >= {"not-found"}
    assert facts["changed"]["shown"][0]["difference"]["new"]["number"] == 2


def test_every_name_of_the_document_is_documented(archive: Path) -> None:
    """docs/reports.md names each key, in code, with its meaning."""
    documented = set(DOCS.read_text(encoding="utf-8").split("`"))
    facts = keys(json.loads(report(archive, "--json")[1]))
    lacking = [key for key in sorted(facts) if not ELSEWHERE.match(key) and key not in documented]
    assert lacking == []


@pytest.mark.parametrize("arguments", [(1,), (2,), (2, "--json")])
def test_hostile_texts_do_nothing_in_a_terminal(tmp_path: Path, arguments: tuple[object, ...]) -> None:
    """No control, no bidi character and no line of its own comes through from a title, an error or a note."""
    asyncio.run(harmed(tmp_path / "archive", 50))
    status, text, _ = report(tmp_path / "archive", *arguments)
    assert status == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    assert "alert(1)" in text


def test_the_page_can_be_written_anywhere(archive: Path, tmp_path: Path) -> None:
    """--html writes the page of any run to a file, and says where it is."""
    status, text, _ = report(archive, 1, "--html", tmp_path / "one.html")
    assert (status, text) == (0, f"run 1: {tmp_path / 'one.html'}\n")
    assert "<title>Run 1 · backfile</title>" in (tmp_path / "one.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["one.html"]


def test_a_mistake_gets_one_clear_message(archive: Path, tmp_path: Path) -> None:
    """A run that is unknown, an archive without runs, a file that cannot be: the value, and the remedy."""
    for arguments, words in (
        ((99,), ["99", "status"]),
        ((0,), ["RUN", "1"]),
        (("--html", "/nowhere/x.html"), ["/nowhere/x.html", "folder"]),
    ):
        status, _, said = report(archive, *arguments)
        assert status == 2
        assert all(word in " ".join(said.split()) for word in words), said
    empty(tmp_path / "archive")
    status, _, said = report(tmp_path / "archive")
    assert status == 2
    assert "crawl" in said


def test_the_page_of_a_run_is_in_the_archive(archive: Path) -> None:
    """reports/<run>.html: written whole, over the one that was there, and nothing left beside it."""
    path = write_report(archive, 1, PROMISE)
    assert path == archive / "reports" / "1.html"
    before = path.read_bytes()
    assert write_report(archive, 1, PROMISE).read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o644
    assert not [name for name in path.parent.iterdir() if name.suffix != ".html"]


def test_a_page_that_cannot_be_written_is_a_warning(
    archive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run, the place, the consequence and the remedy are named; nothing is raised."""
    shutil.copytree(archive, tmp_path / "archive")
    shutil.rmtree(tmp_path / "archive" / "reports", ignore_errors=True)
    (tmp_path / "archive" / "reports").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert leave_report(tmp_path / "archive", 2, PROMISE) is None
        assert leave_report(tmp_path / "archive", 77, PROMISE) is None
        assert leave_report(tmp_path / "nowhere", 1, PROMISE) is None
    first, *_ = (record.getMessage() for record in caplog.records)
    for word in ("run 2", str(tmp_path / "archive" / "reports"), "safe", "backfile report 2 --html"):
        assert word in first
    assert len(caplog.records) == 3


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where it cannot be put in its place, what is there stays and nothing is left beside it."""
    (tmp_path / "x.html").mkdir()
    with pytest.raises(OSError, match=r"x\.html"):
        put(tmp_path / "x.html", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]


def test_bars_show_what_there_is() -> None:
    """Nothing is a blank; the least of something is a bar, the most of it the highest."""
    assert spark([0, 0.01, 5, 10]) == " ▁▅█"
    assert spark([0, 0]) == "  "
    assert spark([]) == ""
