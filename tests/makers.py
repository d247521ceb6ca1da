"""Requests, people and clicks as the core's tests need them, and the core put together on fakes."""

import asyncio
import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from approvals_core.approvals import Approvals, Outcome
from approvals_core.arx import Arx, ArxAction, ArxApprover
from approvals_core.arx.times import ticks_of
from approvals_core.committing import Commits
from approvals_core.keeping.archiving import Archiving
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Content,
    HistoryEvent,
    Named,
    Operation,
    Payload,
    Person,
    Place,
    PlaceState,
)
from approvals_core.ports import Answer, Archive, Store
from approvals_core.posting import Posting
from approvals_core.rules.deciding import Click
from approvals_core.rules.draft import Stamp
from approvals_core.tenant import Action, Api, Comment, People, Tenant
from approvals_core.worker import Cards, Chores, Fetching, Nights, Reconciling, Worker
from tests import card_makers
from tests.fakes import Clock, FakeChannel, FakeDirectory, FakeMails, FakeTenantApi, FakeTenants
from tests.patience import TOO_LATE, Patience

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DIRECTORY = card_makers.DIRECTORY
KEY = ApprovalKey(card_makers.TENANT_ID, "REQ-1", "2026")


def a_person(number: int, name: str) -> Person:
    return Person(
        directory=DIRECTORY,
        object_id=f"00000000-0000-4000-8000-00000000000{number}",
        name=name,
        upn=f"johndoe{number}@organization.com",
    )


MARIA, JONAS, PRIYA = a_person(1, "Maria Keller"), a_person(2, "Jonas Berg"), a_person(3, "Priya")
EVE = a_person(9, "Eve")  # nobody asks her
PEOPLE = {f"johndoe{n}": p for n, p in enumerate((MARIA, JONAS, PRIYA), start=1)} | {
    p.object_id: p for p in (MARIA, JONAS, PRIYA)
}
QUESTION = Action(code="Question", label="Ask", past="Asked", comment=Comment.OPTIONAL, holds=False)


def a_tenant(*, idempotent: bool = False, **fields: Any) -> Tenant:
    api = Api(
        base_url="https://erp.example.com",
        resource="api://erp",
        action="/act",
        idempotent=idempotent,
    )
    usual: dict[str, Any] = {
        "api": api,
        "people": People(directory=DIRECTORY, mail_domains=("organization.com",)),
        "actions": (card_makers.APPROVE, card_makers.REJECT, QUESTION),
    }
    return card_makers.a_tenant(**usual | fields)


def an_arx(operation: Operation = Operation.CREATE, *, at: float = 0.0, **fields: Any) -> Arx:
    """
    Make an ARX of *at* minutes after the start.

    *asks* and *removes* are aliases. Its digest follows from the rest; *nonce* makes another payload of the same words.
    """
    nonce = fields.pop("nonce", "")
    asks, removes = fields.pop("asks", ()), fields.pop("removes", ())
    usual: dict[str, Any] = {
        "key": KEY,
        "display_number": "REQ-1",
        "operation": operation,
        "ticks": ticks_of(START + timedelta(minutes=at)),
        "approvers": tuple(ArxApprover(alias=alias) for alias in asks),
        "delete_for": tuple(removes),
        "content": None if operation is Operation.DELETE else Content(title="Laptops"),
        "raw": "{}",
    }
    made = Arx(digest="", **usual | fields)
    digest = hashlib.sha256(f"{made!r}{nonce}".encode()).hexdigest()
    return made.model_copy(update={"digest": digest})


def create(*asks: str, at: float = 0.0, **fields: Any) -> Arx:
    return an_arx(Operation.CREATE, at=at, asks=asks, **fields)


def update(*asks: str, at: float = 1.0, **fields: Any) -> Arx:
    return an_arx(Operation.UPDATE, at=at, asks=asks, **fields)


def delete(*removes: str, at: float = 2.0, **fields: Any) -> Arx:
    return an_arx(Operation.DELETE, at=at, removes=removes, **fields)


def done_by(alias: str, action: str = "Approve", **fields: Any) -> ArxAction:
    usual: dict[str, Any] = {"by": Named(alias=alias), "name": action, "at": START}
    return ArxAction(**usual | fields)


def a_stamp(number: int = 1, *, at: datetime = START) -> Stamp:
    return Stamp(at=at, change=f"change-{number}", salt=f"{number:032x}", name="abcdefghijklmnop")


class Core:
    """The real core on a store, with everything outside it faked, and one document in it."""

    def __init__(
        self,
        store: Store,
        *,
        tenant: Tenant | None = None,
        clock: Clock | None = None,
        archive: Archive | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.store = store
        self.archive = archive
        self.clock = clock or Clock(START)
        self.tenants = FakeTenants(tenant or a_tenant())
        self.api = FakeTenantApi()
        self.directory = FakeDirectory(PEOPLE)
        self.channel = FakeChannel()
        self.mails = FakeMails()
        self.mails_set_up = True
        self.under_way: set[asyncio.Task[Any]] = set()
        self.patience = patience or Patience()
        self.start()

    @property
    def tenant(self) -> Tenant:
        return self.tenants.tenants[0]

    def start(self) -> None:
        """Start a process: everything but the store and the world outside is new."""
        now = self.clock.now
        self.commits = Commits(self.store, now=now, wake=lambda: None, sleep=self.clock.sleep)
        parts: dict[str, Any] = {
            "store": self.store,
            "commits": self.commits,
            "tenants": self.tenants,
        }
        posting = Posting(**parts, api=self.api)
        self.approvals = Approvals(
            **parts,
            posting=posting,
            directory=self.directory,
            deadlines=self.patience,
        )
        self.cards = Cards(**parts, channels={"teams": self.channel}, now=now)
        fetching = Fetching(**parts, api=self.api, jitter=lambda: 0.5)
        self.reconciling = Reconciling(**parts, api=self.api, jitter=lambda: 0.5)
        self.nights = Nights(**parts, reconciling=self.reconciling)
        self.archiving = Archiving(**parts, archive=self.archive, batch=2)
        self.chores = Chores(
            **parts,
            posting=posting,
            directory=self.directory,
            fetching=fetching,
            reconciling=self.reconciling,
            nights=self.nights,
            archiving=self.archiving,
            mails=self.mails if self.mails_set_up else None,
        )
        self.worker = Worker(
            store=self.store,
            cards=self.cards,
            chores=self.chores,
            tenants=self.tenants,
            now=now,
            mails_at_once=self.chores.mails_at_once,
            jitter=lambda: 0.5,
        )

    def without_mails(self) -> None:
        """Start a process in which no mail is set up."""
        self.mails_set_up = False
        self.start()

    async def die(self) -> None:
        """End the process in the middle of whatever it does, and start another."""
        tasks = {*self.under_way, *self.approvals._tasks}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.under_way.clear()
        self.api.held.clear()
        self.start()

    # -- what happens to it ---------------------------------------------------

    async def receive(self, arx: Arx) -> Payload:
        return await self.approvals.receive(arx, self.tenant)

    async def open(self, *arxs: Arx) -> Approval:
        """Take in payloads and do everything that is due."""
        for arx in arxs or (create("johndoe1", "johndoe2"),):
            await self.receive(arx)
        await self.work()
        return await self.approval()

    async def work(self) -> None:
        """Do what is due, one job after the other, until nothing is."""
        while await self._step():
            pass

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.work()

    async def shown(self, person: Person, action: str = "Approve", comment: str = "") -> Click:
        """Return the click of a button on the newest state."""
        approval = await self.approval()
        place = approval.place_of(person.id)
        assert place is not None
        return Click(
            seat=place.seat,
            round=place.round,
            revision=approval.revision,
            attempt=place.attempt,
            action=action,
            comment=comment,
            channel="teams",
        )

    async def act(self, person: Person, click: Click) -> Outcome:
        """Click, and wait for the answer."""
        approval = await self.approval()
        return await self.approvals.act(approval.id, click, by=person, elapsed=0.0)

    async def click(self, person: Person, action: str = "Approve", comment: str = "") -> Outcome:
        return await self.act(person, await self.shown(person, action, comment))

    async def press(self, *clicks: tuple[Person, Click]) -> None:
        """Click all at once, and go on when each is over or waits for the tenant."""
        approval, before = await self.approval(), set(self.approvals._tasks)
        acts = (
            self.approvals.act(approval.id, click, by=person, elapsed=TOO_LATE)
            for person, click in clicks
        )
        await asyncio.gather(*acts, return_exceptions=True)
        await self._follow(self.approvals._tasks - before)

    async def begin(self, person: Person) -> None:
        """Click, and go on when the tenant was reached and does not answer."""
        self.api.holding = True
        await self.press((person, await self.shown(person)))
        self.api.holding = False

    async def tell(self, answer: Answer, number: int = 0) -> None:
        """Let the tenant answer a post that it held, and wait until that was taken in."""
        self.api.held.pop(number).set_result(answer)
        await self._follow(self.under_way)

    async def _step(self) -> int:
        """Do one job that is due; return 0 if there was none."""
        task = asyncio.create_task(self.worker.run_due(limit=1))
        await self._follow({task})
        return task.result() if task.done() else 1

    async def _follow(self, begun: Collection[asyncio.Task[Any]]) -> None:
        """Wait until each is done or held by the tenant."""
        self.under_way.update(begun)
        while len(waiting := {t for t in self.under_way if not t.done()}) > len(self.api.held):
            self.api.reached.clear()
            reached = asyncio.create_task(self.api.reached.wait())
            await asyncio.wait({*waiting, reached}, return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
        self.under_way = waiting

    # -- how it stands --------------------------------------------------------

    async def approval(self) -> Approval:
        found = await self.store.approval(KEY)
        assert found is not None
        return found

    async def place(self, person: Person) -> Place:
        found = (await self.approval()).place_of(person.id)
        assert found is not None
        return found

    async def state(self, person: Person) -> PlaceState:
        return (await self.place(person)).state

    async def history(self) -> tuple[HistoryEvent, ...]:
        return tuple(await self.store.history(KEY))

    async def kinds(self) -> list[str]:
        return [event.kind.value for event in await self.history()]
