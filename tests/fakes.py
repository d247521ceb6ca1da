"""What stands in for the world outside the core: each does as the test says, and can be looked at."""

import asyncio
import hashlib
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from approvals_core.errors import (
    CardGone,
    CardRefused,
    ChannelBusy,
    StoreUnavailable,
    Unreachable,
)
from approvals_core.models import (
    Approval,
    Attachment,
    Change,
    Letter,
    Notification,
    Person,
    PersonId,
)
from approvals_core.ports import (
    Answer,
    AnswerKind,
    Fetched,
    FetchedFile,
    FetchedKind,
    NotFound,
    Posted,
    Store,
    View,
)
from approvals_core.tenant import Tenant
from cards.approval import approval_card
from cards.viewer import Viewer
from tests.clock import Clock

__all__ = [
    "Clock",
    "FakeChannel",
    "FakeDirectory",
    "FakeMails",
    "FakeTenantApi",
    "FakeTenants",
    "FlakyStore",
]

YES = Answer(kind=AnswerKind.ACCEPTED)


class FakeTenantApi:
    """Answers with `answers` in turn, then `usual`; while `holding`, only when it is told to."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.arrays: list[list[Posted]] = []
        self.asked: list[Posted] = []  # for the status of a decision
        self.statuses: deque[Answer] = deque()
        self.read: list[str] = []  # operations of the details, as asked for
        self.while_reading: Callable[[], Awaitable[object]] | None = None  # details, once
        self.bodies: dict[str, Fetched] = {}  # operation -> what it gives; "" is the summary
        self.answers: deque[Answer] = deque()
        self.usual = YES
        self.holding = False
        self.held: list[asyncio.Future[Answer]] = []
        self.reached = asyncio.Event()
        self.watch: Callable[[Posted], Awaitable[None]] | None = None
        self.answered: list[tuple[str, Answer]] = []

    async def post_decision(self, tenant: Tenant, posted: Posted) -> Answer:
        if self.watch is not None:
            await self.watch(posted)
        self.posted.append(posted)
        answer = await self._answer()
        self.answered.append((posted.decision.id, answer))
        return answer

    async def post_decisions(self, tenant: Tenant, posted: Sequence[Posted]) -> Sequence[Answer]:
        self.arrays.append(list(posted))
        return [await self.post_decision(tenant, each) for each in posted]

    async def decision_status(self, tenant: Tenant, posted: Posted) -> Answer:
        self.asked.append(posted)
        return self.statuses.popleft() if self.statuses else Answer(kind=AnswerKind.UNKNOWN)

    async def summary(self, tenant: Tenant, approval: Approval) -> Fetched:
        return self.bodies.get("", Fetched(kind=FetchedKind.UNAVAILABLE, reason="HTTP 503"))

    async def details(self, tenant: Tenant, approval: Approval, operation: str) -> Fetched:
        self.read.append(operation)
        given = self.bodies.get(operation, Fetched(kind=FetchedKind.UNAVAILABLE, reason="HTTP 503"))
        if self.while_reading is not None:
            hook, self.while_reading = self.while_reading, None
            await hook()
        return given

    async def attachment(
        self,
        tenant: Tenant,
        approval: Approval,
        attachment: Attachment,
        *,
        user_assertion: str | None,
    ) -> FetchedFile:
        return FetchedFile(kind=FetchedKind.UNAVAILABLE, reason="HTTP 503")

    @property
    def ids(self) -> list[str]:
        """Return the decision id of every post."""
        return [posted.decision.id for posted in self.posted]

    async def _answer(self) -> Answer:
        if not self.holding:
            self.reached.set()
            return self.answers.popleft() if self.answers else self.usual
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.held.append(told)
        self.reached.set()
        return await told


class FakeDirectory:
    """Knows *people* by alias, `mailboxes` by address; raises `fails` and `mail_fails` in turn first."""

    def __init__(self, people: Mapping[str, Person | NotFound]) -> None:
        self.people = dict(people)
        self.fails: deque[Exception] = deque()
        self.mailboxes: dict[str, Person | NotFound] = {}  # by address
        self.asked: list[str] = []
        self.asked_by_mail: list[str] = []
        self.mail_fails: deque[Exception] = deque()
        self.waits_for: asyncio.Event | None = None
        self.crowd = asyncio.Semaphore(0)  # one for everybody asked for

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        self.asked.append(alias)
        self.crowd.release()
        if self.waits_for is not None:
            await self.waits_for.wait()
        if self.fails:
            raise self.fails.popleft()
        return self.people.get(alias.casefold(), NotFound.UNKNOWN)

    async def find_by_mail(self, tenant: Tenant, address: str) -> Person | NotFound:
        self.asked_by_mail.append(address)
        if self.mail_fails:
            raise self.mail_fails.popleft()
        return self.mailboxes.get(address.casefold(), NotFound.UNKNOWN)


class Sent(NamedTuple):
    """One mail as it was handed over."""

    letter: Letter
    notification: Notification
    view: View


class FakeMails:
    """Takes mails, unless `fails` has something to raise first; while `holding`, when it is told to."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []  # whatever became of them
        self.taken: list[str] = []  # ids of those of which nobody can say that they were not
        self.fails: deque[Exception | None] = deque()
        self.while_sending: Callable[[], Awaitable[object]] | None = None
        self.holding: asyncio.Event | None = None
        self.crowd = asyncio.Semaphore(0)  # one for everybody who came
        self.under_way = 0
        self.most = 0

    async def send(self, letter: Letter, notification: Notification, view: View) -> None:
        self.sent.append(Sent(letter, notification, view))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.crowd.release()
        refused = False
        try:
            await self._take()
        except (ChannelBusy, Unreachable, CardRefused):
            refused = True
            raise
        finally:
            self.under_way -= 1
            self.taken += [] if refused else [letter.id]

    async def _take(self) -> None:
        if self.holding is not None:
            await self.holding.wait()
        if self.while_sending is not None:
            hook, self.while_sending = self.while_sending, None
            await hook()
        if self.fails and (failure := self.fails.popleft()) is not None:
            raise failure

    def to(self, address: str) -> list[Sent]:
        """Return what went to one address, oldest first."""
        return [each for each in self.sent if each.letter.address == address]


class Screen(NamedTuple):
    """One card as its owner sees it."""

    person: PersonId
    face: Mapping[str, object]
    digest: str


class FakeChannel:
    """Chats whose screens can be looked at. `send_fails` and `update_fails` are raised in turn."""

    name = "teams"

    def __init__(self) -> None:
        self.screens: dict[str, Screen] = {}
        self.sent: list[str] = []
        self.updated: list[str] = []
        self.send_fails: deque[Exception] = deque()
        self.update_fails: deque[Exception] = deque()
        self.while_sending: Callable[[], Awaitable[None]] | None = None
        self.faces_fail: Exception | None = None
        self._numbers = itertools.count(1)

    async def face(self, view: View) -> tuple[str, Mapping[str, object]]:
        if self.faces_fail is not None:
            raise self.faces_fail
        card = approval_card(view, Viewer()).to_dict()
        return _digest({"card": card, "anew": view.place.shown_anew}), card

    async def send(self, person: PersonId, face: Mapping[str, object]) -> str:
        if self.send_fails:
            raise self.send_fails.popleft()
        if self.while_sending is not None:
            hook, self.while_sending = self.while_sending, None
            await hook()
        address = f"{person.object_id}#{next(self._numbers)}"
        self.screens[address] = Screen(person, face, _digest(face))
        self.sent.append(address)
        return address

    async def update(self, address: str, face: Mapping[str, object]) -> None:
        if self.update_fails:
            raise self.update_fails.popleft()
        if address not in self.screens:
            raise CardGone("deleted")
        self.screens[address] = self.screens[address]._replace(face=face, digest=_digest(face))
        self.updated.append(address)

    async def withdraw(self, address: str) -> None:
        self.screens.pop(address, None)

    def of(self, person: Person) -> list[Screen]:
        """Return somebody's cards, oldest first."""
        return [screen for screen in self.screens.values() if screen.person == person.id]


class FakeTenants:
    """The tenants given."""

    def __init__(self, *tenants: Tenant) -> None:
        self.tenants = list(tenants)

    def by_id(self, document_type_id: str) -> Tenant | None:
        wanted = document_type_id.lower()
        return next((t for t in self.tenants if t.document_type_id == wanted), None)

    def by_code(self, code: str) -> Tenant | None:
        return next((t for t in self.tenants if t.code == code), None)

    def all(self) -> Sequence[Tenant]:
        return self.tenants


class Gate(asyncio.Event):
    """An event that tells that it is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.reached.set()
        return await super().wait()


class FlakyStore:
    """
    A store whose answers get lost: what it is told to lose is committed all the same.

    What `refuses` says is never committed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.loses: Callable[[Change], bool] = lambda _change: False
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.refuses: Callable[[Change], bool] = lambda _change: False
        self.reads_wait_for: asyncio.Event | None = None
        self.commits_wait_for: asyncio.Event | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def approval(self, key: Any) -> Approval | None:
        if self.reads_wait_for is not None:
            await self.reads_wait_for.wait()
        return await self._store.approval(key)

    async def commit(self, change: Change) -> None:
        if self.commits_wait_for is not None:
            await self.commits_wait_for.wait()
        if self.refuses(change):
            raise StoreUnavailable("the disk is full")
        await self._store.commit(change)
        if not self.loses(change):
            return
        self.loses = lambda _change: False
        if self.meanwhile is not None:
            hook, self.meanwhile = self.meanwhile, None
            await hook()
        raise StoreUnavailable("the answer was lost")


def _digest(face: Mapping[str, object]) -> str:
    return hashlib.sha256(repr(face).encode()).hexdigest()
