"""Articles as they are kept: revisions, terms, renditions, and the many ways that lead to one."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_changes

from storage import frontier, keeping, received
from storage.articles import Change, known_key, terms_of
from storage.received import Received
from storage.records import (
    NOT_ASKED_FOR,
    ArticleRecord,
    Capture,
    FileRecord,
    Job,
    Kind,
    Rendition,
    Role,
    Source,
    State,
    Term,
    Wanted,
)
from tests.storage import making
from tests.storage.making import NOW, WORK, article, capture, one, rows, term, wanted

LATER = "2023-11-15T00:00:00Z"
PICTURES = ("https://cdn.example.org/1.jpg", "https://cdn.example.org/1/600x0.jpg")


@pytest.fixture
def connection() -> sqlite3.Connection:
    return making.memory()


def job_for(connection: sqlite3.Connection, want: Wanted, work: keeping.Work = WORK) -> Job:
    keeping.begin_target(connection, want, refresh=True, work=work)
    job = frontier.find(connection, want.kind, known_key(connection, want.key))
    assert job is not None
    return job


def keep(
    connection: sqlite3.Connection,
    record: ArticleRecord,
    urls: tuple[str, ...] = (),
    *,
    answer: Capture | None = None,
    want: Wanted | None = None,
    **changes: Any,
) -> Change:
    job = job_for(connection, want or wanted(record.cms_id), replace(WORK, **changes))
    record = with_changes(record, renditions=making.renditions(urls))
    media = [wanted(url, Kind.MEDIA) for url in urls]
    return keeping.keep_article(
        connection, job, answer or capture(record.json.encode()), record, media, (), replace(WORK, **changes)
    )


# Revisions ------------------------------------------------------------------------------------------------------------


def test_a_first_capture_is_a_new_article(connection: sqlite3.Connection) -> None:
    """The article, its first revision, its search row and its terms are there, and the job is done."""
    assert keep(connection, article("1")) is Change.NEW
    assert rows(connection, "SELECT number, content_hash, json, source FROM revisions") == [
        (1, article("1").content_hash, article("1").json, "api")
    ]
    assert one(connection, "SELECT title FROM search") == "Title 1"
    assert one(connection, "SELECT state FROM frontier WHERE key = 'dm:1'") == "done"


def test_the_same_content_makes_no_revision(connection: sqlite3.Connection) -> None:
    """Only the time of the last check moves, and the capture is kept."""
    keep(connection, article("1"))
    assert keep(connection, article("1"), answer=capture(fetched_at=LATER)) is Change.SAME
    assert rows(connection, "SELECT revisions, first_seen_at, last_checked_at FROM articles") == [
        (1, making.FETCHED_AT, LATER)
    ]
    assert one(connection, "SELECT count(*) FROM captures") == 2


def test_changed_content_is_a_new_revision_in_view(connection: sqlite3.Connection) -> None:
    """The newest revision is what the article and the search show; the older ones stay."""
    keep(connection, article("1"))
    changed = article("1", title="Corrected", text="Nothing of the kind happened.")
    assert keep(connection, changed, answer=capture(b"2", fetched_at=LATER)) is Change.CHANGED
    assert rows(connection, "SELECT number, fetched_at FROM revisions") == [(1, making.FETCHED_AT), (2, LATER)]
    assert rows(connection, "SELECT a.title, s.title, s.body FROM article AS a JOIN search AS s ON s.rowid = a.id") == [
        ("Corrected", "Corrected", "Nothing of the kind happened.")
    ]


def test_going_back_is_a_revision_too(connection: sqlite3.Connection) -> None:
    """A is not B, and A again is the third revision."""
    changes = [keep(connection, article("1", title=title)) for title in ("A", "B", "A")]
    assert changes == [Change.NEW, Change.CHANGED, Change.CHANGED]


@pytest.mark.parametrize(
    "worse",
    [
        article("1", source=Source.PARTIAL, text="Only what the page showed."),
        article("1", text="", word_count=0),
    ],
    ids=["partial after whole", "emptied"],
)
def test_a_worse_answer_never_replaces_a_good_one(connection: sqlite3.Connection, worse: ArticleRecord) -> None:
    """It is kept as a capture; article, revisions, search and renditions stay as they were."""
    keep(connection, article("1"), PICTURES)
    view = "SELECT * FROM articles", "SELECT * FROM revisions", "SELECT * FROM search", "SELECT * FROM media"
    before = [rows(connection, sql) for sql in view]
    assert keep(connection, worse, answer=capture(b"worse")) is Change.WORSE
    assert [rows(connection, sql) for sql in view] == before
    assert one(connection, "SELECT count(*) FROM captures") == 2


def test_a_whole_article_replaces_a_partial_one(connection: sqlite3.Connection) -> None:
    """What was only assembled from a page gives way."""
    keep(connection, article("1", source=Source.PARTIAL, text="In part", word_count=2))
    assert keep(connection, article("1")) is Change.CHANGED
    assert one(connection, "SELECT source FROM articles") == "api"


def test_keeping_again_after_a_crash_changes_nothing(connection: sqlite3.Connection) -> None:
    """The same unit run twice leaves the archive as once, but for the second capture."""
    keep(connection, article("1"), PICTURES)
    before = [rows(connection, f"SELECT * FROM {view}") for view in ("articles", "revisions", "media", "keywords")]
    keep(connection, article("1"), PICTURES)
    assert before == [
        rows(connection, f"SELECT * FROM {view}") for view in ("articles", "revisions", "media", "keywords")
    ]


# Terms ----------------------------------------------------------------------------------------------------------------


def test_terms_keep_their_order(connection: sqlite3.Connection) -> None:
    """The first category is the primary one."""
    keep(connection, article("1"))
    assert rows(connection, "SELECT primary_category, authors, keywords FROM articles") == [
        ("Africa", '["Ada Mensah"]', '["Ecowas"]')
    ]


def test_a_term_learns_but_does_not_forget(connection: sqlite3.Connection) -> None:
    """A stale copy without a name, slug or URL leaves those that are known; a new name replaces the old."""
    known = term("keyword", "Ecowas")
    keep(connection, article("1", terms=(known,)))
    keep(connection, article("2", terms=(with_changes(known, name="", slug="", url=""),)))
    assert rows(connection, "SELECT id, name, slug, url, articles FROM keywords") == [
        (known.cms_id, known.name, known.slug, known.url, 2)
    ]
    keep(connection, article("3", terms=(with_changes(known, name="ECOWAS"),)))
    assert rows(connection, "SELECT name, slug, articles FROM keywords") == [("ECOWAS", known.slug, 3)]


def test_a_revision_replaces_the_terms_of_its_article(connection: sqlite3.Connection) -> None:
    """The article has the new terms alone; a term that lost its last article stays known."""
    keep(connection, article("1", terms=(term("keyword", "Old"), term("keyword", "Both"))))
    keep(connection, article("1", terms=(term("keyword", "Both"), term("keyword", "New")), title="Changed"))
    assert one(connection, "SELECT keywords FROM articles") == '["Both","New"]'
    assert rows(connection, "SELECT name, articles FROM keywords ORDER BY name") == [
        ("Both", 1),
        ("New", 1),
        ("Old", 0),
    ]


def test_terms_of_two_sites_are_two(connection: sqlite3.Connection) -> None:
    """Numbers of one newsroom say nothing in another."""
    keep(connection, article("1"))
    keep(connection, article("1", site="olj"), want=wanted("1", key="olj:1", site="olj"))
    assert one(connection, "SELECT count(*) FROM keywords") == 2


# Renditions -----------------------------------------------------------------------------------------------------------


def test_renditions_are_wanted_media_in_order(connection: sqlite3.Connection) -> None:
    """Each picture URL is a queued media row with its role in the article."""
    keep(connection, article("1"), PICTURES)
    assert rows(connection, "SELECT url, role, transform, attachment_id, state, position FROM media") == [
        (PICTURES[0], "original", None, "77", "queued", 0),
        (PICTURES[1], "transform", "100x0", "77", "queued", 1),
    ]


def test_a_known_term_beside_a_new_one_stays_as_it_is(connection: sqlite3.Connection) -> None:
    """Even one whose JSON is none to SQLite; and an article may name a term twice."""
    odd, new = term("keyword", "Odd", json='{"n": NaN}'), term("keyword", "New")
    keep(connection, article("1", terms=(odd,)))
    keep(connection, article("2", terms=(odd, new, odd, new)))
    assert terms_of(connection, "dm:2") == [odd, new, odd, new]
    keep(connection, article("2", terms=(new,), title="Changed"))
    assert terms_of(connection, "dm:2") == [new]


def test_a_rendition_no_longer_mentioned_is_dated_and_comes_back(connection: sqlite3.Connection) -> None:
    """It stays with the date of its removal, which the first removal sets and a new mention lifts."""
    keep(connection, article("1"), PICTURES)
    for title, fetched_at in (("Two", LATER), ("Three", "2024-01-01T00:00:00Z")):
        keep(connection, article("1", title=title), PICTURES[:1], answer=capture(title.encode(), fetched_at=fetched_at))
    removed = "SELECT url, removed_at FROM media ORDER BY position"
    assert rows(connection, removed) == [(PICTURES[0], None), (PICTURES[1], LATER)]
    keep(connection, article("1", title="Four"), PICTURES)
    assert rows(connection, removed) == [(PICTURES[0], None), (PICTURES[1], None)]


def test_two_articles_share_a_picture(connection: sqlite3.Connection) -> None:
    """One media row, fetched once, and a rendition for each article."""
    keep(connection, article("1"), PICTURES[:1])
    keep(connection, article("2"), PICTURES[:1])
    assert rows(connection, "SELECT url, article_id FROM media") == [(PICTURES[0], "1"), (PICTURES[0], "2")]
    assert one(connection, "SELECT count(*) FROM frontier WHERE kind = 'media'") == 1


def keep_picture(connection: sqlite3.Connection, url: str, sha256: str, width: int = 6, height: int = 4) -> None:
    job = frontier.find(connection, Kind.MEDIA, url)
    assert job is not None
    answer = capture(None, url=url, sha256=sha256, size=9, media_type="image/jpeg")
    file = FileRecord(sha256, 9, "image/jpeg", "jpg", width, height)
    received.keep(connection, Received(job, answer, file, WORK.run, WORK.now))


def test_a_stored_picture_is_in_view_with_its_path(connection: sqlite3.Connection) -> None:
    """The public view says what is held, and where."""
    keep(connection, article("1"), PICTURES[:1])
    keep_picture(connection, PICTURES[0], "abcd" + "0" * 60)
    assert rows(connection, "SELECT state, sha256, bytes, media_type, width, height, path, http_status FROM media") == [
        ("stored", "abcd" + "0" * 60, 9, "image/jpeg", 6, 4, f"media/ab/cd/abcd{'0' * 60}.jpg", 200)
    ]


def test_a_picture_replaced_upstream_loses_nothing(connection: sqlite3.Connection) -> None:
    """The URL holds the new file; the old one, and that it was held, stay."""
    keep(connection, article("1"), PICTURES[:1])
    for sha256 in ("a" * 64, "b" * 64):
        keep_picture(connection, PICTURES[0], sha256)
    assert one(connection, "SELECT sha256 FROM media") == "b" * 64
    assert rows(connection, "SELECT sha256 FROM file ORDER BY 1") == [("a" * 64,), ("b" * 64,)]
    assert rows(connection, "SELECT sha256 FROM captures WHERE kind = 'media'") == [("a" * 64,), ("b" * 64,)]


# Ways to an article ---------------------------------------------------------------------------------------------------


def path_want(path: str) -> Wanted:
    return wanted("path", key=f"dm:{path}", url=f"https://{making.HOST}{path}")


def test_the_path_that_led_to_an_article_becomes_its_id(connection: sqlite3.Connection) -> None:
    """Once read, the row stands for the article's id, and the path is remembered."""
    keep(connection, article("1"), want=path_want("/article/old-name"))
    assert rows(connection, "SELECT key, state FROM frontier") == [("dm:1", "done")]
    assert known_key(connection, "dm:/article/old-name") == "dm:1"
    assert known_key(connection, "dm:/article/1-a-title") == "dm:1"
    assert known_key(connection, "dm:/article/never-seen") == "dm:/article/never-seen"


def test_a_second_spelling_finds_the_article_done(connection: sqlite3.Connection) -> None:
    """The path of an article that is already held by id ends as done; nothing is fetched for it again."""
    keep(connection, article("1"))
    job = job_for(connection, path_want("/2023/07/06/a-title"))
    keeping.keep_article(connection, job, capture(), article("1"), (), (), WORK)
    assert one(connection, "SELECT count(*) FROM articles") == 1
    again = path_want("/2023/07/06/a-title")
    scope = keeping.begin_target(connection, again, refresh=False, work=WORK)
    assert frontier.claim(connection, [scope], {}, 9, NOW)[0] == []


def test_the_same_article_queued_by_id_is_done_with_its_path(connection: sqlite3.Connection) -> None:
    """Whichever spelling is read first, the other costs no request."""
    keeping.begin_target(connection, wanted("1"), refresh=False, work=WORK)
    keep(connection, article("1"), want=path_want("/article/first"))
    assert {state for (state,) in rows(connection, "SELECT state FROM frontier")} == {State.DONE.value}


def test_an_article_we_hold_is_no_work_as_a_target(connection: sqlite3.Connection) -> None:
    """Asked for again, it is not due; asked for anew (refresh), it is."""
    keep(connection, article("1"))
    scope = keeping.begin_target(connection, wanted("1"), refresh=False, work=WORK)
    assert frontier.claim(connection, [scope], {}, 9, NOW)[0] == []
    scope = keeping.begin_target(connection, wanted("1"), refresh=True, work=WORK)
    assert [job.key for job in frontier.claim(connection, [scope], {}, 9, NOW)[0]] == ["dm:1"]


def test_a_target_takes_over_the_media_its_article_lacks(connection: sqlite3.Connection) -> None:
    """Pictures that an earlier run queued, failed at or was told to leave are due for the new target."""
    keep(connection, article("1"), PICTURES)
    keep(connection, article("2"), ("https://cdn.example.org/skipped.jpg", "https://ads.example.net/x.gif"))
    for url, reason in (
        ("https://cdn.example.org/skipped.jpg", NOT_ASKED_FOR),
        ("https://ads.example.net/x.gif", "ads"),
    ):
        job = frontier.find(connection, Kind.MEDIA, url)
        assert job is not None
        frontier.skip(connection, job.id, reason)
    connection.execute("UPDATE frontier SET scope = 99 WHERE kind = 'media'")
    scopes = [keeping.begin_target(connection, wanted(n), refresh=False, work=WORK) for n in ("1", "2")]
    jobs, _ = frontier.claim(connection, scopes, {}, 9, NOW)
    assert {job.key for job in jobs} == {*PICTURES, "https://cdn.example.org/skipped.jpg"}


# Following ------------------------------------------------------------------------------------------------------------


def test_links_are_followed_while_depth_allows(connection: sqlite3.Connection) -> None:
    """An article with depth left makes its terms' listings due, one level less deep; without, none."""

    def follow(site: str, terms: Any, depth: int) -> list[Wanted]:
        assert site == "dm"
        return [wanted(f"{t.kind}/{t.slug}", Kind.LISTING, depth=depth) for t in terms]

    keep(connection, article("1"), follow=follow)
    assert one(connection, "SELECT count(*) FROM frontier WHERE kind = 'listing'") == 0
    keep(connection, article("2"), want=wanted("2", depth=2), follow=follow)
    assert rows(connection, "SELECT DISTINCT depth, state FROM frontier WHERE kind = 'listing'") == [(1, "queued")]
    assert one(connection, "SELECT count(*) FROM frontier WHERE kind = 'listing'") == len(making.TERMS)


def test_a_picture_of_a_role_is_told_with_it(connection: sqlite3.Connection) -> None:
    """The role and the attachment of a rendition follow the newest revision."""
    keep(connection, article("1"), PICTURES[:1])
    job = job_for(connection, wanted("1"))
    record = article("1", title="New", renditions=(Rendition(PICTURES[0], Role.SEO),))
    keeping.keep_article(connection, job, capture(b"n"), record, [wanted(PICTURES[0], Kind.MEDIA)], (), WORK)
    assert rows(connection, "SELECT role, attachment_id, transform FROM media") == [("seo", None, None)]


def test_terms_come_back_as_they_were_kept(connection: sqlite3.Connection) -> None:
    """What later runs follow is what the article named."""
    terms: tuple[Term, ...] = making.TERMS
    keep(connection, article("1", terms=terms))
    assert sorted(terms_of(connection, "dm:1"), key=lambda t: t.cms_id) == sorted(terms, key=lambda t: t.cms_id)
    assert terms_of(connection, "dm:2") == []


def test_a_placeholder_never_takes_the_place_of_a_picture(connection: sqlite3.Connection) -> None:
    """A picture that shrank to a dot is kept as a capture that says so; the good one stays in view."""
    keep(connection, article("1"), PICTURES[:1])
    keep_picture(connection, PICTURES[0], "a" * 64, 1200, 800)
    keep_picture(connection, PICTURES[0], "b" * 64, 1, 1)
    assert one(connection, "SELECT sha256 FROM media") == "a" * 64
    assert rows(connection, "SELECT sha256, error FROM captures WHERE kind = 'media'") == [
        ("a" * 64, None),
        ("b" * 64, "a placeholder of 1×1 pixels where 1200×800 are held"),
    ]
    keep_picture(connection, PICTURES[0], "c" * 64, 1000, 700)
    assert one(connection, "SELECT sha256 FROM media") == "c" * 64


def test_a_term_whose_kept_json_is_none_gets_the_new_one(connection: sqlite3.Connection) -> None:
    """What an older reader has let in takes no article away."""
    for title, json in (("One", '{"x": NaN}'), ("Two", '{"typeId": {"typeId": 7}}'), ("Three", "{")):
        known = with_changes(term("category", "Africa"), name=title, json=json)
        assert keep(connection, article("1", title=title, terms=(known,))) is not Change.SAME
    assert rows(connection, "SELECT name, json FROM term") == [("Three", "{")]
