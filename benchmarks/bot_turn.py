"""Measures the bare bot turn (signed token, turn, a fixed card back) beside the stock `CloudAdapter` turn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.benchmark import Benchmark
from benchmarks.building_cards import a_card
from benchmarks.ground import Ground
from benchmarks.load import Load
from benchmarks.programs import program
from benchmarks.sides import Served, Side

CONNECTIONS = 8


def turns(ground: Ground) -> Load:
    """Return a load of clicks that are answered with a fixed card."""
    return Load(
        path="/api/messages",
        headers=ground.bot_headers(),
        body=ground.click({"verb": "act", "data": {"k": "pr-x.0", "a": "Approve"}}),
        expected="AdaptiveCard",
    )


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    load, given = turns(ground), ground.settings() | {"card": await a_card(ground)}
    async with program("lean_turn", given) as lean, program("stock_turn", given) as stock:
        yield (
            Served(lean, ground.gun(load, lean.url, connections=CONNECTIONS)),
            Served(stock, ground.gun(load, stock.url, connections=CONNECTIONS)),
        )


BENCHMARK = Benchmark(
    name="bot_turn",
    ours="A bot turn: signed token, turn, a fixed card back",
    beside="the stock `CloudAdapter` turn",
    least=12.0,
    open=_open,
)
