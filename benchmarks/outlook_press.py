"""Measures a button pressed in a mail (decision committed, tenant called, answer committed, new card) beside a bare aiohttp handler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from benchmarks.benchmark import Benchmark
from benchmarks.ground import Ground
from benchmarks.outlook_refresh import CONNECTIONS, SHOWN, a_mailed_card, posts, tickets
from benchmarks.programs import program
from benchmarks.sides import Served, Side
from benchmarks.whole_click import DECIDED
from bots.outlook.tickets import Purpose

REQUESTS = 10_000  # each is decided once


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    async with program("house", ground.settings(ground.sqlite().url)) as house:
        pressed = await tickets(ground, house, REQUESTS, Purpose.ACT, "Approve")
        load = posts(ground, Purpose.ACT, pressed, expected=DECIDED, once=True)
        card = await a_mailed_card(house, load)
        load = replace(load, values=load.values[1:])
        fixed = replace(load, expected=SHOWN, once=False)
        async with program("bare_card", {"card": card}) as bare:
            yield (
                Served(house, ground.gun(load, house.url, connections=CONNECTIONS)),
                Served(bare, ground.gun(fixed, bare.url, connections=CONNECTIONS)),
            )


BENCHMARK = Benchmark(
    name="outlook_press",
    ours="A button pressed in a mail: commit, call of the tenant, commit, new card",
    beside="a bare aiohttp handler with a card that is ready",
    least=1 / 160,  # two commits that wait for the disk, and a call of the tenant
    open=_open,
)
