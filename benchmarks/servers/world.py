"""The world around a service under load: Graph, the Bot Connector and the tenants' APIs, of many companies."""

import asyncio
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence

from aiohttp import web

from playground import answers
from playground.people import Person

PATIENCE = 120.0  # seconds for what the service does by itself; on a busy machine it takes a while
NUMBER = re.compile(rb"R\d{8}")
PEOPLE = 3_000  # of all companies: nobody gets more than the limits of his conversation allow
APPROVERS = 3


class Lost(Exception):
    """A request's life did not go on as it should. The message says where."""


class Companies:
    """Companies with a directory each, and as many people in each of them."""

    def __init__(self, directories: Sequence[str]) -> None:
        self.directories = directories
        self._each = PEOPLE // len(directories)

    def everybody(self) -> list[Person]:
        """Return all people of all companies."""
        return [
            self._somebody(company, seat)
            for company in range(len(self.directories))
            for seat in range(self._each)
        ]

    def approvers(self, number: int) -> list[Person]:
        """Return the approvers of the request of this number, all of the one company that has it."""
        turn, company = divmod(number, len(self.directories))
        return [self._somebody(company, APPROVERS * turn + seat) for seat in range(APPROVERS)]

    def _somebody(self, company: int, seat: int) -> Person:
        alias = f"u{company * self._each + seat % self._each:05}"
        return Person(
            alias=alias,
            name=f"Person {alias}",
            directory=self.directories[company],
            user_principal_name=f"{alias}@organization.com",
            mail_nickname=alias,
        )


class Document:
    """One request as its three approvers and its tenant see it."""

    def __init__(self, number: int, people: Sequence[Person]) -> None:
        self.name = f"R{number:08}"
        self.people = people
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


class Busiest:
    """The most calls that anybody got within *period* seconds, by whom they went to."""

    def __init__(self, period: float) -> None:
        self.most = 0
        self._period = period
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)

    def note(self, whom: str, now: float) -> None:
        """Count a call that came *now*, in seconds of any clock that never goes back."""
        recent = self._recent[whom]
        recent.append(now)
        while recent[0] <= now - self._period:
            recent.popleft()
        self.most = max(self.most, len(recent))


class World:
    """Answers the service's calls, and keeps what it is told."""

    def __init__(self, companies: Companies) -> None:
        self.documents: dict[str, Document] = {}
        self.calls: Counter[str] = Counter()
        self.directory, self.person = Busiest(1.0), Busiest(30.0)
        people = companies.everybody()
        self._people = {person.user_principal_name: person for person in people}
        self._by_id = {person.object_id: person for person in people}
        self._directories = {person.conversation: person.directory for person in people}

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
        wanted = self._by_id[(await request.json())["members"][0]["id"]]
        self._count("conversations", wanted.conversation)
        return web.json_response({"id": wanted.conversation}, status=201)

    async def _send(self, request: web.Request) -> web.Response:
        conversation = request.match_info["conversation"]
        self._count("cards sent", conversation)
        message = f"{conversation}|{self.calls['cards sent']}"
        self._show(message, await request.read())
        return web.json_response({"id": message}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        self._count("cards updated", request.match_info["conversation"])
        message = request.match_info["message"]
        self._show(message, await request.read())
        return web.json_response({"id": message})

    def _count(self, what: str, conversation: str) -> None:
        """Count a call to Teams, against whose limits it counts, too."""
        now = asyncio.get_running_loop().time()
        self.calls[what] += 1
        self.directory.note(self._directories[conversation], now)
        self.person.note(conversation, now)

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
