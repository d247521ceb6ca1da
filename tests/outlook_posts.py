"""Outlook's door in front of the real core, with really signed tokens: what the tests of it share."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from approvals_core.adapters.outgoing import session_trusting
from approvals_core.adapters.signing_keys import SigningKeys
from approvals_core.adapters.tokens import Issuer as TrustedIssuer
from approvals_core.adapters.tokens import TokenVerifier
from approvals_core.ledger import Ledger, Line
from approvals_core.models import Approval, Letter, LetterState, Occasion, Person
from approvals_core.ports import Store
from bots.outlook.callers import actions_verifier
from bots.outlook.door import OutlookDoor
from bots.outlook.faces import Faces
from bots.outlook.presses import Presses
from bots.outlook.tickets import Purpose, Ticket, Tickets
from bots.web import correlated, problems
from playground import names
from playground.certificates import CertificateAuthority
from playground.issuer import Issuer
from playground.people import everybody
from playground.reading import buttons, words
from playground.signing import Claims, KeyRing
from tests import outlook_schema
from tests.fakes import FlakyStore
from tests.makers import KEY, Core, a_tenant
from tests.patience import Patience
from tests.running import PATIENCE

PUBLIC_URL = "https://approvals.example.com"
SECRET = "a secret of this test, and long enough for it"
LETTER = "0123456789abcdef0123456789abcdef"
CORRELATION = "01234567-89ab-cdef-0123-456789abcdef"
ACT, REFRESH = Purpose.ACT, Purpose.REFRESH

AUDIENCES = (names.OUTLOOK_APP, names.OUTLOOK_URI)
_RING = KeyRing()  # one for all tests: a key takes its time to be made

__all__ = ["mailed", "slow_store", "token_issuer"]


def plain(card: Mapping[str, Any]) -> str:
    """Return what a card says, without the marks of bold letters."""
    return words(dict(card)).replace("**", "")


@dataclass(frozen=True)
class Answered:
    """What Outlook got."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def said(self) -> str:
        """Return everything that the card says."""
        assert self.status == 200, (self.status, self.body)
        assert self.headers["CARD-UPDATE-IN-BODY"] == "true"
        assert self.headers["Content-Type"] == "application/json"
        assert list(outlook_schema.problems(self.body)) == []
        return plain(self.body)

    @property
    def line(self) -> str:
        """Return what Outlook shows beneath the card that it keeps."""
        assert 400 <= self.status < 500, (self.status, self.body)
        assert "CARD-UPDATE-IN-BODY" not in self.headers
        return self.headers["CARD-ACTION-STATUS"]

    def url(self, title: str) -> str:
        """Return where a button of the card leads."""
        return next(b["url"] for b in buttons(self.body) if b.get("title") == title)

    @property
    def titles(self) -> list[str]:
        """Return what the buttons say that post."""
        posting = [b for b in buttons(self.body) if b["type"] == "Action.Http"]
        return [b["title"] for b in posting if "title" in b]


@dataclass
class Mailed:
    """One request whose approvers got mails, and the door that the mails' buttons lead to."""

    core: Core
    issuer: Issuer
    tickets: Tickets
    client: TestClient[Any, Any]

    # -- tickets and tokens -----------------------------------------------------

    async def ticket(
        self, person: Person, action: str = "Approve", *, purpose: Purpose = ACT, **changes: Any
    ) -> Ticket:
        """Return what stands in a button of somebody's newest card; *changes* make it wrong."""
        approval = await self.core.approval()
        place = approval.place_of(person.id)
        assert place is not None
        made = Ticket(
            purpose=purpose,
            public_id=approval.id,
            seat=place.seat,
            round=place.round,
            revision=approval.revision,
            attempt=place.attempt,
            action=action if purpose is ACT else "",
            letter=LETTER,
            person=person.id,
            expires=self.core.clock.now() + timedelta(days=30),
        )
        return made._replace(**changes)

    async def path(self, person: Person, action: str = "Approve", **changes: Any) -> str:
        """Return where a button of somebody's newest card leads."""
        ticket = await self.ticket(person, action, **changes)
        return f"/outlook/{ticket.purpose}/{self.tickets.issue(ticket)}"

    def claims(self, person: Person, *, version: int = 2, **changes: Any) -> Claims:
        """Return what Outlook's token says of *person*; None takes a claim out."""
        claims = self.issuer.outlook_claims(everybody()["johndoe1"], version=version)
        claims |= {"tid": person.directory, "oid": person.object_id} | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, person: Person, *, version: int = 2, **changes: Any) -> str:
        return self.issuer.entra.newest.sign(self.claims(person, version=version, **changes))

    # -- what Outlook does ------------------------------------------------------

    async def post(
        self, path: str, body: str | bytes = "", *, token: str, **headers: str
    ) -> Answered:
        """Post *body* to *path*, which may be a whole URL of a card of ours."""
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        there = URL(path).path
        async with self.client.post(there, data=body, headers=sent) as answer:
            text = await answer.text()
            assert "Traceback" not in text
            return Answered(answer.status, answer.headers, json.loads(text))

    async def press(
        self, person: Person, action: str = "Approve", body: str = "", **headers: str
    ) -> Answered:
        """Press a button of somebody's newest card."""
        path = await self.path(person, action)
        return await self.post(path, body, token=self.token(person), **headers)

    async def open(self, person: Person) -> Answered:
        """Open somebody's mail: its card asks how it is now."""
        path = await self.path(person, purpose=REFRESH)
        return await self.post(path, "refresh", token=self.token(person))

    # -- what stands ------------------------------------------------------------

    async def kept(self) -> tuple[Approval, list[Letter], int]:
        """Return everything that a press might change."""
        letters = list(await self.core.store.letters(KEY))
        return await self.core.approval(), letters, len(await self.core.history())

    async def letter(self) -> Letter | None:
        return await self.core.store.letter(KEY, LETTER)

    async def seen(self) -> bool:
        """Tell whether the ledger knows that the mail's card was looked at."""
        letter = await self.letter()
        return letter is not None and letter.seen_at is not None

    async def send_letter(self, person: Person) -> None:
        """Note in the ledger that somebody's mail went out."""
        place = await self.core.place(person)
        letter = Letter(
            approval=KEY,
            id=LETTER,
            notification="1",
            occasion=Occasion.ASKED,
            address="johndoe1@organization.com",
            round=1,
            seat=place.seat,
            person=person.id,
            state=LetterState.SENT,
            at=self.core.clock.now(),
        )
        ledger = Ledger(store=self.core.store, commits=self.core.commits)
        await ledger.write(KEY, lambda _approval, _letters, _stamp: Line(letter))


class SlowStore(FlakyStore):
    """A store whose look-up by public id can be held up, or fail."""

    away: Exception | None = None

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        if self.reads_wait_for is not None:
            await self.reads_wait_for.wait()
        if self.away is not None:
            raise self.away
        return await self._store.approval_by_id(scope, public_id)


@pytest.fixture
async def token_issuer(authority: CertificateAuthority) -> AsyncIterator[Issuer]:
    """Entra, where the Actions service gets its tokens."""
    issuer = Issuer(authority)
    issuer.entra = _RING
    await issuer.start()
    yield issuer
    await issuer.stop()


@pytest.fixture
def slow_store(store: Store) -> SlowStore:
    return SlowStore(store)


@pytest.fixture
async def mailed(slow_store: SlowStore, token_issuer: Issuer) -> AsyncIterator[Mailed]:
    """A request before Maria and Jonas, on each store in turn."""
    async with a_door(await a_core(slow_store), token_issuer) as opened:
        yield opened


async def a_core(store: SlowStore, *, patience: Patience | None = None, **tenant: Any) -> Core:
    """Return the core with a request of a tenant with these fields before Maria and Jonas."""
    core = Core(store, tenant=a_tenant(**tenant), patience=patience)  # pyright: ignore[reportArgumentType] - delegates
    await core.open()
    return core


@asynccontextmanager
async def a_door(
    core: Core, issuer: Issuer, *, verifier: TokenVerifier | None = None
) -> AsyncIterator[Mailed]:
    """Open a door to *core*, as a process that has just begun."""
    tickets = Tickets([SECRET], core.clock.now)
    async with session_trusting(issuer.ca_file) as session:
        trusted = list(_trusted(issuer, session))
        verifier = verifier or actions_verifier(
            issuers=trusted, audiences=AUDIENCES, scope=names.OUTLOOK_SCOPE, clock=_now
        )
        door = OutlookDoor(verifier=verifier, tickets=tickets, presses=_presses(core, tickets))
        app = web.Application(middlewares=[correlated, problems])
        app.add_routes(door.routes())
        async with TestClient(TestServer(app)) as client:
            yield Mailed(core, issuer, tickets, client)
        await trusted[0].keys.close()


def _presses(core: Core, tickets: Tickets) -> Presses:
    faces = Faces(
        tickets=tickets,
        public_url=PUBLIC_URL,
        originator=names.ORIGINATOR,
        notice_line=None,
        now=core.clock.now,
    )
    return Presses(
        approvals=core.approvals,
        tenants=core.tenants,
        faces=faces,
        contact=core.store.contact,
        seen=Ledger(store=core.store, commits=core.commits).note_seen,
    )


def _trusted(issuer: Issuer, session: ClientSession) -> Iterator[TrustedIssuer]:
    directory = names.DIRECTORY
    v2, v1 = (
        template.format(directory=directory)
        for template in (names.ENTRA_ISSUER, names.ENTRA_V1_ISSUER)
    )
    url = f"{issuer.url}/{directory}/v2.0/.well-known/openid-configuration"
    keys = SigningKeys(v2, metadata_url=url, session=session, clock=_now, within=PATIENCE)
    yield TrustedIssuer(v2, keys, directory, frozenset({names.OUTLOOK_APP}))
    yield TrustedIssuer(v1, keys, directory, frozenset(AUDIENCES))


def _now() -> datetime:
    return datetime.now(UTC)
