"""Reading every kept answer again with today's reader, offline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from crawler import reading
from crawler.cms.article import Article
from crawler.errors import FaultKind, ParseError
from crawler.nights import PUBLIC
from crawler.sites import Site
from crawler.urls import display
from crawler.wants import Wants, check_asked
from storage.articles import Change
from storage.derive import KeptCapture
from storage.store import Store

_BATCH = 100


@dataclass(slots=True)
class Reparsed:
    """What a rereading gave."""

    captures: int = 0
    new: int = 0  # answers that could not be read before
    unread: int = 0
    problems: list[str] = field(default_factory=list)  # a few of the unread ones, in words


async def reparse(
    store: Store, sites: Mapping[str, Site], on_progress: Callable[[int], None] = lambda _done: None
) -> Reparsed:
    """Rebuild what is derived from the kept captures, oldest first. Raises StorageError; fetches nothing."""
    wants = Wants(sites)
    result = Reparsed()
    after = 0
    await store.rebuild_search()
    while captures := await store.kept_captures(after, _BATCH, FaultKind.UNREADABLE.value):
        for capture in captures:
            try:
                found = await _read(store, sites.get(capture.site), capture)
            except ParseError as error:
                result.unread += 1
                if len(result.problems) < 10:
                    result.problems.append(f"{capture.url}: {error}")
            else:
                change = await store.rederive(capture, found.record, wants.renditions(found.record))
                result.new += change is not Change.SAME
            result.captures += 1
        after = captures[-1].id
        on_progress(result.captures)
    await store.flush()
    return result


async def _read(store: Store, site: Site | None, capture: KeptCapture) -> Article:
    """Read a kept answer by the rules that a crawl keeps. Raises ParseError."""
    if site is None:
        raise ParseError(f"the configuration no longer names the site {capture.site!r}")
    found = reading.from_kept(capture.body, capture.media_type, capture.url, site)
    check_asked(capture.key, capture.url, found.record)
    if capture.revision is None and not found.public:
        held = await store.status_of(found.record.site, found.record.cms_id)
        if held is not None and held in PUBLIC:
            raise ParseError(f"the newsroom had taken it back: its status was {display(found.record.status)}")
    return found
