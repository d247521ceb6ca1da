"""
The world around a service under load: Graph, the Bot Connector and the tenants' APIs, and the lives of requests.

A life: a tenant posts CREATE for three approvers; each gets his card; the first one approves on
it; the tenant is told, and all three cards say so; the tenant posts UPDATE, and the two who are
left are asked again on their cards; it posts DELETE, and every card is closed.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.servers.control import serve, settings
from playground import answers
from playground.activities import activity, card_action
from playground.people import Person

PATIENCE = 120.0  # seconds for what the service does by itself; on a busy machine it takes a while
NUMBER = re.compile(rb"R\d{8}")
OFFERED, APPROVED = b'"a":"Approve"', b"Approved by"
PEOPLE = 3_000  # so that nobody gets more than the limits of his conversation allow
APPROVERS = 3


class Lost(Exception):
    """A request's life did not go on as it should. The message says where."""


def somebody(number: int) -> Person:
    """Return the person of this number, as the directory knows him."""
    alias = f"u{number % PEOPLE:05}"
    return Person(
        alias=alias,
        name=f"Person {alias}",
        user_principal_name=f"{alias}@organization.com",
        mail_nickname=alias,
    )


class Document:
    """One request as its three approvers and its tenant see it."""

    def __init__(self, number: int) -> None:
        self.name = f"R{number:08}"
        self.people = [somebody(APPROVERS * number + seat) for seat in range(APPROVERS)]
        self.cards: dict[str, bytes] = {}  # by message, as last shown
        self.decisions: list[str] = []  # by their ids
        self._changed = asyncio.Event()

    def show(self, message: str, card: bytes) -> None:
        """Note what the card of this message shows by now."""
        self.cards[message] = card
        self._changed.set()

    async def until(self, step: str, seen: Callable[[list[bytes]], bool]) -> None:
        """Wait until the three cards are as *seen* wants them; raise Lost if that takes too long."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self.cards) < APPROVERS or not seen(self.shown()):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as late:
            raise Lost(f"{self.name}: {step}: {len(self.cards)} cards") from late

    def shown(self) -> list[bytes]:
        """Return what each approver sees, in their order."""
        return [
            card
            for person in self.people
            for message, card in self.cards.items()
            if message.startswith(person.conversation)
        ]


class World:
    """Answers the service's calls, and keeps what it is told."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.calls: Counter[str] = Counter()
        self._people = {p.user_principal_name: p for p in map(somebody, range(PEOPLE))}
        self._conversations = {p.object_id: p.conversation for p in self._people.values()}

    def application(self) -> web.Application:
        """Return the routes of all far sides."""
        app = web.Application()
        here = "/connector/v3/conversations"
        app.router.add_get("/graph/v1.0/users/{name}", self._person)
        app.router.add_post(here, self._converse)
        app.router.add_post(here + "/{conversation}/activities", self._send)
        app.router.add_put(here + "/{conversation}/activities/{message}", self._update)
        app.router.add_post("/tenant/actions", self._decide)
        return app

    async def _person(self, request: web.Request) -> web.Response:
        self.calls["people looked up"] += 1
        person = self._people[request.match_info["name"]]
        return web.json_response(
            {
                "id": person.object_id,
                "displayName": person.name,
                "userPrincipalName": person.user_principal_name,
                "mailNickname": person.mail_nickname,
                "accountEnabled": True,
                "userType": "Member",
            }
        )

    async def _converse(self, request: web.Request) -> web.Response:
        self.calls["conversations"] += 1
        wanted = (await request.json())["members"][0]["id"]
        return web.json_response({"id": self._conversations[wanted]}, status=201)

    async def _send(self, request: web.Request) -> web.Response:
        self.calls["cards sent"] += 1
        message = f"{request.match_info['conversation']}|{self.calls['cards sent']}"
        self._show(message, await request.read())
        return web.json_response({"id": message}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        self.calls["cards updated"] += 1
        message = request.match_info["message"]
        self._show(message, await request.read())
        return web.json_response({"id": message})

    def _show(self, message: str, card: bytes) -> None:
        number = NUMBER.search(card)
        if number is not None:
            self.documents[number[0].decode()].show(message, card)

    async def _decide(self, request: web.Request) -> web.Response:
        self.calls["decisions"] += 1
        asked = await request.json()
        document = self.documents[asked["ApprovalIdentifier"]["DocumentNumber"]]
        document.decisions.append(request.headers["Idempotency-Key"])
        return web.json_response(answers.done(asked))


class Lives:
    """Lets requests live against the service at *url*, so many at the same time."""

    def __init__(self, world: World, told: dict[str, Any]) -> None:
        self._world = world
        self._told = told
        self._url = ""
        self._began = 0

    async def live(self, *, url: str, count: int, at_once: int) -> dict[str, Any]:
        """Return how many lives there were, what was lost or doubled of them, and the calls by kind."""
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
        return {"lives": count, "lost": lost, "calls": dict(self._world.calls - before)}

    async def _life(self, session: aiohttp.ClientSession, number: int) -> None:
        document = self._world.documents[f"R{number:08}"] = Document(number)
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
        tenants: list[str] = self._told["tenants"]
        tenant = tenants[int(document.name[1:]) % len(tenants)]
        body: str = self._told[what].replace("@@", document.name).replace("@tenant@", tenant)
        for seat, person in enumerate(document.people):
            body = body.replace(f"@{seat}@", person.alias)
        url, headers = f"{self._url}/api/v1/PayloadReceiver", self._told["tenant_headers"]
        async with session.post(
            url, params={"TenantId": tenant}, data=body.encode(), headers=headers
        ) as answer:
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
    world, told = World(), settings()
    lives = Lives(world, told)

    async def meet(**more: Any) -> None:
        told.update(more)

    await serve(world.application(), {"meet": meet, "live": lives.live})


if __name__ == "__main__":
    asyncio.run(_run())
