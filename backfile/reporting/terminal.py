"""The report as a terminal shows it: the same facts, a few lines for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backfile.logs import Mask
from backfile.reporting import words
from backfile.reporting.facts import Report, Story
from backfile.values import size_text
from storage.runfacts import Some

_LINES = 10  # of each kind
_HOSTS = 10
_BLOCKS = "▁▂▃▄▅▆▇█"
_safe = Mask(())


def show(console: Console, report: Report) -> None:
    """Print the report of a run."""
    run = report.run
    console.print(_text(f"run {run.id}", "bold").append_text(_text(f"  {run.command}", "not bold")))
    console.print(_text(f"{words.moment(run.started_at)}, {words.took(report)}: {report.meaning}", "dim"))
    console.print(_text(words.summary(report)))
    _notes(console, report)
    _stories(console, "came in", report.new, (_line(story) for story in report.new.shown))
    _stories(console, "changed", report.changed, (
        _line(edited.article, ", ".join(edited.difference["changed"]),
              "unannounced" if edited.difference["unannounced"] else "")
        for edited in report.changed.shown
    ))  # fmt: skip
    for name, absences in (("gone", report.gone), ("absent", report.absent), ("came back", report.returned)):
        _stories(console, name, absences, (_line(one.article, f"absent since {one.since}") for one in absences.shown))
    for name, urls, some in (
        ("pictures replaced", [one.url for one in report.pictures_replaced.shown], report.pictures_replaced),
        ("pictures no longer there", [one.url for one in report.pictures_lost.shown], report.pictures_lost),
    ):
        _stories(console, name, some, (_text(url) for url in urls))
    _failures(console, report)
    _pace(console, report)
    _growth(console, report)


def _notes(console: Console, report: Report) -> None:
    if report.cut_off:
        console.print(Text(f"run {report.cut_off}, the one before, has no end: it was cut off", "yellow"))
    for note in report.run.notes:
        console.print(_text(f"  {note}", "yellow"))
    if report.run.manifest_root:
        console.print(_text(f"manifest root {report.run.manifest_root}"))


def _line(story: Story, *more: str) -> Text:
    line = _text(story.title).append_text(_text(f"  {story.site}:{story.id}", "dim"))
    for word in filter(None, more):
        line.append_text(_text(f"  {word}", "yellow" if word == "unannounced" else "dim"))
    return line


def _text(text: str, style: str = "") -> Text:
    """Return one line that no terminal obeys, whatever is in it."""
    return Text(_safe.line(text), style)


def _stories(console: Console, heading: str, some: Some[object], lines: Iterable[Text]) -> None:
    if not some.total:
        return
    console.print(Text(f"\n{heading} ({some.total:,})", "bold"))
    shown = list(lines)[:_LINES]
    for line in shown:
        console.print(Text("  ").append_text(line))
    if some.total > len(shown):
        console.print(Text(f"  … and {some.total - len(shown):,} more", "dim"))


def _failures(console: Console, report: Report) -> None:
    if report.causes:
        table = _table("cause", "of", "attempts", "addresses", "still missing", "left by earlier runs")
        for cause in report.causes:
            counts = (cause.attempts, cause.urls, cause.missing, cause.standing)
            table.add_row(_text(cause.fault), _text(cause.kind), *(f"{count:,}" for count in counts))
        console.print(Text("\nfailed", "bold"))
        console.print(table)
    _stories(console, "tried and not archived", report.failed, (
        _text(one.url).append("\n").append_text(_text(f"    {one.error} ({_again(one.next_attempt_at)})", "dim"))
        for one in report.failed.shown
    ))  # fmt: skip
    for walk in report.truncated:
        console.print(_text(f"{walk.key}: {walk.verdict}, {walk.seen:,} articles named", "yellow"))


def _again(instant: str) -> str:
    return f"again from {instant}" if instant else "given up"


def _pace(console: Console, report: Report) -> None:
    traffic = report.traffic
    if not traffic.requests:
        return
    console.print(Text("\npace", "bold"))
    for name, values in (
        ("requests", [part.requests for part in traffic.stretches]),
        ("bytes", [part.bytes for part in traffic.stretches]),
        ("latency", [part.p50 or 0.0 for part in traffic.stretches]),
    ):
        console.print(Text(f"  {name:<9} {spark(values)}"))
    table = _table("host", "requests", "received", "p50", "p90", "p99", "peak", "429/503", "kept")
    for host in traffic.hosts[:_HOSTS]:
        latency = (words.latency(value) for value in (host.latency.p50, host.latency.p90, host.latency.p99))
        table.add_row(_text(host.host), f"{host.requests:,}", size_text(host.bytes), *latency,
                      f"{host.busiest_rate:.1f}/s", f"{host.complaints:,}", words.kept(host))  # fmt: skip
    console.print(table)
    console.print(Text(words.promised(report.promise), "dim"))


def _growth(console: Console, report: Report) -> None:
    size = report.size
    console.print(Text("\narchive", "bold"))
    console.print(
        f"  {size.articles:,} articles, {size.renditions:,} renditions in {size.files:,} files: "
        f"{size_text(size.media_bytes)} of media, {size_text(size.database_bytes)} of database"
    )
    if len(report.growth) > 1:
        runs = f"runs {report.growth[0].run} to {report.growth[-1].run}"
        console.print(Text(f"  new       {spark([one.articles_new for one in report.growth])}  {runs}"))
        console.print(Text(f"  changed   {spark([one.articles_changed for one in report.growth])}"))


def spark(values: Sequence[float]) -> str:
    """Return values as a row of bars; nothing is a blank, anything at all a bar."""
    top = max(values, default=0)
    steps = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(value / top * steps)] if value > 0 else " " for value in values)


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for place, name in enumerate(names):
        table.add_column(name, justify="left" if place == 0 or name in ("of", "kept") else "right", no_wrap=place > 0,
                         overflow="fold")  # fmt: skip
    return table
