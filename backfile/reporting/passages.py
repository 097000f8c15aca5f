"""What of a changed text a page shows: the paragraphs that changed, with what stands around the change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from backfile.differences import joined
from reader.compare import SAME, Span, spans

_PARAGRAPHS = 12  # that are shown of one change
_AROUND = 90  # characters of unchanged text on each side of a change
_BRIEF = 200  # characters of a further field
_CHANGED = 1_200  # characters of one stretch that came or went


@dataclass(frozen=True, slots=True)
class Passage:
    """A changed paragraph, word by word; or, without spans, so many paragraphs that did not change."""

    spans: tuple[Span, ...] = ()
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Passages:
    """The changed paragraphs of a text, in order; `left_out` further ones changed."""

    passages: tuple[Passage, ...]
    left_out: int


def passages(body: Sequence[Sequence[Mapping[str, Any]]]) -> Passages:
    """Return what to show of a changed body, given as `differences.document` has it."""
    found: list[Passage] = []
    left = _PARAGRAPHS
    left_out = 0
    for changed, rows in groupby(([Span(**span) for span in row] for row in body), _changed):
        group = list(rows)
        if not changed:
            found.append(Passage(unchanged=len(group)))
            continue
        found += [Passage(shortened(joined(row))) for row in group[:left]]
        left_out += max(0, len(group) - left)
        left = max(0, left - len(group))
        if left_out:
            break
    return Passages(tuple(found) if any(passage.spans for passage in found) else (), left_out)


def _changed(row: Sequence[Span]) -> bool:
    return any(span.kind != SAME for span in row)


def line(found: Iterable[Mapping[str, Any]]) -> tuple[Span, ...]:
    """Return a changed line, such as a title or a caption, word by word."""
    return shortened(joined(Span(**span) for span in found))


def shortened(found: Sequence[Span]) -> tuple[Span, ...]:
    """Return spans with what did not change cut to what stands around a change, and no stretch longer than a page."""
    last = len(found) - 1
    return tuple(
        Span(span.kind, _around(span.text, first=place == 0, last=place == last) if span.kind == SAME
             else _cut(span.text))
        for place, span in enumerate(found)
    )  # fmt: skip


def _around(text: str, *, first: bool, last: bool) -> str:
    """Return the end of a text that leads to a change, the beginning of one that follows, both of one between."""
    before = "" if first else text[:_AROUND]
    after = "" if last else text[-_AROUND:]
    return text if len(text) <= len(before) + len(after) else f"{before}…{after}"


def _cut(text: str) -> str:
    return text if len(text) <= _CHANGED else f"{text[:_CHANGED]}…"


def details(others: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, tuple[Span, ...]]]:
    """Return the further fields that hold a short text, a number or nothing, each word by word."""
    texts = {name: (_text(pair["old"]), _text(pair["new"])) for name, pair in others.items()}
    return [(name, tuple(joined(spans(old, new)))) for name, (old, new) in texts.items()
            if old is not None and new is not None]  # fmt: skip


def _text(value: object) -> str | None:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if isinstance(value, str | int | float) and len(text) <= _BRIEF else None
