"""The media tree: content-addressed, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import files
from storage.errors import ArchiveUnwritable, OutOfSpace
from storage.files import SPILL_BYTES, Incoming, MediaTree
from storage.records import FileRecord
from tests.storage import making


@pytest.fixture
def tree(tmp_path: Path) -> MediaTree:
    return MediaTree(tmp_path)


def receive(tree: MediaTree, content: bytes, step: int = 64 << 10) -> Incoming:
    incoming = tree.incoming()
    for start in range(0, len(content), step):
        incoming.write(content[start : start + step])
    return incoming


def keep(tree: MediaTree, content: bytes) -> FileRecord:
    return receive(tree, content).keep("image/png", "png", 2, 1)


def leftovers(tree: MediaTree) -> list[Path]:
    folder = tree.root / "incoming"
    return list(folder.iterdir()) if folder.exists() else []


SMALL = b"a small picture"
LARGE = making.picture("large", SPILL_BYTES + 70_000)


@pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_a_body_gets_the_name_of_its_content(tree: MediaTree, content: bytes) -> None:
    """The path is the SHA-256 in two levels of folders; the record tells hash, size and what was seen."""
    sha256 = hashlib.sha256(content).hexdigest()
    assert keep(tree, content) == FileRecord(sha256, len(content), "image/png", "png", 2, 1)
    path = tree.archive / "media" / sha256[:2] / sha256[2:4] / f"{sha256}.png"
    assert path == tree.path(sha256, "png")
    assert tree.relative(sha256, "png") == str(path.relative_to(tree.archive))
    assert path.read_bytes() == content
    assert leftovers(tree) == []


def test_a_small_body_touches_no_disk_until_it_is_kept(tree: MediaTree) -> None:
    """What is refused after all leaves no trace."""
    incoming = receive(tree, SMALL)
    assert incoming.content() == SMALL
    assert (incoming.size, incoming.sha256) == (len(SMALL), hashlib.sha256(SMALL).hexdigest())
    incoming.discard()
    assert not tree.root.exists()


def test_a_large_body_is_on_disk_while_it_comes(tree: MediaTree) -> None:
    """Memory holds little of it, and its temporary file can be checked before it is kept."""
    incoming = receive(tree, LARGE)
    path = incoming.content()
    assert isinstance(path, Path)
    assert path.read_bytes() == LARGE
    incoming.discard()
    incoming.discard()
    assert leftovers(tree) == []


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_discarding_after_keeping_keeps(tree: MediaTree, content: bytes) -> None:
    """Whoever cleans up in any case does no harm."""
    incoming = receive(tree, content)
    file = incoming.keep("image/png", "png", None, None)
    incoming.discard()
    assert tree.path(file.sha256, "png").read_bytes() == content


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_the_same_content_is_stored_once(tree: MediaTree, content: bytes) -> None:
    """A second arrival leaves the first file as it is, and nothing beside it."""
    first = tree.path(keep(tree, content).sha256, "png").stat()
    second = tree.path(keep(tree, content).sha256, "png").stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert leftovers(tree) == []


def test_a_file_of_the_wrong_length_is_replaced(tree: MediaTree) -> None:
    """What a full disk once cut off is made whole by the next arrival."""
    path = tree.path(keep(tree, SMALL).sha256, "png")
    path.write_bytes(b"cut")
    keep(tree, SMALL)
    assert path.read_bytes() == SMALL


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_files_can_be_read_by_others(tree: MediaTree, content: bytes) -> None:
    """An archive is copied and served by other users than the one who crawls."""
    mask = os.umask(0o022)
    try:
        path = tree.path(keep(tree, content).sha256, "png")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_crash_before_the_move_leaves_only_a_leftover(
    tree: MediaTree, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is moved a body is in `incoming` alone, and the next run clears that."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: _crash())
        with pytest.raises(KeyboardInterrupt):
            keep(tree, content)
    assert [path.parent.name for path in making.files_of(tree.archive)] == ["incoming"]
    tree.clear_incoming()
    assert making.files_of(tree.archive) == []


def _crash() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_full_disk_is_said_in_our_words(tree: MediaTree, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the one who fetches, a bare OSError would look like the network's. Half a body is not left lying."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    incoming = tree.incoming()

    def receive_and_keep() -> None:
        incoming.write(content)
        incoming.keep("image/png", "png", 2, 1)

    with pytest.raises(OutOfSpace):
        receive_and_keep()
    incoming.discard()
    assert leftovers(tree) == []


def test_a_tree_that_cannot_be_made_is_said_in_our_words(tree: MediaTree) -> None:
    """A file where the folder should be is named."""
    tree.root.write_text("in the way")
    with pytest.raises(ArchiveUnwritable, match="media"):
        keep(tree, SMALL)


def test_threads_may_keep_the_same_content(tree: MediaTree) -> None:
    """Every one of them succeeds, and there is one file."""
    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(lambda _: keep(tree, SMALL), range(64)))
    assert len(set(records)) == 1
    assert [path.read_bytes() for path in making.files_of(tree.archive)] == [SMALL]


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_is_there_under_the_name_is_believed_only_when_it_is_the_same(tree: MediaTree, content: bytes) -> None:
    """After a loss of power a file may have its length and not its content; it is made anew."""
    file = keep(tree, content)
    path = tree.path(file.sha256, "png")
    path.write_bytes(bytes(len(content)))
    keep(tree, content)
    assert path.read_bytes() == content
    assert leftovers(tree) == []


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_a_killed_run_left_is_synced_before_a_row_names_it(
    tree: MediaTree, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is there already, but nobody knows whether it would survive the loss of power."""
    synced: list[Path] = []
    keep(tree, content)
    monkeypatch.setattr(files, "_sync_file_system", synced.append)
    again = MediaTree(tree.archive)
    keep(again, content)
    again.sync()
    assert synced == [tree.root]


def test_a_sync_that_failed_is_not_taken_for_done(tree: MediaTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one tries again."""
    keep(tree, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(files, "_sync_file_system", _fail)
        with pytest.raises(OSError, match="gone"):
            tree.sync()
    synced: list[Path] = []
    monkeypatch.setattr(files, "_sync_file_system", synced.append)
    tree.sync()
    assert synced == [tree.root]


def _fail(folder: Path) -> None:
    raise OSError(5, "the disk is gone")


def test_syncing_costs_nothing_when_nothing_was_placed(tree: MediaTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system is synced once for what was placed since the last time."""
    synced: list[Path] = []
    monkeypatch.setattr(files, "_sync_file_system", synced.append)
    tree.sync()
    keep(tree, SMALL)
    keep(tree, LARGE)
    tree.sync()
    tree.sync()
    assert synced == [tree.root]


def test_a_real_sync_succeeds(tree: MediaTree) -> None:
    """The system call is there, and takes the folder."""
    keep(tree, SMALL)
    tree.sync()


@given(chunks=st.lists(st.binary(max_size=3_000), max_size=20))
def test_a_body_is_what_came_in_however_it_was_cut(chunks: list[bytes]) -> None:
    """Size, hash and content do not depend on the chunks."""
    incoming = MediaTree(Path("nowhere")).incoming()
    for chunk in chunks:
        incoming.write(chunk)
    whole = b"".join(chunks)
    assert (incoming.content(), incoming.size) == (whole, len(whole))
    assert incoming.sha256 == hashlib.sha256(whole).hexdigest()
