"""Which request goes wrong, and how often: fixed by seed and URL, so that two runs suffer alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from zlib import crc32

from simulator.chance import mix
from simulator.faults.statuses import LOOP
from simulator.faults.table import FAULTS, STORM
from simulator.faults.visit import OTHER, SITEMAP

FORM = "NAME[:RATE][:url=TEXT][:times=N][:after=SECONDS][:forever]"
_WHOLE = 1 << 64


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the options: a fault, and when it strikes."""

    name: str
    rate: float = 1.0
    url: str | None = None
    times: int | None = None
    after: int = 1
    forever: bool = False


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that was chosen for one request."""

    name: str
    after: int
    attempt: int


def rule(text: str) -> Rule:
    """Read one entry, such as 'reset:0.1' or 'truncated-jpeg:url=harbour:forever'."""
    name, *parts = text.split(":")
    if name != STORM and name not in FAULTS:
        near = get_close_matches(name, [*FAULTS, STORM], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"fault {name!r} is unknown{hint} Known: {', '.join(sorted([*FAULTS, STORM]))}")
    values: dict[str, str] = {}
    while parts:
        part = parts.pop(0)
        key, equals, value = part.partition("=")
        if key == "url" and equals:  # a URL may hold colons: it reaches up to the next word of ours
            while parts and parts[0] != "forever" and parts[0].partition("=")[0] not in ("times", "after"):
                value += ":" + parts.pop(0)
        values[key if equals or key == "forever" else "rate"] = value if equals else part
    return _rule(text, name, values)


def _rule(text: str, name: str, values: dict[str, str]) -> Rule:
    try:
        rate = float(values.pop("rate", "1"))
        times = int(values.pop("times")) if "times" in values else None
        after = int(values.pop("after", "1"))
    except ValueError as wrong:
        raise ValueError(f"fault {text!r} is not of the form {FORM}: {wrong}") from wrong
    url, forever = values.pop("url", None), values.pop("forever", None) is not None
    if values or not 0 <= rate <= 1:
        raise ValueError(f"fault {text!r} is not of the form {FORM}, with a rate from 0 to 1")
    return Rule(name, rate, url, times, after, forever)


class Plan:
    """Decides for every request; remembers only how often a chosen URL was hit."""

    def __init__(self, texts: tuple[str, ...], seed: int) -> None:
        self._rules = tuple(rule(text) for text in texts)
        self._seed = seed
        self._hits: Counter[tuple[int, str]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._rules)

    def choose(self, kind: str, path: str, path_qs: str) -> Strike | None:
        """Return the fault that hits this request, if any."""
        if f"{LOOP}=" in path_qs:
            return Strike("redirect-loop", 1, 1)
        for place, known in enumerate(self._rules):
            chance = mix(self._seed, place, crc32(path_qs.encode()), crc32(known.name.encode()))
            if (known.url is not None and known.url not in path_qs) or chance / _WHOLE >= known.rate:
                continue
            name = self._named(known, kind, path, chance)
            if name is None:
                continue
            self._hits[place, path_qs] += 1
            attempt = self._hits[place, path_qs]
            if known.forever or attempt <= (known.times or 1 + chance % 2):
                return Strike(name, known.after, attempt)
        return None

    def _named(self, known: Rule, kind: str, path: str, chance: int) -> str | None:
        if kind == OTHER and known.url is not None:
            kind = SITEMAP  # asked for by name: whatever can happen to any request can happen to it
        if known.name != STORM:
            return known.name if FAULTS[known.name].fits(kind, path) else None
        fitting = [name for name, fault in FAULTS.items() if fault.stormy and fault.fits(kind, path)]
        return fitting[(chance >> 8) % len(fitting)] if fitting else None
