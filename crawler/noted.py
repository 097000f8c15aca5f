"""Articles that the CMS said were saved (its webhook), taken into a crawl."""

from __future__ import annotations

from crawler.wants import Wants
from storage.notes import Notes
from storage.store import Store


async def take(notes: Notes, store: Store, wants: Wants) -> list[int]:
    """Make the noted articles due now, durably, then settle the notes; returns the scopes to work on.

    What is noted of a site that is no longer configured is settled too. Raises StorageError.
    """
    waiting = notes.waiting()
    articles = sorted({(note.site, note.article) for note in waiting if note.site in wants.sites})
    if not waiting:
        return []
    scopes = await store.begin_targets(
        [wants.article(wants.sites[site], article, 0) for site, article in articles], refresh=True
    )
    await store.flush()
    notes.settle(waiting)
    return scopes
