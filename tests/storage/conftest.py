"""A sound archive, made once, and copies of it to be broken."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.storage import making


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive of three articles with five pictures each, as a run left it."""
    folder = tmp_path_factory.mktemp("sound") / "archive"
    asyncio.run(making.make_archive(folder, articles=3, pictures=5))
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """Return a copy of the sound archive."""
    return Path(shutil.copytree(sound, tmp_path / "archive"))
