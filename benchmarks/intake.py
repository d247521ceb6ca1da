"""Measures the intake of a new request, with every check and a durable commit, beside a bare aiohttp and orjson handler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.load import Load
from benchmarks.programs import program
from benchmarks.sides import Served, Side
from playground import names

CONNECTIONS = 64
DOCUMENTS = 200_000  # more than are taken in one run


def new_requests(ground: Ground) -> Load:
    """Return a load in which every payload is a new document."""
    return Load(
        path=f"/api/v1/PayloadReceiver?TenantId={names.DOCUMENT_TYPE}",
        headers=ground.tenant_headers(),
        body=ground.payload(),
        expected="applied",
        values=[f"{number:08}" for number in range(DOCUMENTS)],
        once=True,
    )


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    load, store = new_requests(ground), ground.sqlite()
    taken = replace(load, status=202, expected="", once=False)  # it keeps none
    async with program("house", ground.settings(store.url)) as house, program("bare", {}) as bare:
        yield (
            Served(house, ground.gun(load, house.url, connections=CONNECTIONS)),
            Served(bare, ground.gun(taken, bare.url, connections=CONNECTIONS)),
        )


BENCHMARK = Benchmark(
    name="intake",
    ours="A new request taken in: every check, durable commit",
    beside="a bare aiohttp and orjson handler",
    least=0.25,
    open=_open,
)
