"""What a page is asked for: by a browser, or by whoever writes all pages to files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class PageAddress(Protocol):
    """The parts of an address that say which page is meant."""

    @property
    def match_info(self) -> Mapping[str, str]:
        """The variable parts of the path, by name."""

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the question mark."""
