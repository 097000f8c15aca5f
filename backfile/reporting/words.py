"""What a report says in words, the same on a page and in a terminal. Pure."""

from __future__ import annotations

from backfile.reporting.facts import Report
from backfile.reporting.traffic import HostTraffic, Promise
from backfile.values import duration_text


def summary(report: Report) -> str:
    """Return what a run did in one sentence."""
    changed = f"{report.changed.total:,} changed" if report.changed.total else "nothing changed"
    if report.unannounced:
        shown = f" of the {len(report.changed.shown):,} shown" if report.changed.more else ""
        changed += f" ({report.unannounced:,}{shown} without a word)"
    parts = [
        counted(report.new.total, "article came in", "articles came in") if report.new.total else "Nothing came in",
        changed,
        *([counted(report.gone.total, "is gone", "are gone")] if report.gone.total else []),
        *([counted(report.absent.total, "was absent", "were absent")] if report.absent.total else []),
        *([f"{report.returned.total:,} came back"] if report.returned.total else []),
    ]
    failed = counted(report.failed.total, "address that was tried is", "addresses that were tried are")
    lacking = f"{failed} not archived" if report.failed.total else "all that was tried is archived"
    return f"{', '.join(parts)}; {lacking}."


def counted(number: int, one: str, many: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {one if number == 1 else many}"


def took(report: Report) -> str:
    """Return how long a run took."""
    return "no end" if report.seconds is None else duration_text(report.seconds)


def promised(promise: Promise | None) -> str:
    """Return how hard a host may be asked."""
    if promise is None:
        return "The configured rate is not known here, so nothing is said about whether it was kept."
    rate = f"{promise.rate:g} requests a second" if promise.rate else "any number of requests a second"
    return f"One host may be asked {rate}, {promise.at_once} at once (as configured now)."


def kept(host: HostTraffic) -> str:
    """Say whether a promise was kept."""
    return {True: "yes", False: "no", None: "not known"}[host.kept]


def latency(seconds: float | None) -> str:
    """Return how long an answer took: milliseconds below a second."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def moment(instant: str | None) -> str:
    """Return an instant (UTC ISO 8601) as people read it."""
    return f"{instant[:19].replace('T', ' ')} UTC" if instant else "–"
