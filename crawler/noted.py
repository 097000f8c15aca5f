"""Articles that the CMS said were saved (its webhook), taken into a crawl."""

from __future__ import annotations

from collections.abc import Collection

from crawler.wants import Wants
from storage.notes import Notes
from storage.store import Store


async def take(notes: Notes, store: Store, wants: Wants, in_hand: Collection[str] = ()) -> list[int]:
    """Make the noted articles due now, durably, then settle the notes; returns the scopes to work on.

    A note waits while its article is `in_hand` (keys): the answer on its way may be from before it was saved. What is
    noted of a site that is no longer configured is settled too. Raises StorageError.
    """
    waiting = [note for note in notes.waiting() if f"{note.site}:{note.article}" not in in_hand]
    articles = sorted({(note.site, note.article) for note in waiting if note.site in wants.sites})
    if not waiting:
        return []
    scopes = await store.begin_targets(
        [wants.article(wants.sites[site], article, 0) for site, article in articles], refresh=True
    )
    await store.flush()
    notes.settle(waiting)
    return scopes
