"""What a newsroom in a box can be told before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

PROFILES = ("dm", "olj")
PAGING = ("page", "broken")
MOST_ARTICLES = 5_000_000
MOST_DAYS, MOST_EVENTS = 3_660, 2_000


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one newsroom; everything it serves follows from them.

    With `days`, it lives: so many `events` a day are planned from `first_day` on (its local date; None: the day after
    its newest article), and its clock moves when it is told to, or by a day in every `day_length` seconds. Without, it
    stands still and shows the real time. `conditional` answers ETag and Last-Modified with 304. `webhook` is a URL
    that is told of every saved article, signed with `webhook_secret`.
    """

    profile: str = "dm"
    articles: int = 200
    seed: int = 1
    port: int = 0
    host: str = "127.0.0.1"
    tls: bool = False
    replay: Path | None = None
    faults: tuple[str, ...] = ()
    latency_ms: float = 0.0
    api_key: str = "box-key"
    paging: str | None = None
    quirks: bool = True
    page_scheme: str = "pagination"
    log_file: Path | None = None
    dump_pages: bool = False
    days: int = 0
    events: int = 40
    first_day: date | None = None
    day_length: float = 0.0
    conditional: bool = False
    webhook: str = ""
    webhook_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse what the newsroom could not honour, naming the value and the remedy."""
        if self.profile not in PROFILES:
            raise ValueError(f"profile {self.profile!r} is unknown; choose one of {', '.join(PROFILES)}")
        if self.paging is not None and self.paging not in PAGING:
            raise ValueError(f"paging {self.paging!r} is unknown; choose one of {', '.join(PAGING)}")
        if not 0 <= self.articles <= MOST_ARTICLES:
            raise ValueError(f"articles {self.articles} is out of range; choose 0 to {MOST_ARTICLES}")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port {self.port} is out of range; choose 0 (any free port) to 65535")
        if self.latency_ms < 0:
            raise ValueError(f"latency_ms {self.latency_ms} is negative; choose 0 or more")
        self._check_life()
        if not self.page_scheme:
            raise ValueError("page_scheme is empty; name the query parameter of listing pages, such as 'pagination'")

    def _check_life(self) -> None:
        if not 0 <= self.days <= MOST_DAYS:
            raise ValueError(f"days {self.days} is out of range; choose 0 (stand still) to {MOST_DAYS}")
        if not 1 <= self.events <= MOST_EVENTS:
            raise ValueError(f"events {self.events} is out of range; choose 1 to {MOST_EVENTS} a day")
        if self.day_length < 0:
            raise ValueError(f"day_length {self.day_length} is negative; choose 0 (only when told to) or more seconds")
        if self.days and self.replay is not None:
            raise ValueError("replayed documents do not change, so no days can be planned; choose days or replay")
        if self.webhook and not self.webhook.startswith(("http://", "https://")):
            raise ValueError(f"webhook {self.webhook!r} is no address; name one that starts with http:// or https://")
        if self.webhook and not self.webhook_secret:
            raise ValueError("a webhook needs a secret to sign with; choose the one that its receiver knows")
