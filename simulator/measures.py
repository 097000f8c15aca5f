"""The two numbers that the CMS computes from an article's text."""

from __future__ import annotations

import re

_TAG = re.compile(r"<[^>]*>")
WORDS_PER_SECOND = 5


def without_tags(html: str) -> str:
    """Remove tags, leaving entities and white space as they are."""
    return _TAG.sub("", html)


def content_length(contents: str) -> int:
    """Count the characters of the text, entities undecoded and line ends included."""
    return len(without_tags(contents))


def time_to_read(contents: str, introduction: str, summary: str) -> int:
    """Return the seconds that reading takes, at 300 words a minute."""
    words = sum(len(without_tags(part).split()) for part in (contents, introduction, summary))
    return -(-words // WORDS_PER_SECOND)
