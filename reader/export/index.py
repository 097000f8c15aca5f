"""The search index of an export: words and articles as scripts, since a page that is a file may load nothing else.

`search/meta.js` says how much there is. `search/words-XXXX-XXXX.js` holds all words that begin with these two letters:
a word, or the beginning of one, needs one file. With each stand the numbers of its articles, as differences in base 36.
`search/articles-N.js` holds what a result shows. Words are folded as the reading room's own index folds them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator

from reader.export.folder import Folder
from reader.export.names import file_of
from reader.items import Item, items
from reader.room import Room
from storage import shelves
from storage.reading import Reading
from storage.search import fold, texts_of

CHUNK = 200  # articles in one file
_WORD = re.compile(r"\w+")
_LONGEST = 40
_SUMMARY = 220  # characters
BODY, NAMES, TITLE = range(3)  # where a word stands: what it is worth
_WORTH = {"title": TITLE, "authors": NAMES, "keywords": NAMES, "categories": NAMES, "summary": BODY, "body": BODY}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def words_of(text: str) -> set[str]:
    """Return the words of a text as they are looked up: no accents, no case, no vowel signs."""
    plain = unicodedata.normalize("NFKD", fold(text))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return {word[:_LONGEST] for word in _WORD.findall(plain)}


def write(reading: Reading, room: Room, folder: Folder) -> None:
    """Write the index of all articles, newest first. Runs on a desk."""
    postings: dict[str, array[int]] = defaultdict(lambda: array("L"))
    number = 0
    for chunk in _chunks(reading):
        shown = items(room, reading, chunk)
        folder.put(
            f"search/articles-{number // CHUNK}.js", _script("articles", number // CHUNK, list(map(_result, shown)))
        )
        for row in chunk:
            for word, worth in _words(reading, row).items():
                postings[word].append(number * 3 + worth)
            number += 1
    shards: dict[str, dict[str, str]] = defaultdict(dict)
    for word, places in postings.items():
        shards[shard_of(word)][word] = _packed(places)
    for name, words in shards.items():
        folder.put(f"search/{name}.js", _script("words", name, dict(sorted(words.items()))))
    meta = {"articles": number, "chunk": CHUNK, "shards": sorted(shards)}
    folder.put("search/meta.js", _script("meta", 0, meta))


def shard_of(word: str) -> str:
    """Return the name of the file that holds a word."""
    return "-".join(["words", *(f"{ord(letter):04x}" for letter in word[:2])])


def _chunks(reading: Reading) -> Iterator[list[int]]:
    rows = shelves.newest_first(reading.connection)
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _words(reading: Reading, row: int) -> dict[str, int]:
    """Return the words of an article, each with the best place it stands in."""
    found: dict[str, int] = {}
    for column, text in texts_of(reading.connection, row).items():
        worth = _WORTH[column]
        for word in words_of(text):
            found[word] = max(worth, found.get(word, BODY))
    return found


def _result(item: Item) -> list[str]:
    """Return what a result shows: file, title, date, section, beginning, direction."""
    date = item.published.day if item.published is not None else ""
    section = item.section.name if item.section is not None else ""
    return [file_of(item.href), item.title, date, section, item.summary[:_SUMMARY], "rtl" if item.rtl else ""]


def _packed(places: Iterable[int]) -> str:
    last, parts = 0, []
    for place in places:
        parts.append(_base36(place - last))
        last = place
    return ",".join(parts)


def _base36(number: int) -> str:
    digits = ""
    while number >= 36:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return _DIGITS[number] + digits


def _script(kind: str, key: object, value: object) -> bytes:
    """Return a script that hands data to the page. Escaped so that it is ASCII, and ends no script element."""
    data = json.dumps([kind, key, value], separators=(",", ":")).replace("<", "\\u003c")
    return f"backfile({data});\n".encode()
