"""The plots of a report: from figures to shapes in a box of 1000 by 100, which a browser stretches as it needs. Pure.

Words stand outside of the box, so that they keep their size; the figures themselves stand in a table nearby.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backfile.reporting.facts import Growth
from backfile.reporting.traffic import Traffic
from backfile.reporting.words import latency
from backfile.values import size_text

WIDTH, HEIGHT = 1000, 100
_GAP = 0.15  # of the room of one column


@dataclass(frozen=True, slots=True)
class Column:
    """An upright bar."""

    x: float
    y: float
    width: float
    height: float
    kind: str  # 'main' or 'part'


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points, as the attribute of an SVG polyline."""

    points: str
    kind: str  # 'main' or 'part'


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot and the words around it; `kinds` says what its shapes stand for."""

    heading: str
    kinds: tuple[tuple[str, str], ...]
    top: str
    bottom: str
    first: str
    last: str
    said: str  # for who cannot see it
    columns: tuple[Column, ...] = ()
    curves: tuple[Curve, ...] = ()


def of_traffic(traffic: Traffic) -> tuple[Plot, ...]:
    """Return how requests, bytes and latency went over the time of a run; nothing of one without requests."""
    if not traffic.requests:
        return ()
    parts, each = traffic.stretches, f"in each {_length(traffic.step)}"
    ends = (_clock(parts[0].at), _clock(parts[-1].at))
    requests = columns(f"Requests {each}", [part.requests for part in parts], ends, _count,
                       ("all", "nothing could be read from the answer"), [part.failures for part in parts])  # fmt: skip
    received = columns(f"Received {each}", [part.bytes for part in parts], ends, size_text)
    waits = {"main": [part.p50 for part in parts], "part": [part.p90 for part in parts]}
    times = curves("How long answers took", waits, ends, latency, ("half of them at most", "nine in ten at most"))
    return (requests, received, times)


def of_growth(growth: Sequence[Growth]) -> tuple[Plot, ...]:
    """Return what the last runs brought, and how the archive grew with them; nothing of a single run."""
    if len(growth) < 2:
        return ()
    ends = (f"run {growth[0].run}", f"run {growth[-1].run}")
    return (
        columns("New articles in each run", [one.articles_new for one in growth], ends, _count),
        columns("Changed articles in each run", [one.articles_changed for one in growth], ends, _count),
        curves("Articles held", {"main": [float(one.articles) for one in growth]}, ends, _count, ("articles",)),
    )


def columns(
    heading: str,
    values: Sequence[float],
    ends: tuple[str, str],
    words: Callable[[float], str],
    kinds: Sequence[str] = (),
    parts: Sequence[float] = (),
) -> Plot:
    """Return a plot of upright bars; `parts` are shares of the values, drawn over them."""
    top = ceiling(max(values))
    room = WIDTH / len(values)

    def drawn(numbers: Sequence[float], kind: str) -> tuple[Column, ...]:
        return tuple(
            Column(round((place + _GAP / 2) * room, 2), round(HEIGHT - _height(number, top), 2),
                   round((1 - _GAP) * room, 2), _height(number, top), kind)
            for place, number in enumerate(numbers) if number
        )  # fmt: skip

    return Plot(
        heading,
        tuple(zip(("main", "part"), kinds, strict=False)),
        words(top),
        words(0),
        *ends,
        said=f"{heading}: {words(values[0])} at first, {words(max(values))} at most, {words(values[-1])} at last",
        columns=drawn(values, "main") + drawn(parts, "part"),
    )


def curves(
    heading: str,
    series: Mapping[str, Sequence[float | None]],
    ends: tuple[str, str],
    words: Callable[[float], str],
    kinds: Sequence[str],
) -> Plot:
    """Return a plot of lines; where a value is missing the line goes straight on to the next one."""
    known = [value for values in series.values() for value in values if value is not None]
    top = ceiling(max(known, default=0.0))
    return Plot(
        heading,
        tuple(zip(series, kinds, strict=True)) if len(series) > 1 else (),
        words(top),
        words(0),
        *ends,
        said=f"{heading}: {words(min(known, default=0.0))} at least, {words(max(known, default=0.0))} at most",
        curves=tuple(Curve(_points(values, top), kind) for kind, values in series.items()),
    )


def _points(values: Sequence[float | None], top: float) -> str:
    room = WIDTH / max(1, len(values) - 1)
    known = [(place * room, value) for place, value in enumerate(values) if value is not None]
    if len(known) == 1:  # a line needs two points to be seen
        known = [(0.0, known[0][1]), (float(WIDTH), known[0][1])]
    return " ".join(f"{x:.1f},{HEIGHT - _height(value, top):.1f}" for x, value in known)


def _height(value: float, top: float) -> float:
    return round(value / top * HEIGHT, 2)


def ceiling(value: float) -> float:
    """Return the next round number that is not below a value: 1, 2 or 5 and noughts."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= value)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _length(seconds: int) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _clock(instant: str) -> str:
    return f"{instant[11:19]} UTC"
