"""The templates that pages are filled into. To compile them takes longer than to fill them in, so it is done once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import re
import sys
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

_FOLDER = Path(__file__).with_name("templates")
_DAMAGED = (  # what a file that was cut short may raise; jinja2 keeps a checksum as a pickle, and the code by marshal
    AttributeError, EOFError, ImportError, IndexError, TypeError, ValueError, pickle.UnpicklingError,
)  # fmt: skip


class Compiled(BytecodeCache):
    """Keeps compiled templates where Python keeps compiled modules; like it, only where it may write."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        """`folder` stands for all templates that use this."""
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what was kept; of another Python, of another text or damaged, it counts for nothing."""
        with contextlib.suppress(OSError), self._path(bucket).open("rb") as stream:
            try:
                bucket.load_bytecode(stream)
            except _DAMAGED:
                bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled, whole or not at all."""
        if sys.dont_write_bytecode:
            return
        path = self._path(bucket)
        beside = path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as stream:
                bucket.write_bytecode(stream)
            beside.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        return Path(cache_from_source(str(self._folder / f"{bucket.key}-{_habits(bucket.environment)}.py")))


def _habits(environment: Environment) -> str:
    """Return a short hash of what makes an environment compile the same template otherwise than another."""
    code = getattr(environment.finalize, "__code__", None)
    finalize = None if code is None else (code.co_qualname, code.co_code, code.co_names)
    told = (
        jinja2.__version__, finalize, environment.autoescape, environment.optimized, environment.trim_blocks,
        environment.lstrip_blocks, environment.undefined.__name__, sorted(environment.filters),
        sorted(environment.tests),
    )  # fmt: skip
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def environment() -> Environment:
    """Return the templates, to be made once; everything that is filled in is escaped."""
    made = Environment(
        loader=PackageLoader("reader"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=Compiled(),
    )
    made.tests["web"] = lambda url: re.match(r"https?://[^\s]", url) is not None
    made.filters["number"] = lambda value: f"{value:,}"
    made.filters["size"] = size_text
    return made


def size_text(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
