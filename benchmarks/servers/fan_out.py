"""The least that sends cards: one session, kept connections, a card that is ready, no queue and no store."""

import asyncio

import aiohttp
import orjson

from benchmarks.servers.control import obey, settings
from benchmarks.servers.work import Work
from bots.teams.channel import card_activity


async def _run() -> None:
    told = settings()
    body = orjson.dumps(card_activity(told["card"]))
    headers = {"Authorization": told["token"], "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def one(number: int) -> None:
            url = f"{told['far_side']}/v3/conversations/a:{number}/activities"
            async with session.post(url, data=body) as answer:
                answer.raise_for_status()
                await answer.read()

        await obey({}, Work(range, one).orders())


if __name__ == "__main__":
    asyncio.run(_run())
