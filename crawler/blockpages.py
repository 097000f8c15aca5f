"""Pages that a wall puts in the place of content, with status 200: captchas, challenges, refusals. Pure.

They are looked for only where an answer did not hold what it should (no article, an empty listing, no picture), so
that an article about robots is not taken for a wall against them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SEARCHED = 1 << 16  # bytes: walls are small, and say so at their top


class BlockPages:
    """Knows block pages by the configured patterns."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """`patterns` are regular expressions; case does not matter. Raises re.error."""
        self._patterns = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]

    def sign(self, body: bytes) -> str:
        """Return what in a body tells that it is a block page, as it stands there; '' when nothing does."""
        if body[:_SEARCHED].lstrip()[:1] != b"<":
            return ""
        text = body[:_SEARCHED].decode("utf-8", "replace")
        return next((found[0] for pattern in self._patterns if (found := pattern.search(text))), "")
