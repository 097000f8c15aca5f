"""What has happened in a newsroom, and what was true at the end of each day: the measure of an archive."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from simulator.addresses import Addresses
from simulator.articles import Writer
from simulator.corpus import Corpus
from simulator.events import OF_ARTICLES, Event, Way
from simulator.states import AS_FOUNDED, Changes, State
from simulator.walltime import Calendar, stamp

# What moves without any edit (contract 7.2), at any depth.
VOLATILE = frozenset(
    {"views", "comments", "rating", "rating_count", "cached", "articlesCount", "seo_name", "typeId", "access_allowed"}
)
_TERMS = {"categories": "id", "authors": "id", "keywords": "keywordId"}
_ORIGIN = re.compile(r"https?://[^/\"\s]+")


def fingerprint(article: dict[str, Any]) -> str:
    """Return the SHA-256, in hex, of what an article's own editors wrote.

    Of categories, keywords, authors and nested articles only the ids count, since they are stale snapshots (contract
    2.5) with a life of their own; hosts, counters, caches and `status` do not count at all.
    """
    text = json.dumps(_own({key: value for key, value in article.items() if key != "status"}, 0), sort_keys=True)
    return hashlib.sha256(_ORIGIN.sub("", text).encode()).hexdigest()


def _own(value: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [_own(entry, depth) for entry in value]
    if not isinstance(value, dict):
        return value
    if depth and value.get("objectType") == "Article":
        return {"article": value.get("id")}
    return {key: _term_ids(key, entry, depth) for key, entry in value.items() if key not in VOLATILE}


def _term_ids(key: str, value: Any, depth: int) -> Any:
    if depth or key not in _TERMS:
        return _own(value, depth + 1)
    return [entry.get("data", entry)[_TERMS[key]] for entry in value]


@dataclass(frozen=True, slots=True)
class Truth:
    """What there was to know of an article at the end of a day.

    `revisions` are fingerprints, oldest first, each different from the one before; the last is its content now, or
    when it was last to be seen. An archivist who comes once a day can have them all. `categories`, `keywords` and
    `authors` are the ids of the lists that it belongs to; it stands in them while `listed`.
    """

    url: str
    revisions: tuple[str, ...]
    gone: bool
    listed: bool
    way: Way | None
    categories: tuple[str, ...]
    keywords: tuple[str, ...]
    authors: tuple[str, ...]


class History:
    """Everything that was applied to one newsroom, in order."""

    def __init__(self, corpus: Corpus, addresses: Addresses, calendar: Calendar) -> None:
        self.events: list[Event] = []
        self._corpus, self._addresses, self._calendar = corpus, addresses, calendar
        self._states: dict[str, list[tuple[int, State]]] = {}
        self._hashes: dict[tuple[int, State], str] = {}

    def record(self, event: Event) -> None:
        """Remember an event that was just applied."""
        self.events.append(event)
        if event.kind in OF_ARTICLES and event.article is not None:
            state = self._corpus.state(self._place(event.article))
            self._states.setdefault(event.article, []).append((event.day, state))

    def touched(self, day: int | None = None) -> list[str]:
        """Return the ids of the articles to which something happened, ever or on one day, in order of time."""
        found = (event.article for event in self.events if day in (None, event.day))
        return list(dict.fromkeys(article_id for article_id in found if article_id is not None))

    def truth(self, article_id: str, day: int) -> Truth | None:
        """Return the truth at the end of a day; None before the article appeared. Raises KeyError for unknown ids."""
        index = self._place(article_id)
        states = [AS_FOUNDED] if index < self._corpus.founded else []
        states += [state for happened, state in self._states.get(article_id, ()) if happened <= day]
        if not states:
            return None
        hashes = [self._hash(index, state.content) for state in states]
        distinct = [one for place, one in enumerate(hashes) if place == 0 or one != hashes[place - 1]]
        corpus, way = self._as(index, states[-1]), states[-1].way
        return Truth(
            url=Writer(corpus, self._addresses).url(index),
            revisions=tuple(distinct),
            gone=way not in (None, Way.UNLISTED),
            listed=way is None,
            way=way,
            categories=corpus.sections(index),
            keywords=corpus.topics(index),
            authors=corpus.authors(index),
        )

    def _place(self, article_id: str) -> int:
        index = self._corpus.place(article_id)
        if index is None:
            raise KeyError(article_id)
        return index

    def _as(self, index: int, state: State) -> Corpus:
        """Return the corpus in which one article is as it was, and the others are as they are."""
        known = self._corpus
        articles = {**known.changes.articles, index: state}
        return known.with_changes(Changes(articles))

    def _hash(self, index: int, content: State) -> str:
        if (index, content) not in self._hashes:
            article = Writer(self._as(index, content), self._addresses).article(index)
            self._hashes[index, content] = fingerprint(article)
        return self._hashes[index, content]

    def parts(self, now: datetime) -> Iterator[str]:
        """Yield the whole history as one JSON document, in parts: events, and per day what is true at its end."""
        corpus, today = self._corpus, max(0, self._calendar.day(now))
        facts = {
            "profile": corpus.profile.name,
            "seed": corpus.seed,
            "founded": corpus.founded,
            "timezone": self._calendar.timezone,
            "now": stamp(now),
        }
        yield json.dumps(facts)[:-1] + ', "events": [\n'
        for place, event in enumerate(self.events):
            yield (",\n" if place else "") + json.dumps(event.facts() | {"local": str(self._calendar.local(event.at))})
        yield '],\n"days": ['
        for day in range(1, today + 1):
            head = {"day": day, "date": str(self._calendar.date(day)), "ends": stamp(self._calendar.begins(day + 1))}
            yield ("," if day > 1 else "") + "\n" + json.dumps(head)[:-1] + ', "articles": {'
            for place, article_id in enumerate(self.touched(day)):
                truth = self.truth(article_id, day)
                yield (",\n" if place else "") + f'"{article_id}": {json.dumps(asdict(truth) if truth else None)}'
            yield "}}"
        yield "]}\n"
