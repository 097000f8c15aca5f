"""Reading kept captures anew, with no network."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

import pytest

from storage import absences, derive, frontier, keeping
from storage.articles import Change
from storage.records import ArticleRecord, Failure, Job, Kind
from tests.storage import making
from tests.storage.making import NOW, WORK, article, capture, one, rows, wanted

NIGHTS = ("2023-11-14T01:00:00Z", "2023-11-15T01:00:00Z", "2023-11-16T01:00:00Z")
UNREAD = "unreadable"
PICTURE = "https://cdn.example.org/1.jpg"


@pytest.fixture
def connection() -> sqlite3.Connection:
    return making.memory()


def job_for(connection: sqlite3.Connection, cms_id: str = "1") -> Job:
    keeping.begin_target(connection, wanted(cms_id), refresh=True, work=WORK)
    job = frontier.find(connection, Kind.ARTICLE, f"dm:{cms_id}")
    assert job is not None
    return job


def body_of(title: str) -> bytes:
    return json.dumps({"title": title}).encode()


def keep(connection: sqlite3.Connection, title: str, fetched_at: str = NIGHTS[0]) -> None:
    """Keep an article that was read as its body says."""
    answer = capture(body_of(title), fetched_at=fetched_at)
    keeping.keep_article(connection, job_for(connection), answer, article("1", title=title), (), (), WORK)


def keep_unread(
    connection: sqlite3.Connection, title: str, fetched_at: str = NIGHTS[0], *, fault: str = UNREAD
) -> None:
    """Keep an answer that the parser of its day could not read."""
    answer = capture(body_of(title), fetched_at=fetched_at, error="not understood")
    failure = Failure(fault, "not understood", NOW, None)
    keeping.keep_unread(connection, job_for(connection), answer, failure, in_run=False, work=WORK)


def reparse(connection: sqlite3.Connection, improve: Callable[[str], str] = str, *urls: str) -> list[Change]:
    """Read every kept capture again, with a parser that makes something of its title."""
    changes = []
    after = 0
    while found := derive.captures_after(connection, after, 2, UNREAD):
        for kept in found:
            record = article("1", title=improve(json.loads(kept.body)["title"]), renditions=making.renditions(urls))
            media = [wanted(url, Kind.MEDIA) for url in urls]
            changes.append(derive.rederive(connection, kept, record, media, WORK))
            after = kept.id
    return changes


def titles(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    return [
        (number, json.loads(raw)["title"])
        for number, raw in rows(connection, "SELECT number, json FROM revisions ORDER BY number")
    ]


def test_kept_captures_come_in_pages_with_their_bodies(connection: sqlite3.Connection) -> None:
    """Those that made a revision and those that were never read; what only confirmed a revision is left out."""
    keep(connection, "One")
    keep(connection, "One", NIGHTS[1])
    keep_unread(connection, "Two", NIGHTS[2])
    first, second = derive.captures_after(connection, 0, 10, UNREAD)
    assert (first.body, first.revision, first.source) == (body_of("One"), 1, "api")
    assert (second.body, second.revision, second.source) == (body_of("Two"), None, None)
    assert (first.site, first.media_type, first.fetched_at) == ("dm", "application/json", NIGHTS[0])
    assert derive.captures_after(connection, first.id, 10, UNREAD) == [second]
    assert derive.captures_after(connection, second.id, 10, UNREAD) == []


def test_the_same_parser_changes_nothing(connection: sqlite3.Connection) -> None:
    """Derived tables are the same after as before."""
    keep(connection, "One")
    keep(connection, "Two", NIGHTS[1])
    views = ("articles", "revisions", "keywords", "search")
    before = [rows(connection, f"SELECT * FROM {view}") for view in views]
    reparse(connection)
    assert [rows(connection, f"SELECT * FROM {view}") for view in views] == before


def test_a_better_parser_rewrites_revisions_and_view(connection: sqlite3.Connection) -> None:
    """Every revision gets what is read now; article and search show the newest."""
    keep(connection, "one")
    keep(connection, "two", NIGHTS[1])
    reparse(connection, str.upper)
    assert titles(connection) == [(1, "ONE"), (2, "TWO")]
    assert rows(connection, "SELECT a.title, s.title FROM article AS a JOIN search AS s ON s.rowid = a.id") == [
        ("TWO", "TWO")
    ]


def test_what_could_not_be_read_becomes_an_article(connection: sqlite3.Connection) -> None:
    """The failure is over, and nothing was fetched for it."""
    keep_unread(connection, "One")
    assert one(connection, "SELECT count(*) FROM articles") == 0
    assert reparse(connection) == [Change.NEW]
    assert titles(connection) == [(1, "One")]
    assert rows(connection, "SELECT state, due_at, fault FROM frontier") == [("done", None, None)]
    assert rows(connection, "SELECT error FROM captures") == [(None,)]
    assert one(connection, "SELECT count(*) FROM failures") == 0


def test_what_could_not_be_read_last_is_the_newest_revision(connection: sqlite3.Connection) -> None:
    """An answer newer than all that was read is in view."""
    keep(connection, "One")
    keep_unread(connection, "Two", NIGHTS[1])
    reparse(connection)
    assert titles(connection) == [(1, "One"), (2, "Two")]
    assert one(connection, "SELECT title FROM articles") == "Two"


def test_what_could_not_be_read_before_takes_its_place_in_between(connection: sqlite3.Connection) -> None:
    """An answer older than the newest revision becomes one before it, and does not come into view."""
    keep(connection, "One", NIGHTS[0])
    keep_unread(connection, "Two", NIGHTS[1])
    keep(connection, "Three", NIGHTS[2])
    assert Change.CHANGED in reparse(connection)
    assert titles(connection) == [(1, "One"), (2, "Two"), (3, "Three")]
    assert rows(connection, "SELECT title, last_checked_at, revisions FROM articles") == [("Three", NIGHTS[2], 3)]
    assert one(connection, "SELECT title FROM search") == "Three"
    assert reparse(connection) == [Change.SAME] * 3


@pytest.mark.parametrize("unread, changes", [("One", 2), ("Three", 2), ("Two", 3)])
def test_what_says_what_a_neighbour_says_is_no_revision(
    connection: sqlite3.Connection, unread: str, changes: int
) -> None:
    """An answer in between that repeats the revision before or after it adds none."""
    keep(connection, "One", NIGHTS[0])
    keep_unread(connection, unread, NIGHTS[1])
    keep(connection, "Three", NIGHTS[2])
    reparse(connection)
    assert one(connection, "SELECT revisions FROM articles") == changes


def test_the_first_answer_may_have_been_the_unread_one(connection: sqlite3.Connection) -> None:
    """Then it is revision 1."""
    keep_unread(connection, "One", NIGHTS[0])
    keep(connection, "Two", NIGHTS[1])
    keep(connection, "Three", NIGHTS[2])
    reparse(connection)
    assert titles(connection) == [(1, "One"), (2, "Two"), (3, "Three")]


def test_pictures_that_a_better_parser_finds_are_wanted(connection: sqlite3.Connection) -> None:
    """They are queued for the target that the article was fetched for."""
    keep(connection, "One")
    reparse(connection, str, PICTURE)
    assert rows(connection, "SELECT url, state, removed_at FROM media") == [(PICTURE, "queued", None)]
    scope = one(connection, "SELECT scope FROM frontier WHERE kind = 'article'")
    assert [job.key for job in frontier.claim(connection, [scope], {}, 9, NOW)[0]] == [PICTURE]


def test_what_was_refused_though_it_could_be_read_stays_refused(connection: sqlite3.Connection) -> None:
    """A block page is one however well it is read; only what could not be read is read again."""
    keep_unread(connection, "Are you a robot?", fault="block-page")
    assert reparse(connection) == []
    assert rows(connection, "SELECT state, fault FROM frontier") == [("failed", "block-page")]


def test_only_the_last_answer_ends_a_failure(connection: sqlite3.Connection) -> None:
    """An earlier one that can be read is a revision; what failed after it is still to be asked for."""
    keep_unread(connection, "One", NIGHTS[0])
    job = job_for(connection)
    frontier.fail(connection, job.id, Failure("timeout", "no answer", NOW, NOW + 60), run=1, capture=None, in_run=False)
    assert reparse(connection) == [Change.NEW]
    assert rows(connection, "SELECT state, due_at, fault FROM frontier") == [("failed", NOW + 60, "timeout")]


def mentioned(connection: sqlite3.Connection) -> list[tuple[str, str | None]]:
    return rows(connection, "SELECT url, removed_at FROM media ORDER BY url")


def reread(connection: sqlite3.Connection, number: int, record: ArticleRecord) -> Change:
    """Read one kept capture, counted from 0, again."""
    kept = derive.captures_after(connection, 0, 10, UNREAD)[number]
    media = [wanted(rendition.url, Kind.MEDIA) for rendition in record.renditions]
    return derive.rederive(connection, kept, record, media, WORK)


def test_a_rereading_that_is_cut_off_leaves_the_newest_pictures_in_view(connection: sqlite3.Connection) -> None:
    """An earlier revision never says which pictures an article has, only which it had."""
    for title, picture, night in (("One", "a", NIGHTS[0]), ("Two", "b", NIGHTS[1])):
        url = f"https://cdn.example.org/{picture}.jpg"
        record = article("1", title=title, renditions=making.renditions([url]))
        answer = capture(body_of(title), fetched_at=night)
        keeping.keep_article(connection, job_for(connection), answer, record, [wanted(url, Kind.MEDIA)], (), WORK)
    before = mentioned(connection)
    assert before == [("https://cdn.example.org/a.jpg", NIGHTS[1]), ("https://cdn.example.org/b.jpg", None)]
    urls = ["https://cdn.example.org/a.jpg", "https://cdn.example.org/c.jpg"]  # one more than its day's parser found
    reread(connection, 0, article("1", title="One", renditions=making.renditions(urls)))
    assert mentioned(connection) == [*before, ("https://cdn.example.org/c.jpg", NIGHTS[1])]


def test_an_emptied_answer_takes_no_picture_out_of_view(connection: sqlite3.Connection) -> None:
    """What is worse than what we hold changes nothing, whenever it is read."""
    url = "https://cdn.example.org/a.jpg"
    record = article("1", title="One", renditions=making.renditions([url]))
    answer = capture(body_of("One"), fetched_at=NIGHTS[0])
    keeping.keep_article(connection, job_for(connection), answer, record, [wanted(url, Kind.MEDIA)], (), WORK)
    keep_unread(connection, "", NIGHTS[1])
    assert reread(connection, 1, article("1", title="", text="", word_count=0)) is Change.WORSE
    assert mentioned(connection) == [(url, None)]
    assert titles(connection) == [(1, "One")]


def test_what_was_found_to_be_gone_since_stays_gone(connection: sqlite3.Connection) -> None:
    """That an answer can be read now says nothing of the time after it."""
    keep(connection, "One", NIGHTS[0])
    keep_unread(connection, "Two", NIGHTS[1])
    for days in (3, 5):
        job, failure = job_for(connection), Failure("gone", "it is not there", NOW + days * 86_400, None)
        absences.note(connection, job, failure, None, run=1, confirm_after=72_000.0, plan=None)
    ((gone_at,),) = rows(connection, "SELECT gone_at FROM articles")
    assert gone_at is not None
    assert Change.CHANGED in reparse(connection)
    assert rows(connection, "SELECT title, gone_at FROM articles") == [("Two", gone_at)]
    assert rows(connection, "SELECT state FROM frontier WHERE kind = 'article'") == [("gone",)]


def test_every_revision_that_was_read_from_an_answer_is_rewritten(connection: sqlite3.Connection) -> None:
    """A merge may have made two of one answer, a state that was there again: no batch ends between them."""
    for title, night in zip(("One", "Two"), NIGHTS, strict=False):
        keep(connection, title, night)
    connection.execute("DELETE FROM revision WHERE number = 2")
    again = "INSERT INTO revision (article, number, fetched_at, content_hash, source, json, capture)"
    for number in (2, 3):
        connection.execute(
            f"{again} SELECT article, ?, ?, content_hash, source, json, capture FROM revision LIMIT 1",
            (number, NIGHTS[number - 1]),
        )
    assert len(derive.captures_after(connection, 0, 1, UNREAD)) == 3
