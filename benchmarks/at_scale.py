"""Measures what a full store costs: intake, click, refresh and list beside the same on a store with fewer requests."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from benchmarks.benchmark import Benchmark
from benchmarks.bot_turn import CONNECTIONS as OF_TEAMS
from benchmarks.filled import LARGE, MANY, REDIS, SMALL, SQLITE, USUAL, Filled, filled
from benchmarks.ground import Ground
from benchmarks.intake import CONNECTIONS as OF_TENANTS
from benchmarks.intake import new_requests
from benchmarks.load import PLACE, Load
from benchmarks.long_list import lists
from benchmarks.programs import program
from benchmarks.sides import Served, Side
from benchmarks.whole_click import clicks

DECIDED = 4_500  # requests, more than are decided in one benchmark
REFRESHED = 2_000  # cards, again and again


def _intake(ground: Ground, _on: Filled) -> Load:
    load, own = new_requests(ground), secrets.token_hex(4)  # another benchmark took others here
    return replace(load, values=[f"{own}-{value}" for value in load.values])


def _click(ground: Ground, on: Filled) -> Load:
    return clicks(ground, on.take(DECIDED))


def _refresh(ground: Ground, on: Filled) -> Load:
    return Load(
        path="/api/messages",
        headers=ground.bot_headers(),
        body=ground.click({"verb": "refresh", "data": {"k": f"{PLACE}.0"}}),
        expected="Title of the request",
        values=on.ids[:REFRESHED],
    )


def _list(ground: Ground, _on: Filled) -> Load:
    return lists(ground)


# In this order: what is decided stands in no list any more.
WHAT: Mapping[str, tuple[str, Callable[[Ground, Filled], Load], int]] = {
    "list": (f"The list of a person with {MANY:,} pending", _list, OF_TEAMS),
    "refresh": ("A card in Teams that asks how it is", _refresh, OF_TEAMS),
    "click": ("A whole click", _click, OF_TEAMS),
    "intake": ("A new request taken in", _intake, OF_TENANTS),
}


@asynccontextmanager
async def _side(ground: Ground, what: str, on: Filled) -> AsyncIterator[Side]:
    _, load, connections = WHAT[what]
    async with program("house", ground.settings(on.store.url)) as house:
        gun = ground.gun(load(ground, on), house.url, connections=connections)
        yield Served(house, gun, store_cpu=on.store.cpu)


@asynccontextmanager
async def _open(
    what: str, kind: str, pending: int, fewer: int, ground: Ground
) -> AsyncIterator[tuple[Side, Side]]:
    less, full = await filled(ground, kind, fewer), await filled(ground, kind, pending)
    async with _side(ground, what, full) as ours, _side(ground, what, less) as beside:
        yield ours, beside


def _benchmark(
    what: str, kind: str, pending: int, fewer: int, least: float | None = None
) -> Benchmark:
    return Benchmark(
        name=f"{what}_at_{pending}_on_{kind.lower()}",
        ours=f"{WHAT[what][0]}: {kind}, {pending:,} pending in all",
        beside=f"{fewer:,} pending in all",
        least=least,
        open=partial(_open, what, kind, pending, fewer),
        seconds=1.0,
    )


BENCHMARKS = [_benchmark(what, kind, USUAL, SMALL) for kind in (SQLITE, REDIS) for what in WHAT]

_GOALS = {"list": 1 / 5, "intake": 0.6}
_BESIDE = {"list": USUAL, "refresh": USUAL, "click": USUAL, "intake": SMALL}
LARGE_BENCHMARKS = [
    _benchmark(what, kind, LARGE, _BESIDE[what], _GOALS.get(what))
    for kind in (SQLITE, REDIS)
    for what in WHAT
]
