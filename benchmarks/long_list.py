"""Measures the list of a person with 10,000 pending requests beside that of one with ten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.benchmark import Benchmark
from benchmarks.bot_turn import CONNECTIONS
from benchmarks.ground import APPROVERS, Ground
from benchmarks.load import Load
from benchmarks.programs import Program, program
from benchmarks.sides import Served, Side

MANY, FEW = 10_000, 10


def lists(ground: Ground) -> Load:
    """Return a load in which the first approver asks for his list."""
    return Load(
        path="/api/messages",
        headers=ground.bot_headers(),
        body=ground.click({"verb": "pending", "data": {}}),
        expected="REQ-00000000",  # the oldest stands first
    )


async def _filled(ground: Ground, house: Program, count: int) -> Side:
    numbers = [f"{number:08}" for number in range(count)]
    people = ground.people(APPROVERS)
    await house.ask("seed", template=ground.payload(), values=numbers, people=people)
    return Served(house, ground.gun(lists(ground), house.url, connections=CONNECTIONS))


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    async with (
        program("house", ground.settings(ground.sqlite().url)) as full,
        program("house", ground.settings(ground.sqlite().url)) as nearly_empty,
    ):
        yield await _filled(ground, full, MANY), await _filled(ground, nearly_empty, FEW)


BENCHMARK = Benchmark(
    name="long_list",
    ours=f"The list of a person with {MANY:,} pending",
    beside=f"of one with {FEW}",
    least=None,
    open=_open,
)
