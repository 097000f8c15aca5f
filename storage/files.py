"""The media tree: `media/ab/cd/<sha256>.<ext>`. All access to media files goes through here.

A file is written beside its destination and moved there whole, before any row names it: a crash leaves at worst a
spare file, never a row without one. Names come from the content alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import itertools
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from storage.errors import BadDestination
from storage.records import FileRecord
from storage.translation import translate

SPILL_BYTES = 1 << 20  # bodies up to here stay in memory until they are known to be worth a file
_INCOMING = "incoming"
_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-z]{1,16}")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def is_name(sha256: str, extension: str) -> bool:
    """Say whether this can be the name of a media file, wherever it comes from."""
    return _NAME.fullmatch(f"{sha256}.{extension}") is not None


class MediaTree:
    """The folder of stored files, by content."""

    def __init__(self, archive: Path) -> None:
        """Name the tree of the archive folder `archive`; nothing is created until something is stored."""
        self.archive = archive
        self.root = archive / "media"
        self._root = str(self.root)  # plain strings on the hot path: pathlib costs as much as the system calls
        self._folders: set[str] = set()
        self._numbers = itertools.count()  # threads may place the same content at the same time
        self._unsynced = False

    def relative(self, sha256: str, extension: str) -> str:
        """Return the path relative to the archive folder, as the public view `media` gives it."""
        return f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}.{extension}"

    def path(self, sha256: str, extension: str) -> Path:
        """Return where the file with this content is, or would be."""
        return self.archive / self.relative(sha256, extension)

    def incoming(self) -> Incoming:
        """Begin to receive a body."""
        return Incoming(self)

    def clear_incoming(self) -> None:
        """Remove what a crash left half-received; the caller holds the archive's lock."""
        folder = self.root / _INCOMING
        if folder.is_dir():
            for leftover in folder.iterdir():
                leftover.unlink(missing_ok=True)

    def incoming_folder(self) -> Path:
        """Return the folder for half-received bodies, on the same file system as their destination."""
        folder = self.root / _INCOMING
        self._make_folder(str(folder))
        return folder

    def place(self, source: Path | bytes, sha256: str, extension: str) -> None:
        """Put a body in its place, whole or not at all; what is there already and is the same stays.

        Raises OutOfSpace or ArchiveUnwritable.
        """
        try:
            self._place(source, sha256, extension)
        except OSError as error:
            raise translate(error, self.root) from error

    def _place(self, source: Path | bytes, sha256: str, extension: str) -> None:
        folder = f"{self._root}/{sha256[:2]}/{sha256[2:4]}"
        destination = f"{folder}/{sha256}.{extension}"
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if not self._make_folder(folder) and _holds(destination, size, sha256):
            if isinstance(source, Path):
                source.unlink()
        elif isinstance(source, Path):
            os.replace(source, destination)
        else:
            self._write_beside(source, sha256, destination)
        # Last, so that no sync can come between; and always: what was there may be of a run killed before its sync.
        self._unsynced = True

    def _write_beside(self, content: bytes, sha256: str, destination: str) -> None:
        folder = f"{self._root}/{_INCOMING}"
        self._make_folder(folder)
        temporary = f"{folder}/{sha256}.{next(self._numbers)}"
        try:
            descriptor = os.open(temporary, _NEW_FILE, 0o666)
            try:
                _write_all(descriptor, content)
            finally:
                os.close(descriptor)
            os.replace(temporary, destination)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)  # on a full disk half a body takes the room of another
            raise

    def set_aside(self, path: Path) -> Path:
        """Move a damaged file out of the tree, so that a sound one can take its place; returns where it is kept."""
        with _disk(path):
            folder = self.archive / "damaged"
            folder.mkdir(exist_ok=True)
            names = itertools.chain([path.name], (f"{path.name}.{number}" for number in itertools.count(2)))
            kept = next(aside for name in names if not (aside := folder / name).exists())
            os.replace(path, kept)
        self._unsynced = True
        return kept

    def sync(self) -> None:
        """Make every file placed so far survive power loss; cheap when none was placed since the last call."""
        if not self._unsynced:
            return
        self._unsynced = False  # before the sync: what another thread places meanwhile is for the next one
        try:
            _sync_file_system(self.root)
        except OSError:
            self._unsynced = True
            raise

    def _make_folder(self, folder: str) -> bool:
        """Make sure of a folder; True when it is new, so that nothing can be in it."""
        if folder in self._folders:
            return False
        new = True
        try:
            os.mkdir(folder)
        except FileExistsError:
            new = False
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
        self._folders.add(folder)
        return new


class Incoming:
    """A body on its way in: hashed while it is written, in memory while it is small."""

    def __init__(self, tree: MediaTree) -> None:
        """Begin empty."""
        self._tree = tree
        self._hash = hashlib.sha256()
        self._chunks: list[bytes] = []
        self._spill: Path | None = None
        self._descriptor = -1
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Take the next part of the body. Raises OutOfSpace or ArchiveUnwritable."""
        self._hash.update(chunk)
        self.size += len(chunk)
        if self._spill is None:
            self._chunks.append(chunk)
            if self.size <= SPILL_BYTES:
                return
        with _disk(self._tree.root):
            if self._spill is not None:
                _write_all(self._descriptor, chunk)
                return
            self._descriptor, name = tempfile.mkstemp(dir=self._tree.incoming_folder())
            self._spill = Path(name)
            _write_all(self._descriptor, b"".join(self._chunks))
            self._chunks.clear()

    @property
    def sha256(self) -> str:
        """The content's hash so far, in lower-case hex."""
        return self._hash.hexdigest()

    def content(self) -> Path | bytes:
        """Return the body for checking: its bytes while it is small, else the path of its temporary file."""
        if self._spill is not None:
            return self._spill
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    def keep(self, media_type: str, extension: str, width: int | None, height: int | None) -> FileRecord:
        """Move the body to its place in the tree and return its record."""
        sha256 = self.sha256
        content = self.content()
        self._close()
        if isinstance(content, Path):
            with _disk(content):
                content.chmod(0o644)  # mkstemp made it private; an archive is copied and served by others
        self._tree.place(content, sha256, extension)
        self._spill = None
        self._chunks.clear()
        return FileRecord(sha256, self.size, media_type, extension, width, height)

    def discard(self) -> None:
        """Forget the body; safe to call at any time, also after `keep`."""
        self._close()
        self._chunks.clear()
        if self._spill is not None:
            self._spill.unlink(missing_ok=True)
            self._spill = None

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Say the system's words in ours: to those above, an OSError would be one of the network's."""
    try:
        yield
    except OSError as error:
        raise translate(error, path) from error


def _holds(path: str, size: int, sha256: str) -> bool:
    """Say whether a file is there and whole. Its name alone proves nothing: power loss may have emptied it."""
    try:
        if os.stat(path).st_size != size:
            return False
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except OSError:
        return False  # not there, or not readable: it is made anew


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)[os.write(descriptor, data) :]
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_file_system(folder: Path) -> None:
    """One syncfs for the whole group of files: far cheaper than an fsync for each."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "syncfs"):
            os.sync()
        elif libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


def make_destination(folder: Path) -> None:
    """Make the folder that something is to be copied to, when it is not there. Raises BadDestination, or OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadDestination(
            f"{folder} can be no folder, because there is a file in its place; nothing was touched. Name another"
        ) from error
