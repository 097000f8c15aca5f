"""The configuration's tables: every key with its type, default and range; `docs/configuration.md` explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backfile import values

USER_AGENT = "backfile/0.1 (newsroom archive)"
BLOCK_PATTERNS = (
    r"<title>\s*(just a moment|attention required|un instant|access denied|access to this page has been denied|"
    r"pardon our interruption|request rejected|security check|robot check|are you a robot|human verification|"
    r"captcha|ddos-guard)",
    r"id=[\"']?(challenge-form|challenge-running|challenge-error|cf-wrapper|px-captcha)",
    r"(verify|confirm|prove) (that )?you are (a )?(human|not a robot)",
    r"class=[\"']?(g-recaptcha|h-captcha|cf-turnstile)",
    r"_incapsula_resource|checking your browser before|unusual traffic from your",
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that never prints."""

    value: str

    def __str__(self) -> str:
        """Return a mask."""
        return "********" if self.value else ""

    def __repr__(self) -> str:
        """Return a mask."""
        return f"Secret({str(self)!r})"


def ranged(default: Any, low: float | None = None, high: float | None = None) -> Any:
    """Return a field with a default and an inclusive range."""
    return field(default=default, metadata={"low": low, "high": high})


def checked(default: Any, check: Callable[[Any], object]) -> Any:
    """Return a field with a default; for what it cannot be, `check` raises ValueError, naming value and remedy."""
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True, slots=True)
class ArchiveTable:
    """`[archive]`."""

    path: str = "archive"
    min_free_mb: int = ranged(256, 0)


@dataclass(frozen=True, slots=True)
class CrawlTable:
    """`[crawl]`."""

    concurrency: int = ranged(16, 1, 512)
    per_host_concurrency: int = ranged(4, 1, 512)
    rate: float = ranged(4.0, 0, 10_000)
    connect_timeout: float = ranged(10.0, 0.1, 600)
    read_timeout: float = ranged(30.0, 0.1, 3600)
    retries: int = ranged(4, 0, 100)
    max_page_mb: int = ranged(64, 1, 4096)
    max_media_mb: int = ranged(256, 1, 65_536)
    user_agent: str = checked(USER_AGENT, values.header)
    contact: str = checked("", values.header)
    block_patterns: tuple[str, ...] = checked(BLOCK_PATTERNS, values.patterns)
    failure_budget: float = ranged(0.25, 0, 1)
    robots: bool = True
    third_party_media: bool = False


@dataclass(frozen=True, slots=True)
class NightlyTable:
    """`[nightly]`."""

    time_limit: str = checked("", values.duration)
    requests: int = ranged(0, 0)
    megabytes: int = ranged(0, 0)
    rechecks: int = ranged(2_000, 0)
    sweep_requests: int = ranged(100, 1)
    sweep_days: float = ranged(7.0, 0, 3650)
    verify_percent: float = ranged(1.0, 0, 100)


@dataclass(frozen=True, slots=True)
class RecheckTable:
    """`[recheck]`."""

    share: float = ranged(0.25, 0.01, 1)
    shortest_hours: float = ranged(4.0, 0.1, 24 * 7)
    longest_days: float = ranged(180.0, 1, 3650)
    partial_longest_days: float = ranged(30.0, 1, 3650)
    confirm_hours: float = ranged(20.0, 20, 72)
    gone_shortest_days: float = ranged(7.0, 1, 3650)
    trust: float = ranged(2.0, 1, 10)


@dataclass(frozen=True, slots=True)
class NetworkTable:
    """`[network]`."""

    connect_to: tuple[str, ...] = ()
    ca_file: str = ""
    proxy: str = checked("", values.proxy)


@dataclass(frozen=True, slots=True)
class SiteTable:
    """One `[[sites]]` block."""

    name: str = ""
    title: str = ""
    base_url: str = ""
    hosts: tuple[str, ...] = ()
    api_url: str = ""
    classic_url: str = ""
    api_key_env: str = ""
    api_key_file: str = ""
    classic_key_env: str = ""
    timezone: str = "UTC"
    media_hosts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    page_param: str = "pagination"
    webhook_secret_env: str = ""
    webhook_secret_file: str = ""


@dataclass(frozen=True, slots=True)
class ReaderTable:
    """`[reader]`."""

    host: str = "127.0.0.1"
    port: int = ranged(8000, 0, 65535)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListenTable:
    """`[listen]`."""

    host: str = "127.0.0.1"
    port: int = ranged(8001, 0, 65535)


@dataclass(frozen=True, slots=True)
class ReportTable:
    """`[report]`."""

    ping_url: str = checked("", values.ping_url)
    metrics_file: str = checked("", values.metrics_file)


@dataclass(frozen=True, slots=True)
class LogTable:
    """`[log]`."""

    level: str = field(default="info", metadata={"choices": ("debug", "info", "warning", "error")})
    format: str = field(default="text", metadata={"choices": ("text", "json")})


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file, as written and overridden."""

    archive: ArchiveTable = ArchiveTable()
    crawl: CrawlTable = CrawlTable()
    nightly: NightlyTable = NightlyTable()
    recheck: RecheckTable = RecheckTable()
    network: NetworkTable = NetworkTable()
    reader: ReaderTable = ReaderTable()
    listen: ListenTable = ListenTable()
    report: ReportTable = ReportTable()
    log: LogTable = LogTable()
    sites: tuple[SiteTable, ...] = ()
