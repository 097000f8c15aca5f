"""`verify` and `reparse`: is the archive whole, and is what is derived from it up to date?"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from backfile.context import Context
from backfile.exits import Exit
from backfile.logs import Mask
from backfile.output import print_json
from storage.findings import Finding, Flaw
from storage.fixity import PARTS
from storage.mending import requeue as requeue_findings
from storage.opening import open_store
from storage.reading import open_reading
from storage.rounds import Round
from storage.verify import verify as verify_archive

_SHOWN = 50


def verify(
    context: typer.Context,
    sample: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            min=0.1,
            max=100.0,
            help="Look at P percent of it, what was looked at longest ago first: all of it in 100/P nights.",
        ),
    ] = None,
    requeue: Annotated[
        bool, typer.Option("--requeue", help="Put what is damaged or missing back on the frontier.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Compare database and disk, in both directions.

    Names every missing, altered, truncated, misnamed or orphaned file, every page of the database that is not what
    was written, rows that contradict each other, and a search index out of step. One that was cut off is gone on with
    within a day. Nothing is repaired unless --requeue is given; even then nothing is deleted: damaged files are set
    aside. Exit status 1 when anything is wrong, 4 when the database itself is damaged.
    """
    own: Context = context.obj
    config, _ = own.ready()
    with open_reading(config.archive):
        pass  # says what is wrong with the archive as a whole before any file is read
    remarks: list[str] = []
    with Round(config.archive, sample, time.time()) as this:
        if this.since:
            remarks.append(f"goes on with what was begun at {this.since} and cut off; what was sound is not read again")
        findings = _look(own, config.archive, this, remarks)
    if as_json:
        report = {
            "findings": [asdict(finding) for finding in findings],
            "percent": round(100 * len(this.parts) / len(PARTS), 1),
            "since": this.since or None,
            "remarks": remarks,
        }
        print_json(report, indent=2)
    else:
        _print(own, findings, remarks, this)
    damaged = any(finding.flaw is Flaw.DATABASE for finding in findings)
    if requeue and damaged:
        own.tell("nothing was put right: archive.db is damaged. Restore it from a backup first")
    elif requeue and findings:
        repaired = asyncio.run(_requeue(config.archive, findings, config.settings.archive.min_free_mb << 20))
        own.tell(repaired, logging.INFO)
    return Exit.DAMAGED if damaged else Exit.INCOMPLETE if findings else Exit.OK


def _look(own: Context, archive: Path, this: Round, remarks: list[str]) -> list[Finding]:
    with Progress(console=own.err, transient=True, disable=not own.show_progress) as progress:
        task = progress.add_task("verifying", total=None)
        return list(
            verify_archive(
                archive,
                parts=this.parts,
                rows=this.rows,
                done=this.done,
                remark=remarks.append,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        )


def _print(own: Context, findings: list[Finding], remarks: list[str], this: Round) -> None:
    safe = Mask(())
    for finding in findings[:_SHOWN]:
        own.out.print(safe(f"{finding.flaw}: {finding.subject}: {finding.detail}"), markup=False)
    if len(findings) > _SHOWN:
        own.out.print(f"… and {len(findings) - _SHOWN} more (--json lists all)", markup=False)
    for remark in remarks:
        own.tell(f"backfile: {safe(remark)}", logging.INFO)
    counts = Counter(str(finding.flaw) for finding in findings)
    verdict = ", ".join(f"{number} {flaw}" for flaw, number in counts.most_common())
    own.out.print(verdict or _SOUND[this.rows and len(this.parts) == len(PARTS)], markup=False)


_SOUND = {True: "whole: every file and every row is as it should be", False: "sound, as far as it was looked at"}


async def _requeue(archive: Path, findings: list[Finding], min_free_bytes: int) -> str:
    async with open_store(archive, min_free_bytes=min_free_bytes) as store:
        repair = await requeue_findings(store, findings)
    words = f"{repair.queued} queued, {repair.set_aside} set aside, {repair.put_back} put back, {len(repair.lost)} lost"
    return f"{words}; the next crawl fetches what is queued"


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
            own.tell(f"  {problem}")
        return status

    with open_reading(config.archive):
        pass
    return asyncio.run(run())
