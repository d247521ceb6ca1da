"""Measures what a second process on the same SQLite file brings: new requests a second, beside one process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.intake import CONNECTIONS, new_requests
from benchmarks.load import Load
from benchmarks.programs import program
from benchmarks.sides import Served, Side, Slice


@dataclass
class Together:
    """Sides that work at the same time, and count as one."""

    sides: Sequence[Side]

    async def slice(self, seconds: float) -> Slice:
        slices = await asyncio.gather(*(side.slice(seconds) for side in self.sides))
        return Slice(
            requests=sum(each.requests for each in slices),
            seconds=max(each.seconds for each in slices),
            cpu=sum(each.cpu for each in slices),
            p99=max(each.p99 for each in slices),
        )

    async def where(self, seconds: float) -> dict[str, list[tuple[str, float]]]:
        told = await asyncio.gather(*(side.where(seconds) for side in self.sides))
        return told[0]


def _own(load: Load, half: str) -> Load:
    return replace(load, values=[f"{half}-{value}" for value in load.values])


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    load, shared, own = new_requests(ground), ground.sqlite(), ground.sqlite()
    async with (
        program("house", ground.settings(shared.url)) as first,
        program("house", ground.settings(shared.url)) as second,
        program("house", ground.settings(own.url)) as alone,
    ):
        half = CONNECTIONS // 2
        both = [
            Served(first, ground.gun(_own(load, "a"), first.url, connections=half)),
            Served(second, ground.gun(_own(load, "b"), second.url, connections=half)),
        ]
        yield (
            Together(both),
            Served(alone, ground.gun(load, alone.url, connections=CONNECTIONS)),
        )


BENCHMARK = Benchmark(
    name="two_processes",
    ours="New requests a second, two processes on one SQLite file",
    beside="one process",
    least=1.3,
    open=_open,
    by_rate=True,
)
