"""Work that is measured without HTTP: so many pieces, by so many callers at once, with a clock beside it."""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from benchmarks.servers.control import Order

Piece = TypeVar("Piece")


class Work(Generic[Piece]):
    """Pieces that *make* makes ahead, so many at a time, and *do* does while the clock runs."""

    def __init__(
        self, make: Callable[[int], Sequence[Piece]], do: Callable[[Piece], Awaitable[object]]
    ) -> None:
        self._make = make
        self._do = do
        self._pieces: Sequence[Piece] = ()

    def orders(self) -> dict[str, Order]:
        """Return what the runner may ask for."""
        return {"prepare": self._prepare, "work": self._work}

    async def _prepare(self, *, count: int) -> None:
        self._pieces = self._make(count)

    async def _work(self, *, callers: int) -> dict[str, Any]:
        """
        Do all pieces, *callers* at a time.

        Returns how many they were, the seconds that they took, those of the processor
        (user and system, all threads), and the 99th percentile of one piece in seconds.
        """
        left, took = iter(self._pieces), list[float]()
        began, cpu = time.perf_counter(), used_cpu()
        await asyncio.gather(*(_caller(left, self._do, took) for _each in range(callers)))
        return {
            "requests": len(took),
            "seconds": time.perf_counter() - began,
            "cpu": used_cpu() - cpu,
            "p99": sorted(took)[len(took) * 99 // 100],
        }


async def _caller(
    left: Iterator[Piece], do: Callable[[Piece], Awaitable[object]], took: list[float]
) -> None:
    for piece in left:
        began = time.perf_counter()
        await do(piece)
        took.append(time.perf_counter() - began)


def used_cpu() -> float:
    """Return the seconds of user and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
