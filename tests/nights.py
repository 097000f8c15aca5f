"""Nights over a newsroom in a box, one after the other, by the newsroom's own clock."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from crawler.plan import CrawlRequest, Night, Summary, Sweep
from crawler.run import Crawl
from crawler.sites import Site
from crawler.targets import parse_target
from simulator import Newsroom
from simulator.history import fingerprint
from storage.opening import open_store
from tests.crawling import rows, settings

AT = 3 * 3600.0  # seconds after the newsroom's midnight at which the night runs


async def night(
    room: Newsroom, archive: Path, site: Site, *targets: str, now: float | None = None, **request: object
) -> Summary:
    """Spend a night: the newsroom's clock says when, unless told."""
    at = room.life.now.timestamp() + AT if now is None else now
    values: dict[str, object] = {"night": Night(), "sweep": Sweep(requests=100, days=30), **request}
    asked = CrawlRequest(
        targets=tuple(parse_target(target, (site,)) for target in targets),
        command="nightly",
        **values,  # type: ignore[arg-type]
    )
    began = time.monotonic()
    async with open_store(archive, now=lambda: at + time.monotonic() - began) as store:
        summary = await Crawl(store, (site,), settings(attempts=1), asked).run()
        await store.end_run(summary.tally, 0)
    return summary


def revisions(archive: Path, site: str, article: str) -> list[tuple[str, str]]:
    """Return when each revision of an article was found and the fingerprint of its content, oldest first."""
    found = rows(
        archive,
        "SELECT fetched_at, json FROM revisions WHERE site = ? AND article_id = ? ORDER BY number",
        site,
        article,
    )
    return [(str(fetched), fingerprint(_as_the_api_writes(json.loads(str(text))))) for fetched, text in found]


def _as_the_api_writes(article: dict[str, object]) -> dict[str, object]:
    """Return an article with its times as the API spells them; public pages have a T in the middle (contract 4.4)."""
    times: dict[str, object] = {
        name: str(article[name]).replace("T", " ") for name in ("firstPublished", "lastUpdate") if name in article
    }
    return {**article, **times}


def iso_day(text: str) -> datetime:
    """Return the instant of a time in an archive."""
    return datetime.fromisoformat(text).astimezone(UTC)


def moved(site: Site, host: str) -> Site:
    """Return a site whose public pages are on another host now."""
    return replace(site, base_url=f"http://{host}", hosts=(site.base_url.partition("://")[2],))


@dataclass(frozen=True, slots=True)
class Look:
    """One answer about an article: on which of the newsroom's days it was asked for, and whether it was there."""

    day: int
    there: bool


def looks(room: Newsroom, archive: Path, article: str) -> list[Look]:
    """Return every look at an article, oldest first; a night sees what was true at the end of the day before."""
    found = rows(
        archive,
        "SELECT c.fetched_at, c.error IS NULL FROM capture AS c JOIN frontier AS f ON f.id = c.frontier "
        "WHERE f.kind = 'article' AND f.key = ?1 AND c.error IS NULL UNION ALL "
        "SELECT t.at, 0 FROM attempt AS t JOIN frontier AS f ON f.id = t.frontier "
        "WHERE f.kind = 'article' AND f.key = ?1 ORDER BY 1",
        f"dm:{article}",
    )
    day = room.life.calendar.day
    return [Look(day(datetime.fromisoformat(str(moment))) - 1, bool(there)) for moment, there in found]


def differences(room: Newsroom, archive: Path, article: str) -> list[str]:
    """Return where the archive does not say of an article what was true when it was looked at."""
    seen = looks(room, archive, article)
    truths = [(look, room.history.truth(article, look.day)) for look in seen]
    wrong = [
        f"{article}: there is {look.there} on day {look.day}, in truth {truth.way if truth else 'not yet'}"
        for look, truth in truths
        if truth is None or truth.gone == look.there
    ]
    contents = [truth.revisions[-1] for look, truth in truths if truth is not None and look.there]
    expected = [one for place, one in enumerate(contents) if place == 0 or one != contents[place - 1]]
    held = [content for _, content in revisions(archive, "dm", article)]
    if held != expected:
        wrong.append(f"{article}: {len(held)} revisions, not the {len(expected)} that were there to be seen")
    gone = rows(archive, "SELECT gone_at IS NOT NULL FROM articles WHERE id = ?", article)[0][0]
    absent = [look for look in seen if not look.there]
    last = seen[-1].there if seen else True
    if bool(gone) != (not last and len(seen) > 1 and not seen[-2].there):
        wrong.append(f"{article}: gone is {bool(gone)} after {len(absent)} absences")
    return wrong
