"""A sample a night goes all the way round, oldest first; what was cut off goes on; a copy begins anew."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.findings import Flaw
from storage.fixity import PARTS
from storage.rounds import NAME, WORTH_GOING_ON, Round
from storage.verify import verify
from tests.storage import making
from tests.storage.breaking import flip

NOW = making.NOW
DAY = 86_400.0


def night(folder: Path, percent: float, now: float = NOW) -> list[int]:
    """Verify a sample, all of it sound, and return which parts it was."""
    with Round(folder, percent, now) as this:
        for part in this.parts:
            this.done(part, True)
        return this.parts


@given(percent=st.floats(min_value=0.01, max_value=100.0))
def test_every_part_is_looked_at_within_the_promised_nights(
    tmp_path_factory: pytest.TempPathFactory, percent: float
) -> None:
    """With P percent a night, after 100/P nights nothing has been left out, and nothing comes twice before."""
    folder = tmp_path_factory.mktemp("round")
    nights = min(math.ceil(100 / percent), len(PARTS))
    seen = [part for number in range(nights) for part in night(folder, percent, NOW + number * DAY)]
    assert set(seen) == set(PARTS)
    assert sorted(seen[: len(PARTS)]) == list(PARTS)


def test_a_missed_week_leaves_no_hole(tmp_path: Path) -> None:
    """The next part is the one that was looked at longest ago, whatever the date."""
    first = night(tmp_path, 10)
    assert night(tmp_path, 10, NOW + 7 * DAY)[0] == first[-1] + 1


def test_a_night_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """What was not looked at comes first the next time."""
    with contextlib.suppress(KeyboardInterrupt), Round(tmp_path, 10, NOW) as this:
        this.done(this.parts[0], True)
        raise KeyboardInterrupt
    assert night(tmp_path, 10)[0] == this.parts[1]


def test_where_nothing_can_be_kept_the_day_says_where_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On read-only media the nights still differ, and nothing is written."""
    monkeypatch.setattr("storage.rounds.os.replace", lambda *_: (_ for _ in ()).throw(OSError(30, "read-only")))
    first, second = night(tmp_path, 10, NOW), night(tmp_path, 10, NOW + DAY)
    assert second[0] == (first[-1] + 1) % len(PARTS)
    assert not (tmp_path / NAME).exists()


def cut_off(folder: Path, parts: int, unsound: int | None = None) -> Round:
    """Begin a verification of everything, and end it after some parts."""
    with contextlib.suppress(KeyboardInterrupt), Round(folder, None, NOW) as this:
        for place, part in enumerate(this.parts[:parts]):
            this.done(part, place != unsound)
        raise KeyboardInterrupt
    return this


def test_a_verification_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """What was sound is not read again; what was not is, so that it is told again."""
    first = cut_off(tmp_path, 100, unsound=7)
    with Round(tmp_path, None, NOW + 60) as second:
        assert second.since == making.FETCHED_AT
        assert second.rows
        assert set(second.parts) == {first.parts[7], *first.parts[100:]}
    with Round(tmp_path, None, NOW + 120) as third:
        assert (third.since, len(third.parts)) == ("", len(PARTS))


@pytest.mark.parametrize("later", [WORTH_GOING_ON, -1.0])
def test_one_that_was_cut_off_long_ago_begins_anew(tmp_path: Path, later: float) -> None:
    """Nobody should be told today that something was sound the day before yesterday."""
    cut_off(tmp_path, 100)
    with Round(tmp_path, None, NOW + later) as this:
        assert (this.since, len(this.parts)) == ("", len(PARTS))


def test_a_copy_has_not_been_looked_at(tmp_path: Path) -> None:
    """What was found of one folder says nothing of another disk."""
    (tmp_path / "one").mkdir()
    cut_off(tmp_path / "one", 100)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with Round(tmp_path / "two", None, NOW + 60) as this:
        assert (this.since, len(this.parts)) == ("", len(PARTS))


@pytest.mark.parametrize(
    "change",
    [{"next": 256}, {"next": True}, {"left": [1, "2"]}, {"left": None}, {"began": "x"}, {"folder": 7}],
    ids=str,
)
def test_what_cannot_be_understood_is_as_if_it_were_not_there(tmp_path: Path, change: dict[str, object]) -> None:
    """A damaged note is no reason not to verify."""
    cut_off(tmp_path, 100)
    state = json.loads((tmp_path / NAME).read_text("utf-8"))
    (tmp_path / NAME).write_text(json.dumps(state | change), encoding="utf-8")
    with Round(tmp_path, None, NOW + 60) as this:
        assert len(this.parts) == len(PARTS)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_note_that_is_no_note_is_ignored(tmp_path: Path, content: bytes) -> None:
    """Whatever lies under that name."""
    (tmp_path / NAME).write_bytes(content)
    assert len(night(tmp_path, 1)) == 3


def test_samples_find_what_the_whole_finds(folder: Path) -> None:
    """Every flaw turns up in one of the nights of a round, and in no other."""
    altered, gone, *_ = making.files_of(folder)
    flip(altered, 3)
    gone.unlink()
    (folder / "media" / "stray.txt").write_text("left here", encoding="utf-8")
    told = []
    for number in range(8):
        with Round(folder, 12.5, NOW + number * DAY) as this:
            told += list(verify(folder, parts=this.parts, rows=this.rows, done=this.done))
    assert sorted(finding.flaw for finding in told) == sorted([Flaw.ALTERED, Flaw.MISSING, Flaw.ORPHANED])
    assert {(f.flaw, f.subject) for f in told} == {(f.flaw, f.subject) for f in verify(folder)}
