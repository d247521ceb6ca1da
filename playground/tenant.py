"""A sample tenant: it posts ARX to the service with its own token, and is asked through its APIs."""

import asyncio
import json
import shlex
import ssl
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from playground import names
from playground.book import Book, read_json
from playground.business import asked_in, fresh, next_arx
from playground.issuer import Issuer
from playground.names import Registration
from playground.records import Json, Received, Sent, TenantBook
from playground.tenant_apis import TenantApis
from playground.world import World

PATIENCE = 30.0  # seconds until the tenant gives up on the service
AGAIN = 1.0  # seconds until it posts once more what the service did not take
SERVER_ERROR, TOO_FAST = 500, 429


class SampleTenant:
    """
    One of `names.TENANTS`. It posts to *service* once that is known; `book` says what it sent and received.

    Its APIs and their faults are in `tenant_apis`, what it decides by itself in `business`;
    it thinks for *pace* seconds before it sends what follows from a decision.
    """

    def __init__(
        self, world: World, issuer: Issuer, registered: Registration, *, pace: float = 0.0
    ) -> None:
        self.service = ""
        self.registered = registered
        self._world = world
        self._issuer = issuer
        self._pace = pace
        self._book = Book(world, registered)
        self._apis = TenantApis(world, issuer, self._book, registered, self._follow)
        self._http: aiohttp.ClientSession | None = None
        self._settling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        trusted = ssl.create_default_context(cafile=self._issuer.ca_file)
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(PATIENCE), connector=aiohttp.TCPConnector(ssl=trusted)
        )

    async def stop(self) -> None:
        self.release()
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def routes(self) -> Iterable[web.RouteDef]:
        return self._apis.routes()

    @property
    def book(self) -> TenantBook:
        return self._book.pages

    # -- what it receives -----------------------------------------------------

    def actions(self) -> list[Received]:
        """Return every ApprovalRequest that reached the tenant, the oldest first."""
        return self._book.actions()

    def held(self) -> list[Received]:
        """Return the ApprovalRequests that wait for `release`."""
        return self._apis.held()

    async def arrived(self, *, within: float = 30.0) -> Received:
        """Return a request that is being held, as soon as there is one."""
        return (await self._world.until(self.held, within=within))[0]

    def release(self) -> None:
        """Let all go on that are being held; new ones are held while the switch is on."""
        self._apis.release()

    # -- what it sends --------------------------------------------------------

    @property
    def intake_url(self) -> str:
        return f"{self.service}/api/v1/PayloadReceiver?TenantId={self.registered.document_type}"

    @property
    def token_url(self) -> str:
        return f"{self._issuer.url}/{names.DIRECTORY}/oauth2/v2.0/token"

    def token_form(self) -> dict[str, str]:
        """Return what the token endpoint wants to know from this tenant, its secret included."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.registered.app,
            "client_secret": self._issuer.applications[self.registered.app].secret,
            "scope": f"{names.INTAKE_URI}/.default",
        }

    async def token(self) -> str:
        """Get a new token for the service's API from the issuer."""
        assert self._http is not None, "not started"
        async with self._http.post(self.token_url, data=self.token_form()) as response:
            return (await response.json())["access_token"]

    async def send(
        self, arx: Json | str, *, url: str | None = None, token: str | None = None
    ) -> Sent:
        """
        Post an ARX, or any text as it stands, to the service; record both sides.

        *url* and *token* replace the right ones, for those who want to be refused.
        """
        body = arx if isinstance(arx, str) else json.dumps(arx)
        where = url or self.intake_url
        bearer = await self.token() if token is None else token
        at, began = datetime.now(UTC), time.monotonic()
        status, answer = await self._post(where, body, bearer)
        read = read_json(body)
        sent = Sent(
            number=len(self.book.sent) + 1,
            at=at,
            url=where,
            body=body,
            arx=read if isinstance(read, dict) else None,
            status=status,
            answer=answer,
            seconds=round(time.monotonic() - began, 3),
        )
        self._book.add_sent(sent)
        return sent

    async def start_request(self, template: str) -> Sent:
        """Post the CREATE of *template* as a request of its own, with a number never used before."""
        return await self.send(fresh(template, at=datetime.now(UTC)))

    def asked(self, number: str, year: str) -> list[str] | None:
        """Return whom the tenant asks about a request at present; None: it is over, or unknown."""
        sent = self._book.sent_for(number, year)
        return asked_in(sent[-1]) or None if sent else None

    # -- what follows from decisions ------------------------------------------

    def _follow(self, decisions: list[Json]) -> None:
        """Work out what to send next, and send it soon: it is written down before the answer goes."""
        if not self.book.by_itself:
            return
        for decision in decisions:
            arx = self._next(decision)
            if arx is not None:
                self._book.owe(arx)
        self.settle()

    def _next(self, decision: Json) -> Json | None:
        identifier = decision.get("ApprovalIdentifier") or {}
        number, year = identifier.get("DocumentNumber", ""), identifier.get("FiscalYear", "")
        sent = [*self._book.sent_for(number, year), *self._book.owed_for(number, year)]
        if not sent:
            return None
        return next_arx(sent[-1], decision, name_of=self._name_of, at=datetime.now(UTC))

    def _name_of(self, alias: str) -> str:
        person = self._world.find_person(alias)
        return person.name if person else alias

    def settle(self) -> None:
        """Begin to send what is owed, if anything is, and unless that is under way."""
        if self.book.owed and (self._settling is None or self._settling.done()):
            self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        while self.book.owed:
            await asyncio.sleep(self._pace)
            sent = await self.send(self.book.owed[0])
            # The service was away: the same payload again, until it has it.
            if sent.status is None or sent.status >= SERVER_ERROR or sent.status == TOO_FAST:
                await asyncio.sleep(AGAIN)
                continue
            self._book.settled()

    async def look_up(self, number: str, year: str) -> Json | None:
        """Ask the service what became of a request; None if it does not say, or *number* is ""."""
        assert self._http is not None, "not started"
        if not number:
            return None
        tenant = self.registered.document_type
        named = {"TenantId": tenant, "DocumentNumber": number, "FiscalYear": year}
        headers = {"Authorization": f"Bearer {await self.token()}"}
        url = f"{self.service}/api/v1/requests"
        try:
            async with self._http.get(url, params=named, headers=headers) as response:
                told = read_json(await response.text())
        except (TimeoutError, aiohttp.ClientError):
            return None
        found = told.get("Requests") if response.ok and isinstance(told, dict) else None
        return found[0] if found else None

    async def _post(self, url: str, body: str, token: str) -> tuple[int | None, Any]:
        assert self._http is not None, "not started"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            async with self._http.post(url, data=body.encode(), headers=headers) as response:
                return response.status, read_json(await response.text())
        except (TimeoutError, aiohttp.ClientError) as problem:
            return None, f"No answer: {type(problem).__name__}"

    def curl(self, body: str) -> str:
        """Return shell lines that do the same as `send` from a terminal."""
        form = " ".join(
            f"--data-urlencode {shlex.quote(f'{name}={value}')}"
            for name, value in self.token_form().items()
        )
        ca_file = shlex.quote(str(self._issuer.ca_file))
        read = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""
        return (
            f"TOKEN=$(curl -sS --fail-with-body --cacert {ca_file} {form} {self.token_url} | {read})\n"
            f'curl -sS -i -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json"'
            f" --data-binary @- {shlex.quote(self.intake_url)} <<'END_OF_ARX'\n"
            f"{body.rstrip()}\nEND_OF_ARX\n"
        )
