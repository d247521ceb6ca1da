"""Answers over HTTP until asked to end, and then ends in order."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import FrameType

from aiohttp import web


class Drain:
    """The time to end in: *within* seconds from `begin` on, for all that was taken before."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._until: float | None = None

    @property
    def begun(self) -> bool:
        """Tell whether we are ending: then nobody should send us anything new."""
        return self._until is not None

    def begin(self, *, after: float = 0.0) -> None:
        """Begin to end; the time runs in *after* seconds."""
        self._until = time.monotonic() + after + self._within

    def left(self) -> float:
        """Return how many seconds are left, never less than none; all of them before `begin`."""
        if self._until is None:
            return self._within
        return max(0.0, self._until - time.monotonic())


def asked_to_end() -> asyncio.Event:
    """
    Return what is set by the first SIGTERM or SIGINT. The second one ends the process at once.

    As after a kill, nothing is lost then: the leases of what it did end by themselves.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        asked.set()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
            # Not the default: in a container we are process 1, which the kernel spares that.
            signal.signal(name, _end_at_once)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ask)
    return asked


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)  # as a shell tells it of a process that a signal ended


@asynccontextmanager
async def served(
    app: web.Application, host: str, port: int, *, drain: float
) -> AsyncGenerator[None]:
    """Answer calls; at the end take no more, and wait *drain* seconds for those that were taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


async def end(task: asyncio.Task[None]) -> None:
    """Cancel *task*, and wait until it is over."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
