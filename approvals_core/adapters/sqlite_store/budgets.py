"""Budgets in a file of their own beside the store's: counted by all processes, at the cost of no fsync."""

import os
import sqlite3
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from approvals_core.adapters.stored import micros
from approvals_core.allowances.log import SECOND, TakenLog
from approvals_core.errors import StoreUnavailable
from approvals_core.ports.budgets import LONGEST_HOLD, Grant, Windows

BESIDE = "-budgets"  # behind the name of the store's file
BUSY_TIMEOUT = 0.25  # seconds the loop stands still at most; another process needs some 30 us
SWEEP = 1000  # calls between two looks for what matters no more
# Nothing matters for longer than this: what seems to is from before the machine began anew.
LONGEST = 2 * round(LONGEST_HOLD) * SECOND
SPOILT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Result = TypeVar("Result")

# An integer of 8 bytes each: until when it is held, then time and permits of each entry.
_TABLE = """
CREATE TABLE IF NOT EXISTS budgets (
    bucket TEXT PRIMARY KEY, ends INTEGER NOT NULL, log BLOB NOT NULL
) WITHOUT ROWID
"""


class SqliteBudgets:
    """
    The `Budgets` of one machine, by its clock that nobody can set.

    In the store's own file each of them would wait behind somebody's commit, for the disk.
    This file is made when it is needed first; what goes with it was an hour old at most.
    A call takes some 30 us, on the loop's thread.
    """

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(store.name + BESIDE)
        self._connection: sqlite3.Connection | None = None
        self._calls = 0
        self._closed = False

    async def take(
        self,
        bucket: str,
        windows: Windows,
        *,
        most: int = 1,
        lasting: float = 0.0,
        now: datetime | None = None,
    ) -> Grant:
        def taken(connection: sqlite3.Connection) -> Grant:
            moment, log = _moment(now), _read(connection, bucket)
            granted = log.take(windows, most=most, lasting=round(lasting * SECOND), now=moment)
            if log.changed:
                _write(connection, bucket, log, log.last(windows))
            self._sweep(connection, moment)
            return granted

        return self._transact(taken)

    async def hold(self, bucket: str, seconds: float, *, now: datetime | None = None) -> None:
        def held(connection: sqlite3.Connection) -> None:
            moment, log = _moment(now), _read(connection, bucket)
            log.hold(seconds, moment)
            _write(connection, bucket, log, moment + LONGEST)

        self._transact(held)

    def close(self) -> None:
        """Let go of the file."""
        self._closed = True
        self._let_go()

    def _transact(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._closed:
            raise StoreUnavailable("The store is closed.")
        try:
            connection = self._connection = self._connection or _opened(self._path)
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection)
            connection.execute("COMMIT")
        except (OSError, sqlite3.Error, ValueError) as error:
            self._let_go()  # and what was begun goes with it
            if isinstance(error, ValueError) or getattr(error, "sqlite_errorcode", 0) in SPOILT:
                _remove(self._path)
            raise StoreUnavailable(f"{self._path}: {error}") from error
        return result

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sweep(self, connection: sqlite3.Connection, now: int) -> None:
        self._calls += 1
        if self._calls % SWEEP == 1:
            stale = (now, now + LONGEST)
            connection.execute("DELETE FROM budgets WHERE ends < ? OR ends > ?", stale)


def _remove(path: Path) -> None:
    """Begin anew, for want of what the power failure spoilt."""
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with suppress(OSError):
            name.unlink()


def _opened(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        # A killed process spoils nothing; a power failure may, and then it begins anew.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _moment(now: datetime | None) -> int:
    # Asked for within the transaction: times in the log then never run against its order.
    return time.monotonic_ns() // 1000 if now is None else micros(now)


def _read(connection: sqlite3.Connection, bucket: str) -> TakenLog:
    row = connection.execute("SELECT log FROM budgets WHERE bucket = ?", (bucket,)).fetchone()
    if row is None:
        return TakenLog()
    held, *rest = array("q", row[0])
    return TakenLog(held, zip(rest[::2], rest[1::2], strict=True))


def _write(connection: sqlite3.Connection, bucket: str, log: TakenLog, ends: int) -> None:
    numbers = array("q", [log.held_until, *(each for entry in log.entries for each in entry)])
    connection.execute(
        "INSERT OR REPLACE INTO budgets VALUES (?, ?, ?)", (bucket, ends, numbers.tobytes())
    )
