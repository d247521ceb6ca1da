"""The two sides of a benchmark: each is measured a slice at a time, in turn."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.load import Gun
from benchmarks.programs import CannotMeasure, Program

SETTLE = 0.3  # seconds after a slice, for what it left to be done; its time counts

Cpu = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Slice:
    """What one side did in its turn. *cpu*: user and system time of its processes and its store."""

    requests: int
    seconds: float
    cpu: float  # seconds
    p99: float  # seconds

    @property
    def cpu_each(self) -> float:
        """Return the seconds of the processor for one request."""
        return self.cpu / self.requests

    @property
    def rate(self) -> float:
        """Return the requests per second."""
        return self.requests / self.seconds


class Side(Protocol):
    """One thing that is measured."""

    async def slice(self, seconds: float) -> Slice:
        """Work for about *seconds*."""
        ...

    async def where(self, seconds: float) -> dict[str, list[tuple[str, float]]]:
        """Work for about *seconds*, and return where the time went."""
        ...


async def _no_store() -> float:
    return 0.0


@dataclass
class Served:
    """A server under load over HTTP; *store_cpu* is what its store's process used so far."""

    program: Program
    gun: Gun
    store_cpu: Cpu = _no_store

    async def slice(self, seconds: float) -> Slice:
        """
        Let the server work for about *seconds*.

        Raises:
            CannotMeasure: It answered nothing at all: the machine does too much else.
        """
        before = await self._cpu()
        fired = await self.gun.fire(seconds)
        await asyncio.sleep(SETTLE)
        cpu = await self._cpu() - before
        if not fired.requests:
            raise CannotMeasure(f"Nothing was answered within {seconds:g} s.")
        return Slice(fired.requests, fired.seconds, cpu, fired.p99)

    async def where(self, seconds: float) -> dict[str, list[tuple[str, float]]]:
        await self.program.ask("sample")
        await self.gun.fire(seconds)
        return await self.program.ask("sample")

    async def _cpu(self) -> float:
        return await self.program.cpu() + await self.store_cpu()


@dataclass
class Worked:
    """A program that is given *per_second* pieces of work for each second of its slice."""

    program: Program
    per_second: int
    callers: int = 1

    async def slice(self, seconds: float) -> Slice:
        await self._prepare(seconds)
        done: dict[str, Any] = await self.program.ask("work", callers=self.callers)
        return Slice(done["requests"], done["seconds"], done["cpu"], done["p99"])

    async def where(self, seconds: float) -> dict[str, list[tuple[str, float]]]:
        await self._prepare(seconds)
        await self.program.ask("sample")
        await self.program.ask("work", callers=self.callers)
        return await self.program.ask("sample")

    async def _prepare(self, seconds: float) -> None:
        await self.program.ask("prepare", count=round(self.per_second * seconds))
