"""Is the archive complete? What the CMS says it has against what is held, article by article, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from crawler.cms import article as cms
from crawler.errors import ParseError
from crawler.sites import Site
from crawler.targets import Target, TargetKind
from crawler.wants import Wants, cms_id_of
from storage import audit
from storage.audit import HeldRendition, Item
from storage.listings import RouteGave, Walk, walk_of
from storage.reading import Reading
from storage.records import Source

ARCHIVED, GONE, MISSING, EXPLAINED = OUTCOMES = ("archived", "gone", "failed", "explained")
_DENSE = 0.5  # of all numbers in a range, from which on a hole in it is worth naming
_MOST_HOLES = 1_000


@dataclass(frozen=True, slots=True)
class Lacking:
    """One thing that is not held as it should be, and why."""

    what: str  # 'article' or 'rendition'
    key: str  # of the article, site:id where it is known
    url: str
    reason: str
    explained: bool = False  # it is not held on purpose


@dataclass(frozen=True, slots=True)
class Holes:
    """What the numbers of the articles say. They are shared by all content types, so that a hole proves nothing."""

    first: int = 0
    last: int = 0
    known: int = 0  # numbers in between of which we know an article
    unknown: tuple[tuple[int, int], ...] = ()  # ranges of the others, first and last, where most numbers are known


@dataclass(slots=True)
class Verdict:
    """What an audit says of one target."""

    target: str
    claimed: int | None  # by the route that claims most; None: none says how many there are
    listed: int = 0  # by any route of the last sweep, or held and belonging to it
    swept_at: str = ""  # when the sweep ended; '' when none has
    sweep: str = ""  # its verdict
    routes: list[RouteGave] = field(default_factory=list)
    articles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    renditions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))  # each URL once
    lacking: list[Lacking] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)  # held, named once, and listed no longer
    addresses: list[str] = field(default_factory=list)  # named without a number, beside all the numbers there are
    holes: Holes = Holes()
    alone: bool = False  # an article that was asked for itself: no listing need name it

    @property
    def unseen(self) -> int:
        """How many articles the CMS claims that no route has named."""
        return max(0, (self.claimed or 0) - self.listed)

    @property
    def unprovable(self) -> str:
        """Why completeness cannot be proven; '' when it can."""
        if self.alone:
            return ""
        if not self.swept_at:
            return "the listing was never read to its end by every route"
        if self.unseen:
            return f"{self.unseen} of {self.claimed} that the CMS claims are named by no route"
        if self.claimed is None and self.sweep != "complete":
            return "no route says how many there are, and none could be read to its end"
        return ""

    @property
    def complete(self) -> bool:
        """Whether everything is held that there is, and that can be shown."""
        return not (self.unprovable or self.articles[MISSING] or self.renditions[MISSING])

    @property
    def line(self) -> str:
        """Return the verdict as a line that a person can sign; its numbers add up."""
        total = max(self.claimed or 0, self.listed)
        by = "claimed" if self.claimed is not None and self.claimed >= self.listed else "listed"
        parts = [f"{number} {name}" for name, number in self.articles.items()]
        unseen = f" + {self.unseen} unseen" if self.unseen else ""
        word = "complete" if self.complete else "incomplete" if not self.unprovable else "not proven"
        pictures = " + ".join(f"{number} {name}" for name, number in self.renditions.items())
        renditions = f"{sum(self.renditions.values())} renditions = {pictures}"
        return f"{self.target}: {word}: {total} {by} = {' + '.join(parts)}{unseen}; {renditions}"


def judge(
    reading: Reading, target: Target, sites: Mapping[str, Site], wants: Wants, on_article: Callable[[], None]
) -> Verdict:
    """Judge one target by what the archive knows; `on_article` hears of each article whose pictures were looked at."""
    if target.kind is TargetKind.ARTICLE:
        verdict = Verdict(target.key, None, listed=1, alone=True)
        item = audit.article_of(reading.connection, target.key)
        found: Iterable[Item] = [replace(item, url=item.url or target.url)]
    else:
        verdict, found = _of_listing(reading, target)
    urls: set[str] = set()
    for item in found:
        _judge_article(verdict, item)
        if item.article is not None:
            _judge_renditions(reading, verdict, item, sites[target.site], wants, urls)
            on_article()
    verdict.holes = Holes() if verdict.alone else _holes(reading, target.site)
    return verdict


def _of_listing(reading: Reading, target: Target) -> tuple[Verdict, Iterable[Item]]:
    """Return what the walks of a listing say, and each article that counts."""
    rows = audit.rows_of(reading.connection, target.key)
    walks = [walk_of(reading.connection, row) for row in (rows.sweep, rows.own) if row]
    routes = [route for walk in walks if walk is not None for route in walk.routes]
    verdict = Verdict(target.key, _claimed(walks), routes=routes)
    verdict.swept_at, verdict.sweep = _sweep(reading, rows.sweep, walks[0] if rows.sweep else None)
    return verdict, _everything(reading, target, rows, verdict)


def _sweep(reading: Reading, row: int, walk: Walk | None) -> tuple[str, str]:
    ended = reading.connection.execute("SELECT coalesce(finished_at, '') FROM listing WHERE frontier = ?", (row,))
    found = ended.fetchone()
    return ("", "") if found is None or walk is None or not found[0] else (str(found[0]), walk.verdict)


def _claimed(walks: Sequence[Walk | None]) -> int | None:
    """Return the largest total that a route states: of the sweep, or else of an earlier walk."""
    for walk in walks:
        claims = [route.claimed for route in (walk.routes if walk is not None else ()) if route.claimed is not None]
        if claims:
            return max(claims)
    return None


def _everything(reading: Reading, target: Target, rows: audit.Rows, verdict: Verdict) -> Iterable[Item]:
    """Yield each article that counts: listed now; or held and belonging, where the listing was not read to its end.

    What else is held, and was named or belongs, is named aside.
    """
    items = {item.key: item for item in audit.items(reading.connection, rows)}
    numbered = any(route.claimed is not None and route.outcome == "complete" for route in verdict.routes)
    belonging = {item.key: item for item in audit.belonging(reading.connection, target.key)}
    for key, item in sorted({**belonging, **items}.items()):
        if numbered and item.article is None and not cms_id_of(key):
            verdict.addresses.append(item.url)  # another spelling of one of those that were named by their numbers
        elif item.listed or (key in belonging and not item.gone and verdict.sweep != "complete"):
            verdict.listed += 1
            yield item
        elif item.article is not None:
            verdict.unlisted.append(key)


def _judge_article(verdict: Verdict, item: Item) -> None:
    if item.gone:
        verdict.articles[GONE] += 1
    elif item.article is not None:
        verdict.articles[ARCHIVED] += 1
    elif item.state == "skipped":
        verdict.articles[EXPLAINED] += 1
        verdict.lacking.append(Lacking("article", item.key, item.url, f"left out: {item.error}", explained=True))
    else:
        verdict.articles[MISSING] += 1
        verdict.lacking.append(Lacking("article", item.key, item.url, _why(item.state, item.error)))


def _judge_renditions(
    reading: Reading, verdict: Verdict, item: Item, site: Site, wants: Wants, judged: set[str]
) -> None:
    """Compare the pictures that an article's raw JSON names with what is held, whatever the derived tables say.

    One that several articles show is `judged` once.
    """
    assert item.article is not None, "only of what we hold can the pictures be known"
    _, text, source = audit.latest(reading.connection, item.article)
    try:
        record = cms.read(text, site, Source(source)).record
    except (ParseError, ValueError) as error:
        verdict.articles[ARCHIVED] -= not item.gone
        verdict.articles[MISSING] += not item.gone
        verdict.lacking.append(Lacking("article", item.key, item.url, f"what is held of it cannot be read: {error}"))
        return
    held = audit.renditions(reading.connection, reading.folder, item.article)
    for wanted in wants.renditions(record):
        if wanted.url in judged:
            continue
        judged.add(wanted.url)
        _judge_rendition(verdict, item.key, wanted.url, wanted.skip, held.get(wanted.url))


def _judge_rendition(verdict: Verdict, key: str, url: str, skip: str, held: HeldRendition | None) -> None:
    if held is not None and held.on_disk:
        verdict.renditions[ARCHIVED] += 1
    elif skip or (held is not None and held.state == "skipped"):
        verdict.renditions[EXPLAINED] += 1
        reason = skip or (held.error if held is not None else "")
        verdict.lacking.append(Lacking("rendition", key, url, f"left out: {reason}", explained=True))
    elif held is not None and held.state == "gone":
        verdict.renditions[GONE] += 1
    else:
        verdict.renditions[MISSING] += 1
        reason = "the archive knows nothing of it" if held is None else _why(held.state, held.error)
        verdict.lacking.append(Lacking("rendition", key, url, reason))


def _why(state: str, error: str) -> str:
    """Say why something is not held, from the state of its row on the frontier."""
    words = {
        "queued": "waits to be fetched",
        "doing": "was being fetched",
        "done": "was archived, and is not here any more: backfile verify --requeue",
        "gone": "gone",
    }
    return f"failed: {error}" if state == "failed" else words.get(state, "the archive knows nothing of it")


def _holes(reading: Reading, site: str) -> Holes:
    """Say which numbers between the first and the last article of a site belong to nothing that we know."""
    known = sorted(audit.known_ids(reading.connection, site))
    if not known:
        return Holes()
    first, last = known[0], known[-1]
    if len(known) < _DENSE * (last - first + 1):
        return Holes(first, last, len(known))
    unknown = [(before + 1, after - 1) for before, after in pairwise(known) if after - before > 1]
    return Holes(first, last, len(known), tuple(unknown[:_MOST_HOLES]))
