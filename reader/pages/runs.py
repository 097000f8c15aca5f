"""Runs: what each did, what failed, how the archive grew, and how well it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from reader.address import PageAddress
from reader.dates import Moment, parsed
from reader.pages.taxonomy import Bar, bars
from reader.room import Room
from reader.view import View
from storage import frontier, overviews
from storage.reading import Reading

_SHOWN = 60
_FAILURES = 40
_KINDS = {"article": "Articles", "media": "Renditions", "listing": "Listings"}
_STATES = ("done", "queued", "failed", "gone", "skipped")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command, with its figures; `seconds` is None for one that was cut off or is under way."""

    id: int
    href: str
    report: str
    command: str
    started: Moment | None
    seconds: float | None
    exit_status: int | None
    requests: int
    bytes: int
    articles_new: int
    articles_changed: int
    articles_gone: int
    media_new: int
    failures: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A URL that could not be archived so far."""

    url: str
    kind: str
    error: str
    attempts: int
    last: Moment | None
    again: Moment | None


@dataclass(frozen=True, slots=True)
class Listing:
    """How far the walk of a listing has come."""

    key: str
    verdict: str
    seen: int


@dataclass(frozen=True, slots=True)
class RunsPage:
    """All runs, and the health of the archive."""

    articles: int
    partial: int
    gone: int
    files: int
    file_bytes: int
    database_bytes: int
    states: tuple[tuple[str, tuple[int, ...]], ...]
    state_names: tuple[str, ...]
    growth: tuple[Bar, ...]
    runs: tuple[Run, ...]
    failures: tuple[Failure, ...]
    failure_total: int
    causes: tuple[tuple[str, int], ...]
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run, with what a person should know about it."""

    run: Run
    notes: tuple[str, ...]
    all: str


async def page(room: Room, request: PageAddress) -> View:
    """Show all runs and the health of the archive."""
    del request
    found = await room.minute.get("runs", lambda: room.ask(lambda reading: _page(room, reading)))
    return View("runs.html", found, "Runs and health")


def _page(room: Room, reading: Reading) -> RunsPage:
    status = reading.status(runs=_SHOWN, failures=_FAILURES)
    counts = frontier.counts(reading.connection)
    runs = tuple(_run(room, entry) for entry in status.runs)
    return RunsPage(
        articles=status.articles,
        partial=status.partial,
        gone=status.gone,
        files=status.files,
        file_bytes=status.file_bytes,
        database_bytes=status.database_bytes,
        states=tuple(
            (name, tuple(_count(counts.get(kind, {}), state) for state in _STATES)) for kind, name in _KINDS.items()
        ),
        state_names=("archived", *_STATES[1:]),
        growth=bars({f"run {run.id}": (run.articles_new, run.href) for run in reversed(runs)}),
        runs=runs,
        failures=tuple(_failure(room, entry) for entry in status.failures),
        failure_total=status.failure_total,
        causes=tuple(status.causes.items()),
        listings=tuple(
            Listing(walk.key, walk.verdict or "under way", walk.seen) for walk in status.listings if walk.depth >= 0
        ),
    )


def _count(states: dict[str, int], state: str) -> int:
    return states.get(state, 0) + (states.get("doing", 0) if state == "queued" else 0)


def _run(room: Room, entry: dict[str, Any]) -> Run:
    started, finished = parsed(entry["started_at"]), parsed(entry["finished_at"])
    figures = ("requests", "bytes", "articles_new", "articles_changed", "articles_gone", "media_new", "failures")
    return Run(
        id=entry["id"],
        href=room.links.run(entry["id"]),
        report=room.links.report(entry["id"]) if report_path(room, entry["id"]).is_file() else "",
        command=entry["command"],
        started=room.zones.moment(entry["started_at"]),
        seconds=(finished - started).total_seconds() if started and finished else None,
        exit_status=entry["exit_status"],
        **{name: entry[name] for name in figures},
    )


def _failure(room: Room, entry: dict[str, Any]) -> Failure:
    last, again = (room.zones.moment(entry[name]) for name in ("last_attempt_at", "next_attempt_at"))
    return Failure(entry["url"], entry["kind"], entry["error"] or "", entry["attempts"], last, again)


async def one(room: Room, request: PageAddress) -> View:
    """Show one run."""
    number = int(request.match_info["number"])
    found = await room.ask(lambda reading: _one(room, reading, number))
    return View("run.html", found, f"Run {number}")


def _one(room: Room, reading: Reading, number: int) -> RunPage:
    entry = overviews.run(reading.connection, number)
    if entry is None:
        raise web.HTTPNotFound(text=f"The archive knows no run {number}.")
    return RunPage(_run(room, entry), overviews.run_notes(reading.connection, number), room.links.runs())


def report_path(room: Room, number: int) -> Path:
    """Return where the page that a run wrote would be."""
    return room.settings.archive / "reports" / f"{number}.html"
