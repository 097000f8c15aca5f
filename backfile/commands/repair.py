"""`verify` and `reparse`: is the archive whole, and is what is derived from it up to date?"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import Progress

from backfile.context import Context
from backfile.exits import Exit
from backfile.logs import Mask
from storage.findings import Finding
from storage.reading import open_reading
from storage.store import open_store
from storage.verify import requeue as requeue_findings
from storage.verify import verify as verify_archive

_SHOWN = 50


def verify(
    context: typer.Context,
    sample: Annotated[
        float, typer.Option(metavar="P", min=0.0, max=1.0, help="Read the content of this share of the files.")
    ] = 1.0,
    requeue: Annotated[
        bool, typer.Option("--requeue", help="Put what is damaged or missing back on the frontier.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Compare database and disk, in both directions.

    Names every missing, altered, truncated, misnamed or orphaned file, rows that contradict each other, and a search
    index out of step. Nothing is repaired unless --requeue is given; even then nothing is deleted: damaged files are
    set aside. Exit status 1 when anything is wrong.
    """
    own: Context = context.obj
    config, _ = own.ready()
    with open_reading(config.archive):
        pass  # says what is wrong with the archive as a whole before any file is read
    with Progress(console=own.err, transient=True, disable=not own.show_progress) as progress:
        task = progress.add_task("verifying", total=None)
        findings = list(
            verify_archive(
                config.archive,
                sample=sample,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        )
    if as_json:
        json.dump({"findings": [asdict(finding) for finding in findings]}, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        _print(own, findings)
    if requeue and findings:
        repaired = asyncio.run(_requeue(own, findings, config.settings.archive.min_free_mb << 20))
        own.err.print(repaired, markup=False)
    return Exit.INCOMPLETE if findings else Exit.OK


def _print(own: Context, findings: list[Finding]) -> None:
    safe = Mask(())
    for finding in findings[:_SHOWN]:
        own.out.print(safe(f"{finding.flaw}: {finding.subject}: {finding.detail}"), markup=False)
    if len(findings) > _SHOWN:
        own.out.print(f"… and {len(findings) - _SHOWN} more (--json lists all)", markup=False)
    counts = Counter(str(finding.flaw) for finding in findings)
    verdict = ", ".join(f"{number} {flaw}" for flaw, number in counts.most_common())
    own.out.print(verdict or "whole: every file and every row is as it should be", markup=False)


async def _requeue(own: Context, findings: list[Finding], min_free_bytes: int) -> str:
    async with open_store(own.config().archive, min_free_bytes=min_free_bytes) as store:
        repair = await requeue_findings(store, findings)
    words = ", ".join(f"{number} {what.replace('_', ' ')}" for what, number in _counts(asdict(repair)).items())
    return f"{words}; the next crawl fetches what is queued"


def _counts(facts: dict[str, object]) -> dict[str, int]:
    return {name: value if isinstance(value, int) else len(value) for name, value in facts.items()}  # type: ignore[arg-type]


def reparse(context: typer.Context) -> int:
    """Read every kept answer again with today's reader and rebuild what is derived from it, offline.

    Titles, texts, terms, hashes and the search index are made anew from the raw bodies; answers that could not be
    read when they came are tried again. Nothing is fetched.
    """
    own: Context = context.obj
    config, sites = own.ready()

    async def run() -> int:
        from crawler.reparse import reparse as reparse_all

        async with open_store(config.archive) as store:
            await store.begin_run("reparse")
            with Progress(console=own.err, transient=True, disable=not own.show_progress) as progress:
                task = progress.add_task("reading", total=None)
                result = await reparse_all(
                    store, {site.name: site for site in sites}, lambda done: progress.update(task, completed=done)
                )
            status = Exit.INCOMPLETE if result.unread else Exit.OK
            from storage.records import Tally

            await store.end_run(Tally(articles_new=result.new, failures=result.unread), int(status), result.problems)
        own.out.print(
            f"{result.captures} captures read again, {result.new} for the first time, {result.unread} unreadable"
        )
        for problem in result.problems:
            own.err.print(f"  {problem}", markup=False)
        return status

    with open_reading(config.archive):
        pass
    return asyncio.run(run())
