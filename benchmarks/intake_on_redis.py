"""Measures the intake of a new request on Redis beside the same on SQLite, the Redis server's own time included."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.intake import CONNECTIONS, new_requests
from benchmarks.programs import program
from benchmarks.sides import Served, Side


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    load, file = new_requests(ground), ground.sqlite()
    async with (
        ground.redis() as store,
        program("house", ground.settings(store.url)) as on_redis,
        program("house", ground.settings(file.url)) as on_sqlite,
    ):
        yield (
            Served(
                on_redis,
                ground.gun(load, on_redis.url, connections=CONNECTIONS),
                store_cpu=store.cpu,
            ),
            Served(on_sqlite, ground.gun(load, on_sqlite.url, connections=CONNECTIONS)),
        )


BENCHMARK = Benchmark(
    name="intake_on_redis",
    ours="The same intake on Redis",
    beside="on SQLite",
    least=0.7,
    open=_open,
)
