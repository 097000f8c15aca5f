"""Events that somebody asks for: checked against the newsroom, and completed with what can be left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.content import Content
from simulator.events import ARTICLE_FIELDS, OF_ARTICLES, OF_PICTURES, Event, Kind, Way
from simulator.states import PLACES, SPARE_PLACES
from simulator.walltime import Calendar


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants to happen; empty strings and tuples where the kind needs nothing, or may choose."""

    kind: Kind
    article: str = ""
    attachment: str = ""
    term: str = ""
    changed: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


def read(query: Mapping[str, str], values: tuple[str, ...]) -> Order:
    """Read an order from the parameters of a request. Raises ValueError."""
    if query.get("kind") not in set(Kind):
        raise ValueError(f"kind {query.get('kind', '')!r} is unknown; choose one of {', '.join(Kind)}")
    texts = {name: query.get(name, "") for name in ("article", "attachment", "term")}
    changed = tuple(name for name in query.get("changed", "").split(",") if name)
    return Order(Kind(query["kind"]), **texts, changed=changed, values=values)


def event(order: Order, content: Content, calendar: Calendar, at: datetime, next_index: int) -> Event:
    """Return the event that carries out an order. Raises ValueError when the newsroom cannot do that."""
    article, values = order.article, order.values
    if order.kind in (Kind.PUBLISHED, Kind.BACKDATED):
        article = content.corpus.id(next_index)
        values = values or (str(_first_published(order.kind, content, calendar, at, next_index)),)
    elif order.kind in OF_ARTICLES:
        article = _article(order, content)
        values = _values(order, content, article)
    _check_number(order)
    _check_terms(order, content)
    return Event(
        number=0,
        day=calendar.day(at),
        at=at,
        kind=order.kind,
        article=article or None,
        term=order.term or None,
        attachment=order.attachment or None,
        changed=_changed(order),
        values=values,
    )


def _first_published(kind: Kind, content: Content, calendar: Calendar, at: datetime, index: int) -> datetime:
    """Return the date of a new article: now, but after all founding ones; a year earlier when it is back-dated."""
    now = max(calendar.local(at).replace(microsecond=0), content.corpus.published_at_first(index))
    return now if kind is Kind.PUBLISHED else now - timedelta(days=365)


def _article(order: Order, content: Content) -> str:
    """Return the article that is meant, which a picture's id names too."""
    pictured = order.kind in OF_PICTURES or "attachments" in order.changed
    article = order.attachment[:-1] if pictured else order.article
    index = content.corpus.index(article)
    if index is None:
        raise ValueError(f"article {article!r} is not in this newsroom; /_box/inventory.json lists those that are")
    shown = [picture.id for picture in content.writer.pictures.main(index)]
    if pictured and order.attachment not in shown:
        raise ValueError(f"attachment {order.attachment!r} is none of the article's; choose one of {', '.join(shown)}")
    return article


def _changed(order: Order) -> tuple[str, ...]:
    """Return the changed fields; those that follow from the kind need not be named."""
    implied = {Kind.RECATEGORISED: "categories", Kind.REPLACED: "attachments", Kind.REMOVED: "attachments"}
    own = implied.get(order.kind)
    allowed = ARTICLE_FIELDS if order.kind is Kind.EDITED else {own, "lastUpdate"} if own else set()
    wrong = set(order.changed) - allowed
    if wrong or (order.kind is Kind.EDITED and not order.changed):
        names = ", ".join(sorted(allowed)) or "nothing"
        raise ValueError(f"changed={','.join(order.changed)} cannot be with {order.kind}; it can name: {names}")
    return tuple(dict.fromkeys((own, *order.changed) if own else order.changed))


def _values(order: Order, content: Content, article: str) -> tuple[str, ...]:
    index = content.corpus.index(article)
    assert index is not None
    state, values = content.corpus.state(index), order.values
    if order.kind is Kind.UNPUBLISHED:
        way = values[0] if values else Way.MISSING
        if way not in set(Way):
            raise ValueError(f"value {way!r} is no way to be away; choose one of {', '.join(Way)}")
        return (way,)
    if order.kind is Kind.RESTORED:
        if state.way is None:
            raise ValueError(f"article {article} is not away, so it cannot come back")
        return (str(state.way),)
    if order.kind is Kind.REPLACED:
        used = {*content.writer.pictures.main_places(index), *state.former}
        spare = [place for place in SPARE_PLACES if place not in used]
        if not spare:
            raise ValueError(f"article {article} has had {len(SPARE_PLACES)} replacements; choose another article")
        return (str(int(article) * PLACES + spare[0]),)
    return values or (("1",) if order.kind is Kind.VIEWED else ())


def _check_terms(order: Order, content: Content) -> None:
    """Refuse ids of terms that do not exist."""
    sections = content.profile.sections
    wrong: list[str] = []
    if order.kind is Kind.RECATEGORISED:
        wrong = [one for one in order.values if one not in sections] or ([] if order.values else ["none"])
    elif order.kind is Kind.RENAMED:
        wrong = [one for one in (order.term,) if one not in sections]
    elif order.kind is Kind.MERGED:
        wrong = [one for one in (order.term, *order.values) if content.listing("keyword", one) is None]
    elif order.kind is Kind.EDITED and {"authors", "keywords"} & set(order.changed):
        wrong = [one for one in order.values if not one.isdecimal()] or ([] if order.values else ["none"])
    if wrong:
        raise ValueError(f"{order.kind} cannot be done with the id {wrong[0]!r}; name ids that the newsroom has")


def _check_number(order: Order) -> None:
    """Refuse an order that lacks what its kind has to know."""
    needed = {Kind.MERGED: 1, Kind.RENAMED: 2, Kind.MOVED: 1}.get(order.kind)
    if needed is not None and len(order.values) != needed:
        raise ValueError(f"{order.kind} needs {needed} value(s), and was given {len(order.values)}")
