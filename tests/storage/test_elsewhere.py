"""Elsewhere than on Linux: what only Linux has is done without."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage import mounts
from storage.database import connect_for_reading, set_up
from storage.pages import Pages
from storage.verify import verify
from tests.storage import making

LINUX_ONLY = ("O_TMPFILE", "copy_file_range", "fdatasync", "memfd_create", "posix_fadvise", "sched_getaffinity")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bool]:
    """Be on another Unix; returns how often all was synced."""
    synced: list[bool] = []

    def sync() -> None:
        synced.append(True)

    for name in LINUX_ONLY:
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr(os, "sync", sync)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "no" / "mounts")
    monkeypatch.setattr(sys, "platform", "darwin")
    return synced


async def test_an_archive_is_made_and_verified(elsewhere: list[bool], tmp_path: Path) -> None:
    """Files are synced by the system's sync before rows name them; nothing else differs."""
    await making.make_archive(tmp_path / "a")
    assert elsewhere
    assert list(verify(tmp_path / "a")) == []


async def test_nobody_is_told_to_wait_and_no_folder_is_far_away(elsewhere: list[bool], tmp_path: Path) -> None:
    """What nobody can tell is taken not to be so."""
    await making.make_archive(tmp_path / "a")
    with Pages(tmp_path / "a" / "archive.db") as pages:
        assert not pages.is_awaited()
    assert mounts.network_file_system(tmp_path) == ""


async def test_a_commit_is_on_the_disk_and_not_in_its_cache(tmp_path: Path) -> None:
    """SQLite is told to have the disk empty its cache, which it can where the system offers it (macOS)."""
    await making.make_archive(tmp_path / "a")
    with closing(connect_for_reading(tmp_path / "a" / "archive.db")) as connection:
        assert making.one(connection, "PRAGMA fullfsync") == 0
        set_up(connection, "DELETE")
        assert making.one(connection, "PRAGMA fullfsync") == 1
