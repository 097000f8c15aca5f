"""What the routes to a listing share: where a walk stands, and what one answer gave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from crawler.fetch import Answer
from crawler.paging import PageFacts
from crawler.sites import Site
from crawler.targets import Target
from crawler.walk import Cursor
from storage.records import Job, ListingStep, Wanted


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk of a listing stands."""

    job: Job
    site: Site
    target: Target
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Gave:
    """What one step of a route gave: either facts for the walk to judge, or a step that is decided already."""

    cursor: Cursor
    answer: Answer | None = None
    items: tuple[Target, ...] = ()
    dates: tuple[str, ...] = ()  # of the items, `YYYY-MM-DD` in the site's own time; '' where unknown
    facts: PageFacts | None = None
    step: ListingStep | None = None
    helpers: tuple[Wanted, ...] = ()
    said: tuple[str, ...] = ()  # the listing's word about each item, encoded signals; nothing where it says nothing


def fingerprint(keys: Iterable[str]) -> str:
    """Return a short mark by which the same page is known again."""
    return hashlib.sha256("\n".join(keys).encode("utf-8", "replace")).hexdigest()[:16]
