"""One crawled archive for all tests that only read it."""

from __future__ import annotations

import asyncio

import pytest

from tests.reader.making import Made, crawled


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return an archive of two newsrooms."""
    return asyncio.run(crawled(tmp_path_factory.mktemp("newsrooms") / "archive"))
