"""Measures a decision with its tenant call, through `Approvals.act` behind a plain handler, beside the bare handler."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from benchmarks.benchmark import Benchmark
from benchmarks.filled import REDIS, SQLITE, filled
from benchmarks.ground import APPROVERS, Ground
from benchmarks.intake import new_requests
from benchmarks.load import PLACE, Load
from benchmarks.programs import program
from benchmarks.sides import Served, Side

CONNECTIONS = 8
REQUESTS = 9_000  # of one person; each is decided once
_LEAST = {SQLITE: 0.18, REDIS: 0.10}


@asynccontextmanager
async def _open(kind: str, ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    full = await filled(ground, kind, REQUESTS)
    given = ground.settings(full.store.url) | {"person": ground.people(APPROVERS[:1])[APPROVERS[0]]}
    headers, ids = {"Content-Type": "application/json"}, full.take(REQUESTS)
    load = Load(path="/act", headers=headers, body=f'{{"id":"{PLACE}"}}', values=ids, once=True)
    taken = replace(new_requests(ground), status=202, expected="", once=False)
    async with program("acting", given) as acting, program("bare", {}) as bare:
        gun = ground.gun(load, acting.url, connections=CONNECTIONS)
        yield (
            Served(acting, gun, store_cpu=full.store.cpu),
            Served(bare, ground.gun(taken, bare.url, connections=CONNECTIONS)),
        )


BENCHMARKS = [
    Benchmark(
        name=f"acting_on_{kind.lower()}",
        ours=f"A decision: commit, call of the tenant, commit; {kind}",
        beside="a bare aiohttp and orjson handler",
        least=least,
        open=partial(_open, kind),
    )
    for kind, least in _LEAST.items()
]
