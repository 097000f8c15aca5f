"""One archive of a newsroom that lived, for all tests that only read it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.reporting.making import lived


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an archive with two runs, days apart in the newsroom's life."""
    folder = tmp_path_factory.mktemp("lived") / "archive"
    asyncio.run(lived(folder))
    return folder
