"""The seal: what every page of `archive.db` looked like when it was last written, so that any flipped byte shows.

`archive.seal` lies beside the database: a line, then 16 bytes for each page, 12 of its SHA-256 and 4 that bind them to
the page's number, so that a damaged seal is not taken for a damaged page. A page that a run is about to write to is
marked before it is touched and sealed again when the run has ended. So at any moment, beside a run and after a crash,
an entry either describes its page as it lies in the file, or says that it does not.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from zlib import crc32

NAME = "archive.seal"
HEADER = b"backfile seal 1\n"
VOID = b"nothing sealed.\n"  # instead of the header: until a run has ended, nothing can be said of any page
ENTRY = 16
_DIGEST = 12
OPEN = b"being writte"  # the page may change at any moment
_SPOILED = b"was damaged "  # the page was no longer what it had been when a run came to write to it
_PAGE_SIZE = struct.Struct(">16xH")


def sealed(page: int, content: bytes | memoryview) -> bytes:
    """Return the entry for a page, counted from 1, with this content."""
    return _bound(page, hashlib.sha256(content).digest()[:_DIGEST])


def opened(page: int) -> bytes:
    """Return the entry of a page that may be written to."""
    return _bound(page, OPEN)


def spoiled(page: int) -> bytes:
    """Return the entry of a page that was damaged before it was written to."""
    return _bound(page, _SPOILED)


def is_whole(page: int, entry: bytes) -> bool:
    """Say whether an entry is one that was written for this page, and not damaged since."""
    return entry == _bound(page, entry[:_DIGEST])


def is_digest(page: int, entry: bytes) -> bool:
    """Say whether an entry describes its page."""
    return is_whole(page, entry) and entry not in (opened(page), spoiled(page))


def _bound(page: int, word: bytes) -> bytes:
    return word + crc32(word, page).to_bytes(4, "big")


def page_size(header: bytes) -> int:
    """Return the bytes in a page of the database that begins with these bytes."""
    (size,) = _PAGE_SIZE.unpack_from(header)
    return 65536 if size == 1 else int(size)


def beside(path: Path) -> Path:
    """Return where the seal of a database lies."""
    return path.with_name(NAME)
