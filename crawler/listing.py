"""Visiting a listing, one answer at a time, by whichever route its walk has come to.

`walk` decides where to go; the route modules fetch and read; this one keeps what they gave, within the run's bounds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from crawler import api_routes, page_routes, paging, walk
from crawler.captures import page_capture
from crawler.errors import Fault, FaultKind
from crawler.places import Gave, Place
from crawler.targets import Target, TargetKind
from crawler.work import Tools
from storage.records import SWEEP, Job, ListedPage, ListingStep, WalkProgress, Wanted

Route = Callable[[Tools, Place], Awaitable[Gave]]

_ROUTES: dict[str, Route] = {
    walk.PAGES: page_routes.listing_page,
    walk.NEWS: page_routes.news_sitemap,
    walk.SITEMAP: page_routes.sitemap,
    walk.CLASSIC: api_routes.classic,
    walk.PUBLICATION: api_routes.publication,
    walk.HELPERS: api_routes.helpers,
}


class ListingVisit:
    """Takes one step of a listing's walk."""

    def __init__(self, tools: Tools, *, exhaustive: bool, down_to_known: bool = False, sweep_requests: int = 0) -> None:
        """`exhaustive` allows the sitemap as a last route.

        `down_to_known`: a listing is read no further than to what an earlier walk has named. `sweep_requests`: answers
        of one sweep after which it rests until a later run (0: it does not rest).
        """
        self._tools = tools
        self._exhaustive = exhaustive
        self._down_to_known = down_to_known
        self._sweep_requests = sweep_requests
        self._answers: Counter[int] = Counter()  # by sweep
        self._new_articles = 0
        self._counting = asyncio.Lock()
        self._classic_refused: set[str] = set()

    async def perform(self, job: Job) -> ListingStep:
        """Fetch, read and keep one answer. Raises Fault."""
        place = await self._place(job)
        route = _ROUTES[place.cursor.route]
        if place.target.kind is TargetKind.FRONT and place.cursor.route == walk.PAGES:
            route = page_routes.front_page
        try:
            gave = await route(self._tools, place)
        except Fault as fault:
            if fault.kind is not FaultKind.KEY_REFUSED or place.cursor.route != walk.CLASSIC:
                raise
            # A key for the one API need not open the other; it is not shown to this one again in this run.
            self._classic_refused.add(job.site)
            gave = Gave(place.cursor, step=walk.end_route(place.cursor, walk.UNAVAILABLE, str(fault)))
        return await self._keep(job, gave)

    async def route_failed(self, job: Job, fault: Fault) -> bool:
        """Go on by another route after one failed for good; False when there is none left, and one was needed."""
        try:
            cursor = (await self._place(job)).cursor
        except Fault:
            return False  # there is no route at all
        step = walk.end_route(cursor, walk.UNAVAILABLE, str(fault))
        await self._keep(job, Gave(cursor, step=step))
        return bool(step.cursor) or step.verdict == walk.COMPLETE

    async def _place(self, job: Job) -> Place:
        site = self._tools.wants.sites[job.site]
        sweep = job.is_sweep
        key = job.key.replace(SWEEP, "", 1) if sweep else job.key
        kind = TargetKind(key.partition(":")[2].partition("/")[0])
        target = Target(kind, job.site, key, job.url)
        cursor = walk.decode(await self._tools.store.cursor_of(job))
        if cursor is None:
            routes = walk.routes_for(
                kind.value,
                classic=bool(site.classic_url and site.classic_key) and site.name not in self._classic_refused,
                api=bool(site.api_url and site.api_key),
                exhaustive=self._exhaustive or sweep,
                sweep=sweep,
            )
            if not routes:
                raise Fault(
                    FaultKind.HOST_REFUSED,
                    f"{job.key} can only be listed by the API: set api_url and the key that api_key_env names",
                )
            cursor = walk.begin(routes, every=sweep or kind is TargetKind.FRONT)
        return Place(job, site, target, cursor)

    async def _keep(self, job: Job, gave: Gave) -> ListingStep:
        """Keep an answer's items, within the run's bounds, and let the walk go on."""
        if not self._tools.wants.bounds.limit:
            return await self._keep_page(job, gave)
        async with self._counting:  # else two listings would each take what is left of the number
            return await self._keep_page(job, gave)

    async def _keep_page(self, job: Job, gave: Gave) -> ListingStep:
        page, older, full = self._within_bounds(job, gave)
        sweep = job.is_sweep
        if sweep:
            self._answers[job.id] += 1

        def decide(progress: WalkProgress) -> tuple[ListingStep, Sequence[Wanted]]:
            self._new_articles += progress.new_in_walk
            known = self._down_to_known and not sweep and _is_known(gave, progress)
            if gave.facts is not None:
                left_out, helps = len(gave.items) - len(page.items), job.depth < 0
                facts = replace(gave.facts, bounded=full or older, known=known, left_out=left_out, helps=helps)
                step = paging.advance(gave.cursor, facts, progress)
            else:
                assert gave.step is not None, "a route gave neither facts nor a step"
                step = walk.down_to_known(gave.cursor) if known else gave.step
                if full and gave.items:  # whatever other routes name would be left out, too
                    step = walk.stopped(gave.cursor, full)
            tired = sweep and 0 < self._sweep_requests <= self._answers[job.id]
            return (replace(step, rest=True) if tired else step), gave.helpers

        capture = None if gave.answer is None else page_capture(gave.answer, self._tools.store.now())
        return await self._tools.store.keep_listing_page(job, capture, page, decide)

    def _within_bounds(self, job: Job, gave: Gave) -> tuple[ListedPage, str, str]:
        """Return the items asked for, and why the walk need not go on ('' when it must): for dates, for the number."""
        bounds = self._tools.wants.bounds
        said = gave.said or ("",) * len(gave.items)
        every = zip(gave.items, gave.dates, said, strict=True)
        asked = [
            (self._tools.wants.target(item, job.depth), word) for item, date, word in every if bounds.includes(date)
        ]
        older = f"older than --since {bounds.since} from here on" if bounds.all_before(gave.dates) else ""
        full = ""
        if bounds.limit and self._new_articles + len(asked) >= bounds.limit:
            asked = asked[: max(0, bounds.limit - self._new_articles)]
            full = f"stopped at --limit {bounds.limit}"
        items, words = tuple(item for item, _ in asked), tuple(word for _, word in asked)
        return ListedPage(gave.cursor.route, items, words if gave.said else ()), older, full


def _is_known(gave: Gave, progress: WalkProgress) -> bool:
    """Say whether a page leads down to what an earlier walk has named.

    A page of a paged listing does when its second half is known: a newest-first listing may have a few old articles
    on top, never new ones below. The newest articles of a site come on one page: there, one that is known at its end
    shows that nothing is between.
    """
    if not progress.marked or not progress.known_at_end:
        return False
    if gave.facts is None:
        return gave.cursor.route == walk.NEWS
    return 2 * progress.known_at_end >= len(gave.items)
