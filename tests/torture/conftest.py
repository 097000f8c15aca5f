"""A newsroom that every test of this folder may crawl, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.torture.command import crawl
from tests.torture.likeness import Likeness, likeness
from tests.torture.torment import newsroom

ARTICLES = 12


@pytest.fixture(scope="package")
def box() -> Iterator[Path]:
    """Return a folder with the configuration of a running newsroom and the archive of an undisturbed crawl."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with newsroom(folder, ARTICLES, 5):
            assert crawl(folder, folder / "calm").returncode == 0
            yield folder


@pytest.fixture(scope="package")
def calm(box: Path) -> Likeness:
    """Return what an archive of the newsroom must hold."""
    return likeness(box / "calm")
