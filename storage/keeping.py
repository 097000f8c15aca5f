"""Units of work: what one answer of a server changes, whole or not at all. Run by the writer.

Each can be done again without harm, because a crash may take away the knowledge that it was done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from storage import articles, captures, frontier, listings, rechecks
from storage.articles import Change
from storage.histories import Hear, Plan
from storage.records import (
    NOT_ASKED_FOR,
    ArticleRecord,
    Capture,
    Failure,
    Job,
    Kind,
    ListedPage,
    ListingStep,
    State,
    Term,
    WalkProgress,
    Wanted,
)

Follow = Callable[[str, Sequence[Term], int], Sequence[Wanted]]
"""From a site's name, an article's terms and the depth left for them to the listings to follow."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every unit needs to know about its run."""

    run: int
    now: float
    follow: Follow
    media: bool = True  # False: media that an earlier run left out stays left out
    plan: Plan | None = None  # when a checked article is looked at again
    hear: Hear | None = None  # what a listing's word about an article means
    night: bool = False  # what failed waits until it is due, and listings are read down to what is known
    began: float = 0.0  # when the run began


def begin_target(connection: sqlite3.Connection, want: Wanted, *, refresh: bool, work: Work) -> int:
    """Make one target of a run due, unless it is an article we hold; returns its scope.

    An interrupted walk of a listing goes on where it was; a finished one begins anew.
    """
    want = replace(want, key=articles.known_key(connection, want.key) if want.kind is Kind.ARTICLE else want.key)
    frontier.enqueue(connection, [want], scope=None, found_on=None, now=work.now)
    job = frontier.find(connection, want.kind, want.key)
    if job is None:
        raise LookupError(f"the frontier lost {want.key}")
    state = frontier.state_of(connection, job.id)
    if want.kind is Kind.LISTING:
        if refresh or (state in (State.DONE, State.GONE) and not listings.cursor_of(connection, job.id)):
            listings.begin(connection, job.id, "", work.now)
        frontier.ask_again(connection, job.id, work.now)
    elif state is not State.DONE or refresh:
        frontier.ask_again(connection, job.id, work.now)
    else:
        _take_over(connection, want, job.id, work)
    return job.id


def keep_article(
    connection: sqlite3.Connection,
    job: Job,
    capture: Capture,
    record: ArticleRecord,
    media: Sequence[Wanted],
    linked: Sequence[Wanted],
    work: Work,
) -> Change:
    """Keep one captured article: capture, revision if it changed, search, renditions wanted, links, job done."""
    row = captures.add(connection, job.id, job.url, work.run, capture)
    article, change = articles.keep(connection, record, row, capture.fetched_at)
    if change is not Change.WORSE:
        frontier.enqueue(connection, media, scope=job.scope, found_on=job.id, now=work.now)
        articles.keep_renditions(connection, article, record.renditions, capture.fetched_at)
        _enqueue_articles(connection, linked, job, work)
    _follow(connection, record.site, record.terms, job.depth, job.scope, job.id, work)
    _settle_article(connection, job, record, article, capture, work.now)
    if work.plan is not None:
        signals = None if change is Change.WORSE else record.signals
        rechecks.replan(connection, article, work.plan, work.now, signals)
    return change


def keep_unchanged(connection: sqlite3.Connection, job: Job, capture: Capture, work: Work) -> None:
    """Keep the word of a server that nothing has changed since the last whole answer."""
    captures.add(connection, job.id, job.url, work.run, capture)
    frontier.done(connection, job.id, capture.http_status, work.now)
    site, _, cms_id = job.key.partition(":")
    article = articles.find(connection, site, cms_id) if job.kind is Kind.ARTICLE else None
    if article is not None:
        articles.touch(connection, article, capture.fetched_at)
        if work.plan is not None:
            rechecks.replan(connection, article, work.plan, work.now)


def _settle_article(
    connection: sqlite3.Connection, job: Job, record: ArticleRecord, article: int, capture: Capture, now: float
) -> None:
    """Let the row that led here stand for the article's id, so that every other spelling finds it."""
    key = f"{record.site}:{record.cms_id}"
    frontier.done(connection, job.id, capture.http_status, now)
    if job.key != key:
        connection.execute(
            "INSERT INTO alias (key, article) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET article = excluded.article",
            (job.key, article),
        )
        connection.execute("UPDATE OR IGNORE frontier SET key = ? WHERE id = ?", (key, job.id))
        connection.execute(
            "UPDATE frontier SET state = 'done', due_at = NULL, fault = NULL, error = NULL "
            "WHERE kind = 'article' AND key = ? AND state IN ('queued', 'failed', 'skipped')",
            (key,),
        )


def keep_unread(
    connection: sqlite3.Connection, job: Job, capture: Capture, failure: Failure, in_run: bool, work: Work
) -> None:
    """Keep an answer that could not be read, and record the failure; `reparse` may read it one day."""
    row = captures.add(connection, job.id, job.url, work.run, capture)
    frontier.fail(connection, job.id, failure, run=work.run, capture=row, in_run=in_run)


def keep_listing_page(
    connection: sqlite3.Connection,
    job: Job,
    capture: Capture | None,
    page: ListedPage,
    decide: Callable[[WalkProgress], tuple[ListingStep, Sequence[Wanted]]],
    work: Work,
) -> ListingStep:
    """Keep one page of a listing: its capture, its items, and where the walk goes on.

    `decide` is pure; it is told what the database knew of the items, and names further listings that help.
    """
    if capture is not None:
        captures.add(connection, job.id, job.url, work.run, capture)
    if listings.cursor_of(connection, job.id) is None:
        listings.begin(connection, job.id, "", work.now)
    itself = replace(job, scope=listings.scope_of_items(connection, job))
    rows = _enqueue_articles(connection, page.items, itself, work)
    _hear(connection, page, work)
    progress = listings.note_items(connection, job.id, page.route, rows, pages=int(capture is not None))
    step, helpers = decide(progress)
    listings.note_step(connection, job.id, step, work.now)
    frontier.enqueue(connection, helpers, scope=job.scope, found_on=job.id, now=work.now)
    if step.cursor and not step.rest:
        frontier.requeue(connection, job.id, work.now + step.due_in)
        return step
    if step.verdict == "complete":
        rechecks.look_for_unlisted(connection, job.id, work.now)
    frontier.done(connection, job.id, capture.http_status if capture is not None else 0, work.now)
    if step.reached and work.night and not job.is_sweep and listings.older(connection, job.id, work.began):
        # An earlier run had begun this walk: what has come in above it since is still to be seen.
        listings.begin(connection, job.id, "", work.now)
        frontier.requeue(connection, job.id, work.now)
    return step


def _hear(connection: sqlite3.Connection, page: ListedPage, work: Work) -> None:
    """Let a listing's word about the articles that we hold bring them forward, or put them off."""
    if work.hear is None or not page.said:
        return
    for item, word in zip(page.items, page.said, strict=True):
        site, _, cms_id = articles.known_key(connection, item.key).partition(":")
        article = articles.find(connection, site, cms_id)
        if article is not None and word:
            rechecks.hear(connection, article, word, work.hear)


def _enqueue_articles(connection: sqlite3.Connection, items: Sequence[Wanted], job: Job, work: Work) -> list[int]:
    """Enqueue articles that an answer named, and return their rows; what we hold costs no request."""
    rows = []
    for item in items:
        want = replace(item, key=articles.known_key(connection, item.key))
        known = connection.execute(
            "SELECT id, state, depth FROM frontier WHERE kind = 'article' AND key = ?", (want.key,)
        ).fetchone()
        frontier.enqueue(connection, [want], scope=job.scope, found_on=job.id, now=work.now)
        if known is None:
            known = connection.execute(
                "SELECT id, state, depth FROM frontier WHERE kind = 'article' AND key = ?", (want.key,)
            ).fetchone()
        elif known[1] == State.DONE.value:
            _take_over(connection, replace(want, depth=want.depth if want.depth > known[2] else 0), job.scope, work)
        rows.append(int(known[0]))
    return rows


def _take_over(connection: sqlite3.Connection, want: Wanted, scope: int, work: Work) -> None:
    """Finish for this scope what is unfinished of an article we hold: its media, and its links when deeper."""
    site, _, cms_id = want.key.partition(":")
    article = articles.find(connection, site, cms_id)
    if article is None:  # it was archived once, and is lost
        connection.execute(
            "UPDATE frontier SET scope = ?, state = 'queued', due_at = ?, attempts = 0 "
            "WHERE kind = 'article' AND key = ?",
            (scope, work.now, want.key),
        )
        return
    connection.execute(
        "UPDATE frontier SET scope = ?1, state = 'queued', due_at = iif(state = 'queued', due_at, ?2),"
        " attempts = iif(state = 'queued', attempts, 0), error = iif(state = 'skipped', NULL, error) "
        "WHERE id IN (SELECT frontier FROM rendition WHERE article = ?3 AND removed_at IS NULL) "
        "AND (state = 'queued' OR (state = 'failed' AND due_at IS NOT NULL AND (NOT ?5 OR due_at <= ?2))"
        " OR (state = 'skipped' AND error = ?4))",
        (scope, work.now, article, NOT_ASKED_FOR if work.media else "", work.night),
    )
    _follow(connection, site, articles.terms_of(connection, want.key), want.depth, scope, None, work)


def _follow(
    connection: sqlite3.Connection,
    site: str,
    terms: Sequence[Term],
    depth: int,
    scope: int,
    found_on: int | None,
    work: Work,
) -> None:
    if depth > 0:
        frontier.enqueue(connection, work.follow(site, terms, depth - 1), scope=scope, found_on=found_on, now=work.now)
