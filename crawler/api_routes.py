"""Routes to a listing over the CMS API: classic search, publication lists, and the help of other listings."""

from __future__ import annotations

import json
from collections.abc import Mapping

from crawler import signals, walk
from crawler.cms import api
from crawler.errors import ParseError
from crawler.paging import PageFacts
from crawler.places import Gave, Place, fingerprint
from crawler.targets import Target, TargetKind, article_target
from crawler.urls import with_query
from crawler.wants import HELPER_DEPTH
from crawler.work import JSON, Tools

_WAIT_SECONDS = 2.0
_ID_TRIES = 15


async def classic(tools: Tools, place: Place) -> Gave:
    """Search a category and its children by their ids (contract 3.4)."""
    cursor, site = place.cursor, place.site
    if not cursor.ids:
        return await _classic_ids(tools, place)
    ids = cursor.ids[0] if len(cursor.ids) == 1 else json.dumps(list(cursor.ids), separators=(",", ":"))
    query = {"action": "search", "category": ids, "limit": walk.API_LIMIT, "page": cursor.page, "key": site.classic_key}
    url = _url(site.classic_url, "content.php", query)
    return await _api_page(tools, place, url, api_key="", only=None)


async def _classic_ids(tools: Tools, place: Place) -> Gave:
    """Learn the ids to search for: the category's own and its children's (contract 3.5)."""
    own = await _own_id(tools, place.target)
    if not own:
        return await _wait_for_id(tools, place)
    query = {"action": "view", "categoryId": own, "key": place.site.classic_key}
    try:
        answer = await tools.get(
            place.job, _url(place.site.classic_url, "categories.php", query), accept=JSON, keyed=True
        )
        children = api.category_children(answer.body)
    except ParseError:
        children = ()  # without its children the category itself can still be searched
    return Gave(place.cursor, step=walk.with_ids(place.cursor, (own, *children)))


async def publication(tools: Tools, place: Place) -> Gave:
    """List a publication; for a category or keyword, keep to the items that carry it (contract 3.2)."""
    cursor, site, kind = place.cursor, place.site, place.target.kind
    if kind is TargetKind.PUBLICATION:
        return await _publication_page(tools, place, place.target.key.rpartition("/")[2], None)
    own = await _own_id(tools, place.target)
    publications = cursor.ids or await tools.store.publications(site.name)
    if not own or not publications:
        return await _wait_for_id(tools, place)
    if not cursor.ids:
        return Gave(cursor, step=walk.with_ids(cursor, publications[:1]))
    return await _publication_page(tools, place, cursor.ids[0], (kind, own))


async def _publication_page(
    tools: Tools, place: Place, publication_id: str, only: tuple[TargetKind, str] | None
) -> Gave:
    query = {"limit": walk.API_LIMIT, "page": place.cursor.page}
    url = _url(place.site.api_url, f"publication/{publication_id}/content", query)
    return await _api_page(tools, place, url, api_key=place.site.api_key, only=only)


async def _api_page(tools: Tools, place: Place, url: str, *, api_key: str, only: tuple[TargetKind, str] | None) -> Gave:
    answer = await tools.get(place.job, url, accept=JSON, api_key=api_key, keyed=not api_key)
    listing = tools.read(answer, lambda: api.listing(answer.body))
    items = listing.items
    if only is not None:
        kind, own = only
        items = tuple(
            item for item in items if own in (item.category_ids if kind is TargetKind.CATEGORY else item.keyword_ids)
        )
    facts = PageFacts(
        count=len(listing.items),
        fingerprint=fingerprint(item.id for item in listing.items),
        claimed=None if only else listing.total,  # the total is the publication's, not the category's
        limit=walk.API_LIMIT,
    )
    targets = tuple(article_target(place.site, item.id) for item in items)
    now = tools.store.now()
    said = tuple(signals.encode(signals.signals(item), now) for item in items)
    dates = tuple((item.first_published or "")[:10] for item in items)
    return Gave(place.cursor, answer, targets, dates, facts, said=said)


async def helpers(tools: Tools, place: Place) -> Gave:
    """Walk other listings of what a truncated one named: its categories first, then its keywords and authors.

    Ends when the server's own total is reached, or when they name nothing new; what was only queued to help is then
    dismissed, because a keyword's page may lead far from the listing.
    """
    cursor = place.cursor
    standing = await tools.store.help_standing(place.job, walk.help_kinds(cursor, place.target.kind))
    if standing.claimed is not None and standing.held >= standing.claimed:
        await tools.store.dismiss_helpers(place.job)
        return Gave(cursor, step=walk.help_ended(cursor, standing.held, standing.claimed))
    wanted = tuple(tools.wants.listing(place.site, term, HELPER_DEPTH) for term in standing.unvisited)
    if standing.pending or len(wanted) != cursor.good:
        step = walk.wait(walk.with_count(cursor, len(wanted)), _WAIT_SECONDS)
    else:
        step = walk.help_settled(cursor, place.target.kind, standing.held, standing.claimed)
    return Gave(cursor, step=step, helpers=wanted)


async def _own_id(tools: Tools, target: Target) -> str:
    """Return the CMS id of a listing; '' while only its slug is known."""
    key = target.key.rpartition("/")[2]
    return key if key.isdecimal() else await tools.store.term_id(target.kind.value, target.site, key)


async def _wait_for_id(tools: Tools, place: Place) -> Gave:
    """The id of a category that is known by its slug comes with the first article of it, if any is to come."""
    cursor = place.cursor
    if cursor.tries < _ID_TRIES and await tools.store.others_pending(place.job):
        return Gave(cursor, step=walk.wait(cursor, _WAIT_SECONDS))
    note = "no article says which id this listing has in the API"
    return Gave(cursor, step=walk.end_route(cursor, walk.UNAVAILABLE, note))


def _url(base: str, path: str, query: Mapping[str, object]) -> str:
    url = f"{base.rstrip('/')}/{path}"
    for name, value in query.items():
        url = with_query(url, name, str(value))
    return url
