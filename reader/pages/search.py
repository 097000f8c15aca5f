"""Search: results with the passages that match, and what to narrow them down by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from markupsafe import escape

from reader import query
from reader.address import PageAddress
from reader.dates import extent, midnight
from reader.items import Item, Link, items
from reader.query import NEWEST, Query
from reader.room import Room
from reader.view import View
from storage import finding, overviews
from storage.finding import MANY, Asked, Filed, Found, better_words, vocabulary
from storage.reading import Reading
from storage.search import CLOSE_MARK, OPEN_MARK
from storage.shelves import Name

_SIZE = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that was found; `snippet_html` is clean, with `<mark>` around what matches."""

    item: Item
    snippet_html: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to narrow results down: how many there are, and whether it is chosen (its address then undoes it)."""

    name: str
    number: int
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A search and what it found."""

    query: Query
    total: int
    more_than: bool
    ranked: bool
    hits: tuple[Hit, ...]
    facets: tuple[tuple[str, tuple[Choice, ...]], ...]
    facets_of: int
    chosen: tuple[Choice, ...]
    orders: tuple[Choice, ...]
    corrected: Link | None
    widened: Link | None
    newer: str
    older: str
    hidden: tuple[tuple[str, str], ...]


async def page(room: Room, request: PageAddress) -> View:
    """Show a page of results; without words, how to search."""
    asked = query.read(request.query)
    found = await room.ask(lambda reading: _page(room, reading, asked))
    if asked.q and not found.total:
        known = await room.while_open.get("words", lambda: room.ask(lambda reading: vocabulary(reading.connection)))
        better = await room.ask(lambda reading: better_words(reading.connection, asked.q, known))
        found = replace(found, corrected=_corrected(room, asked, better))
    return View("search.html", found, f"{asked.q}: search" if asked.q else "Search")


def _page(room: Room, reading: Reading, asked: Query) -> SearchPage:
    filed = [facts for term in asked.terms if (facts := overviews.term(reading.connection, *term)) is not None]
    what = Asked(
        query=asked.q,
        filed=tuple(Filed(facts.row, facts.name) for facts in filed),
        site=asked.site,
        **_year(room, asked),
        newest=asked.order == NEWEST,
    )
    found = finding.find(reading.connection, what, limit=_SIZE, offset=(asked.page - 1) * _SIZE)
    chosen = tuple(_chosen(room, asked, [facts.name for facts in filed]))
    return SearchPage(
        query=asked,
        total=min(found.total, MANY),
        more_than=found.total > MANY,
        ranked=found.ranked,
        hits=_hits(room, reading, found),
        facets=_facets(room, asked, found),
        facets_of=found.facets.of if found.facets.of < found.total else 0,
        chosen=chosen,
        orders=tuple(
            Choice(name, 0, room.links.search(asked.address(order=order)), asked.order == order)
            for name, order in (("Best first", ""), ("Newest first", NEWEST))
        ),
        corrected=None,
        widened=Link("Search the whole archive", room.links.search(Query(asked.q).address())) if chosen else None,
        newer=room.links.search(asked.address(page=asked.page - 1)) if asked.page > 1 else "",
        older=room.links.search(asked.address(page=asked.page + 1))
        if asked.page * _SIZE < min(found.total, 50 * _SIZE)
        else "",
        hidden=tuple((name, value) for name, value in asked.address().items() if name != "q"),
    )


def _year(room: Room, asked: Query) -> dict[str, str]:
    if not asked.year:
        return {}
    first, end = extent([int(asked.year)])
    zone = room.zones.zone(asked.site)
    return {"since": midnight(first, zone), "until": midnight(end, zone)}


def _hits(room: Room, reading: Reading, found: Found) -> tuple[Hit, ...]:
    shown = items(room, reading, [one.row for one in found.articles])
    return tuple(Hit(one, marked(article.snippet)) for one, article in zip(shown, found.articles, strict=False))


def marked(snippet: str) -> str:
    """Return a snippet as HTML: everything escaped, matches in `<mark>`."""
    flat = " ".join(snippet.split())
    return str(escape(flat)).replace(OPEN_MARK, "<mark>").replace(CLOSE_MARK, "</mark>")


def _facets(room: Room, asked: Query, found: Found) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    def names(kind: str, counted: Iterable[tuple[Name, int]]) -> tuple[Choice, ...]:
        return tuple(
            _choice(room, asked, name.name.strip(), number, kind, f"{name.site}:{name.id}") for name, number in counted
        )

    facets = found.facets
    sites = facets.sites if len(facets.sites) > 1 or asked.site else ()
    groups = (
        ("Category", names("category", facets.categories)),
        ("Author", names("author", facets.authors)),
        ("Year", tuple(_choice(room, asked, year, number, "year", year) for year, number in facets.years)),
        ("Newsroom", tuple(_choice(room, asked, room.title(one), number, "site", one) for one, number in sites)),
    )
    return tuple((heading, choices) for heading, choices in groups if choices)


def _choice(room: Room, asked: Query, name: str, number: int, field: str, value: str) -> Choice:
    chosen = getattr(asked, field) == value
    return Choice(name, number, room.links.search(asked.address(**{field: "" if chosen else value})), chosen)


def _chosen(room: Room, asked: Query, names: list[Name]) -> Iterable[Choice]:
    """Yield what the results are narrowed down to, each with the address that undoes it."""
    for name in names:
        yield Choice(name.name.strip(), 0, room.links.search(asked.address(**{name.kind: ""})), True)
    if asked.year:
        yield Choice(asked.year, 0, room.links.search(asked.address(year="")), True)
    if asked.site:
        yield Choice(room.title(asked.site), 0, room.links.search(asked.address(site="")), True)


def _corrected(room: Room, asked: Query, better: Mapping[str, str]) -> Link | None:
    text = query.corrected(asked.q, better)
    return Link(text, room.links.search(asked.address(q=text))) if better else None
