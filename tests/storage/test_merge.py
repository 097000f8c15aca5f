"""Merging archives: everything that any of them holds, once, whatever the order, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from simulator import Newsroom, Options
from storage import manifest
from storage.clock import iso
from storage.errors import ArchiveDamaged, ArchiveForeign, ArchiveMissing, OutOfSpace
from storage.files import MediaTree
from storage.merge import Merged, merge
from storage.merging.files import copy_files
from storage.merging.lines import Revision, in_line, with_looks
from storage.merging.urls import Standing, prevails
from storage.notes import Note, Notes
from storage.opening import open_store
from storage.records import ArticleRecord, Failure, Kind, Source, Tally
from storage.verify import verify
from tests.crawling import crawl, rows, site_of
from tests.storage import making
from tests.storage.making import NOW, article, bytes_of, capture, wanted

DAY = 86_400.0
HELD = "SELECT url, article_id, role, transform, state, sha256, removed_at IS NULL FROM media ORDER BY 2, 1"


async def merged(folder: Path, *others: Path) -> Merged:
    """Merge archives into one, and return what the last of them brought."""
    found = Merged()
    for other in others:
        async with open_store(folder, now=lambda: NOW + 99 * DAY) as store:
            found = await merge(store, other)
            await store.end_run(found.tally, 0)
    return found


def root(folder: Path) -> str:
    """Return one hash over all that an archive holds."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        return manifest.computed(connection)


async def keep(folder: Path, days: float, record: ArticleRecord, *urls: str) -> None:
    """Let an archive find an article, with its pictures, so many days after the beginning of time."""
    at = NOW + days * DAY
    async with open_store(folder, now=lambda: at) as store:
        await store.begin_run("crawl")
        scopes = await store.begin_targets([wanted(record.cms_id)], refresh=True)
        job = await making.only_job(store, scopes)
        record = replace(record, renditions=making.renditions(urls))
        body = json.dumps({"raw": record.json, "hash": record.content_hash}).encode()
        media = [wanted(url, Kind.MEDIA) for url in urls]
        await store.keep_article(job, capture(body, fetched_at=iso(at)), record, media, [])
        jobs, _ = await store.claim(scopes, {}, 100)
        for one in jobs:
            await making.keep_media(store, one, making.picture(one.url))
        await store.end_run(Merged().tally, 0)


async def lose(folder: Path, days: Sequence[float], cms_id: str) -> None:
    """Let an archive find on these days that an article is not there."""
    for day in days:
        at = NOW + day * DAY
        async with open_store(folder, now=lambda at=at: at) as store:  # type: ignore[misc]
            await store.begin_run("crawl")
            job = await making.only_job(store, await store.begin_targets([wanted(cms_id)], refresh=True))
            failure = Failure("not-found", "HTTP 404", at, at + DAY, http_status=404)
            await store.absent(job, failure, None, confirm_after=DAY / 2)
            await store.end_run(Merged().tally, 0)


async def test_two_parts_of_a_newsroom_become_what_one_crawl_would_have_made(tmp_path: Path) -> None:
    """Two targets archived apart and merged, in either order, hold what one archive of both holds."""
    async with Newsroom(Options(articles=40)) as room:
        site, targets = site_of(room), ("dm:category/africa", "dm:category/maverick-news")
        for name, chosen in (("a", targets[:1]), ("b", targets[1:]), ("both", targets)):
            for target in chosen:
                await crawl(tmp_path / name, site, target)
    shutil.copytree(tmp_path / "a", tmp_path / "a2")
    before = bytes_of(tmp_path / "b")
    found = await merged(tmp_path / "a", tmp_path / "b")
    assert found.articles > 0 < found.media
    assert bytes_of(tmp_path / "b") == before
    await merged(tmp_path / "new", tmp_path / "b", tmp_path / "a2")
    for name in ("a", "new"):
        assert list(verify(tmp_path / name)) == []
        assert root(tmp_path / name) == root(tmp_path / "both")
        assert rows(tmp_path / name, HELD) == rows(tmp_path / "both", HELD)
    again = await merged(tmp_path / "a", tmp_path / "b")
    assert again == Merged()


async def test_a_crawl_of_a_merged_archive_asks_for_nothing_that_came_with_it(tmp_path: Path) -> None:
    """What another archive has archived is archived; what it had queued is fetched."""
    async with Newsroom(Options(articles=30)) as room:
        site = site_of(room)
        await crawl(tmp_path / "a", site, "dm:category/africa")
        await crawl(tmp_path / "b", site, "dm:category/africa", request_limit=20)
        await merged(tmp_path / "b", tmp_path / "a")
        room.log.clear()
        summary = await crawl(tmp_path / "b", site, "dm:category/africa")
    assert (summary.tally.articles_new, summary.tally.media_new) == (0, 0)
    assert rows(tmp_path / "b", HELD) == rows(tmp_path / "a", HELD)


def state(at: int, content: str, *, theirs: bool = False, **more: bool) -> Revision:
    """Return a state of an article."""
    source = "partial" if more.pop("partial", False) else "api"
    return Revision(f"2024-01-{at:02}T00:00:00Z", content, source, theirs, at, **more)


@pytest.mark.parametrize(
    "states, line",
    [
        ([state(1, "a"), state(3, "c"), state(2, "b", theirs=True)], "abc"),
        ([state(1, "a"), state(2, "a", theirs=True)], "a"),
        ([state(1, "a"), state(2, "b", partial=True, theirs=True)], "a"),
        ([state(1, "b", partial=True), state(2, "a", theirs=True)], "ba"),
        ([state(1, "a"), state(2, "", theirs=True, emptied=True)], "a"),
        ([state(1, "a"), state(5, "a", again=True), state(2, "b", theirs=True)], "aba"),
        ([state(1, "a"), state(2, "a", again=True), state(2, "b", theirs=True)], "ab"),
    ],
)
def test_revisions_are_put_in_line(states: list[Revision], line: str) -> None:
    """By their times; repetitions and what is worse are none; what was found again later was there again."""
    assert "".join(one.content_hash for one in in_line(states)) == line


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_what_two_archives_saw_of_one_history_is_that_history(seen: list[tuple[bool, bool]]) -> None:
    """However the states of an article are spread over two archives, merging them gives all of them, in order."""
    history = [(day, f"state {day}") for day in range(1, len(seen) + 1)]
    own = [state(*one) for one, (here, there) in zip(history, seen, strict=True) if here or not there]
    others = [state(*one, theirs=True) for one, (_, there) in zip(history, seen, strict=True) if there]
    for both in ([*own, *others], [*others, *own]):
        assert [one.content_hash for one in in_line(both)] == [content for _, content in history]


@pytest.mark.parametrize(
    "theirs, own, wins",
    [
        (("done", "2"), ("queued", ""), True),
        (("done", "1"), ("failed", "2"), True),
        (("gone", "2"), ("done", "1"), True),
        (("gone", "1"), ("done", "2"), False),
        (("done", "1"), ("done", "1"), False),
        (("failed", "2"), ("queued", ""), False),
        (("failed", "2"), ("done", "1"), False),
        (("queued", ""), ("skipped", ""), True),
        (("skipped", ""), ("skipped", ""), False),
    ],
)
def test_what_became_of_a_url_is_said_by_who_knows_more(
    theirs: tuple[str, str], own: tuple[str, str], wins: bool
) -> None:
    """What is held or gone goes before what is to be fetched, the later before the earlier."""
    assert prevails(Standing(*theirs), Standing(*own)) is wins


async def test_the_newest_revision_is_in_view_whichever_archive_has_it(tmp_path: Path) -> None:
    """Title, terms, words to search, pictures in view: all are of the newest; the others stay as revisions."""
    old, new = (
        article("1", title="Old", text="walrus"),
        article("1", title="New", text="narwhal", terms=making.TERMS[1:]),
    )
    await keep(tmp_path / "a", 1, old, "https://cdn.example.org/old.jpg", "https://cdn.example.org/both.jpg")
    await keep(tmp_path / "b", 2, new, "https://cdn.example.org/both.jpg", "https://cdn.example.org/new.jpg")
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    await merged(tmp_path / "c", tmp_path / "a")
    found = await merged(tmp_path / "a", tmp_path / "b")
    assert (found.articles, found.changed, found.media) == (0, 1, 1)
    for name in ("a", "c"):
        assert list(verify(tmp_path / name)) == []
        assert rows(tmp_path / name, "SELECT title, revisions, primary_category FROM articles") == [
            ("New", 2, "World News")
        ]
        assert rows(tmp_path / name, "SELECT number, fetched_at FROM revisions ORDER BY 1") == [
            (1, iso(NOW + DAY)),
            (2, iso(NOW + 2 * DAY)),
        ]
        assert rows(tmp_path / name, "SELECT count(*) FROM search WHERE search MATCH 'narwhal'") == [(1,)]
        assert rows(tmp_path / name, "SELECT count(*) FROM search WHERE search MATCH 'walrus'") == [(0,)]
        pictures = "SELECT replace(url, 'https://cdn.example.org/', ''), removed_at, state FROM media ORDER BY 1"
        assert rows(tmp_path / name, pictures) == [
            ("both.jpg", None, "stored"),
            ("new.jpg", None, "stored"),
            ("old.jpg", iso(NOW + 2 * DAY), "stored"),
        ]


async def test_what_was_there_again_is_in_view(tmp_path: Path) -> None:
    """One archive saw a passing edit, the other found the article unchanged after it: the edit is not the last word."""
    await keep(tmp_path / "a", 1, article("1", title="Lasting"))
    await keep(tmp_path / "a", 5, article("1", title="Lasting"))
    await keep(tmp_path / "b", 3, article("1", title="Passing"))
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    await merged(tmp_path / "c", tmp_path / "a")
    await merged(tmp_path / "a", tmp_path / "b")
    for name in ("a", "c"):
        assert list(verify(tmp_path / name)) == []
        assert rows(tmp_path / name, "SELECT title, revisions FROM articles") == [("Lasting", 3)]
    assert root(tmp_path / "a") == root(tmp_path / "c")
    assert await merged(tmp_path / "a", tmp_path / "b") == Merged()


async def test_a_whole_article_takes_the_place_of_a_part(tmp_path: Path) -> None:
    """What one archive could only get in part is held whole when the other has it, though it is older."""
    await keep(tmp_path / "a", 2, article("1", title="In part", source=Source.PARTIAL))
    await keep(tmp_path / "b", 1, article("1", title="Whole"))
    await merged(tmp_path / "a", tmp_path / "b")
    assert rows(tmp_path / "a", "SELECT title, source, revisions FROM articles") == [("Whole", "api", 1)]
    assert list(verify(tmp_path / "a")) == []


@pytest.mark.parametrize("turned", [False, True])
async def test_what_one_archive_saw_go_is_gone(tmp_path: Path, turned: bool) -> None:
    """Two absences make it gone in both; seen again later by the other, it has returned."""
    own, other = ("b", "a") if turned else ("a", "b")
    await keep(tmp_path / "a", 1, article("1"))
    await keep(tmp_path / "b", 1, article("1"))
    await lose(tmp_path / "b", (3, 4), "1")
    shutil.copytree(tmp_path / own, tmp_path / "c")
    await merged(tmp_path / "c", tmp_path / other)
    assert rows(tmp_path / "c", "SELECT gone_at FROM articles") == [(iso(NOW + 4 * DAY),)]
    assert rows(tmp_path / "c", "SELECT state FROM frontier WHERE kind = 'article'") == [("gone",)]
    assert list(verify(tmp_path / "c")) == []
    await keep(tmp_path / "a", 6, article("1"))
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT gone_at FROM articles") == [(None,)]
    assert rows(tmp_path / own, "SELECT state FROM frontier WHERE kind = 'article'") == [("done",)]
    assert rows(tmp_path / own, "SELECT returned_at FROM absence") == [(iso(NOW + 6 * DAY),)]


async def test_what_is_lost_over_there_is_named_and_due_again(tmp_path: Path) -> None:
    """A missing file, an altered one, a damaged body: the rest comes, and nothing is claimed that did not."""
    await keep(tmp_path / "b", 1, article("1"), *(f"https://cdn.example.org/{n}.jpg" for n in range(3)))
    missing, altered, sound = making.files_of(tmp_path / "b")
    missing.unlink()
    altered.write_bytes(b"something else")
    with contextlib.closing(sqlite3.connect(tmp_path / "b" / "archive.db")) as connection, connection:
        connection.execute("UPDATE body SET zstd = x'00'")
    (tmp_path / "b" / "archive.seal").unlink()
    found = await merged(tmp_path / "a", tmp_path / "b")
    assert {missing.stem, altered.stem} < set(found.lacking)
    assert (len(found.lacking), found.files, found.asked) == (3, 1, 3)
    assert rows(tmp_path / "a", "SELECT state, path FROM media WHERE state = 'stored'") == [
        ("stored", str(sound.relative_to(tmp_path / "b")))
    ]
    assert rows(tmp_path / "a", "SELECT count(*) FROM failures WHERE error LIKE '%could not be brought%'") == [(3,)]
    flaws = [f"{finding.flaw} {finding.detail}" for finding in verify(tmp_path / "a")]
    assert flaws == ["contradiction the body that revision 1 was read from is not kept"]


async def test_an_answer_that_is_missing_over_there_is_asked_for_again(tmp_path: Path) -> None:
    """The article comes with what was read from it, and is fetched once more: its body proves what was read."""
    await keep(tmp_path / "b", 1, article("1"))
    with contextlib.closing(sqlite3.connect(tmp_path / "b" / "archive.db")) as connection, connection:
        ((sha256,),) = connection.execute("DELETE FROM body RETURNING sha256").fetchall()
    (tmp_path / "b" / "archive.seal").unlink()
    found = await merged(tmp_path / "a", tmp_path / "b")
    assert (found.articles, found.lacking, found.asked) == (1, [sha256], 1)
    assert rows(tmp_path / "a", "SELECT state FROM frontier") == [("queued",)]


async def test_a_pipe_in_the_place_of_a_picture_is_not_waited_for(tmp_path: Path) -> None:
    """What is no file is missing, as far as a merge is concerned."""
    await keep(tmp_path / "b", 1, article("1"), "https://cdn.example.org/1.jpg")
    (picture,) = making.files_of(tmp_path / "b")
    picture.unlink()
    os.mkfifo(picture)
    found = await merged(tmp_path / "a", tmp_path / "b")
    assert (found.lacking, found.asked) == ([picture.stem], 1)


async def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """Rows of another archive may say anything: no file outside of its tree is read, none of ours is written to."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    tree = MediaTree(tmp_path / "a")
    name = ("../../../../secret", "jpg")
    assert copy_files(tree, MediaTree(tmp_path / "b"), [name], lambda _done: None) == (0, [name[0]])
    assert making.files_of(tmp_path / "a") == []


async def test_what_cannot_be_trusted_is_not_merged(tmp_path: Path) -> None:
    """A damaged page, a foreign database, no archive, rows that contradict each other: nothing comes of them."""
    await keep(tmp_path / "a", 1, article("1"))
    await keep(tmp_path / "b", 1, article("2"), "https://cdn.example.org/1.jpg")
    shutil.copytree(tmp_path / "b", tmp_path / "torn")
    with contextlib.closing(sqlite3.connect(tmp_path / "torn" / "archive.db")) as connection, connection:
        connection.execute("DELETE FROM capture")
    (tmp_path / "torn" / "archive.seal").unlink()
    database = tmp_path / "b" / "archive.db"
    content = bytearray(database.read_bytes())
    content[-100] ^= 1
    database.write_bytes(content)
    (tmp_path / "foreign").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "foreign" / "archive.db")) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
    before = root(tmp_path / "a")
    for name, error in (
        ("b", ArchiveDamaged), ("foreign", ArchiveForeign), ("none", ArchiveMissing), ("torn", ArchiveDamaged),
    ):  # fmt: skip
        with pytest.raises(error):
            await merged(tmp_path / "a", tmp_path / name)
        assert root(tmp_path / "a") == before
        assert rows(tmp_path / "a", "SELECT command FROM run") == [("crawl",)]


async def test_another_newsroom_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """Articles of the same ids that were published at other times are not the same articles."""
    for number in map(str, range(6)):
        await keep(tmp_path / "a", 1, article(number))
        await keep(tmp_path / "b", 1, article(number, first_published="1999-01-01T00:00:00Z"))
    before = root(tmp_path / "a")
    with pytest.raises(ArchiveForeign, match="another newsroom"):
        await merged(tmp_path / "a", tmp_path / "b")
    assert root(tmp_path / "a") == before


class Enough(Exception):
    """The user has had enough."""


@pytest.mark.parametrize("what, done", [("files", 1), ("rows", 256)])
async def test_a_merge_that_is_stopped_has_merged_nothing(tmp_path: Path, what: str, done: int) -> None:
    """Stopped at its files or in the middle of its rows, it leaves the archive as it was; the next attempt is whole."""
    async with Newsroom(Options(articles=30)) as room:
        await crawl(tmp_path / "b", site_of(room), "dm:category/africa")
    await keep(tmp_path / "a", 1, article("7"))
    before = root(tmp_path / "a")

    def stop(doing: str, number: int, _total: int) -> None:
        if doing == what and number >= done:
            raise Enough

    with pytest.raises(Enough):
        async with open_store(tmp_path / "a") as store:
            await merge(store, tmp_path / "b", stop)
    assert root(tmp_path / "a") == before
    assert rows(tmp_path / "a", "SELECT count(*), max(command) FROM run") == [(1, "crawl")]
    assert {finding.flaw for finding in verify(tmp_path / "a")} <= {"orphaned"}
    await merged(tmp_path / "a", tmp_path / "b")
    assert list(verify(tmp_path / "a")) == []


async def test_without_room_nothing_is_begun(tmp_path: Path) -> None:
    """Below the floor of free space the remedy is named, and nothing is copied."""
    await keep(tmp_path / "b", 1, article("1"), "https://cdn.example.org/1.jpg")
    async with open_store(tmp_path / "a", min_free_bytes=1 << 60) as store:
        with pytest.raises(OutOfSpace, match="make room"):
            await merge(store, tmp_path / "b")
    assert making.files_of(tmp_path / "a") == []


async def test_the_webhooks_notes_come_along(tmp_path: Path) -> None:
    """What the CMS said was saved, and no run of the other archive has taken yet, is waiting in this one, too."""
    await keep(tmp_path / "b", 1, article("1"))
    note = Note("2024-01-01T00:00:00Z", "dm", "5", "0" * 64)
    Notes(tmp_path / "b").add(note)
    await merged(tmp_path / "a", tmp_path / "b")
    assert Notes(tmp_path / "a").waiting() == [note]


async def test_a_walk_does_not_stop_at_what_only_the_other_archive_had_named(tmp_path: Path) -> None:
    """Between what two archives know there may be articles that neither has seen: what was brought is not known."""
    async with Newsroom(Options(articles=60)) as room:
        for name in ("a", "b"):
            await crawl(tmp_path / name, site_of(room), "dm:category/africa")
    with contextlib.closing(sqlite3.connect(tmp_path / "a" / "archive.db")) as connection, connection:
        connection.execute("DELETE FROM listing_item")
    (tmp_path / "a" / "archive.seal").unlink()
    await merged(tmp_path / "a", tmp_path / "b")
    brought = (
        "SELECT count(*) > 10, sum(i.first_walk <= l.mark), max(i.walk) "
        "FROM listing_item AS i JOIN listing AS l ON l.frontier = i.frontier"
    )
    assert rows(tmp_path / "a", brought) == [(True, 0, 0)]
    assert list(verify(tmp_path / "a")) == []


def test_a_state_is_dated_by_every_look_at_it() -> None:
    """What was found unchanged is put in line then, also where a later revision follows; another type says nothing."""
    own = [(state(1, "a"), "json"), (state(9, "c"), "json")]
    looks = [
        (f"2024-01-{day:02}T00:00:00Z", kind) for day, kind in ((1, "json"), (5, "json"), (7, "html"), (9, "json"))
    ]
    found = with_looks(own, looks)
    assert [(one.content_hash, one.fetched_at[8:10]) for one in found if one.again] == [("a", "05")]
    for other, line in ((state(3, "b", theirs=True), "abac"), (state(6, "b", theirs=True), "abc")):
        assert "".join(one.content_hash for one in in_line([*found, other])) == line


async def test_the_order_of_merges_makes_no_difference(tmp_path: Path) -> None:
    """Three archives of an article that changed back and forth, merged in any order, hold the same line."""
    seen = {"a": ((1, "One"), (10, "One")), "b": ((3, "Two"),), "c": ((12, "Two"),)}
    for name, days in seen.items():
        for day, title in days:
            await keep(tmp_path / name, day, article("1", title=title))
    roots, lines = set(), set()
    for order in permutations("abc"):
        folder = tmp_path / "".join(order)
        await merged(folder, *(tmp_path / name for name in order))
        assert list(verify(folder)) == []
        roots.add(root(folder))
        lines.add(tuple(rows(folder, "SELECT number, fetched_at FROM revisions ORDER BY 1")))
    assert len(roots) == 1
    assert lines == {tuple((n, iso(NOW + day * DAY)) for n, day in enumerate((1, 3, 10, 12), 1))}


async def test_a_state_found_before_and_after_that_of_the_other_archive_is_held_twice(tmp_path: Path) -> None:
    """The first time it is the other's capture that counts, the second time our own: both are numbered."""
    await keep(tmp_path / "a", 5, article("1", title="One"))
    await keep(tmp_path / "a", 9, article("1", title="One"))
    await keep(tmp_path / "b", 3, article("1", title="One"))
    await keep(tmp_path / "b", 6, article("1", title="Two"))
    await merged(tmp_path / "a", tmp_path / "b")
    assert list(verify(tmp_path / "a")) == []
    revisions = rows(tmp_path / "a", "SELECT number, fetched_at FROM revisions ORDER BY 1")
    assert revisions == [(n, iso(NOW + day * DAY)) for n, day in enumerate((3, 6, 9), 1)]


async def test_wordless_states_do_not_follow_words(tmp_path: Path) -> None:
    """Of an article that one archive only ever saw empty, nothing takes the place of the text that the other has."""
    await keep(tmp_path / "a", 1, article("1"))
    await keep(tmp_path / "b", 2, article("1", title="Empty", text="", word_count=0))
    await keep(tmp_path / "b", 3, article("1", title="Empty still", text="", word_count=0))
    await merged(tmp_path / "a", tmp_path / "b")
    assert list(verify(tmp_path / "a")) == []
    assert rows(tmp_path / "a", "SELECT title, revisions FROM articles") == [("Title 1", 1)]


@pytest.mark.parametrize("turned", [False, True])
async def test_a_category_has_the_name_that_was_seen_last(tmp_path: Path, turned: bool) -> None:
    """One that was renamed between the looks of two archives has its new name, whichever of them is merged."""
    old = making.term("category", "Africa")
    await keep(tmp_path / "a", 1, article("1", terms=(old,)))
    await keep(tmp_path / "b", 2, article("2", terms=(replace(old, name="Africa Desk"),)))
    own, other = ("b", "a") if turned else ("a", "b")
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT name, articles FROM categories") == [("Africa Desk", 2)]


@pytest.mark.parametrize("turned", [False, True])
async def test_a_picture_is_held_rather_than_its_placeholder(tmp_path: Path, turned: bool) -> None:
    """A placeholder that one archive got later does not take the place of the picture that the other has."""
    for name, day, size in (("a", 1, 4), ("b", 2, 1)):
        await keep(tmp_path / name, day, article("1"), "https://cdn.example.org/1.jpg")
        with contextlib.closing(sqlite3.connect(tmp_path / name / "archive.db")) as connection, connection:
            connection.execute("UPDATE file SET width = width * ?1 / 4, height = height * ?1 / 4", (size,))
            content = making.picture(f"of size {size}")
            sha256 = hashlib.sha256(content).hexdigest()
            for table in ("file", "holding"):
                connection.execute(f"UPDATE {table} SET sha256 = ?", (sha256,))
            connection.execute("UPDATE capture SET sha256 = ? WHERE media_type = 'image/jpeg'", (sha256,))
        (file,) = making.files_of(tmp_path / name)
        file.unlink()
        place = tmp_path / name / "media" / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        (tmp_path / name / "archive.seal").unlink()
    own, other = ("b", "a") if turned else ("a", "b")
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT width FROM media") == [(640,)]
    assert list(verify(tmp_path / own)) == []


@pytest.mark.parametrize("turned", [False, True])
async def test_what_one_archive_found_gone_and_the_other_holds_is_gone(tmp_path: Path, turned: bool) -> None:
    """Also where the one that found it gone never had it."""
    await keep(tmp_path / "a", 1, article("1"))
    await lose(tmp_path / "b", (3, 4), "1")
    own, other = ("b", "a") if turned else ("a", "b")
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT gone_at FROM articles") == [(iso(NOW + 4 * DAY),)]
    assert list(verify(tmp_path / own)) == []


@pytest.mark.parametrize("turned", [False, True])
async def test_what_was_absent_after_it_had_returned_is_absent(tmp_path: Path, turned: bool) -> None:
    """Of two copies of an archive, one saw an article return, the other found it absent after that."""
    await keep(tmp_path / "a", 1, article("1"))
    await lose(tmp_path / "a", (3, 4), "1")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    await keep(tmp_path / "a", 6, article("1"))
    await lose(tmp_path / "b", (8,), "1")
    own, other = ("b", "a") if turned else ("a", "b")
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT since, returned_at FROM absence ORDER BY 1") == [
        (iso(NOW + 3 * DAY), iso(NOW + 6 * DAY)),
        (iso(NOW + 8 * DAY), None),
    ]
    assert list(verify(tmp_path / own)) == []


async def test_an_absence_ends_with_an_answer_whenever_that_comes_to_be_known(tmp_path: Path) -> None:
    """One archive saw it go, another found it after that, a third did not find it once: in any order it is absent."""
    await lose(tmp_path / "a", (1, 3), "1")
    await keep(tmp_path / "b", 5, article("1"))
    await lose(tmp_path / "c", (7,), "1")
    for order in permutations("abc"):
        folder = tmp_path / "".join(order)
        await merged(folder, *(tmp_path / name for name in order))
        assert rows(folder, "SELECT gone_at FROM articles") == [(None,)]
        assert rows(folder, "SELECT since, seen_at, gone_at, returned_at FROM absence ORDER BY 1") == [
            (iso(NOW + 1 * DAY), iso(NOW + 3 * DAY), iso(NOW + 3 * DAY), iso(NOW + 5 * DAY)),
            (iso(NOW + 7 * DAY), iso(NOW + 7 * DAY), None, None),
        ]
        assert list(verify(folder)) == []


async def queue(folder: Path, key: str, **changes: Any) -> None:
    """Let an archive want an article by a key, and not come to fetch it."""
    async with open_store(folder, now=lambda: NOW) as store:
        await store.begin_run("crawl")
        await store.begin_targets([wanted(key, **changes)])
        await store.end_run(Merged().tally, 0)


@pytest.mark.parametrize("turned", [False, True])
async def test_what_is_held_is_not_fetched_under_another_spelling(tmp_path: Path, turned: bool) -> None:
    """An article that one archive only knows by its address is known by its id when the other has it."""
    await queue(tmp_path / "a", "/article/1-a-title")
    await keep(tmp_path / "b", 1, article("1"))
    own, other = ("b", "a") if turned else ("a", "b")
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT key, state FROM frontier") == [("dm:1", "done")]


async def test_two_spellings_of_what_the_other_holds_are_not_fetched(tmp_path: Path) -> None:
    """Of several rows of an article one stands for it; the others have nothing left to do."""
    await queue(tmp_path / "a", "1")
    await queue(tmp_path / "a", "/article/1-a-title")
    await keep(tmp_path / "b", 1, article("1"))
    await merged(tmp_path / "a", tmp_path / "b")
    assert rows(tmp_path / "a", "SELECT DISTINCT state FROM frontier") == [("done",)]
    assert list(verify(tmp_path / "a")) == []


@pytest.mark.parametrize("turned", [False, True])
async def test_links_that_nobody_followed_are_still_to_be_followed(tmp_path: Path, turned: bool) -> None:
    """Held by one archive and only wanted, deeper, by the other: a crawl to that depth follows its links."""
    await keep(tmp_path / "a", 1, article("1"))
    await queue(tmp_path / "b", "1", depth=1)
    own, other = ("b", "a") if turned else ("a", "b")
    await merged(tmp_path / own, tmp_path / other)
    assert rows(tmp_path / own, "SELECT state, depth FROM frontier") == [("done", 0)]


async def test_a_walk_goes_on_where_it_was(tmp_path: Path) -> None:
    """That another archive has walked a listing to its end does not end a walk of ours in the middle."""
    async with Newsroom(Options(articles=60)) as room:
        site = site_of(room)
        await crawl(tmp_path / "a", site, "dm:category/africa", request_limit=12)
        await crawl(tmp_path / "b", site, "dm:category/africa")
    under_way = "SELECT f.state FROM listing AS l JOIN frontier AS f ON f.id = l.frontier WHERE l.cursor <> ''"
    assert rows(tmp_path / "a", under_way) == [("queued",)]
    await merged(tmp_path / "a", tmp_path / "b")
    assert rows(tmp_path / "a", under_way) == [("queued",)]


async def test_runs_of_the_same_second_are_told_apart(tmp_path: Path) -> None:
    """Two machines that begin and end at the same seconds: both runs stay; one that went on gets its figures."""
    for name, requests in (("a", 5), ("b", 7)):
        async with open_store(tmp_path / name, now=lambda: NOW) as store:
            await store.begin_run("nightly")
            await store.end_run(Tally(requests=requests), 0)
    shutil.copytree(tmp_path / "b", tmp_path / "under way")
    with contextlib.closing(sqlite3.connect(tmp_path / "under way" / "archive.db")) as connection, connection:
        connection.execute("UPDATE run SET finished_at = NULL, exit_status = NULL, manifest_root = NULL, requests = 3")
    (tmp_path / "under way" / "archive.seal").unlink()
    figures = "SELECT requests, finished_at IS NULL FROM run WHERE command = 'nightly' ORDER BY 1"
    shutil.copytree(tmp_path / "a", tmp_path / "c")
    await merged(tmp_path / "a", tmp_path / "b", tmp_path / "under way", tmp_path / "b")
    await merged(tmp_path / "new", tmp_path / "under way", tmp_path / "b", tmp_path / "c")
    for name in ("a", "new"):
        assert rows(tmp_path / name, figures) == [(5, 0), (7, 0)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE article SET title = x'ff00'",
        "UPDATE article SET title = CAST(x'ff41' AS TEXT)",
        "UPDATE article SET word_count = 'many'",
        "UPDATE article SET first_seen_at = 'yesterday'",
        "UPDATE article SET content_hash = 'another'",
        "INSERT INTO pause VALUES ('h', 'soon')",
        "UPDATE run SET notes = '{'",
        "UPDATE capture SET headers = '{'",
        "UPDATE capture SET fetched_at = '2024-02-31T00:00:00Z'",
        "UPDATE revision SET number = 3",
        "UPDATE file SET sha256 = '../../../../secret'; UPDATE holding SET sha256 = '../../../../secret'",
        "DELETE FROM revision",
        "DELETE FROM holding",
        "ALTER TABLE pause RENAME until TO til",
        "ALTER TABLE pause RENAME TO p; CREATE VIEW pause AS SELECT * FROM p",
    ],
)
async def test_rows_that_no_run_writes_are_refused(tmp_path: Path, change: str) -> None:
    """Other types, no times, broken JSON, rows without those they need: nothing is merged, no row is changed."""
    await keep(tmp_path / "a", 1, article("1"))
    await keep(tmp_path / "b", 1, article("1"), "https://cdn.example.org/1.jpg")
    await keep(tmp_path / "b", 1, article("2"))
    with contextlib.closing(sqlite3.connect(tmp_path / "b" / "archive.db")) as connection, connection:
        connection.executescript(change)
    (tmp_path / "b" / "archive.seal").unlink()
    before = root(tmp_path / "a")
    with pytest.raises(ArchiveDamaged):
        await merged(tmp_path / "a", tmp_path / "b")
    assert root(tmp_path / "a") == before


async def test_huge_row_numbers_take_no_memory(tmp_path: Path) -> None:
    """A row that is numbered higher than there can be rows is refused before room is made for those below."""
    await keep(tmp_path / "b", 1, article("1"))
    with contextlib.closing(sqlite3.connect(tmp_path / "b" / "archive.db")) as connection, connection:
        connection.execute("UPDATE run SET id = 1 << 61")
        connection.execute("UPDATE capture SET run = 1 << 61")
    (tmp_path / "b" / "archive.seal").unlink()
    with pytest.raises(ArchiveDamaged, match="is not a row that a run writes"):
        await merged(tmp_path / "a", tmp_path / "b")
