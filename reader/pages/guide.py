"""How to find things here; and what is said when something cannot be shown."""

from __future__ import annotations

from dataclasses import dataclass

from reader.address import PageAddress
from reader.room import Room
from reader.view import View

HEADINGS = {
    400: "That address makes no sense here",
    404: "Nothing of that kind is kept here",
    405: "This archive is for reading",
    503: "The archive cannot be read just now",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong."""

    status: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """How to search, and which keys do what."""

    searches: tuple[tuple[str, str, str], ...]
    keys: tuple[tuple[str, str], ...]


_SEARCHES = (
    ("coup Niger", "articles with both words, in any spelling of accents and vowel signs"),
    ('"Security Council"', "the words next to each other"),
    ("Mali -Russia", "not with this word"),
    ("drought*", "words that begin so: three letters, or more"),
    ("title:water", "in the headline; also author:, keyword:, category: and text:"),
)
_KEYS = (
    ("/", "go to the search box"),
    ("j and k", "go to the next and to the previous article of a list"),
    ("Enter", "open the article"),
    ("?", "this page"),
)


async def page(room: Room, request: PageAddress) -> View:
    """Show how to find things."""
    del request
    searches = tuple((query, room.links.search({"q": query}), says) for query, says in _SEARCHES)
    return View("help.html", HelpPage(searches, _KEYS), "Help")
