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
from functools import lru_cache
from itertools import chain
from typing import Final

Shape = frozenset[tuple[str, str]]
"""Pairs of a path, which begins with the content type, and the kind of value there."""

_Inside = tuple[str, str, tuple[str, ...], tuple[str, ...]]  # a key, how its path goes on, names, their kinds

USUAL: Final = 0.95  # of the articles
RARE: Final = 0.01
LEARNED_FROM: Final = 100  # articles of a content type before anything is held to be usual
JUDGED_FROM: Final = 20  # articles of a run before it can be found to drift
NOTHING: Final = "nothing"
ARTICLE: Final = "article"  # the kind under which articles themselves are counted, by content type
_LONGEST_REMEMBERED: Final = 8_000  # characters in the names of fields up to which a shape is remembered
_MOST_COUNTED: Final = 512  # different shapes that are counted apart
_MOST_SEEN: Final = 20_000  # pairs of a run; a CMS that names fields by numbers makes new ones with each article
_ESSENTIAL: Final = ("title", "contents")
_MOST: Final = 400
_LONGEST: Final = 80
_KINDS: Final = {str: "text", bool: "flag", int: "number", float: "number", list: "list", dict: "object"}
_NUMBERS: Final = frozenset({bool, int, float})  # which say something even where they are 0


def shape_of(article: Mapping[str, object], content_type: str) -> Shape:
    """Return the shape of a decoded article object, two levels deep."""
    holders = [(key, value) for key, value in article.items() if isinstance(value, (dict, list)) and value]
    inner = tuple([found for key, value in holders if (found := _inside(key, value))])
    names = [*article, *chain.from_iterable([found[2] for found in inner])]
    shape = _remembered if len("".join(names)) <= _LONGEST_REMEMBERED else _shape
    return shape(content_type[:_LONGEST] or "untyped", tuple(article), _kinds(article), inner)


def _inside(key: str, value: object) -> _Inside | None:
    """Return what is inside an object, or inside the first entry of a list."""
    ending = ""
    if isinstance(value, list):
        ending, value = "[]", value[0]
    return (key, ending, tuple(value), _kinds(value)) if isinstance(value, dict) else None


def _kinds(found: Mapping[str, object]) -> tuple[str, ...]:
    return tuple([_KINDS[type(value)] if value or type(value) in _NUMBERS else NOTHING for value in found.values()])


def _shape(content_type: str, keys: tuple[str, ...], kinds: tuple[str, ...], inner: tuple[_Inside, ...]) -> Shape:
    within = {key: (ending, zip(names, kinds_of, strict=True)) for key, ending, names, kinds_of in inner}
    found: set[tuple[str, str]] = {(content_type, ARTICLE)}
    for key, kind in zip(keys, kinds, strict=True):
        path = f"{content_type}.{key}"
        if len(path) > 2 * _LONGEST:
            continue
        found.add((path, kind))
        ending, pairs = within.get(key, ("", ()))
        deeper = ((f"{path}{ending}.{name}", kind_of) for name, kind_of in pairs)
        found.update(pair for pair in deeper if len(pair[0]) <= 2 * _LONGEST)
        if len(found) > _MOST:
            break
    return frozenset(found)


_remembered = lru_cache(maxsize=512)(_shape)  # most articles of a newsroom have one of a few shapes


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
class _Taken:
    """What a shape differs in from what is usual, and how many articles had it."""

    judged: bool
    lacking: list[str] = field(default_factory=list)
    changed: list[tuple[str, str]] = field(default_factory=list)
    times: int = 0


@dataclass(slots=True)
class Watch:
    """The shapes of one site: those of earlier runs, and those of this one."""

    site: str
    known: Mapping[tuple[str, str], int] = field(default_factory=dict)  # in how many articles
    articles: int = 0  # that could be judged
    lacking: Counter[str] = field(default_factory=Counter)
    changed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _taken: dict[Shape, _Taken] = field(default_factory=dict)  # what is not in `_seen` yet
    _usual: dict[str, Usual] = field(default_factory=dict)

    @property
    def seen(self) -> Counter[tuple[str, str]]:
        """In how many articles of this run there was what."""
        self._count()
        return self._seen

    def take(self, shape: Shape) -> None:
        """Compare one article's shape with what is usual."""
        taken = self._taken.get(shape)
        if taken is None:
            if len(self._taken) >= _MOST_COUNTED:
                self._count()
            taken = self._taken[shape] = self._judge(shape)
        taken.times += 1
        self.articles += taken.judged
        self.lacking.update(taken.lacking)
        self.changed.update(taken.changed)

    def _count(self) -> None:
        for shape, taken in self._taken.items():
            self._seen.update(dict.fromkeys(shape, taken.times))
        self._taken.clear()
        if len(self._seen) > _MOST_SEEN:  # what is rare is never usual
            self._seen = Counter(dict(self._seen.most_common(_MOST_SEEN // 2)))

    def _judge(self, shape: Shape) -> _Taken:
        content_type = next(path for path, kind in shape if kind == ARTICLE)
        usual = self._usual_of(content_type).kinds
        if not usual:
            return _Taken(judged=False)
        kinds = dict(shape)
        lacking = [path for path in usual if path not in kinds and path.count(".") == 1]
        changed = [(path, kind) for path, kind in shape if path in usual and _is_strange(path, kind, usual[path])]
        return _Taken(judged=True, lacking=lacking, changed=changed)

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
        usual = self._usual.get(content_type) or _usual(self.known, content_type)
        if usual.kinds:  # of types that nobody knew there may be any number
            self._usual[content_type] = usual
        return usual


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
