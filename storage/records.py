"""The values that cross storage's door: frozen, plain, and free of HTTP, HTML and SQL.

Times are UTC. `float` times are Unix seconds (scheduling), `str` times are ISO 8601 (provenance). What is made by the
thousand is a struct, which takes a tenth of the time of a frozen dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

SWEEP = "sweep/"  # in the key of a row that stands for the sweep of a listing, before the kind
RECHECKS = 0  # the scope of what is looked at again
MERGE = "merge"  # the command of a run that brought another archive, and that one's runs with it
NOT_ASKED_FOR = "not asked for"  # the one reason for skipping media that a later run may lift


class Kind(StrEnum):
    """What a frontier row asks for."""

    ARTICLE = "article"
    LISTING = "listing"
    MEDIA = "media"


class State(StrEnum):
    """Where a frontier row stands; the words of the public `media.state` where they apply."""

    QUEUED = "queued"
    DOING = "doing"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    SKIPPED = "skipped"


class Source(StrEnum):
    """How an article object reached us; `PARTIAL` was assembled from a page that does not embed the whole object."""

    API = "api"
    PAGE = "page"
    PARTIAL = "partial"


class Role(StrEnum):
    """What a rendition is to its article (the public `media.role`)."""

    ORIGINAL = "original"
    TRANSFORM = "transform"
    INLINE = "inline"
    AUTHOR = "author"
    CATEGORY = "category"
    SEO = "seo"
    OTHER = "other"


class Wanted(msgspec.Struct, frozen=True):
    """A URL to be archived, as the crawler asks for it.

    `key` is the natural key inside `kind`: `site:<cms id>` or `site:/path` for an article,
    `site:category/africa` and the like for a listing, the URL itself for media.
    """

    kind: Kind
    key: str
    url: str
    site: str
    host: str
    priority: int
    depth: int = 0
    skip: str = ""  # why it is recorded but not to be fetched; empty: fetch it


class Job(msgspec.Struct, frozen=True):
    """A claimed frontier row."""

    id: int
    kind: Kind
    key: str
    url: str
    site: str
    host: str
    scope: int
    priority: int
    depth: int
    attempts: int

    @property
    def is_recheck(self) -> bool:
        """Whether it asks for something that we hold, or held to be gone."""
        return self.scope == RECHECKS

    @property
    def is_sweep(self) -> bool:
        """Whether it is the sweep of a listing: the whole of it, by every route, for the ids alone."""
        return self.key.startswith(f"{self.site}:{SWEEP}")


class Capture(msgspec.Struct, frozen=True):
    """One answer of a server, kept whether or not anything could be read from it."""

    url: str
    fetched_at: str
    http_status: int
    headers: tuple[tuple[str, str], ...]
    media_type: str
    sha256: str
    size: int  # bytes of the body as it was read
    body: bytes | None = None  # None: the body is in the media tree under its sha256, or was not worth keeping
    error: str = ""  # why nothing was read from it; empty: it was
    seconds: float | None = None  # how long the answer took


class Term(msgspec.Struct, frozen=True):
    """A category, keyword or author of an article."""

    kind: str  # 'category' | 'keyword' | 'author'
    cms_id: str
    name: str
    slug: str
    url: str
    json: str


class Rendition(msgspec.Struct, frozen=True):
    """One picture URL that an article mentions, in the part it plays there."""

    url: str
    role: Role
    attachment_id: str | None = None
    transform: str | None = None


class ArticleRecord(msgspec.Struct, frozen=True):
    """What storage keeps of one article object; everything but `json` is derived from it."""

    site: str
    cms_id: str
    url: str
    title: str
    status: str
    content_type: str
    first_published: str | None
    first_published_raw: str | None
    last_update: str | None
    last_update_raw: str | None
    summary: str
    text: str  # body as plain text, for search and `show`
    word_count: int
    content_hash: str
    json: str
    source: Source
    terms: tuple[Term, ...] = ()
    renditions: tuple[Rendition, ...] = ()
    paths: tuple[str, ...] = ()  # `site:/path` keys that are known to lead to this article
    signals: str = ""  # what a listing would say of it, in the crawler's own words; empty: unknown


class FileRecord(msgspec.Struct, frozen=True):
    """A file in the media tree, checked to be what its type says."""

    sha256: str
    size: int  # bytes
    media_type: str
    extension: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one attempt, and what follows from it."""

    fault: str  # a name from the crawler's fault table
    error: str  # a sentence a person understands
    at: float
    retry_at: float | None  # None: given up
    counts: bool = True  # False: the attempt costs nothing (429)
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class WalkProgress:
    """How far the walk of a listing has come, counted by the database when a page is kept."""

    new_on_route: int  # items of this page that this route had not named before in this walk
    seen_on_route: int
    new_in_walk: int  # items of this page that no route had named before in this walk
    claimed_before: int | None = None  # the largest total this route has stated in this walk
    known_at_end: int = 0  # items in a row, at the end of this page, that a walk down to the mark has named
    marked: bool = False  # whether there is such a mark


@dataclass(frozen=True, slots=True)
class ListedPage:
    """What one answer of a route names."""

    route: str
    items: tuple[Wanted, ...]
    said: tuple[str, ...] = ()  # its word about each item, in the crawler's own words; or nothing at all


@dataclass(frozen=True, slots=True)
class ListingStep:
    """Where the walk of a listing goes after a page."""

    route: str  # the route the page belongs to: 'pages' | 'classic' | 'publication' | 'sitemap' | …
    cursor: str  # the crawler's own note of where to go on; empty: the walk has ended
    claimed: int | None = None  # the server's own total, when it states one
    outcome: str = ""  # how the route ended: 'complete' | 'truncated' | 'unavailable' | 'bounded'; empty: it goes on
    note: str = ""
    verdict: str = ""  # the whole walk's, when it has ended
    due_in: float = 0.0  # seconds until the next step, when it must wait for something
    reached: bool = False  # the walk has come down to what was known, or to the end: what is above is known
    rest: bool = False  # the walk goes on from the cursor in a later run


@dataclass(slots=True)
class Tally:
    """What a run did, counted where it happened."""

    requests: int = 0
    bytes: int = 0
    articles_new: int = 0
    articles_changed: int = 0
    articles_gone: int = 0
    media_new: int = 0
    failures: int = 0
