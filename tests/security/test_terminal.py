"""What an article says is shown on a terminal, not obeyed by it."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from backfile import shown
from storage.reading import Shown
from storage.search import CLOSE_MARK, OPEN_MARK, Hit

# Clear the screen, change the title, link elsewhere, C1, write from right to left, pretend to be the next line.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\\x9b31m\u202egnp\u2066\x00\x08"
OBEYED = {"\x1b", "\x07", "\x08", "\x00", "\x9b", "\u202e", "\u2066"}


def console() -> tuple[Console, StringIO]:
    """Return a console without colour, so that no escape of ours hides one of theirs."""
    written = StringIO()
    return Console(file=written, force_terminal=True, color_system=None, soft_wrap=True, highlight=False), written


def hostile_article() -> Shown:
    """Return an article all of whose texts are hostile."""
    texts = ("title", "url", "summary", "primary_category", "first_published", "first_published_raw")
    article: dict[str, Any] = dict.fromkeys(texts, f"{HOSTILE}\nx") | {"authors": [HOSTILE], "keywords": [HOSTILE]}
    media = {"width": 1, "height": 1, "path": HOSTILE, "state": "stored", "role": HOSTILE, "transform": HOSTILE}
    article |= {"gone_at": None, "source": "api"}
    return Shown(article=article, text=HOSTILE, revision=1, revisions=[], terms=[], media=[media], json="{}")


def test_an_article_cannot_talk_to_the_terminal() -> None:
    """Title, byline, address, text, keywords and pictures are printed with their escapes visible."""
    out, written = console()
    shown.article(out, hostile_article())
    assert not OBEYED & set(written.getvalue())
    assert "owned" in written.getvalue()


def test_a_title_cannot_pretend_to_be_two_results() -> None:
    """Search results keep to their lines, whatever titles and snippets hold."""
    snippet = f"{OPEN_MARK}{HOSTILE}{CLOSE_MARK}\nx"
    hit = Hit("dm", "5", "https://x/", f"first\n{HOSTILE}", None, ("a\nb",), snippet, 1.0)
    out, written = console()
    shown.hits(out, [hit])
    assert written.getvalue().count("\n") == 3
    assert not OBEYED & set(written.getvalue())


@pytest.mark.parametrize("text", ["مرحبا بالعالم", "L’Orient-Le Jour « été »", "नमस्ते", "👩\u200d👧"])
def test_writing_of_every_language_is_left_alone(text: str) -> None:
    """Letters, marks and joiners are not controls."""
    out, written = console()
    found = hostile_article()
    found.article["title"] = text
    shown.article(out, found)
    assert text in written.getvalue()
