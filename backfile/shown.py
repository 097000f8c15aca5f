"""The archive in a terminal: tables and text that fit 80 columns, in colour where colour is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backfile.logs import Mask
from backfile.values import size_text
from storage.reading import Shown, Status
from storage.search import CLOSE_MARK, OPEN_MARK, Hit

_STATES = ("done", "queued", "failed", "gone", "skipped")
_KINDS = {"article": "articles", "media": "renditions", "listing": "listings"}
_safe = Mask(())
_line = _safe.line


def status(console: Console, archive: str, found: Status) -> None:
    """Print what an archive holds."""
    console.print(Text.assemble(("archive  ", "dim"), _line(archive)))
    terms = ", ".join(f"{found.terms.get(kind, 0)} {plural}" for kind, plural in _TERMS.items())
    held = f"{found.articles} articles ({found.revisions} revisions), {terms}, {found.files} files"
    console.print(Text.assemble(("holds    ", "dim"), held))
    sizes = f"{size_text(found.file_bytes)} media, {size_text(found.database_bytes)} database"
    console.print(Text.assemble(("size     ", "dim"), sizes))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for state in _STATES:
        table.add_column("archived" if state == "done" else state, justify="right")
    for kind, plural in _KINDS.items():
        counts = dict(found.frontier.get(kind, {}))
        counts["queued"] = counts.get("queued", 0) + counts.get("doing", 0)
        if kind == "article":
            counts["done"] = found.articles  # a row may have turned out to be another spelling of one
        table.add_row(plural, *(str(counts.get(state, 0)) for state in _STATES))
    console.print(table)
    for walk in found.listings:
        if walk.depth >= 0:
            style = "" if walk.verdict == "complete" else "yellow"
            verdict = walk.verdict or "under way"
            console.print(Text(_line(f"listing  {walk.key}: {verdict}, {walk.seen} named"), style))
    due = "; ".join(f"{number} {reason}" for reason, number in found.due.items()) or "nothing"
    console.print(Text(f"due      {due}; {found.due_in_a_day} more within a day"))
    _failures(console, found)
    _runs(console, found)


_TERMS = {"category": "categories", "keyword": "keywords", "author": "authors"}


def _failures(console: Console, found: Status) -> None:
    if not found.failure_total:
        return
    causes = ", ".join(f"{number} {cause}" for cause, number in found.causes.items())
    console.print(Text(f"{found.failure_total} failures: {causes}", "red"))
    for failure in found.failures:
        after = failure["next_attempt_at"]
        plan = f"next attempt {after}" if after else "given up"
        console.print(Text(f"  {_line(failure['url'])}\n    {_line(failure['error'])} ({plan})"))


def _runs(console: Console, found: Status) -> None:
    if not found.runs:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("run", "started", "exit", "requests", "new", "changed", "media", "failed"):
        table.add_column(name, justify="left" if name == "started" else "right")
    for run in found.runs:
        exit_status = "unfinished" if run["finished_at"] is None else str(run["exit_status"])
        table.add_row(
            str(run["id"]), run["started_at"], exit_status, str(run["requests"]), str(run["articles_new"]),
            str(run["articles_changed"]), str(run["media_new"]), str(run["failures"]),
        )  # fmt: skip
    console.print(table)


def hits(console: Console, found: Sequence[Hit]) -> None:
    """Print search results, best first."""
    for hit in found:
        console.print(Text(_line(hit.title), "bold"))
        facts = [f"{hit.site}:{hit.id}", (hit.first_published or "")[:10], ", ".join(hit.authors)]
        console.print(Text("  " + _line(" · ".join(filter(None, facts))), "dim"))
        console.print(Text("  ").append_text(_marked(hit.snippet)))
    if not found:
        console.print("nothing found")


def _marked(snippet: str) -> Text:
    text = Text()
    for position, part in enumerate(" ".join(snippet.split()).replace(CLOSE_MARK, OPEN_MARK).split(OPEN_MARK)):
        text.append(_safe(part), "bold yellow" if position % 2 else "")
    return text


def plain(console: Console, found: Shown) -> None:
    """Print the title and the text alone: as kept, with controls shown where a terminal would obey them."""
    text = f"{found.article['title']}\n\n{found.text}"
    console.print(_safe(text) if console.is_terminal else text, markup=False)


def unmarked(snippet: str) -> str:
    """Return a snippet with its matches between asterisks."""
    return snippet.replace(OPEN_MARK, "**").replace(CLOSE_MARK, "**")


def article(console: Console, found: Shown) -> None:
    """Print one article."""
    facts = found.article
    console.print(Text(_line(facts["title"]), "bold"))
    byline = ", ".join(facts["authors"])
    published = facts["first_published"] or facts["first_published_raw"] or "no date"
    console.print(Text(_line(" · ".join(filter(None, (byline, published, facts["primary_category"])))), "dim"))
    console.print(Text(_line(facts["url"]), "dim"))
    if facts["source"] == "partial":
        console.print(Text("captured in part, from a page that does not embed the article", "yellow"))
    if facts["gone_at"]:
        console.print(Text(f"gone upstream since {facts['gone_at']}", "yellow"))
    if facts["keywords"]:
        console.print(Text(_line("keywords: " + ", ".join(facts["keywords"])), "dim"))
    console.print()
    if facts["summary"]:
        console.print(Text(_safe(facts["summary"]) + "\n", "italic"))
    console.print(Text(_safe(found.text)))
    if found.media:
        console.print()
        console.print(Text(f"{len(found.media)} renditions", "dim"))
        for media in found.media:
            size = f"{media['width']}x{media['height']}" if media["width"] else ""
            place = media["path"] if media["state"] == "stored" else media["state"]
            console.print(Text(_line(f"  {media['role']:<9} {media['transform'] or '':<9} {size:<10} {place}")))
    console.print(Text(f"\nrevision {found.revision} of {len(found.revisions)}, source {facts['source']}", "dim"))
