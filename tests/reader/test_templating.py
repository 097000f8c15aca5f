"""Templates are compiled once, and what was kept of that never changes what a page says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from reader.templating import Compiled


def page(folder: Path, text: str) -> str:
    """Fill in a template of this text as another process would."""
    made = Environment(loader=DictLoader({"a.html": text}), autoescape=True, bytecode_cache=Compiled(folder))
    return made.get_template("a.html").render(name="<b>")


def kept(folder: Path) -> list[Path]:
    """Return what is kept of compiled templates."""
    there = Path(cache_from_source(str(folder / "x.py"))).parent
    return sorted(there.iterdir()) if there.is_dir() else []


@pytest.fixture(autouse=True)
def may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python keep what it compiles."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_a_compiled_template_is_kept_and_used_again(tmp_path: Path) -> None:
    """The second process writes nothing anew, and says the same."""
    first = page(tmp_path, "Hello {{ name }}")
    (file,) = kept(tmp_path)
    before = file.stat().st_mtime_ns
    assert page(tmp_path, "Hello {{ name }}") == first == "Hello &lt;b&gt;"
    assert file.stat().st_mtime_ns == before


def test_a_changed_template_is_compiled_anew(tmp_path: Path) -> None:
    """An upgrade shows its own pages."""
    page(tmp_path, "Hello {{ name }}")
    assert page(tmp_path, "Bye {{ name }}") == "Bye &lt;b&gt;"


def test_what_is_compiled_for_one_use_is_not_for_another(tmp_path: Path) -> None:
    """A report that changes whatever it shows does not change the reading room's pages, nor they its."""

    def shown(finalize: Callable[[object], object] | None) -> str:
        made = Environment(
            loader=DictLoader({"a.html": "{{ name }}"}),
            autoescape=True,
            finalize=finalize,
            bytecode_cache=Compiled(tmp_path),
        )
        return made.get_template("a.html").render(name="a")

    for _ in range(2):
        assert (shown(None), shown(lambda value: f"{value}!"), shown(lambda value: f"{value}?")) == ("a", "a!", "a?")


@pytest.mark.parametrize("damage", [b"", b"j2", b"x" * 200])
def test_a_damaged_file_counts_for_nothing(tmp_path: Path, damage: bytes) -> None:
    """Whatever lies there, the page is the template's."""
    page(tmp_path, "Hello {{ name }}")
    (file,) = kept(tmp_path)
    file.write_bytes(damage)
    assert page(tmp_path, "Hello {{ name }}") == "Hello &lt;b&gt;"


def test_a_file_cut_short_counts_for_nothing(tmp_path: Path) -> None:
    """At any byte."""
    page(tmp_path, "Hello {{ name }}")
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    for end in range(0, len(whole), 7):
        file.write_bytes(whole[:end])
        assert page(tmp_path, "Hello {{ name }}") == "Hello &lt;b&gt;"


def test_where_nothing_may_be_written_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is a file is no reason to fail, nor is Python's own wish to keep nothing."""
    (tmp_path / "__pycache__").write_text("in the way")
    assert page(tmp_path, "Hello {{ name }}") == "Hello &lt;b&gt;"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    other = tmp_path / "other"
    other.mkdir()
    assert page(other, "Hello {{ name }}") == "Hello &lt;b&gt;"
    assert kept(other) == []
