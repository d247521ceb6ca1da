"""A program that the playground starts and that does not outlive it: the service, or its Redis."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

READY_WITHIN = 60.0  # seconds for a first start on a busy machine
CHECKED_EVERY = 0.1  # seconds
PATIENCE = 15.0  # seconds for a program to end by itself: the service takes up to ten
TAIL = 4096  # bytes of its output that are remembered
LAST_LINES = 12
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class CannotStart(Exception):
    """The message says why, for the person at the terminal."""


class Child:
    """One program; what it prints is printed here too."""

    def __init__(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._folder = folder
        self._tail = bytearray()
        self._process: asyncio.subprocess.Process | None = None
        self._forwarding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        # A session of its own: Ctrl-C reaches the playground alone, which ends its children in order.
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        self._forwarding = asyncio.create_task(self._forward(self._process))

    @property
    def pid(self) -> int:
        """The program's process id, once it is started."""
        assert self._process is not None
        return self._process.pid

    async def ready(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """
        Wait until the program answers.

        Raises:
            CannotStart: It ended, or took too long.
        """
        ended = asyncio.ensure_future(self.ended())
        try:
            async with asyncio.timeout(READY_WITHIN):
                while not ended.done():
                    if await answers():
                        return
                    await asyncio.sleep(CHECKED_EVERY)
        except TimeoutError:
            raise CannotStart(f"The {self.name} did not answer in time.") from None
        finally:
            ended.cancel()
        raise CannotStart(self.last_words(ended.result()))

    async def ended(self) -> int:
        """Wait until the program ends; return its exit code, 128 + n after signal n."""
        assert self._process is not None
        assert self._forwarding is not None
        code = await self._process.wait()
        await asyncio.shield(self._forwarding)  # one who stops waiting does not stop it
        return code if code >= 0 else 128 - code

    async def stop(self) -> None:
        """Ask the program to end, and make it if it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self.ended()

    def last_words(self, code: int) -> str:
        lines = "\n".join(self._tail.decode(errors="replace").splitlines()[-LAST_LINES:])
        return f"The {self.name} ended by itself with exit code {code}. Its last lines:\n{lines}"

    async def _forward(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while chunk := await process.stdout.read(65536):
            self._tail = (self._tail + chunk)[-TAIL:]
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()


def _end_with_parent() -> Callable[[], None] | None:
    """
    Return what makes Linux end the program when we die, however we die; None elsewhere.

    It runs between fork and exec, so everything it needs is looked up before.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # died in between
            os._exit(1)

    return ask_the_kernel
