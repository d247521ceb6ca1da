"""Measures a whole click (decision committed, tenant called, answer committed, new card) beside the stock `CloudAdapter` turn."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.benchmark import Benchmark
from benchmarks.bot_turn import CONNECTIONS, turns
from benchmarks.building_cards import a_card
from benchmarks.ground import APPROVERS, Ground
from benchmarks.load import PLACE, Load
from benchmarks.programs import Program, program
from benchmarks.sides import Served, Side

REQUESTS = 9_000  # that wait for the first approver: each is decided once
DECIDED = "Approved by"  # stands on the card of nothing else


def clicks(ground: Ground, ids: Sequence[str]) -> Load:
    """Return a load in which the first approver approves each of these requests once."""
    pressed = {"verb": "act", "data": {"k": f"{PLACE}.0", "r": 1, "v": 1, "t": 1, "a": "Approve"}}
    return Load(
        path="/api/messages",
        headers=ground.bot_headers(),
        body=ground.click(pressed, {"comment": "Within budget."}),
        expected=DECIDED,
        values=ids,
        once=True,
    )


async def _decisions(ground: Ground, house: Program) -> Load:
    """Fill the house's store, and return a load that approves each request once."""
    numbers = [f"{number:08}" for number in range(REQUESTS)]
    ids = await house.ask(
        "seed", template=ground.payload(), values=numbers, people=ground.people(APPROVERS)
    )
    return clicks(ground, ids)


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    settings, store = ground.settings(), ground.sqlite()
    async with (
        program("house", ground.settings(store.url)) as house,
        program("stock_turn", settings | {"card": await a_card(ground)}) as stock,
    ):
        load = await _decisions(ground, house)
        yield (
            Served(house, ground.gun(load, house.url, connections=CONNECTIONS)),
            Served(stock, ground.gun(turns(ground), stock.url, connections=CONNECTIONS)),
        )


BENCHMARK = Benchmark(
    name="whole_click",
    ours="A whole click: commit, call of the tenant, commit, new card",
    beside="the stock `CloudAdapter` turn",
    least=5.0,
    open=_open,
)
