"""The one writer: whole units, in order, many to a commit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import pytest

from storage import writer as writer_module
from storage.database import open_for_writing
from storage.errors import ArchiveUnwritable, OutOfSpace, StorageError
from storage.writer import BACKLOG, HANDFUL, Otherwise, Writer
from tests.storage import making


class Desk:
    """A writer at work, and what it did before each commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commits = 0
        self.before_commit: Callable[[], None] = lambda: None

    def note_commit(self, _: sqlite3.Connection) -> None:
        self.commits += 1
        self.before_commit()

    def seen_by_others(self) -> int:
        """Return how many runs a second connection sees."""
        with closing(sqlite3.connect(self.path)) as connection:
            return int(making.one(connection, "SELECT count(*) FROM run"))


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[tuple[Writer, Desk, asyncio.Task[None]]]:
    path = folder / "archive.db"
    desk = Desk(path)
    connection = await open_for_writing(path)
    writer = Writer(connection, path, desk.note_commit)
    task = asyncio.create_task(writer.run())
    try:
        yield writer, desk, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.close()


def _tell(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)


def add(connection: sqlite3.Connection, command: str = "x") -> int:
    """Return how many runs there are once one was added."""
    connection.execute("INSERT INTO run (command, started_at) VALUES (?, '')", (command,))
    return int(making.one(connection, "SELECT count(*) FROM run"))


def add_and_stumble(connection: sqlite3.Connection) -> int:
    add(connection)
    raise LookupError("a mistake of the unit's own")


def never(_: sqlite3.Connection, mistake: Exception) -> None:
    raise AssertionError("nothing is to be written otherwise") from mistake


def add_and_fill_the_disk(connection: sqlite3.Connection) -> int:
    add(connection)
    raise OSError(28, "No space left on device")


async def test_units_run_in_the_order_they_came(tmp_path: Path) -> None:
    """Posted and called units see each other's work in order."""
    async with at_work(tmp_path) as (writer, _, _):
        for number in range(50):
            await writer.post(partial(add, command=f"posted {number}"))
        assert await writer.call(add) == 51
        commands = await writer.call(lambda c: making.rows(c, "SELECT command FROM run ORDER BY id"))
        assert [command for (command,) in commands] == [*(f"posted {n}" for n in range(50)), "x"]


async def test_many_units_share_a_commit(tmp_path: Path) -> None:
    """A burst of units costs a commit or two, not one each."""
    async with at_work(tmp_path) as (writer, desk, _):
        await asyncio.gather(*(writer.call(add) for _ in range(300)))
        await writer.flush()
        assert desk.seen_by_others() == 300
        assert desk.commits < 30


async def test_flushed_is_durable(tmp_path: Path) -> None:
    """Before the flush nobody else sees the unit's work; after it everybody does."""
    async with at_work(tmp_path) as (writer, desk, _):
        await writer.call(add)
        assert desk.seen_by_others() == 0
        await writer.flush()
        assert desk.seen_by_others() == 1


async def test_a_group_is_committed_when_nothing_more_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a flush the group's time runs out, and it becomes durable by itself."""
    monkeypatch.setattr(writer_module, "GROUP_SECONDS", 0.0)
    async with at_work(tmp_path) as (writer, desk, _):
        committed = asyncio.Event()
        loop = asyncio.get_running_loop()
        desk.before_commit = partial(_tell, loop, committed)
        await writer.post(add)
        await committed.wait()
        await writer.call(lambda _: None)  # comes after the commit that was just about to be made
        assert desk.seen_by_others() == 1


async def test_files_are_made_durable_before_the_rows_that_name_them(tmp_path: Path) -> None:
    """What comes before a commit sees nothing committed yet; when it fails, the rows do not come."""
    async with at_work(tmp_path) as (writer, desk, task):
        seen: list[int] = []

        def sync() -> None:
            seen.append(desk.seen_by_others())
            raise OSError(5, "Input/output error")

        desk.before_commit = sync
        await writer.call(add)
        with pytest.raises(ArchiveUnwritable):
            await writer.flush()
        with pytest.raises(ArchiveUnwritable):
            await task
    assert seen == [0]
    assert desk.seen_by_others() == 0


async def test_a_units_own_mistake_is_its_callers_only(tmp_path: Path) -> None:
    """The caller gets the error, the unit leaves no trace, and the units around it are kept."""
    async with at_work(tmp_path) as (writer, desk, _):
        results = await asyncio.gather(
            writer.call(add), writer.call(add_and_stumble), writer.call(add), return_exceptions=True
        )
        assert [type(result) for result in results] == [int, LookupError, int]
        await writer.flush()
        assert desk.seen_by_others() == 2


async def test_a_statement_that_cannot_be_is_the_callers_only(tmp_path: Path) -> None:
    """What SQLite says of a statement of ours is no trouble of the disk's, and ends no run."""

    def ask(connection: sqlite3.Connection, sql: str) -> None:
        add(connection)
        connection.execute(sql)

    async with at_work(tmp_path) as (writer, desk, _):
        for sql in ("SELECT json_extract('{', '$.x')", "SELECT * FROM nowhere", "SELECT no_such_function()"):
            with pytest.raises(sqlite3.OperationalError):
                await writer.call(partial(ask, sql=sql))
        await writer.call(add)
        await writer.flush()
        assert desk.seen_by_others() == 1


async def test_what_sqlite_takes_back_of_its_own_accord_ends_the_run(tmp_path: Path) -> None:
    """There is nothing left of the group, so that nothing of it may be said to be kept; the cause is told."""

    def stumble(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise MemoryError("as where SQLite is short of memory")

    async with at_work(tmp_path) as (writer, desk, task):
        await writer.call(add)
        with pytest.raises(MemoryError):
            await writer.call(stumble)
        with pytest.raises(MemoryError):
            await task
        assert desk.seen_by_others() == 0


async def test_a_broken_rule_of_the_schema_is_the_callers_only(tmp_path: Path) -> None:
    """A constraint that fails takes back the unit and nothing else."""
    async with at_work(tmp_path) as (writer, _, _):
        with pytest.raises(sqlite3.IntegrityError):
            await writer.call(lambda c: c.executemany("INSERT INTO counter VALUES ('a', 'b', 1)", [(), ()]))
        assert await writer.call(lambda c: making.one(c, "SELECT count(*) FROM counter WHERE kind = 'a'")) == 0


async def test_a_posted_units_mistake_breaks_the_writer(tmp_path: Path) -> None:
    """Nobody waits for a posted unit, so its mistake ends the run, and every later call says why."""
    async with at_work(tmp_path) as (writer, _, task):
        await writer.post(add_and_stumble)
        with pytest.raises(LookupError):
            await task
        with pytest.raises(LookupError):
            await writer.call(add)
        with pytest.raises(LookupError):
            await writer.post(add)
        with pytest.raises(LookupError):
            await writer.flush()


async def test_a_failing_disk_breaks_the_writer(tmp_path: Path) -> None:
    """A full disk is not the caller's mistake: it ends the run, in our words."""
    async with at_work(tmp_path) as (writer, _, task):
        with pytest.raises(OutOfSpace):
            await writer.call(add_and_fill_the_disk)
        with pytest.raises(OutOfSpace):
            await task


async def test_nobody_waits_for_a_writer_that_broke(tmp_path: Path) -> None:
    """Whoever waited for an answer, or for room to ask, is told; none waits for ever."""
    async with at_work(tmp_path) as (writer, _, _):
        units = [add_and_fill_the_disk, *[add] * (2 * BACKLOG)]
        callers = [asyncio.create_task(writer.call(unit)) for unit in units]
        async with asyncio.timeout(10):
            results = await asyncio.gather(*callers, return_exceptions=True)
        assert {type(result) for result in results} == {OutOfSpace}


async def test_nobody_waits_for_a_writer_that_ended(tmp_path: Path) -> None:
    """Once the archive is closed, callers are cancelled, and who comes later is told."""
    async with at_work(tmp_path) as (writer, _, task):
        callers = [asyncio.create_task(writer.call(add)) for _ in range(2 * BACKLOG)]
        await asyncio.gather(*callers[:1])
        task.cancel()
        async with asyncio.timeout(10):
            results = await asyncio.gather(*callers, return_exceptions=True)
        assert {type(result) for result in results} <= {int, asyncio.CancelledError, StorageError}
        with pytest.raises(StorageError, match="closed"):
            await writer.call(add)


async def test_a_cancelled_caller_leaves_its_unit_whole(tmp_path: Path) -> None:
    """A unit once handed over runs to its end, whoever has stopped waiting."""
    async with at_work(tmp_path) as (writer, desk, _):
        callers = [asyncio.create_task(writer.call(add)) for _ in range(10)]
        await asyncio.sleep(0)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await writer.flush()
        assert desk.seen_by_others() == 10


async def test_twenty_tasks_at_once_all_succeed(tmp_path: Path) -> None:
    """Transactions of concurrent tasks never mingle."""

    async def work(writer: Writer) -> None:
        for _ in range(20):
            await writer.call(add)
            await writer.post(add)

    async with at_work(tmp_path) as (writer, desk, _):
        async with asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(work(writer))
        await writer.flush()
        assert desk.seen_by_others() == 800


async def test_a_statement_that_returns_rows_does_not_hold_up_the_commit(tmp_path: Path) -> None:
    """A RETURNING read with one fetch is finished when its unit is."""

    def unit(connection: sqlite3.Connection) -> str:
        sql = "INSERT INTO run (command, started_at) VALUES ('r', '') RETURNING command"
        return str(connection.execute(sql).fetchone()[0])

    async with at_work(tmp_path) as (writer, desk, _):
        assert await writer.call(unit) == "r"
        await writer.flush()
        assert desk.seen_by_others() == 1


async def test_items_are_worked_on_together_with_their_neighbours(tmp_path: Path) -> None:
    """Alike and next to each other they come at once; their place among all other orders stays."""
    done: list[object] = []

    def note(_: sqlite3.Connection, items: Sequence[object]) -> None:
        done.append(list(items))

    def note_otherwise(_: sqlite3.Connection, items: Sequence[object]) -> None:
        done.append(tuple(items))

    async with at_work(tmp_path) as (writer, _, _):
        for number in range(3):
            await writer.post_item(note, number, never)
        await writer.post(lambda _: done.append("a unit"))
        await writer.post_item(note, 3, never)
        await writer.post_item(note_otherwise, 4, never)
        await writer.call(lambda _: done.append("a call"))
        await writer.post_item(note, 5, never)
        await writer.flush()
    assert done == [[0, 1, 2], "a unit", [3], (4,), "a call", [5]]


async def test_what_nobody_waits_for_is_handed_over_by_the_handful(tmp_path: Path) -> None:
    """A few orders wait for more, or for the group's time; many do not."""
    handed_over: list[int] = []

    def note(_: sqlite3.Connection, items: Sequence[object]) -> None:
        handed_over.append(len(items))

    async with at_work(tmp_path) as (writer, desk, _):
        committed = asyncio.Event()
        desk.before_commit = partial(_tell, asyncio.get_running_loop(), committed)
        for _ in range(HANDFUL - 1):
            await writer.post_item(note, None, never)
        await asyncio.sleep(0.02)
        assert handed_over == []
        await writer.post_item(note, None, never)
        await committed.wait()  # with nothing more to come, by the time of the group alone
    assert handed_over == [HANDFUL]


async def test_an_items_mistake_costs_that_item(tmp_path: Path) -> None:
    """What it did is taken back, its place is taken by what is written otherwise, and its neighbours are kept."""
    told: list[str] = []

    def note(connection: sqlite3.Connection, items: Sequence[str]) -> None:
        for item in items:
            add(connection, item)
            if item.startswith("bad"):
                raise LookupError(item)

    def otherwise(connection: sqlite3.Connection, mistake: Exception) -> None:
        told.append(str(mistake))
        add(connection, f"instead of {mistake}")

    async with at_work(tmp_path) as (writer, _, _):
        for item in ("1", "2", "bad 3", "4", "bad 5"):
            await writer.post_item(note, item, otherwise)
        await writer.post(partial(note, items=["bad 6"]), otherwise)
        await writer.flush()
        with closing(sqlite3.connect(tmp_path / "archive.db")) as connection:
            kept = [command for (command,) in connection.execute("SELECT command FROM run ORDER BY id")]
    assert told == ["bad 3", "bad 5", "bad 6"]
    assert kept == ["1", "2", "instead of bad 3", "4", "instead of bad 5", "instead of bad 6"]


@pytest.mark.parametrize(
    "item, otherwise, raised",
    [
        (add_and_fill_the_disk, never, OutOfSpace),  # the disk's trouble is no item's mistake
        (
            add_and_stumble,
            lambda connection, _: add_and_stumble(connection),
            LookupError,
        ),  # nothing is left
    ],
)
async def test_what_cannot_be_written_otherwise_takes_back_the_group(
    tmp_path: Path, item: Callable[[sqlite3.Connection], int], otherwise: Otherwise, raised: type[Exception]
) -> None:
    """Nothing of the group is kept, and the run ends."""

    def work(connection: sqlite3.Connection, items: Sequence[Callable[[sqlite3.Connection], int]]) -> None:
        for one in items:
            one(connection)

    async with at_work(tmp_path) as (writer, desk, task):
        await writer.call(add)
        await writer.post_item(work, item, otherwise)
        with pytest.raises(raised):
            await writer.flush()
        with pytest.raises(raised):
            await task
        assert desk.seen_by_others() == 0
