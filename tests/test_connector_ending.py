"""What becomes of a call to Teams while the worker that makes it ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from approvals_core.allowances import Allowances
from approvals_core.ending import Ending
from approvals_core.errors import AnswerLost, ChannelBusy
from bots.teams.connector import Connector
from bots.teams.limits import Pace
from playground import names
from playground.outside import Playground
from tests.clock import Clock
from tests.far_sides import serving
from tests.test_connector import CARD, a_connector


@pytest.fixture
def clock() -> Clock:
    return Clock()


class HeldTeams:
    """A far side that takes each message at once, and answers when it is told to."""

    def __init__(self) -> None:
        self.taken = asyncio.Semaphore(0)
        self.answers = asyncio.Event()
        self.messages = 0

    async def answer(self, _request: web.Request) -> web.Response:
        self.messages += 1
        self.taken.release()
        await self.answers.wait()
        return web.json_response({"id": f"1:{self.messages}"}, status=201)


@pytest.fixture
def held() -> HeldTeams:
    return HeldTeams()


@pytest.fixture
async def teams(held: HeldTeams) -> AsyncIterator[str]:
    async with serving(held.answer) as url:
        yield url
        held.answers.set()


async def in_a_job(ending: Ending, connector: Connector, url: str) -> str:
    with ending.followed():
        return await connector.send(url, "chat", CARD, directory=names.DIRECTORY)


async def test_what_is_on_the_wire_when_a_worker_ends_is_answered(
    playground: Playground, clock: Clock, held: HeldTeams, teams: str
) -> None:
    ending = Ending()
    async with a_connector(playground, clock, teams) as connector:
        sending = asyncio.create_task(in_a_job(ending, connector, teams))
        await held.taken.acquire()

        ending.begin()
        held.answers.set()

        assert await sending == "1:1"


async def test_an_answer_that_comes_after_the_end_of_a_worker_is_lost(
    playground: Playground, clock: Clock, held: HeldTeams, teams: str
) -> None:
    ending = Ending()
    async with a_connector(playground, clock, teams) as connector:
        sending = asyncio.create_task(in_a_job(ending, connector, teams))
        await held.taken.acquire()
        ending.begin()

        ending.over()

        with pytest.raises(AnswerLost, match="ended before the answer"):
            await sending


async def test_a_worker_that_ends_begins_no_call_and_others_do(
    playground: Playground, clock: Clock, held: HeldTeams, teams: str
) -> None:
    ending = Ending()
    ending.begin()
    held.answers.set()
    async with a_connector(playground, clock, teams) as connector:
        with pytest.raises(ChannelBusy, match="ending") as told:
            await in_a_job(ending, connector, teams)
        before = held.messages
        await connector.send(teams, "chat", CARD, directory=names.DIRECTORY)

    assert told.value.retry_after == 0
    assert (before, held.messages) == (0, 1)


async def test_a_call_that_waits_for_its_turn_is_put_off_when_its_worker_ends(
    playground: Playground, clock: Clock, held: HeldTeams, teams: str
) -> None:
    ending, waits = Ending(), asyncio.Event()

    async def for_ever(_seconds: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=for_ever, per_second=1)
    held.answers.set()
    async with a_connector(playground, clock, teams, pace=pace) as connector:
        await in_a_job(ending, connector, teams)
        sending = asyncio.create_task(in_a_job(ending, connector, teams))
        await waits.wait()

        ending.begin()

        with pytest.raises(ChannelBusy, match="ending"):
            await sending
    assert held.messages == 1


async def test_who_breaks_a_call_off_himself_hears_that_and_no_error(
    playground: Playground, clock: Clock, held: HeldTeams, teams: str
) -> None:
    ending = Ending()
    async with a_connector(playground, clock, teams) as connector:
        sending = asyncio.create_task(in_a_job(ending, connector, teams))
        await held.taken.acquire()

        sending.cancel()
        ending.over()

        with pytest.raises(asyncio.CancelledError):
            await sending
