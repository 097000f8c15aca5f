"""The facts of one run, as one document: what the page shows, the terminal tells, and `--json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backfile import differences
from backfile.errors import UsageError
from backfile.exits import MEANINGS, Exit
from backfile.reporting.traffic import Promise, Traffic, measure
from crawler.errors import FaultKind
from storage import runevents, runfacts, runtraffic, shelves
from storage.listings import Walk
from storage.reading import Reading
from storage.records import MERGE
from storage.runevents import Absence, Edit
from storage.runfacts import Run, Size, Some
from storage.runtraffic import Cause, Failed

SHOWN = 100  # of each kind
_RUNS = 30  # of the growth
_UNSENT = (FaultKind.ROBOTS, FaultKind.HOST_REFUSED, FaultKind.ADDRESS_REFUSED, FaultKind.BAD_URL, FaultKind.DNS)


@dataclass(frozen=True, slots=True)
class Story:
    """An article as a report names it; times are UTC ISO 8601."""

    site: str
    id: str
    title: str
    url: str
    first_published: str | None
    category: str
    authors: tuple[str, ...]
    partial: bool
    gone_at: str | None


@dataclass(frozen=True, slots=True)
class Edited:
    """An article that changed, and how: the document that `show --diff --json` prints."""

    article: Story
    difference: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """An article that was not there any more: since when (UTC ISO 8601), and what the server said."""

    article: Story
    since: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """A picture that is another one now under the same URL; the article that shows it, where one does."""

    url: str
    article: Story | None
    old_sha256: str
    new_sha256: str


@dataclass(frozen=True, slots=True)
class LostPicture:
    """A picture that we hold, and the newsroom no longer has."""

    url: str
    article: Story | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Growth:
    """One of the last runs; `articles` is how many were held after it."""

    run: int
    started_at: str
    finished_at: str | None
    exit_status: int | None
    articles: int
    articles_new: int
    articles_changed: int
    articles_gone: int
    media_new: int
    requests: int
    bytes: int
    failures: int


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `seconds` is None for one without an end; `cut_off` names the run before it when that has none."""

    archive: str
    run: Run
    seconds: float | None
    meaning: str
    cut_off: int | None
    new: Some[Story]
    changed: Some[Edited]
    gone: Some[Absent]
    absent: Some[Absent]
    returned: Some[Absent]
    pictures_replaced: Some[Replaced]
    pictures_lost: Some[LostPicture]
    causes: tuple[Cause, ...]
    failed: Some[Failed]
    listings: tuple[Walk, ...]
    pauses: dict[str, str]
    traffic: Traffic
    promise: Promise | None
    growth: tuple[Growth, ...]
    size: Size

    @property
    def unannounced(self) -> int:
        """How many of the changes shown were made without a word."""
        return sum(edited.difference["unannounced"] for edited in self.changed.shown)

    @property
    def truncated(self) -> list[Walk]:
        """The listings of which something may have stayed unseen."""
        return [walk for walk in self.listings if walk.verdict in ("truncated", "unavailable")]


def gather(reading: Reading, number: int | None, promise: Promise | None) -> Report:
    """Return the facts of a run; of the last one without a number. Raises UsageError when there is none."""
    connection = reading.connection
    run = _chosen(reading, number)
    recent = runfacts.recent(connection, run.id, _RUNS)
    began, ended = _seconds(run.started_at), _seconds(run.finished_at)
    size = runfacts.size(connection, reading.folder)
    answers = runtraffic.answers(connection, run, _UNSENT)
    return Report(
        archive=str(reading.folder),
        run=run,
        seconds=None if ended is None else ended - (began or 0.0),
        meaning=_meaning(run),
        cut_off=recent[-2].id if len(recent) > 1 and recent[-2].finished_at is None else None,
        **_articles(reading, run),
        **_pictures(reading, run),
        causes=tuple(runtraffic.causes(connection, run)),
        failed=runtraffic.failed(connection, run, SHOWN),
        listings=tuple(runfacts.walks(connection, run)),
        pauses=runtraffic.pauses(connection),
        traffic=measure(answers, began or 0.0, ended, promise),
        promise=promise,
        growth=_growth(recent, size.articles - runfacts.articles_since(connection, run.id)),
        size=size,
    )


def _chosen(reading: Reading, number: int | None) -> Run:
    last = runfacts.last(reading.connection)
    if last is None:
        raise UsageError(f"no run has worked on the archive {reading.folder} yet, so none can be reported; crawl first")
    found = runfacts.run(reading.connection, last if number is None else number)
    if found is None:
        raise UsageError(
            f"the archive {reading.folder} knows no run {number}; its last one is {last}, and `backfile status` lists "
            "those before it"
        )
    return found


def _meaning(run: Run) -> str:
    if run.finished_at is None or run.exit_status is None:
        return "it has no end: it is under way, or was cut off"
    known = run.exit_status in Exit.__members__.values()
    return MEANINGS[Exit(run.exit_status)] if known else f"exit status {run.exit_status}"


def _seconds(instant: str | None) -> float | None:
    return datetime.fromisoformat(instant).timestamp() if instant else None


def _articles(reading: Reading, run: Run) -> dict[str, Some[Any]]:
    new = runevents.new(reading.connection, run, SHOWN)
    edits = runevents.changed(reading.connection, run, SHOWN)
    edited = stories(reading, [edit.article for edit in edits.shown])
    return {
        "new": Some(new.total, tuple(stories(reading, new.shown).values())),
        "changed": Some(edits.total, tuple(_edited(edit, edited[edit.article]) for edit in edits.shown)),
        **{name: _absent(reading, some) for name, some in runevents.absences(reading.connection, run, SHOWN).items()},
    }


def _absent(reading: Reading, absences: Some[Absence]) -> Some[Absent]:
    told = stories(reading, [one.article for one in absences.shown])
    return Some(absences.total, tuple(Absent(told[one.article], one.since, one.evidence) for one in absences.shown))


def _edited(edit: Edit, story: Story) -> Edited:
    old, new = (
        differences.Copy(copy.number, copy.fetched_at, copy.source, copy.content_hash, copy.json)
        for copy in (edit.old, edit.new)
    )
    return Edited(story, differences.document(old, new))


def _pictures(reading: Reading, run: Run) -> dict[str, Some[Any]]:
    replaced = runevents.replaced(reading.connection, run, SHOWN)
    lost = runevents.lost(reading.connection, run, SHOWN)
    shown_by = [*(one.article for one in replaced.shown), *(one.article for one in lost.shown)]
    told = stories(reading, [row for row in shown_by if row is not None])

    def found(row: int | None) -> Story | None:
        return None if row is None else told.get(row)

    return {
        "pictures_replaced": Some(
            replaced.total,
            tuple(Replaced(one.url, found(one.article), one.old_sha256, one.new_sha256) for one in replaced.shown),
        ),
        "pictures_lost": Some(
            lost.total, tuple(LostPicture(one.url, found(one.article), one.evidence) for one in lost.shown)
        ),
    }


def stories(reading: Reading, rows: Sequence[int]) -> dict[int, Story]:
    """Return articles as a report names them, by row, in the order of the rows."""
    urls = runevents.addresses(reading.connection, rows)
    return {
        card.row: Story(
            site=card.site,
            id=card.id,
            title=card.title,
            url=urls[card.row],
            first_published=card.first_published,
            category=next((term.name for term in card.named("category")), ""),
            authors=tuple(term.name for term in card.named("author")),
            partial=card.source == "partial",
            gone_at=card.gone_at,
        )
        for card in shelves.cards(reading.connection, rows)
    }


def _growth(recent: Sequence[Run], articles: int) -> tuple[Growth, ...]:
    """Return the last runs, the oldest first, each with the articles held after it, counted back from the last."""
    found: list[Growth] = []
    for run in reversed(recent):
        names = ("started_at", "finished_at", "exit_status", "articles_new", "articles_changed", "articles_gone",
                 "media_new", "requests", "bytes", "failures")  # fmt: skip
        found.append(Growth(run=run.id, articles=articles, **{name: getattr(run, name) for name in names}))
        articles = max(0, articles - run.articles_new * (run.command != MERGE))  # the runs that it brought count
    return tuple(reversed(found))
