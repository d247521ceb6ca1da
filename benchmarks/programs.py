"""A program that is measured, in a process of its own that ends with us."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINE = 1 << 26  # bytes of the longest answer
PATIENCE = 20.0  # seconds for a program to end by itself


class CannotMeasure(Exception):
    """A program failed, or answered something else than it should. The message says which."""


class Program:
    """One of `benchmarks.servers`, told what to do over its standard input."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        self._process = process

    async def ask(self, order: str, **given: Any) -> Any:
        """Carry out an order (see `benchmarks.servers.control`) and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, **given}).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.hear()

    async def hear(self) -> Any:
        """Return the next line that the program says."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise CannotMeasure(f"{self.name} ended by itself; see above.")
        return json.loads(line)

    @property
    def url(self) -> str:
        """Return where a program that serves HTTP listens."""
        return f"http://127.0.0.1:{self.ready['port']}"

    async def cpu(self) -> float:
        """Return the seconds of user and system time that it has used so far."""
        return await self.ask("cpu")


@asynccontextmanager
async def program(name: str, settings: Mapping[str, Any]) -> AsyncIterator[Program]:
    """Start `benchmarks.servers.{name}`, wait until it is ready, and end it afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"benchmarks.servers.{name}", json.dumps(settings)),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
        limit=LINE,
        start_new_session=True,  # Ctrl-C reaches us alone; it ends when its input does
    )
    started = Program(name, process)
    try:
        started.ready = await started.hear()
        yield started
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
