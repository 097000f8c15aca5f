"""Drift: what the CMS sends has another shape than before. Pure.

A shape is which fields an article object has and what kind of value is in each: `title` text, `authors[].name` text;
what is empty is nothing (an empty map is sent as `[]`, contract 4.1). From the shapes of all articles of a content type
follows what is usual. An article drifts when

- a field is not there that nearly all had;
- a field that nearly all had holds a kind of value that hardly any had, where nothing is no kind of value;
- its title or its contents are empty, where that hardly ever happens: a husk.

A field that nobody knew is told, and no drift: the newsroom has added something, and all of it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Shape = frozenset[tuple[str, str]]
"""Pairs of a path, which begins with the content type, and the kind of value there."""

USUAL: Final = 0.95  # of the articles
RARE: Final = 0.01
LEARNED_FROM: Final = 100  # articles of a content type before anything is held to be usual
JUDGED_FROM: Final = 20  # articles of a run before it can be found to drift
NOTHING: Final = "nothing"
ARTICLE: Final = "article"  # the kind under which articles themselves are counted, by content type
_ESSENTIAL: Final = ("title", "contents")
_MOST: Final = 400
_LONGEST: Final = 80
_KINDS: Final = {str: "text", bool: "flag", int: "number", float: "number", list: "list", dict: "object"}


def shape_of(article: Mapping[str, object], content_type: str) -> Shape:
    """Return the shape of a decoded article object, two levels deep."""
    name = content_type[:_LONGEST] or "untyped"
    found: set[tuple[str, str]] = {(name, ARTICLE)}
    for key, value in article.items():
        path = f"{name}.{key}"
        if len(path) > 2 * _LONGEST:
            continue
        found.add((path, _kind(value)))
        inner, ending = (value, "") if isinstance(value, dict) else (_first(value), "[]")
        if isinstance(inner, dict):
            within = ((f"{path}{ending}.{name}", entry) for name, entry in inner.items())
            found.update((deeper, _kind(entry)) for deeper, entry in within if len(deeper) <= 2 * _LONGEST)
        if len(found) > _MOST:
            break
    return frozenset(found)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), NOTHING) if value or isinstance(value, (int, float)) else NOTHING


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a content type: its fields, and the kinds of value that each may have."""

    kinds: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which the articles of a run differ from what is usual."""

    site: str
    path: str
    what: str
    articles: int  # of this run

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.site}: {self.path} {self.what} in {self.articles} articles"


@dataclass(slots=True)
class Watch:
    """The shapes of one site: those of earlier runs, and those of this one."""

    site: str
    known: Mapping[tuple[str, str], int] = field(default_factory=dict)  # in how many articles
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    articles: int = 0  # that could be judged
    lacking: Counter[str] = field(default_factory=Counter)
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _usual: dict[str, Usual] = field(default_factory=dict)

    def take(self, shape: Shape) -> None:
        """Compare one article's shape with what is usual."""
        self.seen.update(shape)
        content_type = next(path for path, kind in shape if kind == ARTICLE)
        usual = self._usual_of(content_type)
        if not usual.kinds:
            return
        self.articles += 1
        kinds = dict(shape)
        self.lacking.update(path for path in usual.kinds if path not in kinds and path.count(".") == 1)
        self.changed.update(
            (path, kind) for path, kind in shape if path in usual.kinds and _is_strange(path, kind, usual.kinds[path])
        )

    def share(self) -> float:
        """Return in which share of this run's articles the field drifts that does so most; 0 of too few."""
        if self.articles < JUDGED_FROM:
            return 0.0
        worst = [*self.lacking.values(), *(n for (path, _), n in self.changed.items() if path.count(".") == 1)]
        return max(worst, default=0) / self.articles

    def findings(self) -> list[Finding]:
        """Return what differs, the most frequent first."""
        found = [Finding(self.site, path, "is missing", number) for path, number in self.lacking.items()]
        for (path, kind), number in self.changed.items():
            before = " or ".join(sorted(self._usual_of(path.partition(".")[0]).kinds[path] - {NOTHING}))
            found.append(Finding(self.site, path, f"is {_an(kind)}, not {_an(before)} as usual", number))
        known = {path for path, _ in self.known}
        types = {path for path, kind in self.known if kind == ARTICLE}
        for (path, kind), number in self.seen.items():
            if path not in known and path.partition(".")[0] in types:
                found.append(Finding(self.site, path, f"is new ({kind})", number))
        return sorted(found, key=lambda one: (-one.articles, one.path))

    def _usual_of(self, content_type: str) -> Usual:
        if content_type not in self._usual:
            self._usual[content_type] = _usual(self.known, content_type)
        return self._usual[content_type]


def _usual(known: Mapping[tuple[str, str], int], content_type: str) -> Usual:
    articles = known.get((content_type, ARTICLE), 0)
    if articles < LEARNED_FROM:
        return Usual({})
    totals: Counter[str] = Counter()
    for (path, _), number in known.items():
        if path.startswith(f"{content_type}."):
            totals[path] += number
    usual = {path for path, total in totals.items() if total >= USUAL * articles}
    kinds: dict[str, set[str]] = {path: set() for path in usual}
    for (path, kind), number in known.items():
        if path in usual and number > RARE * totals[path]:
            kinds[path].add(kind)
    return Usual({path: frozenset(found) for path, found in kinds.items()})


def _is_strange(path: str, kind: str, usual: frozenset[str]) -> bool:
    if kind in usual or (usual <= {NOTHING}):
        return False
    return kind != NOTHING or path.partition(".")[2] in _ESSENTIAL


def _an(kind: str) -> str:
    return kind if kind in (NOTHING, "text") else f"an {kind}" if kind[:1] == "o" else f"a {kind}"
