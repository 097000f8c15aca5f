"""What a newsroom in a box can be told before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROFILES = ("dm", "olj")
PAGING = ("page", "broken")
MOST_ARTICLES = 5_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one newsroom; everything it serves follows from them."""

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
        if not self.page_scheme:
            raise ValueError("page_scheme is empty; name the query parameter of listing pages, such as 'pagination'")
