"""Notes of saved articles: durable, known again, and taken once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import ArchiveUnwritable
from storage.notes import Note, Notes

FIRST = Note("2026-01-23T10:23:37Z", "dm", "1488083", "a" * 64)
SECOND = replace(FIRST, at="2026-01-23T11:00:00Z", article="7", digest="b" * 64)


def test_a_note_waits_until_it_is_settled(tmp_path: Path) -> None:
    """What was noted waits, oldest first, for any process; what is settled waits no more."""
    Notes(tmp_path).add(SECOND)
    Notes(tmp_path).add(FIRST)
    assert Notes(tmp_path).waiting() == [FIRST, SECOND]
    Notes(tmp_path).settle([FIRST])
    assert Notes(tmp_path).waiting() == [SECOND]


def test_the_same_message_is_noted_once(tmp_path: Path) -> None:
    """A message is known again while it waits and after it was settled, also by another process."""
    assert Notes(tmp_path).add(FIRST)
    assert not Notes(tmp_path).add(FIRST)
    Notes(tmp_path).settle([FIRST, FIRST])
    assert not Notes(tmp_path).add(FIRST)
    assert Notes(tmp_path).waiting() == []


def test_an_article_saved_twice_is_noted_twice(tmp_path: Path) -> None:
    """Another message about the same article is another note."""
    assert Notes(tmp_path).add(FIRST)
    assert Notes(tmp_path).add(replace(FIRST, digest="c" * 64))


def test_the_newest_time_is_each_sites_own(tmp_path: Path) -> None:
    """It counts what waits and what is settled, of one site only."""
    notes = Notes(tmp_path)
    assert notes.newest("dm") == ""
    notes.add(FIRST)
    notes.add(SECOND)
    notes.add(replace(SECOND, site="olj", at="2030-01-01T00:00:00Z"))
    notes.settle([SECOND])
    assert notes.newest("dm") == SECOND.at


def test_only_what_is_settled_and_old_is_forgotten(tmp_path: Path) -> None:
    """What still waits stays whatever its age, and so do other sites' messages."""
    notes = Notes(tmp_path)
    others = replace(FIRST, site="olj")
    for note in (FIRST, SECOND, others):
        notes.add(note)
    notes.settle([SECOND, others])
    notes.forget("dm", "2027-01-01T00:00:00Z")
    assert notes.waiting() == [FIRST]
    assert notes.add(SECOND)
    assert not notes.add(others)


def test_what_somebody_else_put_there_is_left_alone(tmp_path: Path) -> None:
    """Files with other names are no notes."""
    notes = Notes(tmp_path)
    notes.add(FIRST)
    stranger = tmp_path / "hooks" / "waiting" / f"{FIRST.name}.swp"
    stranger.touch()
    assert notes.waiting() == [FIRST]
    assert stranger.exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Trouble with the disk is storage's own error, naming the place."""
    (tmp_path / "hooks").write_text("in the way")
    with pytest.raises(ArchiveUnwritable, match="hooks"):
        Notes(tmp_path).add(FIRST)
