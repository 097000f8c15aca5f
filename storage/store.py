"""Store: the door to an archive that is being written. Readers use `storage.reading` instead.

One process holds the archive's lock; one writer owns its connection; every method is one transaction's worth of work.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from storage import (
    absences,
    articles,
    derive,
    frontier,
    givenup,
    holdings,
    keeping,
    listings,
    received,
    rechecks,
    runs,
    search,
    shapes,
    validators,
)
from storage.articles import Change
from storage.errors import OutOfSpace
from storage.files import MediaTree
from storage.histories import Hear, Plan
from storage.keeping import Follow, Work
from storage.received import Received
from storage.records import (
    ArticleRecord,
    Capture,
    Failure,
    FileRecord,
    Job,
    ListedPage,
    ListingStep,
    Tally,
    Term,
    WalkProgress,
    Wanted,
)
from storage.writer import Writer

log = logging.getLogger(__name__)

T = TypeVar("T")


def _follow_nothing(_site: str, _terms: Sequence[Term], _depth: int) -> Sequence[Wanted]:
    return ()


class Store:
    """An archive open for writing; made by `open_store`."""

    def __init__(
        self, folder: Path, writer: Writer, media: MediaTree, min_free_bytes: int, now: Callable[[], float]
    ) -> None:
        """Join the parts; use `open_store`."""
        self.now = now
        self.folder = folder
        self.media = media
        self.run = 0
        self._writer = writer
        self._min_free_bytes = min_free_bytes
        self._follow: Follow = _follow_nothing
        self._media_wanted = True
        self._plan: Plan | None = None
        self._hear: Hear | None = None
        self._night = False
        self._began = 0.0
        self._to_revive: list[int] = []  # scopes of which earlier runs have left failures

    # Runs ----------------------------------------------------------------------------------------------------------

    async def begin_run(
        self,
        command: str,
        follow: Follow = _follow_nothing,
        *,
        media: bool = True,
        plan: Plan | None = None,
        hear: Hear | None = None,
        night: bool = False,
    ) -> int:
        """Open a run; `follow` turns an article's terms into listings to follow, `media` says whether any is wanted.

        `plan` says when a checked article is looked at again, `hear` what a listing's word about it means. At `night`
        what failed waits until it is due, and listings are read down to what is known.
        """
        self._follow, self._plan, self._hear = follow, plan, hear
        self._media_wanted, self._night = media, night
        self._began = self.now()
        self.run = await self._writer.call(partial(runs.begin, command=command, now=self._began))
        return self.run

    async def note_run(self, tally: Tally) -> None:
        """Bring the run's figures up to date."""
        await self._writer.call(partial(runs.note, run=self.run, tally=tally))

    async def end_run(self, tally: Tally, exit_status: int, notes: Sequence[str] = ()) -> str:
        """Close the run; everything it did is durable when this returns. Returns the manifest root."""
        unit = partial(runs.end, run=self.run, tally=tally, exit_status=exit_status, notes=notes, now=self.now())
        root = await self._writer.call(unit)
        await self._writer.flush()
        return root

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Return the answer to a question about the archive as it is now."""
        return await self._writer.call(question)

    async def do_alone(self, unit: Callable[[sqlite3.Connection], None]) -> None:
        """Do one large unit of work; it is durable when this returns. Whatever it raises ends the writer, too.

        Not in a savepoint, which would keep all that the unit changes in memory until its end.
        """
        await self._writer.flush()
        await self._writer.post(unit)
        await self._writer.flush()

    async def unfinished_runs(self) -> list[str]:
        """Return when each run began that was cut off since the last one that ended, the last ten at most."""
        return await self._writer.call(partial(runs.unfinished, before=self.run))

    async def begin_sweep(
        self, target: Wanted, sweep: Wanted, *, unless_since: float, anew: bool = False
    ) -> int | None:
        """Begin the sweep of a listing, or go on with it; None when one has ended since a time in Unix seconds.

        `anew`: one that is under way is begun again.
        """
        work = self._work()

        def unit(connection: sqlite3.Connection) -> int | None:
            if listings.swept(connection, sweep.key, unless_since, work.now):
                return None
            frontier.enqueue(connection, [target], scope=None, found_on=None, now=work.now)
            return keeping.begin_target(connection, sweep, refresh=anew, work=work)

        return await self._writer.call(unit)

    async def unfinished(self, sites: Sequence[str]) -> list[int]:
        """Return the scopes of these sites in which earlier runs have left something; what failed there is revived."""
        scopes = await self._writer.call(partial(givenup.unfinished, sites=sites))
        self._to_revive += [scope for scope in scopes if scope not in self._to_revive]
        return scopes

    async def ask_rechecks(
        self, sites: Sequence[str], horizon: float, confirm_after: float, most: int
    ) -> tuple[int, int]:
        """Make due articles of these sites jobs, `most` at most; returns how many are due, and how many were asked.

        See `rechecks.Asking`; times in seconds.
        """
        asking = rechecks.Asking(sites, self.run, self.now(), horizon, confirm_after)
        return await self._writer.call(
            lambda connection: (rechecks.due(connection, asking), rechecks.ask(connection, asking, most))
        )

    async def begin_targets(self, wanted: Sequence[Wanted], *, refresh: bool = False) -> list[int]:
        """Make a run's targets due, unless they are articles we hold; returns their scopes."""
        work = self._work()

        def unit(connection: sqlite3.Connection) -> list[int]:
            return [keeping.begin_target(connection, want, refresh=refresh, work=work) for want in wanted]

        scopes = await self._writer.call(unit)
        self._to_revive += [scope for scope in scopes if scope not in self._to_revive]
        return scopes

    # Frontier ------------------------------------------------------------------------------------------------------

    async def claim(
        self, scopes: Sequence[int], room: Mapping[str, int], default_room: int
    ) -> tuple[list[Job], float | None]:
        """Claim due jobs (see `frontier.claim`), what earlier runs gave up among them.

        Raises OutOfSpace below the free-space floor: admit nothing more.
        """
        self.check_space()
        now, room = self.now(), dict(room)

        def unit(connection: sqlite3.Connection) -> tuple[list[Job], float | None]:
            while self._to_revive and not givenup.revive(
                connection, self._to_revive[-1], self.run, now, due=self._night
            ):
                self._to_revive.pop()
            return frontier.claim(connection, scopes, room, default_room, now)

        return await self._writer.call(unit)

    async def once_more(self, scopes: Sequence[int], faults: Sequence[str], but: Sequence[str] = ()) -> int:
        """Make due now what this run gave up for one of these faults, `but` not at these hosts; returns how many."""
        return await self._writer.call(
            partial(givenup.once_more, scopes=scopes, run=self.run, faults=faults, but=but, now=self.now())
        )

    async def stay_away(self, host: str, until: float) -> None:
        """Remember that a host asked not to be asked before a time in Unix seconds."""
        await self._writer.post(partial(givenup.stay_away, host=host, until=until))

    async def pauses(self) -> dict[str, float]:
        """Return the hosts that are not to be asked yet, and until when in Unix seconds."""
        return await self._writer.call(partial(givenup.pauses, now=self.now()))

    async def given_up(self, scopes: Sequence[int]) -> givenup.GivenUp:
        """Return what this run tried and could not archive."""
        return await self._writer.call(partial(givenup.given_up, scopes=scopes, run=self.run))

    async def release(self, jobs: Iterable[Job]) -> None:
        """Give claimed jobs back unharmed."""
        await self._writer.call(partial(frontier.release, frontier=[job.id for job in jobs]))

    def check_space(self) -> None:
        """Raise OutOfSpace when less is free than the configured floor."""
        free = shutil.disk_usage(self.folder).free
        if free < self._min_free_bytes:
            raise OutOfSpace(
                f"only {free >> 20} MiB are free at {self.folder}, less than the floor of "
                f"{self._min_free_bytes >> 20} MiB ([archive] min_free_mb): nothing more is fetched and nothing is "
                "lost; make room and run again"
            )

    # Keeping -------------------------------------------------------------------------------------------------------

    async def keep_article(
        self, job: Job, capture: Capture, record: ArticleRecord, media: Sequence[Wanted], linked: Sequence[Wanted]
    ) -> Change:
        """Keep a captured article with all that follows from it."""
        return await self._writer.call(
            partial(
                keeping.keep_article,
                job=job,
                capture=capture,
                record=record,
                media=media,
                linked=linked,
                work=self._work(),
            )
        )

    async def validators(self, job: Job) -> validators.Kept | None:
        """Return the last whole answer to a job, where it had validators by which to ask for another only."""
        return await self._writer.call(partial(validators.of, frontier=job.id, now=self.now()))

    async def keep_unchanged(self, job: Job, capture: Capture) -> None:
        """Keep the word of a server that nothing has changed; `capture` names the content that is held."""
        await self._writer.call(partial(keeping.keep_unchanged, job=job, capture=capture, work=self._work()))

    async def keep_unread(self, job: Job, capture: Capture, failure: Failure, *, in_run: bool) -> None:
        """Keep an answer that could not be read; where that is impossible, record the failure, and say so."""

        def otherwise(connection: sqlite3.Connection, mistake: Exception) -> None:
            log.error("the answer to %s could not be kept", job.key, exc_info=mistake)
            frontier.fail(connection, job.id, failure, run=self.run, capture=None, in_run=in_run)

        await self._writer.post(
            partial(keeping.keep_unread, job=job, capture=capture, failure=failure, in_run=in_run, work=self._work()),
            otherwise,
        )

    async def keep_media(
        self, job: Job, capture: Capture, file: FileRecord, unkept: Callable[[Exception], Failure]
    ) -> None:
        """Keep a rendition whose file `media` has placed.

        `unkept` says, in the writer's thread, how it failed when it cannot be kept for a mistake of our own.
        """

        def otherwise(connection: sqlite3.Connection, mistake: Exception) -> None:
            frontier.fail(connection, job.id, unkept(mistake), run=self.run, capture=None, in_run=False)

        item = Received(job, capture, file, self.run, self.now())
        await self._writer.post_item(received.keep_all, item, otherwise)

    async def keep_listing_page(
        self,
        job: Job,
        capture: Capture | None,
        page: ListedPage,
        decide: Callable[[WalkProgress], tuple[ListingStep, Sequence[Wanted]]],
    ) -> ListingStep:
        """Keep a page of a listing and decide, knowing what was new in it, where the walk goes on."""
        return await self._writer.call(
            partial(
                keeping.keep_listing_page,
                job=job,
                capture=capture,
                page=page,
                decide=decide,
                work=self._work(),
            )
        )

    async def fail(self, job: Job, failure: Failure, *, in_run: bool) -> None:
        """Record a failed attempt that left nothing to keep."""
        await self._writer.post(
            partial(frontier.fail, frontier=job.id, failure=failure, run=self.run, capture=None, in_run=in_run)
        )

    async def absent(
        self, job: Job, failure: Failure, capture: Capture | None, confirm_after: float
    ) -> absences.Absence:
        """Record that an article or a picture was not there; two such answers, so many seconds apart, make it gone."""
        return await self._writer.call(
            partial(
                absences.note,
                job=job,
                failure=failure,
                capture=capture,
                run=self.run,
                confirm_after=confirm_after,
                plan=self._plan,
            )
        )

    async def skip(self, job: Job, reason: str) -> None:
        """Leave a job unfetched, with the reason."""
        await self._writer.post(partial(frontier.skip, frontier=job.id, reason=reason))

    async def status_of(self, site: str, cms_id: str) -> str | None:
        """Return the status that an article we hold has in the CMS, None when we do not hold it."""
        return await self._writer.call(partial(articles.status_of, site=site, cms_id=cms_id))

    async def known_shapes(self, site: str) -> dict[tuple[str, str], int]:
        """Return in how many articles of a site each path had each kind of value."""
        return await self._writer.call(partial(shapes.known, site=site))

    async def forget_shapes(self, site: str) -> None:
        """Forget them: the newsroom has changed what it sends."""
        await self._writer.call(partial(shapes.forget, site=site))

    async def add_shapes(self, site: str, seen: Mapping[tuple[str, str], int]) -> None:
        """Keep in how many articles of this run each path had each kind of value."""
        await self._writer.call(partial(shapes.add, site=site, seen=dict(seen), now=self.now()))

    # Asking --------------------------------------------------------------------------------------------------------

    async def cursor_of(self, job: Job) -> str:
        """Return where the walk of a listing is to go on; '' when it is to begin."""
        return await self._writer.call(partial(listings.cursor_of, frontier=job.id)) or ""

    async def walks(self, scopes: Sequence[int]) -> list[listings.Walk]:
        """Return the last walk of every listing among or below the scopes."""
        return await self._writer.call(partial(listings.walks, scopes=scopes))

    async def waiting(self, scopes: Sequence[int]) -> int:
        """Return how many rows of the scopes are still to be done."""
        return await self._writer.call(partial(frontier.waiting, scopes=scopes))

    async def term_id(self, kind: str, site: str, slug: str) -> str:
        """Return the CMS id of a term known by its slug; '' when no article has named it yet."""
        return await self._writer.call(partial(listings.term_id, kind=kind, site=site, slug=slug))

    async def publications(self, site: str) -> tuple[str, ...]:
        """Return the ids of a site's publications that articles have named."""
        return await self._writer.call(partial(listings.publications, site=site))

    async def others_pending(self, job: Job) -> bool:
        """Say whether articles or helping listings of a listing's scope are still under way."""
        return await self._writer.call(partial(listings.others_pending, job=job))

    async def help_standing(self, job: Job, kinds: Sequence[str]) -> listings.HelpStanding:
        """Say how far other listings have come in completing a truncated one."""
        return await self._writer.call(partial(listings.help_standing, job=job, kinds=kinds))

    async def dismiss_helpers(self, job: Job) -> None:
        """Leave unfetched what was only wanted to help a listing that needs no more help."""
        await self._writer.call(partial(listings.dismiss_helpers, scope=job.scope))

    async def counts(self) -> dict[str, dict[str, int]]:
        """Return how many frontier rows of each kind are in each state."""
        return await self._writer.call(frontier.counts)

    # Deriving ------------------------------------------------------------------------------------------------------

    async def kept_captures(self, after: int, limit: int, unread: str) -> list[derive.KeptCapture]:
        """Return captures of articles with their bodies, oldest first, for reading them anew."""
        return await self._writer.call(partial(derive.captures_after, after=after, limit=limit, unread=unread))

    async def rederive(self, capture: derive.KeptCapture, record: ArticleRecord, media: Sequence[Wanted]) -> Change:
        """Bring what a better reader found in a kept capture into the derived tables."""
        return await self._writer.call(
            partial(derive.rederive, capture=capture, record=record, media=media, work=self._work())
        )

    async def rebuild_search(self) -> None:
        """Make the search index anew from its texts; to be called before they are derived anew."""
        await self._writer.call(search.rebuild)

    # Mending -------------------------------------------------------------------------------------------------------

    async def file(self, sha256: str) -> FileRecord | None:
        """Return the record of a file."""
        return await self._writer.call(partial(holdings.file, sha256=sha256))

    async def holders(self, sha256: str) -> list[str]:
        """Return the media URLs that hold a file now."""
        return await self._writer.call(partial(holdings.holders, sha256=sha256))

    async def give_up(self, sha256: str, reason: str) -> int:
        """Forget a lost file, and make due again what held it; returns how many URLs."""
        return await self._writer.call(partial(holdings.give_up, sha256=sha256, reason=reason, now=self.now()))

    async def frame(self, sha256: str) -> bytes | None:
        """Return a kept body as it is kept, compressed and perhaps damaged."""
        return await self._writer.call(partial(holdings.frame, sha256=sha256))

    async def give_up_body(self, sha256: str, reason: str) -> int:
        """Forget a lost body, and make due again the articles it was an answer for; returns how many."""
        return await self._writer.call(partial(holdings.give_up_body, sha256=sha256, reason=reason, now=self.now()))

    async def flush(self) -> None:
        """Return when everything kept so far is durable."""
        await self._writer.flush()

    def _work(self) -> Work:
        return Work(
            run=self.run,
            now=self.now(),
            follow=self._follow,
            media=self._media_wanted,
            plan=self._plan,
            hear=self._hear,
            night=self._night,
            began=self._began,
        )
