"""Measures a mail's card that asks how it is now (token, ticket, store, card) beside a bare aiohttp handler."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from approvals_core.models import PersonId
from benchmarks.benchmark import Benchmark
from benchmarks.ground import APPROVERS, Ground
from benchmarks.load import PLACE, Load
from benchmarks.programs import Program, program
from benchmarks.sides import Served, Side
from bots.outlook.tickets import LONGEST_LIFE, Purpose, Ticket, Tickets

CONNECTIONS = 8
REQUESTS = 2_000  # whose mails are opened, again and again
LETTER = "0123456789abcdef0123456789abcdef"
SHOWN = '"AdaptiveCard"'


async def tickets(
    ground: Ground, house: Program, count: int, purpose: Purpose, action: str = ""
) -> Sequence[str]:
    """Fill the house's store with *count* requests; return a ticket of the first approver for each."""
    numbers = [f"{number:08}" for number in range(count)]
    ids = await house.ask(
        "seed", template=ground.payload(), values=numbers, people=ground.people(APPROVERS)
    )
    signer = Tickets([ground.playground.secret_key], lambda: datetime.now(UTC))
    person = ground.person(APPROVERS[0])
    usual = Ticket(
        purpose=purpose,
        public_id="",
        seat=0,
        round=1,
        revision=1,
        attempt=1,
        action=action,
        letter=LETTER,
        person=PersonId(person.directory, person.object_id),
        expires=datetime.now(UTC) + LONGEST_LIFE,
    )
    return [signer.issue(usual._replace(public_id=each)) for each in ids]


def posts(
    ground: Ground,
    purpose: Purpose,
    values: Sequence[str],
    *,
    expected: str = SHOWN,
    once: bool = False,
) -> Load:
    """Return a load of POSTs by the first approver, one for each of the tickets."""
    token = ground.playground.outlook_token(APPROVERS[0])
    return Load(
        path=f"/outlook/{purpose}/{PLACE}",
        headers={"Action-Authorization": f"Bearer {token}", "Content-Type": "text/plain"},
        body="Within budget.",
        expected=expected,
        values=values,
        once=once,
    )


async def a_mailed_card(house: Program, load: Load) -> dict[str, Any]:
    """Return the card that the first of the load's POSTs is answered with."""
    url = house.url + load.path.replace(PLACE, load.values[0])
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(url, data=load.body, headers=load.headers) as answer,
    ):
        return await answer.json()


@asynccontextmanager
async def _open(ground: Ground) -> AsyncIterator[tuple[Side, Side]]:
    async with program("house", ground.settings(ground.sqlite().url)) as house:
        refresh = Purpose.REFRESH
        load = posts(ground, refresh, await tickets(ground, house, REQUESTS, refresh))
        async with program("bare_card", {"card": await a_mailed_card(house, load)}) as bare:
            yield (
                Served(house, ground.gun(load, house.url, connections=CONNECTIONS)),
                Served(bare, ground.gun(load, bare.url, connections=CONNECTIONS)),
            )


BENCHMARK = Benchmark(
    name="outlook_refresh",
    ours="A mail's card that asks how it is: token, ticket, store, new card",
    beside="a bare aiohttp handler with a card that is ready",
    least=1 / 70,
    open=_open,
)
