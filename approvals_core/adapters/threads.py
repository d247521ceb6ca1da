"""Threads of one far side alone: who hangs in them keeps nobody else waiting."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class OwnThreads:
    """
    Runs what blocks, at most *count* at a time; who comes later waits for his turn.

    asyncio's own threads are few and everybody's: six calls that hang would stop all
    others. These are daemons, so that one that hangs for good does not keep the process.
    """

    def __init__(self, count: int, *, name: str) -> None:
        self._free = asyncio.Semaphore(count)
        self._name = name

    async def run(self, call: Callable[[], T]) -> T:
        """Return what *call* returns, or raise what it raises; it runs on when nobody waits any more."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = call()
                ended = partial(_tell, done, result)
            except Exception as problem:  # noqa: BLE001 (it is raised again where somebody waits)
                ended = partial(_tell_problem, done, problem)
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                loop.call_soon_threadsafe(self._ended, ended)

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError:  # the machine has no more threads
            self._free.release()
            raise
        return await done

    def _ended(self, tell: Callable[[], None]) -> None:
        self._free.release()
        tell()


def _tell(done: "asyncio.Future[T]", result: T) -> None:
    if not done.done():
        done.set_result(result)


def _tell_problem(done: "asyncio.Future[T]", problem: Exception) -> None:
    if not done.done():
        done.set_exception(problem)
