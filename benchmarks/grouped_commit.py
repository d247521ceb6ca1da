"""Measures commits of new requests that share transactions beside one transaction per request through aiosqlite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.programs import program
from benchmarks.sides import Side, Worked

CALLERS = 100
GROUPED, SINGLE = 2000, 500  # commits for each second of a slice


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    given = {"template": ground.payload(), "tenants": str(ground.tenants)}
    async with (
        program("grouped", given | {"path": str(ground.file())}) as grouped,
        program("through_aiosqlite", given | {"path": str(ground.file())}) as single,
    ):
        yield Worked(grouped, GROUPED, CALLERS), Worked(single, SINGLE, CALLERS)


BENCHMARK = Benchmark(
    name="grouped_commit",
    ours=f"One commit of a new request, {CALLERS} callers at once",
    beside="a transaction each through aiosqlite",
    least=4.0,
    open=_open,
)
