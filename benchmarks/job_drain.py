"""Measures cards that wait in the queue and are sent: on the wire, with Teams' limits raised by settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.benchmark import Benchmark
from benchmarks.building_cards import a_card
from benchmarks.ground import Ground
from benchmarks.programs import program
from benchmarks.sides import Side, Worked

AT_ONCE = 32  # cards, as the worker's places
# For each second of a slice. With those before and after that are not counted, 20,000 cards built
# go out in one benchmark of five rounds, each to another person.
BUILT, READY, BARE = 3_200, 1_600, 6_000
PER_SECOND = 100_000  # calls that a directory takes, in place of Teams' 50


@asynccontextmanager
async def _open(ready: bool, ground: Ground) -> AsyncIterator[tuple[Side, Side]]:  # noqa: FBT001 (by partial)
    card = await a_card(ground)
    async with program("far_side", {}) as far_side:
        own = {
            "template": ground.payload(),
            "ready": ready,
            "bot_service_url": f"{far_side.url}/",
            "teams_per_second": PER_SECOND,
        }
        bare = {
            "far_side": far_side.url,
            "card": card,
            "token": ground.bot_headers()["Authorization"],
        }
        async with (
            program("drain", ground.settings(ground.sqlite().url) | own) as drain,
            program("fan_out", bare) as fan_out,
        ):
            yield Worked(drain, READY if ready else BUILT), Worked(fan_out, BARE, AT_ONCE)


BENCHMARKS = [
    Benchmark(
        name="drain_of_ready_cards",
        ours="One card of the queue sent, its face ready",
        beside="a bare aiohttp client that sends it",
        least=0.6,
        open=partial(_open, True),  # noqa: FBT003
    ),
    Benchmark(
        name="drain",
        ours="One card of the queue built and sent; 20,000 in all",
        beside="a bare aiohttp client that sends one",
        least=0.15,
        open=partial(_open, False),  # noqa: FBT003
    ),
]
