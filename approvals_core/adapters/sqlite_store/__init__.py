"""Approvals in one SQLite file: durable, for one machine, and any number of processes on it."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from approvals_core.adapters.sqlite_store import commits, jobs
from approvals_core.adapters.sqlite_store.budgets import SqliteBudgets
from approvals_core.adapters.sqlite_store.checkpoints import Checkpoints
from approvals_core.adapters.sqlite_store.guard import Guard
from approvals_core.adapters.sqlite_store.holdings import SqliteHoldings
from approvals_core.adapters.sqlite_store.reads import Reads
from approvals_core.adapters.sqlite_store.schema import connect, prepare
from approvals_core.adapters.sqlite_store.writer import Writer
from approvals_core.adapters.stored import check, check_lease, room_left
from approvals_core.errors import StoreRefused
from approvals_core.models import Approval, Change, Lane, Lease, LeasedJob
from approvals_core.ports import Budgets, Holdings, Room, Store

BUSY_TIMEOUT = 5.0  # seconds a write waits for other processes
REWRITE_TIMEOUT = 60.0  # seconds that rewriting the whole file waits for those who use it
READ_TIMEOUT = 0.5  # seconds; a reader waits only while a crashed process' log is recovered


async def open_sqlite(
    path: str | Path, *, busy_timeout: float = BUSY_TIMEOUT, max_pages: int | None = None
) -> Store:
    """
    Open the store in the file *path*, which is made unless it is there.

    *max_pages* of 4 KB bound the file, as a full disk would.

    Raises:
        StoreRefused: A newer program made it.

        StoreUnavailable: It cannot be opened.
    """
    return await asyncio.to_thread(SqliteStore, Path(path), busy_timeout, max_pages)


class SqliteStore(Reads):
    """
    `Store` in one file.

    Reads see what was committed when they are made, and all of a change or nothing.
    """

    def __init__(self, path: Path, busy_timeout: float, max_pages: int | None) -> None:
        prepare(path, busy_timeout=busy_timeout)
        reading, counting = (connect(path, busy_timeout=READ_TIMEOUT) for _ in range(2))
        super().__init__(reading, counting)
        self._checkpoints = Checkpoints(connect(path, busy_timeout=busy_timeout))
        writing = connect(path, busy_timeout=0)
        if max_pages is not None:
            writing.execute(f"PRAGMA max_page_count={max_pages}")
        guard = Guard(path, writing)
        self._writer = Writer(
            writing, guard, busy_timeout=busy_timeout, committed=self._checkpoints.wanted
        )
        self._turns = jobs.Turns()
        self._budgets = SqliteBudgets(path)
        self._holdings = SqliteHoldings(
            reading, self._writer, guard, lambda: connect(path, busy_timeout=REWRITE_TIMEOUT)
        )

    @property
    def holdings(self) -> Holdings:
        return self._holdings

    @property
    def budgets(self) -> Budgets:
        return self._budgets

    async def commit(self, change: Change) -> None:
        check(change)
        size = sum(len(text) for text in change.bodies.values() if text is not None)
        await self._writer.write(lambda connection: commits.apply(connection, change), size=size)

    async def settled(self, approval: Approval) -> None:
        """What can be read is in the log on disk: SQLite shows a commit only after its fsync."""

    async def lease(
        self,
        lanes: Sequence[Lane],
        *,
        limit: int,
        now: datetime,
        until: datetime,
        room: Room | None = None,
    ) -> Sequence[LeasedJob]:
        check_lease(now, until)
        due = await self.next_due(lanes)
        if due is None or due > now:
            return []  # an idle worker takes no write lock
        new = Lease(scope="", job="", token=uuid4().hex, until=until)

        def hand_out(connection: sqlite3.Connection) -> list[LeasedJob]:
            leased: list[LeasedJob] = []
            for lane in sorted(lanes):
                wanted = jobs.Wanted(limit - len(leased), room_left(room, leased))
                leased += self._turns.hand_out(connection, lane, wanted, new, now)
            return leased

        return await self._writer.write(hand_out)

    async def renew(self, lease: Lease, *, until: datetime) -> Lease:
        return await self._writer.write(lambda connection: jobs.renew(connection, lease, until))

    async def finish(self, lease: Lease) -> None:
        await self._writer.write(lambda connection: jobs.finish(connection, lease))

    async def retry(self, lease: Lease, *, due: datetime, failed: bool) -> None:
        await self._writer.write(
            lambda connection: jobs.retry(connection, lease, due, failed=failed)
        )

    async def stamp(self, issuers: Sequence[str]) -> None:
        stamp = json.dumps(sorted(set(issuers)))

        def compare(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO about VALUES ('issuers', ?)", (stamp,))
            (found,) = connection.execute(
                "SELECT value FROM about WHERE name = 'issuers'"
            ).fetchone()
            if found != stamp:
                raise StoreRefused(f"This store holds the words of {found}, not of {stamp}.")

        await self._writer.write(compare)

    async def close(self) -> None:
        self._budgets.close()
        await self._writer.close()
        await self._checkpoints.close()
        await super().close()
