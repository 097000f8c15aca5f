"""Whatever is damaged is found, and nothing else; `python -m tests.storage.damage` does it a thousand times."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.storage import making
from tests.storage.breaking import name_of
from tests.storage.damage import damage_all, harm, told_of

COUNT = int(os.environ.get("DAMAGES", "120"))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_damage_is_found_and_nothing_else(sound: Path, tmp_path: Path, seed: int) -> None:
    """A byte, a file or a row, anywhere in an archive, one at a time."""
    verdict = damage_all(sound, tmp_path / "work", COUNT // 2, seed)
    assert verdict.faults == []
    assert verdict.done.total() == COUNT // 2


@pytest.mark.parametrize("seed", range(3))
def test_many_damaged_files_are_each_told_as_what_happened_to_them(folder: Path, seed: int) -> None:
    """None hides another, and the sound ones are not told."""
    chance = random.Random(seed)
    files = [name_of(folder, path) for path in making.files_of(folder)]
    damages = [harm(folder, name, chance) for name in chance.sample(files, 10)]
    assert told_of(folder) == set().union(*(damage.exactly or set() for damage in damages))
