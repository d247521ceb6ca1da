"""Waits until the other processes on a file let us write."""

import sqlite3
import time
from collections.abc import Callable

FIRST_PAUSE = (
    0.0005  # seconds; another process writes for some milliseconds, the gap behind it is shorter
)
SHARE = 20  # of what was waited, one part is the next pause: who waits for long looks less often


def begin(
    connection: sqlite3.Connection,
    *,
    within: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 (in a thread of its own)
) -> None:
    """
    Begin a transaction that writes, and wait *within* seconds for those of others. Blocking.

    *connection* does not wait by itself. SQLite would sleep for up to a tenth of a second between two
    looks (sqlite3.c, sqliteDefaultBusyCallback), and a busy process takes the file again meanwhile.

    Raises:
        sqlite3.OperationalError: The others did not end in time, or as BEGIN does.
    """
    began = clock()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            waited = clock() - began
            if not _is_busy(error) or waited >= within:
                raise
        else:
            return
        sleep(max(FIRST_PAUSE, waited / SHARE))


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the rest says why (rescode.html)
