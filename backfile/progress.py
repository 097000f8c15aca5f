"""How a crawl is going: bars on a terminal, nothing elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from backfile.values import duration_text, size_text

_RECENT_SECONDS = 10.0


class CrawlProgress:
    """Two bars (articles, renditions) and a line of figures; fits 80 columns."""

    def __init__(self, console: Console, *, shown: bool) -> None:
        """Draw on `console` if `shown`; else only count."""
        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            console=console,
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {
            "article": self._bars.add_task("articles", total=None),
            "media": self._bars.add_task("renditions", total=None),
        }
        self._line = Text(no_wrap=True, overflow="ellipsis")
        self._live = Live(Group(self._bars, self._line), console=console, refresh_per_second=4, transient=True)
        self._shown = shown
        self._done = {"article": 0, "media": 0}
        self._failed = 0
        self._listings = 0
        self._window: list[tuple[float, int]] = []

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._shown:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        if self._shown:
            self._live.stop()

    def event(self, what: str, kind: str) -> None:
        """Count one finished job: what came of it, and its kind."""
        if what == "failed":
            self._failed += 1
        elif kind == "listing":
            self._listings += 1
        else:
            self._done[kind] += 1

    def update(self, waiting: dict[str, int], received: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Redraw, knowing how many rows of each kind still wait and how many bytes have come."""
        if not self._shown:
            return
        for kind, task in self._tasks.items():
            done = self._done[kind]
            self._bars.update(task, completed=done, total=done + waiting.get(kind, 0) or None)
        rate = self._rate(clock())
        parts = [size_text(received), f"{rate:.1f} requests/s"]
        if self._listings:
            parts.append(f"{self._listings} listing page{'s' if self._listings > 1 else ''}")
        left = sum(waiting.values())
        if rate > 0 and left:
            parts.append(f"about {duration_text(left / rate)} left")
        self._line.plain = " · ".join(parts)
        if self._failed:
            self._line.append(f" · {self._failed} failed", style="red")

    def _rate(self, now: float) -> float:
        """Return the requests a second of the last while."""
        requests = sum(self._done.values()) + self._listings + self._failed
        self._window = [(at, n) for at, n in self._window if now - at <= _RECENT_SECONDS] + [(now, requests)]
        first_at, first = self._window[0]
        return (requests - first) / (now - first_at) if now > first_at else 0.0
