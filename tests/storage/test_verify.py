"""`verify` finds every flaw and nothing else; `requeue` puts right what can be."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from storage.errors import ArchiveDamaged, ArchiveMissing
from storage.files import MediaTree
from storage.findings import Finding, Flaw
from storage.store import open_store
from storage.verify import Repair, requeue, verify
from tests.storage import making


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "archive"
    asyncio.run(making.make_archive(folder, articles=3, pictures=5))
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "archive"))


def found(folder: Path) -> set[tuple[Flaw, str]]:
    """Return what is found, without the details."""
    findings = list(verify(folder))
    assert len(set(findings)) == len(findings), "nothing is told twice"
    return {(f.flaw, f.subject) for f in findings}


def tamper(folder: Path, script: str) -> None:
    """Change rows behind the archive's back."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        connection.executescript(script)


def name_of(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder))


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x20
    path.write_bytes(content)


def test_a_sound_archive_has_no_flaw(folder: Path) -> None:
    """Nothing is found in an archive as a run left it, and nothing in it is touched."""
    before = making.bytes_of(folder)
    assert found(folder) == set()
    assert making.bytes_of(folder) == before


def test_an_archive_is_sound_while_a_run_writes(tmp_path: Path) -> None:
    """What a run has in hand, half received or placed and not yet committed, is not taken for damage."""

    async def scenario() -> list[Finding]:
        async with open_store(tmp_path) as store:
            await store.begin_run("crawl")
            await making.keep_article(store, making.article("1"), ["https://cdn.example.org/1.jpg"])
            incoming = store.media.incoming()
            incoming.write(making.picture("a large one", 3 << 20))
            await store.flush()
            findings = list(verify(tmp_path))
            incoming.discard()
            return findings

    assert asyncio.run(scenario()) == []


def test_no_archive_is_said_to_be_missing(tmp_path: Path) -> None:
    """There is nothing to verify where nothing is."""
    with pytest.raises(ArchiveMissing):
        list(verify(tmp_path))


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    """A database that cannot be opened is an error, not a finding."""
    (folder / "archive.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(ArchiveDamaged):
        list(verify(folder))


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_found(folder: Path) -> None:
    """A row whose file was deleted is named by the file's path and hash."""
    path = making.files_of(folder)[0]
    path.unlink()
    (finding,) = verify(folder)
    assert (finding.flaw, finding.subject, finding.sha256) == (Flaw.MISSING, name_of(folder, path), path.stem)


def test_a_folder_in_place_of_a_file_is_a_missing_file(folder: Path) -> None:
    """Only a file is a file."""
    path = making.files_of(folder)[0]
    path.unlink()
    path.mkdir()
    assert found(folder) == {(Flaw.MISSING, name_of(folder, path))}


@pytest.mark.parametrize("size", [0, 1, 2_999, 3_100])
def test_a_file_of_another_length_is_found(folder: Path, size: int) -> None:
    """A file shorter or longer than recorded is truncated, with both lengths in the detail."""
    path = making.files_of(folder)[0]
    content = path.read_bytes()
    path.write_bytes((content * 2)[:size])
    (finding,) = verify(folder)
    assert (finding.flaw, finding.subject) == (Flaw.TRUNCATED, name_of(folder, path))
    assert finding.detail == f"{size} bytes instead of {len(content)}"


@pytest.mark.parametrize("at", [0, 1_500, -1])
def test_an_altered_file_is_found(folder: Path, at: int) -> None:
    """One bit anywhere is enough."""
    path = making.files_of(folder)[0]
    flip(path, at)
    assert found(folder) == {(Flaw.ALTERED, name_of(folder, path))}


@pytest.mark.parametrize(
    "new",
    [
        "{0}.png",
        "{0}.jpg.bak",
        "0" * 64 + ".jpg",
        "holiday.jpg",
        "../{0}.jpg",
        "../../../{0}.jpg",
        "../../zz/{0}.jpg",
    ],
)
def test_a_renamed_file_is_missing_where_it_was_and_misnamed_where_it_is(folder: Path, new: str) -> None:
    """A file in the wrong folder, under another name or with another extension is told with where it belongs."""
    path = making.files_of(folder)[0]
    target = (path.parent / new.format(path.stem)).resolve()
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    findings = {f.flaw: f for f in verify(folder)}
    if target.parent == folder:
        assert set(findings) == {Flaw.MISSING}, "what is outside the tree is not looked at"
        return
    assert set(findings) == {Flaw.MISSING, Flaw.MISNAMED}
    assert findings[Flaw.MISNAMED].subject == name_of(folder, target)
    assert name_of(folder, path) in findings[Flaw.MISNAMED].detail


def test_a_file_with_the_name_of_another_content_is_misnamed(folder: Path) -> None:
    """A content name that is not the content's, and that no row names, is told as what it pretends."""
    stray = folder / "media" / "ab" / "cd" / f"abcd{'0' * 60}.jpg"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"something else")
    assert found(folder) == {(Flaw.MISNAMED, name_of(folder, stray))}


@pytest.mark.parametrize("place", [".DS_Store", "ab/thumbs.db", "deep/er/still.txt", "ab/cd/x.jpg", "incoming/tmp1"])
def test_a_file_that_no_row_names_is_an_orphan(folder: Path, place: str) -> None:
    """Whatever lies in the tree and belongs to no row is reported, however deep."""
    stray = folder / "media" / place
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"left here")
    assert found(folder) == {(Flaw.ORPHANED, f"media/{place}")}


def test_a_file_placed_before_a_crash_is_an_orphan(folder: Path) -> None:
    """A sound file whose row was lost is an orphan, not damage."""
    content = b"placed, and then the power went"
    incoming = MediaTree(folder).incoming()
    incoming.write(content)
    file = incoming.keep("image/png", "png", 1, 1)
    assert found(folder) == {(Flaw.ORPHANED, f"media/{file.sha256[:2]}/{file.sha256[2:4]}/{file.sha256}.png")}


def test_a_tree_that_is_gone_is_all_its_files_missing(folder: Path) -> None:
    """Without the media folder every row is told by itself."""
    names = {name_of(folder, path) for path in making.files_of(folder)}
    shutil.rmtree(folder / "media")
    assert found(folder) == {(Flaw.MISSING, name) for name in names}


def test_a_row_that_would_lead_out_of_the_tree_is_not_followed(folder: Path) -> None:
    """A file row whose hash is a path is a contradiction; no such path is opened."""
    tamper(folder, "INSERT INTO file VALUES ('../../../etc/passwd', 1, 'text/plain', 'txt', NULL, NULL)")
    assert found(folder) == {(Flaw.CONTRADICTION, "file ../../../etc/passwd")}


# Rows -----------------------------------------------------------------------------------------------------------------

MEDIA = "https://cdn.example.org/1/0.jpg"
MEDIA_ROW = f"(SELECT id FROM frontier WHERE key = '{MEDIA}')"

TAMPERINGS = {
    "done media without a holding": (f"DELETE FROM holding WHERE frontier = {MEDIA_ROW}", Flaw.CONTRADICTION, MEDIA),
    "holding of what was never captured": (
        f"UPDATE capture SET sha256 = 'x' WHERE frontier = {MEDIA_ROW}",
        Flaw.CONTRADICTION,
        MEDIA,
    ),
    "article that holds a file": (
        "UPDATE frontier SET kind = 'article', url = 'u' WHERE key = 'dm:1'; INSERT INTO holding SELECT 1, sha256, '' "
        "FROM file LIMIT 1; INSERT INTO capture SELECT 999, 1, run, url, fetched_at, seconds, http_status, media_type, "
        "(SELECT sha256 FROM holding WHERE frontier = 1), bytes, headers, error FROM capture LIMIT 1",
        Flaw.CONTRADICTION,
        "u",
    ),
    "rendition of nothing": (
        "UPDATE rendition SET frontier = 99 WHERE article = 1 AND position = 0",
        Flaw.CONTRADICTION,
        "rendition 1 99",
    ),
    "rendition that is an article": (
        "UPDATE frontier SET url = 'u' WHERE id = 1; INSERT INTO rendition VALUES (1, 1, 9, 'other', NULL, NULL, NULL)",
        Flaw.CONTRADICTION,
        "u",
    ),
    "walk of what is no listing": (
        "INSERT INTO listing (frontier, cursor, started_at) VALUES (1, '', '')",
        Flaw.CONTRADICTION,
        "dm:1",
    ),
    "alias of nothing": ("INSERT INTO alias VALUES ('dm:/x', 99)", Flaw.CONTRADICTION, "alias dm:/x"),
    "scope of nothing": (
        "UPDATE frontier SET scope = 99 WHERE key = 'dm:1'",
        Flaw.CONTRADICTION,
        "frontier 1",
    ),
    "queued for never": (
        f"UPDATE frontier SET state = 'queued', due_at = NULL WHERE id = {MEDIA_ROW}",
        Flaw.CONTRADICTION,
        MEDIA,
    ),
    "article unlike its newest revision": (
        "UPDATE article SET content_hash = 'x' WHERE id = 2",
        Flaw.CONTRADICTION,
        "dm:2",
    ),
    "gap in the revisions": ("UPDATE revision SET number = 2 WHERE article = 2", Flaw.CONTRADICTION, "dm:2"),
    "term of another kind": (
        "UPDATE article_term SET term = (SELECT id FROM term WHERE kind = 'author') "
        "WHERE article = 1 AND kind = 'keyword'",
        Flaw.CONTRADICTION,
        "dm:1",
    ),
    "headers that are no JSON": ("UPDATE capture SET headers = '{' WHERE id = 1", Flaw.CONTRADICTION, "capture 1"),
    "capture of another size": ("UPDATE capture SET bytes = bytes + 1 WHERE id = 1", Flaw.CONTRADICTION, "capture 1"),
    "counter that lies": (
        "UPDATE counter SET n = n + 1 WHERE kind = 'media' AND state = 'done'",
        Flaw.CONTRADICTION,
        "counter media done",
    ),
    "article that is not indexed": ("DELETE FROM search WHERE rowid = 2", Flaw.SEARCH, "dm:2"),
    "indexed article that is not there": (
        "INSERT INTO search (rowid, title) VALUES (99, 'ghost')",
        Flaw.SEARCH,
        "search 99",
    ),
    "article indexed in other words": ("UPDATE article SET title = 'Another' WHERE id = 2", Flaw.SEARCH, "dm:2"),
    "folded text out of step": ("UPDATE search SET folded_body = 'x' WHERE rowid = 2", Flaw.SEARCH, "dm:2"),
    "index that leads to other words": (
        "UPDATE search_content SET c2 = 'Swapped behind its back' WHERE id = 2",
        Flaw.SEARCH,
        "search",
    ),
}


@pytest.mark.parametrize("script, flaw, subject", TAMPERINGS.values(), ids=TAMPERINGS)
def test_rows_that_contradict_each_other_are_found(folder: Path, script: str, flaw: Flaw, subject: str) -> None:
    """Each contradiction is told, once, by what it concerns; none hides another flaw or makes up one."""
    counting = "DROP TRIGGER frontier_recounted; " if "queued for never" not in script else ""
    tamper(folder, script if "state =" in script else counting + script)
    assert found(folder) == {(flaw, subject)}


def test_an_article_without_revision_is_found(folder: Path) -> None:
    """An article must have been read from something."""
    tamper(folder, "DELETE FROM revision WHERE article = 3")
    assert found(folder) == {(Flaw.CONTRADICTION, "dm:3")}


def test_a_revision_without_capture_or_body_is_found(folder: Path) -> None:
    """The raw body that a revision was read from must be there; without its capture nobody could say which it was."""
    tamper(folder, "DELETE FROM body WHERE sha256 = (SELECT sha256 FROM capture WHERE id = 1)")
    assert found(folder) == {(Flaw.CONTRADICTION, "dm:1")}
    tamper(folder, "DELETE FROM capture WHERE id = 1")
    assert found(folder) == {(Flaw.CONTRADICTION, "revision 1")}


def test_a_holding_without_file_row_is_found(folder: Path) -> None:
    """The holding dangles, and the file has become an orphan."""
    path = making.files_of(folder)[0]
    tamper(folder, f"DELETE FROM file WHERE sha256 = '{path.stem}'")
    findings = found(folder)
    assert {flaw for flaw, _ in findings} == {Flaw.CONTRADICTION, Flaw.ORPHANED}
    assert (Flaw.ORPHANED, name_of(folder, path)) in findings


def body_of(folder: Path) -> tuple[str, bytes]:
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        row = connection.execute("SELECT sha256, zstd FROM body LIMIT 1").fetchone()
    return row[0], row[1]


def put_body(folder: Path, sha256: str, frame: bytes | str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        connection.execute("UPDATE body SET zstd = ? WHERE sha256 = ?", (frame, sha256))


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame[:-3],
        lambda frame: b"",
        lambda frame: b"\x00" * len(frame),
        lambda frame: zstandard.ZstdCompressor().compress(b"another body"),
        lambda frame: frame[:4] + b"\xe0" + (1 << 50).to_bytes(8, "little") + frame[7:],
        lambda frame: "text",
    ],
    ids=["cut off", "empty", "zeroed", "another", "boasting", "no blob"],
)
def test_a_damaged_body_is_found(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    """A raw body that does not decompress to its hash is altered, whatever its frame claims to hold."""
    sha256, frame = body_of(folder)
    put_body(folder, sha256, damage(frame))
    assert found(folder) == {(Flaw.ALTERED, f"body {sha256}")}


def test_a_body_that_no_capture_names_is_found(folder: Path) -> None:
    """A body by itself says nothing of where it came from."""
    sha256 = making.capture(b"stray").sha256
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection, connection:
        frame = zstandard.ZstdCompressor().compress(b"stray")
        connection.execute("INSERT INTO body VALUES (?, ?)", (sha256, frame))
    assert found(folder) == {(Flaw.CONTRADICTION, f"body {sha256}")}


@pytest.mark.parametrize("table", ["attempt", "frontier", "rendition", "body", "search_content", "search_data", "file"])
def test_a_damaged_page_of_the_database_is_a_finding(folder: Path, table: str) -> None:
    """Where SQLite stumbles in one table, the rest is still looked at."""
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        page, size = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = ?",
            (table,),
        ).fetchone()
    with (folder / "archive.db").open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * 8)
    path = making.files_of(folder)[0]
    path.unlink()
    findings = found(folder)
    assert (Flaw.DATABASE, "archive.db") in {(flaw, subject) for flaw, subject in findings}
    assert ((Flaw.MISSING, name_of(folder, path)) in findings) == (table != "file")


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_to_the_database_is_a_crash(folder: Path, seed: int) -> None:
    """Whichever bit of it is flipped, verifying ends with findings, with none, or with the archive refused."""
    chance = random.Random(seed)
    path = folder / "archive.db"
    sound = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(sound)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with contextlib.suppress(ArchiveDamaged):
            assert all(isinstance(finding, Finding) for finding in verify(folder))


# Samples and progress -------------------------------------------------------------------------------------------------


def test_a_sample_reads_the_chosen_and_looks_at_all(folder: Path) -> None:
    """With a sample, chance chooses whose content is read; presence and size are looked at for every file."""
    first, second, third, *_ = making.files_of(folder)
    flip(first, 5)
    flip(second, 5)
    third.unlink()
    assert {f.flaw for f in verify(folder, sample=0.5, chance=lambda: 0.9)} == {Flaw.MISSING}
    assert len(list(verify(folder, sample=0.5, chance=lambda: 0.1))) == 3


def test_progress_reaches_the_total(folder: Path) -> None:
    """Progress begins at nothing, never goes back, and ends at the total, whatever is damaged."""
    making.files_of(folder)[0].unlink()
    told: list[tuple[int, int]] = []
    list(verify(folder, progress=lambda done, total: told.append((done, total))))
    assert told[0][0] == 0
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > 15 * 3_000


def test_verifying_may_be_given_up(folder: Path) -> None:
    """Whoever has seen enough leaves no threads or connections behind."""
    for path in making.files_of(folder):
        path.unlink()
    threads = threading.active_count()
    findings = verify(folder)
    assert isinstance(next(findings), Finding)
    del findings
    gc.collect()
    assert threading.active_count() == threads


# Many at once ---------------------------------------------------------------------------------------------------------

CORRUPTIONS = 60
SEEDS = 3


def corrupt(path: Path, folder: Path, chance: random.Random) -> set[tuple[Flaw, str]]:
    """Damage a file in one way or another, and return what ought to be found."""
    name = name_of(folder, path)
    match chance.choice(["flip", "delete", "cut", "grow", "rename"]):
        case "flip":
            flip(path, chance.randrange(path.stat().st_size))
            return {(Flaw.ALTERED, name)}
        case "delete":
            path.unlink()
            return {(Flaw.MISSING, name)}
        case "cut":
            path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])
            return {(Flaw.TRUNCATED, name)}
        case "grow":
            path.write_bytes(path.read_bytes() + b"x")
            return {(Flaw.TRUNCATED, name)}
        case _:
            target = path.with_name(chance.choice([f"{path.stem}.webp", f"{chance.randrange(10**9)}.jpg"]))
            path.rename(target)
            return {(Flaw.MISSING, name), (Flaw.MISNAMED, name_of(folder, target))}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_corruption_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    """Of many files damaged in random ways, each is told as what happened to it; the sound ones are not told."""
    folder = tmp_path / "archive"
    asyncio.run(making.make_archive(folder, articles=4, pictures=CORRUPTIONS // 3, size=500))
    chance = random.Random(seed)
    victims = chance.sample(making.files_of(folder), CORRUPTIONS)
    expected = set().union(*(corrupt(path, folder, chance) for path in victims))
    assert found(folder) == expected


# Putting right --------------------------------------------------------------------------------------------------------


async def repair(folder: Path) -> Repair:
    findings = list(verify(folder))
    async with open_store(folder) as store:
        return await requeue(store, findings)


async def fetch_again(folder: Path) -> int:
    """Archive what is due, as the next run would."""
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        jobs, _ = await store.claim([1, 2, 3, *range(4, 30)], {}, 100)
        for job in jobs:
            await making.keep_media(store, job, making.picture(job.url, 3_000 + job.id))
        return len(jobs)


async def test_what_is_lost_is_fetched_again(folder: Path) -> None:
    """Missing and damaged files are due again, damaged ones kept aside; the next run makes the archive sound."""
    gone, cut, altered, *_ = making.files_of(folder)
    gone.unlink()
    cut.write_bytes(b"short")
    flip(altered, 7)
    damaged = altered.read_bytes()
    before = {path: path.read_bytes() for path in making.files_of(folder)}

    assert await repair(folder) == Repair(queued=3, set_aside=2, put_back=0, lost=())
    assert (folder / "damaged" / altered.name).read_bytes() == damaged
    assert (folder / "damaged" / cut.name).read_bytes() == b"short"
    assert found(folder) == set(), "what is waited for is not held, and not missing"
    with contextlib.closing(sqlite3.connect(folder / "archive.db")) as connection:
        rows = connection.execute("SELECT state, path FROM media WHERE state <> 'stored'").fetchall()
        assert rows == [("queued", None)] * 3
        (told,) = connection.execute("SELECT count(*) FROM failures WHERE fault = 'damaged'").fetchone()
        assert told == 3

    assert await fetch_again(folder) == 3
    assert found(folder) == set()
    assert {path for path in before if path not in (cut, altered)} < set(making.files_of(folder))
    assert gone.is_file()
    assert altered.read_bytes() != damaged


async def test_a_misnamed_file_goes_back(folder: Path) -> None:
    """What is only in the wrong place needs no network."""
    path = making.files_of(folder)[0]
    path.rename(path.with_suffix(".png"))
    assert await repair(folder) == Repair(queued=0, set_aside=0, put_back=1, lost=())
    assert found(folder) == set()


async def test_a_search_index_is_made_anew(folder: Path) -> None:
    """From its texts the index can be rebuilt, so that it leads to their words again."""
    tamper(folder, "UPDATE search_content SET c2 = 'Swapped behind its back' WHERE id = 2")
    async with open_store(folder) as store:
        await store.rebuild_search()
    assert found(folder) == set()


async def test_an_orphan_stays(folder: Path) -> None:
    """Nothing is done to what no row names."""
    (folder / "media" / "note.txt").write_text("mine")
    assert await repair(folder) == Repair(0, 0, 0, ())
    assert (folder / "media" / "note.txt").read_text() == "mine"


async def test_what_was_mended_since_is_left_alone(folder: Path) -> None:
    """A finding is looked at again before anything is done about it."""
    path = making.files_of(folder)[0]
    content = path.read_bytes()
    flip(path, 0)
    findings = list(verify(folder))
    path.write_bytes(content)
    async with open_store(folder) as store:
        assert await requeue(store, findings) == Repair(0, 0, 0, ())
    assert found(folder) == set()


async def test_a_file_that_no_url_holds_any_more_is_told_as_lost(folder: Path) -> None:
    """A picture that was replaced upstream cannot be fetched again: its damage stays on the list."""
    path = making.files_of(folder)[0]
    async with open_store(folder) as store:
        await store.begin_run("crawl")
        (url,) = await store.holders(path.stem)
        job = making.job_for(folder, url)
        await making.keep_media(store, job, b"the new picture")
    path.unlink()
    mended = await repair(folder)
    assert (mended.queued, [f.subject for f in mended.lost]) == (0, [name_of(folder, path)])
    assert found(folder) == {(Flaw.MISSING, name_of(folder, path))}


async def test_files_damaged_twice_are_both_kept(folder: Path) -> None:
    """Nothing set aside replaces what was set aside before."""
    tree = MediaTree(folder)
    path = making.files_of(folder)[0]
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        tree.set_aside(path)
    assert {p.read_bytes() for p in (folder / "damaged").iterdir()} == {b"one", b"two", b"three"}
