"""
The lives of requests, and the world in which they are led.

A life: a tenant posts CREATE for three approvers; each gets his card; the first one approves on
it; the tenant is told, and all three cards say so; the tenant posts UPDATE, and the two who are
left are asked again on their cards; it posts DELETE, and every card is closed.
"""

import asyncio
import json
from typing import Any

import aiohttp

from benchmarks.servers.control import serve, settings
from benchmarks.servers.world import APPROVERS, Companies, Document, Lost, World
from playground.activities import activity, card_action

OFFERED, APPROVED = b'"a":"Approve"', b"Approved by"


class Lives:
    """Lets requests live against the service at *url*, so many at the same time."""

    def __init__(self, world: World, companies: Companies, told: dict[str, Any]) -> None:
        self._world = world
        self._companies = companies
        self._told = told
        self._url = ""
        self._began = 0

    async def live(self, *, url: str, count: int, at_once: int) -> dict[str, Any]:
        """
        Return what was lost or doubled of so many lives, and the calls by kind.

        Also the most calls to Teams so far: within a second to one directory, within thirty to
        one person.
        """
        self._url, before = url, self._world.calls.copy()
        numbers = iter(range(self._began, self._began + count))
        self._began += count
        lost: list[str] = []
        async with aiohttp.ClientSession() as session:

            async def one_after_the_other() -> None:
                for number in numbers:
                    try:
                        await self._life(session, number)
                    except Lost as problem:
                        lost.append(str(problem))

            await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
        return {
            "lost": lost,
            "calls": dict(self._world.calls - before),
            "busiest": {"directory": self._world.directory.most, "person": self._world.person.most},
        }

    async def _life(self, session: aiohttp.ClientSession, number: int) -> None:
        document = Document(number, self._companies.approvers(number))
        self._world.documents[document.name] = document
        await self._post(session, document, "create")
        await document.until("shown", lambda cards: all(OFFERED in card for card in cards))
        await self._click(session, document)
        await document.until("decided", lambda cards: all(APPROVED in card for card in cards))
        await self._post(session, document, "update")
        await document.until("asked again", lambda cards: all(OFFERED in c for c in cards[1:]))
        await self._post(session, document, "delete")
        await document.until("closed", lambda cards: not any(OFFERED in card for card in cards))
        if len(document.decisions) != 1 or len(document.cards) != APPROVERS:
            told, cards = len(document.decisions), len(document.cards)
            raise Lost(f"{document.name}: told {told} times, {cards} cards")

    async def _post(self, session: aiohttp.ClientSession, document: Document, what: str) -> None:
        # A tenant for each company: id, and the headers with which it posts.
        tenant, headers = self._told["tenants"][document.people[0].directory]
        body: str = self._told[what].replace("@@", document.name).replace("@tenant@", tenant)
        for seat, person in enumerate(document.people):
            body = body.replace(f"@{seat}@", person.alias)
        url, params = f"{self._url}/api/v1/PayloadReceiver", {"TenantId": tenant}
        async with session.post(url, params=params, data=body.encode(), headers=headers) as answer:
            said = await answer.text()
            if answer.status != 200 or '"applied"' not in said:  # noqa: PLR2004 (HTTP)
                raise Lost(f"{document.name}: {what}: {answer.status} {said[:200]}")

    async def _click(self, session: aiohttp.ClientSession, document: Document) -> None:
        person, card = document.people[0], json.loads(document.shown()[0])
        action = _offered(card["attachments"][0]["content"])
        sent = activity(
            person,
            service_url=self._told["service_url"],
            type="invoke",
            name="adaptiveCard/action",
            value=card_action(action, {"comment": "Within budget."}, trigger="manual"),
            replyToId="1700000000000",
        )
        url, headers = f"{self._url}/api/messages", self._told["bot_headers"]
        async with session.post(url, json=sent, headers=headers) as answer:
            said = await answer.text()
            if answer.status != 200 or "AdaptiveCard" not in said:  # noqa: PLR2004 (HTTP)
                raise Lost(f"{document.name}: click: {answer.status} {said[:200]}")


def _offered(piece: Any) -> dict[str, Any]:
    """Return the button that approves, wherever in the card it is."""
    waiting = [piece]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            data = one.get("data")
            if one.get("type") == "Action.Execute" and data and data.get("a") == "Approve":
                return one
            waiting += one.values()
    raise Lost("A card offers nothing.")


async def _run() -> None:
    told = settings()
    companies = Companies(told["directories"])
    world = World(companies)
    lives = Lives(world, companies, told)

    async def meet(**more: Any) -> None:
        told.update(more)

    await serve(world.application(), {"meet": meet, "live": lives.live})


if __name__ == "__main__":
    asyncio.run(_run())
