"""Standard output and error as they are found: closed, read by nobody any more, in an encoding that lacks letters."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

from backfile.logs import json_text


class _Ending(io.FileIO):
    """The writing end of what another may stop to read, for example `head`: it has enough, and nothing has failed.

    What is still to be said goes nowhere; the command does its work, and ends with the status of that.
    """

    def __init__(self, descriptor: int, forgiven: type[OSError]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._forgiven = forgiven

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except self._forgiven:
            _to_nowhere(self.fileno())
            return len(data)
        except OSError as error:
            error.filename = "standard output"
            raise


def prepare() -> None:
    """Make the three standard streams fit to be used, whatever they are."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # Closed: its number would go to the next file that is opened, and what is said into the archive.
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))
    sys.stdout = _wrapped(sys.stdout, BrokenPipeError)
    sys.stderr = _wrapped(sys.stderr, OSError)  # where trouble is told there is nobody to tell of trouble with it


def finish() -> None:
    """Leave nothing behind that the interpreter would try, and fail, to say in the end."""
    try:
        sys.stdout.flush()
    except OSError:  # the disk is full, and that has been said
        _to_nowhere(sys.stdout.fileno())


def print_json(document: object, indent: int | None = None) -> None:
    """Print a document, or a line of JSON Lines, that is valid in whatever encoding standard output has."""
    sys.stdout.write(json_text(document, indent, encoding=sys.stdout.encoding) + "\n")


def print_as_it_came(text: str) -> None:
    """Print what was kept, as the bytes that it was kept as."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))


def _wrapped(stream: TextIO, forgiven: type[OSError]) -> TextIO:
    """Return a stream to the same place that shows as escapes what its encoding lacks."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Ending(stream.fileno(), forgiven)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.isatty() or stream is sys.stderr,
    )


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
