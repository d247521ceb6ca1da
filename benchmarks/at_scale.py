"""Measures what a full store costs: intake, click, refresh and list beside the same where little or nothing else waits."""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

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
REFRESHED = 2_000  # requests whose cards ask, again and again


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


class What(NamedTuple):
    """What is measured on a store. *alone*: the requests without which it cannot be."""

    name: str
    load: Callable[[Ground, Filled], Load]
    connections: int
    alone: int


# In this order: what is decided stands in no list any more.
WHAT: Mapping[str, What] = {
    "list": What(f"The list of a person with {MANY:,} pending", _list, OF_TEAMS, MANY),
    "refresh": What("A card in Teams that asks how it is", _refresh, OF_TEAMS, REFRESHED),
    "click": What("A whole click", _click, OF_TEAMS, DECIDED),
    "intake": What("A new request taken in", _intake, OF_TENANTS, 0),
}


@asynccontextmanager
async def _side(ground: Ground, what: str, on: Filled) -> AsyncIterator[Side]:
    async with program("house", ground.settings(on.store.url)) as house:
        load = WHAT[what].load(ground, on)
        gun = ground.gun(load, house.url, connections=WHAT[what].connections)
        yield Served(house, gun, store_cpu=on.store.cpu)


@asynccontextmanager
async def _open(
    what: str, kind: str, pending: int, fewer: int, ground: Ground
) -> AsyncIterator[tuple[Side, Side]]:
    less, full = await filled(ground, kind, fewer), await filled(ground, kind, pending)
    async with _side(ground, what, full) as ours, _side(ground, what, less) as beside:
        yield ours, beside


def _said(what: str, fewer: int) -> str:
    if fewer != WHAT[what].alone:
        return f"{fewer:,} pending in all"
    return f"these {fewer:,} alone" if fewer else "an empty store"


def _benchmark(
    what: str, kind: str, pending: int, fewer: int, least: float | None = None
) -> Benchmark:
    return Benchmark(
        name=f"{what}_at_{pending}_on_{kind.lower()}",
        ours=f"{WHAT[what].name}: {kind}, {pending:,} pending in all",
        beside=_said(what, fewer),
        least=least,
        open=partial(_open, what, kind, pending, fewer),
        seconds=2.0 if pending == LARGE else 1.0,
    )


BENCHMARKS = [
    _benchmark(what, kind, USUAL, WHAT[what].alone) for kind in (SQLITE, REDIS) for what in WHAT
]

_GOALS = {"list": 1 / 5, "intake": 0.6}
_BESIDE = {"list": USUAL, "refresh": USUAL, "click": USUAL, "intake": SMALL}


def large(kind: str) -> Sequence[Benchmark]:
    """Return what is measured with a million pending on this store."""
    return [_benchmark(what, kind, LARGE, _BESIDE[what], _GOALS.get(what)) for what in WHAT]
