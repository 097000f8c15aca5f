"""What a crawl did, in words and as facts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from backfile.exits import MEANINGS, Exit
from backfile.values import duration_text, size_text
from crawler.plan import Summary
from crawler.urls import display
from storage.listings import RouteGave, Walk

if TYPE_CHECKING:
    from backfile.nights import Checked


_DRIFT_SHOWN = 10


def text(summary: Summary, archive: str) -> str:
    """Return the summary as people read it."""
    tally = summary.tally
    lines = [
        f"articles    {tally.articles_new} new, {tally.articles_changed} changed, {tally.articles_gone} gone",
        *([f"rechecks    {summary.rechecked} of {summary.due} due"] if summary.due else []),
        f"renditions  {tally.media_new} new",
        f"requests    {tally.requests}, {size_text(tally.bytes)} in {duration_text(summary.seconds)}",
        *(f"listing     {line}" for walk in summary.walks if walk.depth >= 0 for line in _walk(walk)),
        f"archive     {archive}",
    ]
    return "\n".join(lines)


def line(summary: Summary, status: Exit, checked: Checked) -> str:
    """Return a night's result in one line."""
    tally = summary.tally
    cut_off = f"the run of {summary.cut_off[0]} did not finish; " if summary.cut_off else ""
    what = [
        f"{tally.articles_new} new, {tally.articles_changed} changed, {tally.articles_gone} gone",
        f"{tally.media_new} pictures",
        f"{summary.rechecked} of {summary.due} rechecks",
        f"{tally.failures} failed" + (f", {summary.standing} failed earlier" if summary.standing else ""),
        *([f"{len(summary.truncated)} listings cut short"] if summary.truncated else []),
        *([f"{summary.left} wait"] if summary.left else []),
        f"{tally.requests} requests, {size_text(tally.bytes)} in {duration_text(summary.seconds)}",
        _checked(checked),
        f"manifest {summary.manifest_root[:16]}" if summary.manifest_root else "",
    ]
    return f"nightly: {cut_off}exit {int(status)} ({MEANINGS[status]}): {'; '.join(filter(None, what))}"


def _checked(checked: Checked) -> str:
    if not checked.percent:
        return ""
    found = ", ".join(f"{number} {flaw}" for flaw, number in sorted(checked.findings.items()))
    return f"{checked.percent:g} % verified: {found or 'sound'}"


def _walk(walk: Walk) -> list[str]:
    notable = [route for route in walk.routes if route.outcome != "complete" or route.note]
    return [
        f"{walk.key}: {walk.verdict or 'not finished'}, {walk.seen} articles named",
        *(f"  by {route.route}: {_outcome(route)}" for route in notable),
    ]


def _outcome(route: RouteGave) -> str:
    outcome = route.outcome or "under way"
    return f"{outcome} ({route.note})" if route.note else outcome


def shortcomings(summary: Summary, status: Exit) -> str:
    """Return what was not archived and why, for stderr."""
    lines = [f"backfile: {MEANINGS[status]}"]
    lines += [f"  {host}: {reason}" for host, reason in summary.hosts_given_up.items()]
    if summary.key_refused:
        lines.append(f"  {summary.key_refused} refused the key: set the right one in the environment, and run again")
    if summary.stopped_by == "drift":
        lines.append("  articles have another shape than before: look at one, and add --new-shape if that is right")
    lines += [f"  {display(line)}" for line in summary.drift[:_DRIFT_SHOWN]]
    lines += [f"  {line}" for walk in summary.truncated for line in _walk(walk)]
    lines += [f"  {number} {kind} failed" for kind, number in sorted(summary.failed.items())]
    lines += [f"  {cause}: {number}" for cause, number in sorted(summary.causes.items(), key=lambda item: -item[1])]
    lines += [f"    {example}" for example in summary.examples]
    if summary.partial:
        lines.append(f"  {summary.partial} articles could only be captured in part, from pages that do not embed them")
    if summary.standing:
        lines.append(f"  {summary.standing} URLs failed in earlier runs and are not to be tried again: backfile status")
    if summary.left:
        lines.append(f"  {summary.left} URLs still wait; the same command goes on with them")
    return "\n".join(lines)


def facts(summary: Summary, status: Exit) -> dict[str, Any]:
    """Return the summary as one JSON document."""
    return {
        "run": summary.run,
        "exit_status": int(status),
        "seconds": round(summary.seconds, 3),
        **{key: value for key, value in asdict(summary.tally).items() if key != "extra"},
        "partial": summary.partial,
        "failed": summary.failed,
        "causes": summary.causes,
        "examples": summary.examples,
        "listings": [asdict(walk) for walk in summary.walks],
        "hosts_given_up": summary.hosts_given_up,
        "key_refused": summary.key_refused,
        "stopped_by": summary.stopped_by,
        "standing": summary.standing,
        "left": summary.left,
        "manifest_root": summary.manifest_root,
        "rechecks": {"due": summary.due, "asked": summary.rechecked},
        "absent": summary.absent,
        "gone": summary.gone,
        "cut_off": summary.cut_off,
        "drift": summary.drift,
    }
