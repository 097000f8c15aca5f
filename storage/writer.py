"""The one writer: whole functions, in order, many to a commit.

A unit of work is a function of the connection; it runs whole on the owning thread inside a savepoint. Units are
committed in groups, because a commit per row costs a third of the speed. Its result is visible to every later
unit at once and durable with the group's commit, at most `GROUP_SECONDS` later or after `flush`. What a crash
takes away is only the knowledge that something was done; every unit can safely be done again.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from storage.database import OwnedConnection
from storage.errors import StorageError
from storage.translation import translate

T = TypeVar("T")
Unit = Callable[[sqlite3.Connection], Any]
Together = Callable[[sqlite3.Connection, Sequence[Any]], None]
Otherwise = Callable[[sqlite3.Connection, Exception], None]
"""What is written in the place of an order that failed by a mistake of its own."""

GROUP_SECONDS = 0.25
GROUP_UNITS = 2_000
BACKLOG = 512
HANDFUL = 64  # orders that nobody waits for are handed to the thread together: each time costs as much as two of them


@dataclass(frozen=True, slots=True)
class _Order:
    """A unit of work and who waits for it; or an item of many that are worked on together; or, neither, to commit."""

    unit: Unit | None = None
    caller: asyncio.Future[Any] | None = None
    together: Together | None = None
    item: Any = None
    otherwise: Otherwise | None = None  # None: with nobody to be told, its mistake ends the run


class Writer:
    """Owns the write connection. Run `run` in a task; it ends by being cancelled, or by raising what broke."""

    def __init__(
        self,
        connection: OwnedConnection,
        path: Path,
        before_commit: Callable[[sqlite3.Connection], None],
        after_commit: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        """Take over `connection`; `before_commit` completes a group and makes the files durable that its rows name."""
        self._connection = connection
        self._path = path
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._orders: asyncio.Queue[_Order] = asyncio.Queue(BACKLOG)
        self._pressing = asyncio.Event()
        self._in_hand: list[_Order] = []
        self._group_ends: asyncio.TimerHandle | None = None  # None: no group has begun
        self._time_is_up = False
        self._units_in_group = 0
        self._broken: BaseException | None = None

    async def call(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Run `unit` and return its result, or raise what it raised, once it has run (not: once it is durable)."""
        result: T = await self._order(unit)
        return result

    async def post(self, unit: Unit, otherwise: Otherwise | None = None) -> None:
        """Hand over `unit` without waiting for it; without `otherwise`, a mistake in it breaks the writer."""
        await self._put(_Order(unit, otherwise=otherwise))

    async def post_item(self, together: Together, item: Any, otherwise: Otherwise) -> None:
        """Hand over an item as `post` does; `together` gets it with those of its like that are next to it, in order.

        After a mistake it gets them once more, one at a time, so that only those that cannot be kept are not.
        """
        await self._put(_Order(together=together, item=item, otherwise=otherwise))

    async def flush(self) -> None:
        """Return when everything handed over before is durable."""
        await self._order(None)

    async def run(self) -> None:
        """Write until cancelled. Raises StorageError when the disk or the file fails, or what a posted unit raised."""
        try:
            while True:
                self._in_hand = await self._next_orders()
                commit = self._commit_is_due()
                outcomes = await self._connection.run(partial(self._apply, orders=self._in_hand, commit=commit))
                for order, (result, error) in zip(self._in_hand, outcomes, strict=True):
                    _settle(order.caller, result, error)
        except Exception as error:
            if not _is_of_disk_or_file(error):
                self._broken = error
                raise
            self._broken = translate(error, self._path)
            raise self._broken from error
        finally:
            self._refuse_the_rest()

    async def _order(self, unit: Unit | None) -> Any:
        caller: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self._put(_Order(unit, caller))
        return await caller

    async def _put(self, order: _Order) -> None:
        self._check()
        await self._orders.put(order)
        self._check()  # while this waited for room, the writer may have ended: nobody would take the order
        if self._group_ends is None:
            self._group_ends = asyncio.get_running_loop().call_later(GROUP_SECONDS, self._end_group)
        if order.caller is not None or self._orders.qsize() >= HANDFUL:
            self._pressing.set()

    def _end_group(self) -> None:
        self._time_is_up = True
        self._pressing.set()

    async def _next_orders(self) -> list[_Order]:
        """Return what has come as soon as somebody waits for it, it is a handful, or the group is to be committed."""
        await self._pressing.wait()
        self._pressing.clear()
        orders: list[_Order] = []
        while len(orders) < BACKLOG and not self._orders.empty():
            orders.append(self._orders.get_nowait())
        return orders

    def _commit_is_due(self) -> bool:
        self._units_in_group += len(self._in_hand)
        flush = any(order.unit is None and order.together is None for order in self._in_hand)
        if not (flush or self._time_is_up or self._units_in_group >= GROUP_UNITS):
            return False
        if self._group_ends is not None:
            self._group_ends.cancel()
            self._group_ends = None
        self._time_is_up = False
        self._units_in_group = 0
        return True

    def _apply(
        self, connection: sqlite3.Connection, orders: list[_Order], commit: bool
    ) -> list[tuple[Any, Exception | None]]:
        """Run orders on the owning thread; returns (result, error) for each."""
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        outcomes: list[tuple[Any, Exception | None]] = []
        for together, alike in groupby(orders, key=lambda order: order.together):
            if together is None:
                outcomes += [_guarded(connection, order) for order in alike]
            else:
                outcomes += _worked_on(connection, together, list(alike))
        if commit:
            self._before_commit(connection)
            connection.execute("COMMIT")
            self._after_commit(connection)
        return outcomes

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _refuse_the_rest(self) -> None:
        cancelled = self._broken is None
        if self._broken is None:
            self._broken = StorageError("the archive is closed: nothing more can be written to it")
        while not self._orders.empty():
            self._in_hand.append(self._orders.get_nowait())
        for order in self._in_hand:
            if order.caller is None or order.caller.done():
                continue
            if cancelled:
                order.caller.cancel()
            else:
                order.caller.set_exception(self._broken)


def _worked_on(
    connection: sqlite3.Connection, together: Together, orders: list[_Order]
) -> list[tuple[Any, Exception | None]]:
    """Work on the items of orders together, or one by one where that fails."""
    _, mistake = _whole_or_not(connection, lambda: together(connection, [order.item for order in orders]))
    if mistake is None:
        return [(None, None)] * len(orders)
    singly = (_Order(_of_one(together, order.item), otherwise=order.otherwise) for order in orders)
    return [_guarded(connection, order) for order in singly]


def _of_one(together: Together, item: Any) -> Unit:
    return lambda connection: together(connection, [item])


def _guarded(connection: sqlite3.Connection, order: _Order) -> tuple[Any, Exception | None]:
    """Run one unit; its own mistakes go to its caller or its `otherwise`, those of the disk or the file to the run."""
    if order.unit is None:
        return None, None
    unit = partial(order.unit, connection)
    if order.caller is None and order.otherwise is None:  # whatever it raises takes the whole group back
        return unit(), None
    result, mistake = _whole_or_not(connection, unit)
    if mistake is not None and order.otherwise is not None:
        order.otherwise(connection, mistake)
        return None, None
    return result, mistake


def _whole_or_not(connection: sqlite3.Connection, work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Do `work` in a savepoint; returns its result, or its mistake once all that it did is taken back."""
    connection.execute("SAVEPOINT unit")
    try:
        result = work()
    except Exception as error:
        if _is_of_disk_or_file(error) or not connection.in_transaction:  # of its own accord, SQLite takes back all
            raise
        connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")
        return None, error
    connection.execute("RELEASE unit")
    return result, None


def _is_of_disk_or_file(error: Exception) -> TypeGuard[sqlite3.Error | OSError]:
    """Say whether an error is the disk's or the file's; what SQLite calls just an error is a statement of ours."""
    if getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR":
        return False
    return isinstance(error, (sqlite3.OperationalError, OSError)) or type(error) is sqlite3.DatabaseError


def _settle(caller: asyncio.Future[Any] | None, result: Any, error: Exception | None) -> None:
    if caller is None or caller.done():
        return
    if error is not None:
        caller.set_exception(error)
    else:
        caller.set_result(result)
