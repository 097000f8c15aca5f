"""How fast a run went, and how hard it asked: from the times of its answers to figures. Pure.

An answer's end is known to the second (see `storage.runtraffic`). So a second of doubt is part of every figure about
moments, and a promise counts as kept unless the figures prove that it was not.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from storage.runtraffic import Answer

_WINDOW = 10  # seconds over which the rate is judged: in one alone, the second of doubt would be all there is
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)
_BINS = 60
_COMPLAINTS = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Promise:
    """How hard one host may be asked, as configured: requests a second (0: unlimited), and how many at once."""

    rate: float
    at_once: int


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took, in seconds; None where no answer has a time."""

    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None


@dataclass(frozen=True, slots=True)
class HostTraffic:
    """What one host was asked.

    `busiest_second` is how many requests ended within one second of the clock, `busiest_rate` how many a second began
    in the busiest ten seconds. `at_once_least` were certainly under way together, `at_once_most` possibly. After
    `complaints` (429, 503) the next request began `shortest_pause` seconds later, to within a second. `kept` says
    whether the promise was kept as far as can be seen; None when there was none.
    """

    host: str
    requests: int
    failures: int
    bytes: int
    latency: Latency
    busiest_second: int
    busiest_rate: float
    at_once_least: int
    at_once_most: int
    complaints: int
    shortest_pause: float | None
    kept: bool | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened in one of the equal parts of a run; it begins at `at` (UTC ISO 8601)."""

    at: str
    requests: int
    failures: int
    bytes: int
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """All requests of a run that left a row. `statuses` counts them by HTTP status, 'none' where nothing came back."""

    requests: int
    failures: int
    bytes: int
    statuses: dict[str, int]
    latency: Latency
    step: int
    stretches: tuple[Stretch, ...]
    hosts: tuple[HostTraffic, ...]


@dataclass(slots=True)
class _Column:
    """The answers of one host, or of one stretch of time, as plain arrays: there may be a million."""

    ends: array[int] = field(default_factory=lambda: array("q"))
    begins: array[float] = field(default_factory=lambda: array("d"))
    seconds: array[float] = field(default_factory=lambda: array("d"))  # only of those that are known
    complaints: array[int] = field(default_factory=lambda: array("q"))
    failures: int = 0
    bytes: int = 0

    def add(self, other: _Column) -> None:
        """Add all answers of another column."""
        self.ends.extend(other.ends)
        self.begins.extend(other.begins)
        self.seconds.extend(other.seconds)
        self.complaints.extend(other.complaints)
        self.failures += other.failures
        self.bytes += other.bytes


def measure(answers: Iterable[Answer], began: float, ended: float | None, promise: Promise | None) -> Traffic:
    """Return the figures of a run that began and ended at these Unix seconds; without an end, at its last answer."""
    cells, statuses = _cells(answers)
    hosts: defaultdict[str, _Column] = defaultdict(_Column)
    every = array("d")
    for (host, _), cell in cells.items():
        hosts[host].add(cell)
        every.extend(cell.seconds)
    step, stretches = _stretches(cells, began, ended)
    found = sorted((_host(host, column, promise) for host, column in hosts.items()), key=lambda one: -one.requests)
    return Traffic(
        requests=sum(one.requests for one in found),
        failures=sum(one.failures for one in found),
        bytes=sum(one.bytes for one in found),
        statuses=dict(sorted(statuses.items())),
        latency=latency(every),
        step=step,
        stretches=tuple(stretches),
        hosts=tuple(found),
    )


def _cells(answers: Iterable[Answer]) -> tuple[dict[tuple[str, int], _Column], Counter[str]]:
    """Put the answers of each host in each second into a column of their own; and count their statuses."""
    cells: defaultdict[tuple[str, int], _Column] = defaultdict(_Column)
    statuses: Counter[int] = Counter()
    for host, _, at, seconds, size, status, _, used in answers:
        cell = cells[host, at]
        cell.ends.append(at)
        cell.begins.append(at - (seconds or 0.0))
        if seconds is not None:
            cell.seconds.append(seconds)
        if status in _COMPLAINTS:
            cell.complaints.append(at)
        cell.failures += not used
        cell.bytes += size
        statuses[status or 0] += 1
    return cells, Counter({str(status or "none"): number for status, number in statuses.items()})


def latency(seconds: Sequence[float]) -> Latency:
    """Return percentiles by nearest rank."""
    ordered = sorted(seconds)
    return Latency(
        percentile(ordered, 50), percentile(ordered, 90), percentile(ordered, 99), ordered[-1] if ordered else None
    )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the smallest value that `percent` of all values do not exceed; None of nothing."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def _host(host: str, column: _Column, promise: Promise | None) -> HostTraffic:
    begins = sorted(column.begins)
    busiest = most_within(begins, _WINDOW)
    least = most_at_once(_certain(column))
    return HostTraffic(
        host=host,
        requests=len(column.ends),
        failures=column.failures,
        bytes=column.bytes,
        latency=latency(column.seconds),
        busiest_second=max(Counter(column.ends).values()),
        busiest_rate=busiest / _WINDOW,
        at_once_least=max(1, least),
        at_once_most=most_at_once(_possible(column)),
        complaints=len(column.complaints),
        shortest_pause=shortest_pause(begins, column.complaints),
        kept=None if promise is None else _kept(promise, busiest, least),
    )


def _kept(promise: Promise, busiest: int, at_once: int) -> bool:
    """Say whether nothing proves the opposite: ten seconds by a clock of whole seconds may be almost eleven."""
    slow_enough = not promise.rate or busiest <= promise.rate * (_WINDOW + 1) + 1
    return slow_enough and at_once <= max(1, promise.at_once)


def most_within(moments: Sequence[float], seconds: float) -> int:
    """Return how many moments, given in order, lie within so many seconds of each other at most."""
    most = first = 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """Return how many spans, each from a beginning to before an end, share a moment at most."""
    begins, ends = array("d"), array("d")
    for begin, end in spans:
        if end > begin:
            begins.append(begin)
            ends.append(end)
    most = over = 0
    leaving = sorted(ends)
    for number, begin in enumerate(sorted(begins), start=1):
        while leaving[over] <= begin:  # what ends at a moment goes before what begins then
            over += 1
        most = max(most, number - over)
    return most


def _certain(column: _Column) -> Iterator[tuple[float, float]]:
    """Yield when each request was under way in any case: it ended within a second from when it is said to have."""
    return ((begin + 1, end) for begin, end in zip(column.begins, column.ends, strict=True))


def _possible(column: _Column) -> Iterator[tuple[float, float]]:
    return ((begin, end + 1) for begin, end in zip(column.begins, column.ends, strict=True))


def shortest_pause(begins: Sequence[float], complaints: Iterable[int]) -> float | None:
    """Return the shortest time from a complaint to the next request that began; None where none followed."""
    following = ((bisect_right(begins, moment), moment) for moment in complaints)
    return min((begins[place] - moment for place, moment in following if place < len(begins)), default=None)


def _stretches(
    cells: Mapping[tuple[str, int], _Column], began: float, ended: float | None
) -> tuple[int, list[Stretch]]:
    """Divide a run into equal parts of a round length; an answer out of its time counts with the nearest part."""
    first = math.floor(began)
    last = max(first, math.ceil(ended) if ended is not None else max((at for _, at in cells), default=first))
    step = next((one for one in _STEPS if (last - first) / one < _BINS), math.ceil((last - first + 1) / _BINS))
    number = (last - first) // step + 1
    parts: list[list[_Column]] = [[] for _ in range(number)]
    for (_, at), column in cells.items():
        parts[min(max((at - first) // step, 0), number - 1)].append(column)
    return step, [_stretch(first + step * place, part) for place, part in enumerate(parts)]


def _stretch(at: int, columns: Sequence[_Column]) -> Stretch:
    ordered = sorted(value for column in columns for value in column.seconds)
    return Stretch(
        at=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        requests=sum(len(column.ends) for column in columns),
        failures=sum(column.failures for column in columns),
        bytes=sum(column.bytes for column in columns),
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
    )
