"""Moves what was committed from the log into the database, in the background."""

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor

log = logging.getLogger(__name__)

EVERY = 0.1  # seconds between two checkpoints while there are commits
LOG_PAGES = 65_536  # 256 MB: passive checkpoints do not keep up, writers have to wait for one


class Checkpoints:
    """
    Checkpoints soon after commits, on its own connection and thread.

    Done by the committing connection instead, the slowest commits took five times
    as long. Nothing depends on a checkpoint but the size of the log: one that fails
    is logged, the next comes with the next commit.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, "sqlite-checkpoint")
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def wanted(self) -> None:
        """Note that something was committed."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End the one under way."""
        loop = asyncio.get_running_loop()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wanted:
            await asyncio.sleep(EVERY)
            self._wanted = False
            await loop.run_in_executor(self._thread, self._checkpoint)

    def _checkpoint(self) -> None:
        try:
            _, pages, _ = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages > LOG_PAGES:
                log.warning("sqlite_log_large", extra={"pages": pages})
                self._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        except sqlite3.Error as error:
            log.warning("sqlite_checkpoint_failed", extra={"error": str(error)})
