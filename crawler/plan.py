"""What a crawl is told, and what it says of itself in the end. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from crawler import schedule
from crawler.fetch import FetchSettings
from crawler.schedule import Policy
from crawler.targets import Target
from crawler.urls import display
from crawler.wants import Bounds
from storage.givenup import GivenUp
from storage.listings import Walk
from storage.records import Tally


@dataclass(frozen=True, slots=True)
class CrawlSettings:
    """How to crawl; rates in requests per second and host (0: unlimited), times in seconds."""

    fetch: FetchSettings
    concurrency: int = 16
    per_host_concurrency: int = 4
    rate: float = 4.0
    attempts: int = 5  # at one URL in one run, at most; the fault table may allow fewer
    robots: bool = True
    third_party_media: bool = False
    block_patterns: tuple[str, ...] = ()  # regular expressions that only block pages match
    failure_budget: float = 0.25  # share of the jobs of one kind that may be given up before the run stops
    recheck: Policy = schedule.DEFAULT


@dataclass(frozen=True, slots=True)
class Night:
    """What a night looks at besides its targets: what failed and is due, and articles again."""

    rechecks: int = 2_000  # articles, at most


@dataclass(frozen=True, slots=True)
class Sweep:
    """How the whole of each listing is read by every route, for the ids alone."""

    requests: int = 0  # for one listing in one run, which the next run goes on from; 0: to the end
    days: float = 0.0  # from the end of one sweep of a listing to the beginning of the next
    alone: bool = False  # nothing else is done: what it finds waits


@dataclass(frozen=True, slots=True)
class CrawlRequest:
    """What one crawl was asked for."""

    targets: tuple[Target, ...]
    command: str
    depth: int = 0
    bounds: Bounds = field(default_factory=Bounds)
    media: bool = True
    refresh: bool = False
    exhaustive: bool = False
    notes: bool = True  # what the CMS says was saved, noted by its webhook, is taken in
    new_shape: bool = False  # what articles usually look like is learned anew
    time_limit: float | None = None  # seconds
    request_limit: int = 0  # 0: none
    byte_limit: int = 0  # 0: none
    night: Night | None = None
    sweep: Sweep | None = None


@dataclass(slots=True)
class Summary:
    """What a crawl did, and what it could not do."""

    run: int = 0
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    partial: int = 0
    absent: int = 0  # what we hold and was not there when it was asked for
    gone: int = 0  # what was absent for the second time, and is taken to be gone
    due: int = 0  # rechecks that were due
    rechecked: int = 0  # of which so many were asked for
    # How articles differ from what is usual, the most frequent first.
    drift: list[str] = field(default_factory=list)
    cut_off: list[str] = field(default_factory=list)  # when earlier runs began that did not end
    worse: int = 0
    failed: dict[str, int] = field(default_factory=dict)  # by kind of row: given up for this run
    causes: dict[str, int] = field(default_factory=dict)  # by fault
    routes_lost: set[str] = field(default_factory=set)  # the faults that ended routes of listings
    examples: list[str] = field(default_factory=list)  # a few failures in words
    standing: int = 0  # rows of the run's targets that earlier runs gave up, and this one was not to try
    walks: list[Walk] = field(default_factory=list)
    hosts_given_up: dict[str, str] = field(default_factory=dict)  # by host: why
    key_refused: str = ""  # the API host that refused the key
    stopped_by: str = ""  # 'time', 'budget', 'key' or a signal's name; empty: it ran to its end
    manifest_root: str = ""  # one hash over all that the run leaves behind
    left: int = 0  # rows of the run's targets that still wait

    def take_failures(self, given_up: GivenUp) -> None:
        """Say what was given up as the archive has it, in the end."""
        for kind, fault, number in given_up.numbers:
            self.failed[kind] = self.failed.get(kind, 0) + number
            self.causes[fault] = self.causes.get(fault, 0) + number
        self.tally.failures = sum(self.failed.values())
        self.standing = given_up.standing
        self.examples = [f"{display(url)}: {error}" for url, error in given_up.examples]

    @property
    def truncated(self) -> list[Walk]:
        """The listings of which something may have stayed unseen, those that only helped others aside."""
        return [walk for walk in self.walks if walk.depth >= 0 and walk.verdict in ("truncated", "unavailable")]
