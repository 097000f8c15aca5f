"""What `verify` finds: one value for each thing that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """What is wrong."""

    MISSING = "missing"  # a row names a file that is not there
    TRUNCATED = "truncated"  # a file is shorter or longer than its row says
    ALTERED = "altered"  # a file or a kept body is not what its hash says
    UNREADABLE = "unreadable"  # the disk, or its permissions, will not give it back
    MISNAMED = "misnamed"  # a file is not where, or not called what, its content says
    ORPHANED = "orphaned"  # a file that no row names
    CONTRADICTION = "contradiction"  # rows that cannot both be true
    SEARCH = "search"  # the full-text index does not say what the articles say
    DATABASE = "database"  # SQLite itself complains


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw: in what (a path in the archive, a URL, or a row), and what is wrong with it."""

    flaw: Flaw
    subject: str
    detail: str
    sha256: str = ""  # the content concerned, when it is one
