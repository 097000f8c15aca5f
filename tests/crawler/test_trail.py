"""The trail: what runs now knows which run, job and request it is part of, and nobody else's."""

from __future__ import annotations

import asyncio

from crawler import trail
from crawler.trail import Trail


async def test_workers_inherit_the_run_and_keep_their_jobs_apart() -> None:
    """Tasks that take turns each see their own job; the one that started them sees none."""
    trail.begin_run(7)
    turns = asyncio.Barrier(2)

    async def work(row: int) -> Trail:
        trail.begin_job("article", row)
        await turns.wait()
        return trail.here()

    first, second = await asyncio.gather(work(1), work(2))
    assert (first, second) == (Trail(7, "article 1"), Trail(7, "article 2"))
    assert trail.here() == Trail(7)


async def test_every_request_has_its_own_number() -> None:
    """Of two requests of one job the later has the higher number; a new job begins without one."""

    async def work() -> list[Trail]:
        trail.begin_run(7)
        trail.begin_job("media", 3)
        seen = []
        for _ in range(2):
            trail.begin_request()
            seen.append(trail.here())
        trail.begin_job("media", 4)
        return [*seen, trail.here()]

    first, second, after = await asyncio.create_task(work())
    assert (first.run, first.job) == (second.run, second.job) == (7, "media 3")
    assert 0 < first.request < second.request
    assert after == Trail(7, "media 4")
