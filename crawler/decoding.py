"""Content encodings, undone while a body streams: what comes out is counted, so a bomb costs no more than the limit.

Pure. Only gzip is asked for (RFC 9110, 8.4.1); deflate is the same code. Encodings laid over each other are refused.
"""

from __future__ import annotations

import zlib

from crawler.errors import Fault, FaultKind
from crawler.urls import display

_PLAIN = frozenset({"", "identity"})
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})
_KNOWN = _PLAIN | _ZIPPED
_EITHER_HEADER = 47  # wbits: gzip or zlib, whichever the first bytes show
_GZIP_MARK = b"\x1f\x8b"


class Decoder:
    """Decodes one body, piece by piece. Raises Fault; zlib.error for what is damaged."""

    def __init__(self, encoding: str, limit: int) -> None:
        """`encoding` is what Content-Encoding says; `limit` in bytes holds for what comes in and what goes out."""
        encoding = encoding.strip().lower()
        if encoding not in _KNOWN:
            raise Fault(
                FaultKind.BAD_ENCODING, f"the body is encoded as {display(encoding, 40)}, which was not asked for"
            )
        self._inflate = zlib.decompressobj(_EITHER_HEADER) if encoding in _ZIPPED else None
        self._limit = limit
        self._trailing = False
        self._half_mark = b""
        self.received = 0
        self._given = 0

    def decode(self, chunk: bytes) -> bytes:
        """Return what the next piece of the body stands for."""
        self.received += len(chunk)
        if self.received > self._limit:
            self._refuse()
        return chunk if self._inflate is None else self._inflated(chunk)

    def finish(self) -> None:
        """Say that the body has ended."""
        if self._inflate is not None and self.received and not self._inflate.eof:
            raise Fault(FaultKind.SHORT_BODY, "the compressed body breaks off before its end")

    def _inflated(self, chunk: bytes) -> bytes:
        """Inflate gzip's members, one after the other (RFC 1952, 2.2); what follows the last one means nothing."""
        assert self._inflate is not None, "the body is not compressed"
        pieces = []
        chunk, self._half_mark = self._half_mark + chunk, b""
        while chunk and not self._trailing:
            if self._inflate.eof:
                if chunk == _GZIP_MARK[:1]:
                    self._half_mark = chunk  # the next piece says of what: a member, or nothing
                    break
                self._trailing = not chunk.startswith(_GZIP_MARK)
                if self._trailing:
                    break
                self._inflate = zlib.decompressobj(_EITHER_HEADER)
            piece = self._inflate.decompress(chunk, self._limit - self._given + 1)
            self._given += len(piece)
            if self._given > self._limit:
                self._refuse()
            pieces.append(piece)
            chunk = self._inflate.unused_data
        return b"".join(pieces)

    def _refuse(self) -> None:
        raise Fault(FaultKind.OVER_LIMIT, f"the body is larger than the limit of {self._limit >> 20} MiB")
