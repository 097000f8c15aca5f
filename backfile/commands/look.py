"""`status`, `search` and `show`: looking at the archive, with no network at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from backfile import differences, shown
from backfile.context import Context
from backfile.differences import Copy
from backfile.errors import UsageError
from backfile.exits import Exit
from backfile.output import print_as_it_came, print_json
from backfile.values import day
from crawler.targets import TargetKind, parse_target
from storage.reading import Reading, Shown, open_reading
from storage.search import Filters

_HITS = 20


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say what the archive holds, what is queued, what failed and why, and how the last runs went."""
    own: Context = context.obj
    config, _ = own.ready()
    with open_reading(config.archive) as archive:
        found = archive.status()
    if as_json:
        print_json({"archive": str(config.archive), **asdict(found)}, indent=2)
    else:
        shown.status(own.out, str(config.archive), found)
    return Exit.OK


def search(
    context: typer.Context,
    query: Annotated[
        list[str],
        typer.Argument(metavar="QUERY", help='Words, "phrases", -not, prefix* (of three letters or more), title:word.'),
    ],
    category: Annotated[str, typer.Option(help="Name, slug or id.")] = "",
    keyword: Annotated[str, typer.Option(help="Name, slug or id.")] = "",
    author: Annotated[str, typer.Option(help="Name, slug or id.")] = "",
    since: Annotated[str, typer.Option(metavar="DATE", help="Published on or after it.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Published on or before it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = _HITS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False,
) -> int:
    """Search the full text, best first, with snippets.

    Accents, ligatures and Arabic vowel signs do not matter. Fields: title, author, keyword, category, text.

    Examples:
        backfile search Ecowas Mali -Russia

        backfile search '"Security Council"' --since 2023-07 --author Koné

        backfile search --json 'title:drought*' | jq .url
    """
    own: Context = context.obj
    config, _ = own.ready()
    filters = Filters(
        category, keyword, author, date_option(since, "--since"), date_option(until, "--until", last=True)
    )
    with open_reading(config.archive) as archive:
        hits = archive.search(" ".join(query), filters, limit=limit)
    if as_json:
        for hit in hits:
            print_json({**asdict(hit), "snippet": shown.unmarked(hit.snippet)})
    else:
        shown.hits(own.out, hits)
    return Exit.OK


def date_option(text: str, option: str, *, last: bool = False) -> str:
    """Return the date that an option names, as `YYYY-MM-DD`; empty when it names none. Raises UsageError."""
    try:
        return day(text, last=last) if text else ""
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def show(
    context: typer.Context,
    article: Annotated[str, typer.Argument(metavar="ARTICLE", help="An id, site:id, or any URL of it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Everything we know of it, as one JSON document.")] = False,
    as_text: Annotated[bool, typer.Option("--text", help="The title and the text alone.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The article object byte for byte as it came.")] = False,
    revision: Annotated[int | None, typer.Option(metavar="N", min=1, help="This revision; 1 is the oldest.")] = None,
    revisions: Annotated[
        bool, typer.Option("--revisions", help="List its revisions, and what changed with each.")
    ] = False,
    diff: Annotated[
        tuple[int, int] | None, typer.Option(metavar="A B", help="What changed from revision A to B, word by word.")
    ] = None,
) -> int:
    """Show one article: its text, its terms, its pictures and where they are on the disk.

    An edit is unannounced when the newsroom's own time of update stayed as it was.

    Examples:
        backfile show dm:1758224

        backfile show 1758224 --revisions

        backfile show 1758224 --diff 1 2
    """
    own: Context = context.obj
    config, sites = own.ready()
    with open_reading(config.archive) as archive:
        row = _find(archive, article, sites)
        if row is None:
            raise UsageError(f"the archive {config.archive} holds no article {article!r}; try: backfile search")
        found = _revision(archive, row, article, revision)
        numbers = diff or [entry["number"] for entry in found.revisions if as_json or revisions]
        copies = [_copy(_revision(archive, row, article, number)) for number in numbers]
    if diff:
        _show_difference(own, found, copies[0], copies[1], as_json=as_json)
    elif raw:
        print_as_it_came(found.json)
    elif as_json:
        more = {"text": found.text, "revision": found.revision, "revision_list": _listed(found, copies),
                "terms": found.terms, "media": found.media, "raw": _loaded(found.json)}  # fmt: skip
        print_json({**found.article, **more}, indent=2)
    elif revisions:
        differences.print_history(own.out, copies)
    elif as_text:
        shown.plain(own.out, found)
    else:
        shown.article(own.out, found)
    return Exit.OK


def _revision(archive: Reading, row: int, article: str, number: int | None) -> Shown:
    found = archive.show(row, number)
    if found is None:
        raise UsageError(f"article {article} has no revision {number}; list them with --revisions")
    return found


def _copy(found: Shown) -> Copy:
    facts = next(entry for entry in found.revisions if entry["number"] == found.revision)
    return Copy(found.revision, facts["fetched_at"], facts["source"], facts["content_hash"], found.json)


def _show_difference(own: Context, found: Shown, old: Copy, new: Copy, *, as_json: bool) -> None:
    if as_json:
        identity = {"site": found.article["site"], "id": found.article["id"]}
        print_json({**identity, **differences.document(old, new)}, indent=2)
    else:
        differences.print_difference(own.out, old, new)


def _listed(found: Shown, copies: list[Copy]) -> list[dict[str, Any]]:
    """Return the revisions, each with what changed against the one before; the first has nothing to differ from."""
    changes = differences.changes(copies)
    return [
        {**entry, **({} if change is None else differences.summary(change))}
        for entry, change in zip(found.revisions, changes, strict=True)
    ]


def _find(archive: Reading, text: str, sites: Any) -> int | None:
    if text.isdecimal():
        return archive.find_article("", text)
    site, _, rest = text.partition(":")
    if rest.isdecimal():
        return archive.find_article(site, rest)
    target = parse_target(text, sites)
    return archive.find_by_key(target.key) if target.kind is TargetKind.ARTICLE else None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
