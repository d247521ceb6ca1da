"""Measures one card, built, escaped and serialized, beside the same card as dict literals through json.dumps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.load import PLACE
from benchmarks.programs import program
from benchmarks.sides import Side, Worked

BUILT, LITERAL = 500, 2500  # cards for each second of a slice


def _given(ground: Ground, how: str) -> dict[str, Any]:
    body = ground.payload().replace(PLACE, "1")
    return {"body": body, "tenants": str(ground.tenants), "how": how}


async def a_card(ground: Ground) -> dict[str, Any]:
    """Return the first approver's card of the sample."""
    async with program("cards", _given(ground, "built")) as built:
        return built.ready["card"]


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    async with (
        program("cards", _given(ground, "built")) as built,
        program("cards", _given(ground, "literals")) as literals,
    ):
        yield Worked(built, BUILT), Worked(literals, LITERAL)


BENCHMARK = Benchmark(
    name="building_cards",
    ours="One card built, escaped and serialized",
    beside="the same card as dict literals, serialized",
    least=1 / 5,
    open=_open,
)
