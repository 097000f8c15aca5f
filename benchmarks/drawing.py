"""Plots as SVG that reads in light and dark: bars of rates, curves of growth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#222}.l{fill:#666}.b{fill:#a8b4c0}.o{fill:#a3161a}"
    "polyline{fill:none;stroke-width:2}.g{stroke:#ccc}@media (prefers-color-scheme:dark){text{fill:#eee}.l{fill:#aaa}"
    ".b{fill:#556}.o{fill:#e2686b}.g{stroke:#444}}</style>"
)
_COLOURS = ("#a3161a", "#1f6f8b", "#b7791f", "#4c7a34", "#7a4c8b", "#888888", "#c2569b", "#2f9e8f", "#8a6d3b")


def bars(title: str, groups: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """Return groups of bars, each longest first; those of `backfile` stand out."""
    parts, y = [f'<text x="0" y="16" font-weight="bold">{escape(title)}</text>'], 40
    for group, values in groups.items():
        parts.append(f'<text class="l" x="0" y="{y}">{escape(group)}</text>')
        most = max((value for _, value in values), default=1.0) or 1.0
        for name, value in sorted(values, key=lambda one: -one[1]):
            y += 22
            kind = "o" if name == "backfile" else "b"
            parts.append(f'<text x="165" y="{y}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<rect class="{kind}" x="172" y="{y - 12}" width="{440 * value / most:.1f}" height="15"/>')
            parts.append(f'<text x="{178 + 440 * value / most:.1f}" y="{y}">{value:,.0f}</text>')
        y += 36
    return _svg(700, y, parts)


def curves(title: str, sizes: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    """Return curves over a logarithmic axis of sizes, each relative to its first value; 1 is a flat line."""
    most = max(2.0, *(max(values) / values[0] for values in lines.values()))
    low = min(0.5, *(min(values) / values[0] for values in lines.values()))
    span = math.log(most / low)

    def x(size: int) -> float:
        return 50 + 420 * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def y(ratio: float) -> float:
        return 40 + 220 * (1 - math.log(ratio / low) / span)

    parts = [f'<text x="0" y="16" font-weight="bold">{escape(title)}</text>']
    parts += [f'<text class="l" x="{x(size):.0f}" y="282" text-anchor="middle">{size:,}</text>' for size in sizes]
    for mark in (0.5, 1, 2, 4, 8, 16, 32):
        if low <= mark <= most:
            parts.append(f'<line class="g" x1="50" x2="470" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>')
            parts.append(f'<text class="l" x="42" y="{y(mark) + 4:.1f}" text-anchor="end">{mark:g}×</text>')
    place = 0.0
    highest = sorted(lines.items(), key=lambda line: -line[1][-1] / line[1][0])
    for number, (name, values) in enumerate(highest):
        points = " ".join(f"{x(s):.1f},{y(v / values[0]):.1f}" for s, v in zip(sizes, values, strict=True))
        colour = _COLOURS[number % len(_COLOURS)]
        place = max(place + 15, y(values[-1] / values[0]) + 4)  # names do not lie on one another
        parts.append(f'<polyline stroke="{colour}" points="{points}"/>')
        parts.append(f'<text x="478" y="{place:.1f}" style="fill:{colour}">{escape(name)}</text>')
    return _svg(700, max(300, round(place) + 10), parts)


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    view = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{_STYLE}{"".join(parts)}</svg>\n'
