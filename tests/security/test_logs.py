"""Log lines: one event, one line, nothing secret, nothing that a terminal would obey."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from backfile import logs
from backfile.logs import Mask
from backfile.settings import Secret

KEY = "k3y/0f+the=newsroom"
QUOTED = "k3y%2F0f%2Bthe%3Dnewsroom"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2028\u2066\r\n2026-01-01T00:00:00 INFO all is well\x85x\ud800"
OBEYED = {"\x1b", "\x07", "\x9b", "\x85", "\r", "\u202e", "\u2028", "\u2029", "\u2066", "\ud800"}


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(form: str, message: str, error: Exception | None, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a message, and an error where there is one, look like in the log."""
    logs.configure("debug", form, [Secret(KEY)], Console(file=StringIO(), force_terminal=False))
    log = logging.getLogger("test")
    if error is None:
        log.info("%s", message)
    else:
        try:
            raise error
        except type(error):
            log.exception("%s", message)
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_message_is_one_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks of every kind, escapes and bidi controls in what a server said are shown, not obeyed."""
    text = written(form, HOSTILE, None, capsys)
    assert text.count("\n") == 1
    assert not OBEYED & set(text)
    assert "all is well" in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_masked_and_forges_no_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An error's own words, which may be a server's, neither show the key nor begin a line like a log line."""
    text = written(form, "a mistake", ValueError(f"{KEY} ?key={QUOTED} {HOSTILE}"), capsys)
    assert KEY not in text
    assert QUOTED not in text
    assert not OBEYED & set(text)
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == lines[:1]
    assert "Traceback" in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters()) | st.lists(st.sampled_from([*HOSTILE, KEY, QUOTED, "x", "\n"])).map("".join))
def test_any_message_is_one_line_of_json(capsys: pytest.CaptureFixture[str], message: str) -> None:
    """Whatever is logged, a line of the JSON log is a JSON object and says nothing secret."""
    text = written("json", message, None, capsys)
    lines = text.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["logger"] == "test"
    assert KEY not in text
    assert QUOTED not in text


@pytest.mark.parametrize(
    "text",
    [
        f"GET /cmsapi/content.php?action=search&key={KEY}", f"API-Key: {KEY}", f"{{'API-Key': '{KEY}'}}", KEY, QUOTED,
        f"x{KEY}y",
    ],
)  # fmt: skip
def test_keys_are_masked_wherever_they_stand(text: str) -> None:
    """By name in URLs and headers, and by value, percent-encoded too, anywhere."""
    masked = Mask([Secret(KEY)])(text)
    assert KEY not in masked
    assert QUOTED not in masked


@pytest.mark.parametrize("text", ["?key=unknown-secret&x=1", "API-Key: unknown-secret", "Cookie: a=unknown-secret"])
def test_keys_that_are_not_ours_are_masked_by_name(text: str) -> None:
    """A secret in its usual place is masked even when nobody told us its value."""
    assert "unknown-secret" not in Mask([])(text)


def test_text_for_people_becomes_entries_where_logs_are_objects(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is an entry, masked as any other, with the traceback where there is one; in text logs it is none."""
    for form, written_so in (("json", True), ("text", False)):
        logs.configure("error", form, [Secret(KEY)], Console(file=StringIO(), force_terminal=False))
        assert logs.as_objects(f"first {KEY}\n\nsecond", logging.INFO, ValueError(KEY)) is written_so
    said = capsys.readouterr().err
    entries = [json.loads(line) for line in said.splitlines()]
    assert [(entry["level"], entry["message"]) for entry in entries] == [("info", "first ********"), ("info", "second")]
    assert all("ValueError: ********" in entry["traceback"] for entry in entries)
    assert KEY not in said
