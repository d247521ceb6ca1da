"""Answers over HTTP until asked to end, and then ends in order."""

import asyncio
import errno
import os
import signal
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import FrameType

from aiohttp import hdrs, web

from approvals_core.adapters.code_version import VERSION
from approvals_core.adapters.stores import place_of
from config import Settings


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
            signal.signal(name, end_at_once)

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ask)
    return asked


def end_at_once(number: int, _frame: FrameType | None) -> None:
    """End as the signal *number* ends a process that does nothing about it."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)  # as process 1 of a container the kernel spares us the signal


@asynccontextmanager
async def served(
    app: web.Application, host: str, port: int, *, drain: float, setting: str = "APPROVALS_PORT"
) -> AsyncGenerator[None]:
    """
    Answer calls; at the end take no more, and wait *drain* seconds for those that were taken.

    Raises:
        OSError: Nothing can listen there; the message says so, and names the *setting* of the port.
    """
    app.on_response_prepare.append(_say_nothing_of_us)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as problem:
            raise OSError(_no_port(host, port, setting, problem)) from problem
        yield
    finally:
        await runner.cleanup()


def about(settings: Settings) -> Mapping[str, object]:
    """Return what the log says of this process at its start; no password."""
    return {
        "url": settings.public_url,
        "listens": f"{settings.host}:{settings.port}",
        "role": settings.role.value,
        "store": place_of(settings.store_url),
        "version": VERSION,
    }


def _no_port(host: str, port: int, setting: str, problem: OSError) -> str:
    at = f"{host}:{port}"
    if problem.errno == errno.EADDRINUSE:
        return f"{at} is taken by another process: end it, or set {setting} to another port."
    why = os.strerror(problem.errno) if problem.errno else str(problem)
    return f"Nothing can listen on {at} ({why}): set {setting} and {setting[:-4]}HOST."


async def _say_nothing_of_us(_request: web.BaseRequest, answer: web.StreamResponse) -> None:
    """Leave out which versions we run: it would help nobody but who looks for their holes."""
    answer.headers.pop(hdrs.SERVER, None)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel *task*, and wait until it is over."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
