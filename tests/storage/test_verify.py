"""`verify` finds every flaw and nothing else, and touches nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage import consistency, rules
from storage.database import connect_for_reading
from storage.errors import ArchiveDamaged, ArchiveMissing
from storage.files import MediaTree
from storage.findings import Finding, Flaw
from storage.opening import open_store
from storage.turns import Turns
from storage.verify import verify
from tests.storage import making
from tests.storage.breaking import PAGE, flip, found, name_of, page_of, shuts_out, tamper


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


def test_a_file_that_a_run_has_just_placed_is_no_orphan(tmp_path: Path) -> None:
    """Its row comes with the group; what has lain there for hours was left by a run that was cut off."""

    async def scenario() -> tuple[list[Finding], list[Finding]]:
        async with open_store(tmp_path) as store:
            await store.begin_run("crawl")
            await store.flush()
            incoming = store.media.incoming()
            incoming.write(making.picture("placed, and its row still to come"))
            file = incoming.keep("image/png", "png", 1, 1)
            young = list(verify(tmp_path))
            path = store.media.path(file.sha256, "png")
            os.utime(path, (1, 1))
            return young, list(verify(tmp_path))

    young, old = asyncio.run(scenario())
    assert young == []
    assert [one.flaw for one in old] == [Flaw.ORPHANED]


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


@pytest.mark.parametrize("table", ["attempt", "frontier", "rendition", "body", "search_content", "search_data", "file"])
def test_a_damaged_page_of_the_database_is_a_finding(folder: Path, table: str) -> None:
    """Where SQLite stumbles in one table, the rest is still looked at."""
    with (folder / "archive.db").open("r+b") as stream:
        stream.seek((page_of(folder, table) - 1) * PAGE)
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


# Progress -------------------------------------------------------------------------------------------------------------


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


# Beside a run that begins ---------------------------------------------------------------------------------------------

# A verification of an archive that is so large that the first two rules would take for ever.
VERIFYING = """
import sys
from pathlib import Path
from storage import rules
from storage.verify import verify
count = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
endless = count + "SELECT f.key, '' FROM c CROSS JOIN frontier AS f WHERE c.x < 0"
rules.ROWS = {"one": endless, "two": endless}
for finding in verify(Path(sys.argv[1]), done=lambda part, sound: print(part, flush=True)):
    print(finding, flush=True)
"""
# A run that begins when it is told to, has something in hand, and ends when it is told to.
RUNNING = """
import asyncio, sys
from pathlib import Path
from storage.opening import open_store
from storage.turns import Turns
from tests.storage import making
async def run():
    async with open_store(Path(sys.argv[1])) as store:
        await store.begin_run("crawl")
        await store.claim(await store.begin_targets([making.wanted("77")]), {}, 5)
        await store.flush()
        print("in hand", flush=True)
        sys.stdin.readline()
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(run())
"""


@contextmanager
def started(script: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a script on an archive in a process of its own; in the end it is killed."""
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str], wanted: str) -> None:
    """Read what a process says up to a line."""
    assert process.stdout is not None
    assert any(line == f"{wanted}\n" for line in process.stdout), f"it never said {wanted!r}"


def tell(process: subprocess.Popen[str]) -> None:
    """Tell a process to go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def is_soon_read(folder: Path) -> bool:
    """Say whether the archive is being read within 20 seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if shuts_out(folder):
            return True
    return False


def test_what_is_read_cannot_change_meanwhile(folder: Path) -> None:
    """While a rule is looked at in an archive at rest, no other process can write to the database."""
    with started(VERIFYING, folder) as verifying:
        heard(verifying, "255")
        assert is_soon_read(folder)


def test_a_run_is_not_kept_waiting(folder: Path) -> None:
    """A run begins in the middle of questions that take for ever, and they go on beside it."""
    with started(VERIFYING, folder) as verifying, started(RUNNING, folder) as running:
        heard(verifying, "255")
        assert is_soon_read(folder)
        tell(running)
        heard(running, "in hand")
        assert verifying.poll() is None


def test_ctrl_c_ends_all_that_is_looked_at(folder: Path) -> None:
    """However many long rules are still to come, a verification that is interrupted is soon gone."""
    with started(VERIFYING, folder) as verifying:
        heard(verifying, "255")
        assert is_soon_read(folder)
        verifying.send_signal(signal.SIGINT)
        told, errors = verifying.communicate(timeout=20)
        assert told == ""
        assert "KeyboardInterrupt" in errors


def test_a_run_that_begins_meanwhile_has_nothing_in_hand_that_is_a_flaw(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verification that began at rest does not blame the run that has begun since."""
    count = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000000) "
    monkeypatch.setattr(rules, "ROWS", {"long": f"{count} SELECT x, '' FROM c WHERE x < 0"})
    with started(RUNNING, folder) as running:
        heard(running, "ready")

        def begin_run(part: int, _sound: bool) -> None:
            if part == 0:
                tell(running)
                heard(running, "in hand")

        assert list(verify(folder, done=begin_run)) == []


@pytest.mark.parametrize("after", [True, False])
def test_what_is_in_hand_is_told_only_when_no_run_has_begun_since(folder: Path, after: bool) -> None:
    """Whether the archive is at rest is asked before and after what is in hand is looked for."""
    tamper(folder, "UPDATE frontier SET state = 'doing' WHERE id = 1")
    answers = [True, after]
    with closing(connect_for_reading(folder / "archive.db")) as connection:
        findings = list(consistency.check_rows(connection.execute, at_rest=lambda: answers.pop(0)))
    assert ["in hand" in finding.detail for finding in findings] == [True] * after
    assert answers == []


@pytest.mark.skipif(sqlite3.sqlite_version_info >= (3, 44, 0), reason="SQLite itself looks at the index")
@pytest.mark.parametrize("flawed", [False, True])
def test_a_look_at_the_index_that_is_broken_off_is_begun_anew(folder: Path, flawed: bool) -> None:
    """Wherever that happens, it finds what it would have found."""
    if flawed:
        tamper(folder, "UPDATE search_content SET c2 = 'Swapped behind its back' WHERE id = 2")
    broken_off = 0

    def once() -> int:
        nonlocal broken_off
        connection.set_progress_handler(None, 0)
        broken_off += 1
        return 1

    path = folder / "archive.db"
    with closing(connect_for_reading(path, check_same_thread=False)) as connection, Turns(lambda: False) as turns:
        for steps in range(1, 400, 7):
            connection.set_progress_handler(once, steps)
            findings = list(consistency.check_index(connection, turns))
            assert [one.subject for one in findings] == ["search"] * flawed
    assert broken_off > 20
