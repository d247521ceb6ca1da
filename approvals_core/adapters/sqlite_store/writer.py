"""The one write connection of a process: concurrent writes become one transaction, one fsync."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from approvals_core.adapters.batches import Asked, Batches
from approvals_core.adapters.sqlite_store.guard import Guard
from approvals_core.adapters.sqlite_store.waiting import begin
from approvals_core.errors import StoreClosed, StoreUnavailable

log = logging.getLogger(__name__)

BATCH = 64  # writes in one transaction; the loop stands still for about 60 us each

# By SQLite's own words (sqlite3_errstr), what an operator can do.
_HINTS = {
    "database or disk is full": ": make room on the disk of the file",
    "disk I/O error": ": look whether its disk is full or failing",
    "attempt to write a readonly database": ": whoever runs us must be able to write the file and its folder",
}

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Any]


class _Write(NamedTuple):
    work: Work
    but: Collection[str]


Outcome = tuple[Asked[_Write, Any], Any, Exception | None]


class _GivenUp(Exception):
    """SQLite rolled the whole transaction back, as it does when the disk is full."""

    def __init__(self, error: sqlite3.Error) -> None:
        super().__init__(str(error))
        self.error = error


class Writer:
    """
    Runs writes in batches, each in a savepoint of its own, and tells them after COMMIT.

    Statements run on the loop: in a thread they would fight it for the interpreter
    at each one. BEGIN, which waits for other processes, and COMMIT, which waits for
    the disk, run in a thread. Two write connections in one process would
    lock each other out, so there is one.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        guard: Guard,
        *,
        busy_timeout: float,
        committed: Callable[[], None],
    ) -> None:
        """*connection* does not wait for other processes by itself; we do, for *busy_timeout* seconds."""
        self._connection = connection
        self._guard = guard
        self._busy_timeout = busy_timeout
        self._committed = committed
        self._thread = ThreadPoolExecutor(1, "sqlite-commit")
        self._batches: Batches[_Write, Any] = Batches(self._transact, most=BATCH)

    async def write(
        self,
        work: Callable[[sqlite3.Connection], Result],
        *,
        but: Collection[str] = (),
        size: int = 0,
    ) -> Result:
        """
        Run *work* in a transaction; what it returns or raises is told once that is durable.

        *size* is about how many bytes it writes.

        Raises:
            StoreClosed: The store may not be written to; what is marked as *but* says is no reason.

            StoreUnavailable: Nobody knows whether it was done.
        """
        return await self._batches.ask(_Write(work, but), size=size)

    async def close(self) -> None:
        """End what is under way and close the connection."""
        await self._batches.close()
        await self._in_thread(self._connection.close)
        self._thread.shutdown()

    async def _transact(self, batch: Sequence[Asked[_Write, Any]]) -> None:
        try:
            await self._in_thread(self._begin)
            closed: dict[Collection[str], str] = {}
            outcomes = [self._attempt(asked, closed) for asked in batch]
            await self._in_thread(self._commit)
        except _GivenUp as given_up:
            await self._one_by_one(batch, given_up.error)
        except StoreUnavailable as closed_or_gone:
            await self._refuse(batch, closed_or_gone)
        except sqlite3.Error as error:
            await self._refuse(batch, _unavailable(error))
        else:
            for outcome in outcomes:
                _tell(*outcome)
            self._committed()

    def _attempt(self, asked: Asked[_Write, Any], closed: dict[Collection[str], str]) -> Outcome:
        """Do one write, unless the store is *closed*: why it is, as far as this batch has asked."""
        work, but = asked.request
        if but not in closed:
            closed[but] = self._guard.why_closed(self._connection, but=but)
        if closed[but]:
            return asked, None, StoreClosed(closed[but])
        if but:
            closed.clear()  # it may be a mark
        self._connection.execute("SAVEPOINT item")
        try:
            result = work(self._connection)
        except Exception as error:  # whatever it is, it is told to its caller
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise _GivenUp(error) from error
            self._connection.execute("ROLLBACK TO item")
            self._connection.execute("RELEASE item")
            return asked, None, error
        self._connection.execute("RELEASE item")
        return asked, result, None

    async def _one_by_one(self, batch: Sequence[Asked[_Write, Any]], error: sqlite3.Error) -> None:
        """Find out which of *batch* was to blame; nothing of it was written."""
        if len(batch) == 1:
            await self._refuse(batch, _unavailable(error))
            return
        for asked in batch:
            await self._transact([asked])

    async def _refuse(self, batch: Sequence[Asked[_Write, Any]], problem: StoreUnavailable) -> None:
        log.warning("sqlite_failed", extra={"error": str(problem), "writes": len(batch)})
        await self._in_thread(self._roll_back)
        for asked in batch:
            asked.fail(
                type(problem)(*problem.args)
            )  # one each: its trace grows with each who raises it

    def _begin(self) -> None:
        self._roll_back()  # what a loop that was ended in the middle left behind
        self._guard.check_file()
        begin(self._connection, within=self._busy_timeout)

    def _commit(self) -> None:
        self._connection.execute("COMMIT")
        self._guard.check_file(logged=True)  # who deleted it meanwhile has what was written, too

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _in_thread(self, function: Callable[[], None]) -> Awaitable[None]:
        return asyncio.get_running_loop().run_in_executor(self._thread, function)


def _tell(asked: Asked[_Write, Any], result: object, error: Exception | None) -> None:
    if error is None:
        asked.tell(result)
    elif isinstance(error, sqlite3.Error):
        asked.fail(_unavailable(error))
    else:
        asked.fail(error)


def _unavailable(error: sqlite3.Error) -> StoreUnavailable:
    unavailable = StoreUnavailable(f"SQLite: {error}{_HINTS.get(str(error), '')}")
    unavailable.__cause__ = error
    return unavailable
