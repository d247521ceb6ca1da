"""What the page shows of the world, as JSON, and a stream of what changed in it."""

import asyncio
import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from playground.actionable import sender_of
from playground.faults import Fault, FaultKind
from playground.mailboxes import ReceivedMail, Via
from playground.outlook import Outlook
from playground.people import Person
from playground.records import Json, Message, Reading, Received, Sent
from playground.spoken import beginning
from playground.story import Telling
from playground.tenant import SampleTenant
from playground.world import World

MAIL_PLACES = {Via.SMTP: "smtp", Via.GRAPH: "graph/mail"}  # of the fault switches
PREVIEW = 140  # characters of a mail below its subject
HEARTBEAT = 20.0  # seconds of silence until a comment shows that the stream still lives


@dataclass(frozen=True)
class Switches:
    """How the tenant behaves at present."""

    faults: tuple[Fault, ...]  # of its Action API
    read_faults: tuple[Fault, ...]  # of all that is only read
    honours_keys: bool
    held: int  # calls that wait to be released
    by_itself: bool  # whether it sends what follows from a decision
    story: Telling | None  # the newest one, None if there was none


@dataclass(frozen=True)
class App:
    """What somebody did with the bot's app: "installed", "blocked" or "removed"."""

    alias: str
    state: str


@dataclass(frozen=True)
class Lying:
    """A mail in somebody's inbox, and what became of it there."""

    mail: ReceivedMail
    reading: Reading


@dataclass(frozen=True)
class MailSystems:
    """How the mail system that takes the service's mails behaves at present."""

    via: Via
    faults: tuple[Fault, ...]


Source = Message | Sent | Received | Switches | App | Lying | MailSystems


class Things:
    """Everything the page shows, by key. All of it is frozen: what differs from what was told is what changed."""

    def __init__(self, world: World, outlook: Outlook, tenants: Iterable[SampleTenant]) -> None:
        self._world = world
        self._outlook = outlook
        self._tenants = tuple(tenants)
        self.tellings: dict[str, Telling] = {}  # how far its newest story has come, by tenant
        self._told = itertools.count(1)

    def sources(self) -> dict[str, Source]:
        """Return the world's own objects by key, messages and exchanges oldest first."""
        return dict(self._sources())

    def _sources(self) -> Iterator[tuple[str, Source]]:
        for tenant in self._tenants:
            yield f"tenant/{tenant.book.code}", self._switches(tenant)
        for person in shown(self._world):
            yield f"app/{person.alias}", App(person.alias, app_state(self._world, person.alias))
            chat = self._world.chat_of(person.alias)
            for message in chat.messages if chat else []:
                yield f"chat/{person.alias}/{message.id}", message
        for alias in self._world.people:
            for mail in self._world.mailboxes.of(alias):
                yield f"mail/{alias}/{mail.id}", Lying(mail, self._outlook.reading(alias, mail.id))
        yield "mailsystems", self._mail_systems()
        for tenant in self._tenants:
            book = tenant.book
            for sent in book.sent:
                yield f"sent/{book.code}/{sent.number}", sent
            for received in book.received:
                yield f"received/{book.code}/{received.number}", received

    def _switches(self, tenant: SampleTenant) -> Switches:
        book = tenant.book
        return Switches(
            faults=tuple(self._world.faults.get(f"tenant/{book.code}", [])),
            read_faults=tuple(self._world.faults.get(f"tenant/{book.code}/reads", [])),
            honours_keys=book.honours_keys,
            held=len(tenant.held()),
            by_itself=book.by_itself,
            story=self.tellings.get(book.code),
        )

    def _mail_systems(self) -> MailSystems:
        via = self._world.mail_via
        return MailSystems(via, tuple(self._world.faults.get(MAIL_PLACES[via], [])))

    def rendered(self, key: str, source: Source) -> Json:
        """Return a thing as the page's scripts know it; *as_of* rises with each."""
        return {"key": key, "as_of": self.as_of(), **_rendered_source(key, source)}

    def as_of(self) -> int:
        """Return a number that is larger than all before: what is told later counts, whichever comes first."""
        return next(self._told)


def shown(world: World) -> list[Person]:
    """Return the people whose chats stand side by side."""
    return [person for person in world.people.values() if person.has_chat]


def app_state(world: World, alias: str) -> str:
    """Return "removed", "blocked" or "installed"."""
    if not world.is_installed(alias):
        return "removed"
    faults = world.faults.get(f"connector/{alias}", [])
    is_blocked = any(fault.kind is FaultKind.BLOCKED for fault in faults)
    return "blocked" if is_blocked else "installed"


def _rendered_source(key: str, source: Source) -> Json:
    match source:
        case Message():
            return {"kind": "message", **_message(source, key.split("/")[1])}
        case Sent():
            return {"kind": "sent", **source.model_dump(mode="json")}
        case Received():
            return {"kind": "received", **source.model_dump(mode="json")}
        case Lying() | MailSystems():
            return _of_mail(source)
        case App():
            return {"kind": "app", "person": source.alias, "state": source.state}
        case Switches():
            return _switches(source)


def _switches(source: Switches) -> Json:
    return {
        "kind": "tenant",
        "faults": [fault.model_dump(mode="json") for fault in source.faults],
        "read_faults": [fault.model_dump(mode="json") for fault in source.read_faults],
        "honours_keys": source.honours_keys,
        "held": source.held,
        "by_itself": source.by_itself,
        "story": asdict(source.story) if source.story else None,
    }


def _message(message: Message, alias: str) -> Json:
    return {
        "person": alias,
        "id": message.id,
        "sender": message.sender,
        "text": message.text,
        "card": message.shown_to(alias),
        "at": message.at.isoformat(),
        "revision": message.revision,
        "edited": message.edited,
    }


def _of_mail(source: Lying | MailSystems) -> Json:
    if isinstance(source, MailSystems):
        faults = [fault.model_dump(mode="json") for fault in source.faults]
        return {"kind": "mailsystems", "via": source.via, "faults": faults}
    mail, reading = source.mail, source.reading
    name, address = sender_of(mail)
    return {
        "kind": "mail",
        "person": mail.alias,
        "id": mail.id,
        "at": mail.at.isoformat(),
        "subject": mail.subject,
        "from": {"name": name, "address": address},
        "preview": beginning(mail.html, length=PREVIEW),
        "read": reading.read,
        "changes": reading.changes,
    }


async def stream(request: web.Request, world: World, things: Things) -> web.StreamResponse:
    """Tell everything, then whatever changes, as server-sent events until the page goes away."""
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    # A page that is closed or loaded again breaks the connection whenever it likes.
    with suppress(ConnectionResetError), world.listen() as news:
        await _follow(response, news, things)
    return response


async def _follow(response: web.StreamResponse, news: asyncio.Queue[Any], things: Things) -> None:
    told = things.sources()
    await _tell(response, "all", {"things": _rendered(things, told)})
    while await _something_happened(news, response):
        now = things.sources()
        changed = {key: source for key, source in now.items() if told.get(key) != source}
        gone = [key for key in told if key not in now]
        told = now
        if changed or gone:
            told_now = {"things": _rendered(things, changed), "gone": gone}
            await _tell(response, "some", {**told_now, "as_of": things.as_of()})


async def _something_happened(news: asyncio.Queue[Any], response: web.StreamResponse) -> bool:
    """Wait for news; several at once count as one."""
    while True:
        try:
            await asyncio.wait_for(news.get(), HEARTBEAT)
        except TimeoutError:
            await response.write(b": still here\n\n")
            continue
        while not news.empty():
            news.get_nowait()
        return True


def _rendered(things: Things, sources: dict[str, Source]) -> list[Json]:
    return [things.rendered(key, source) for key, source in sources.items()]


async def _tell(response: web.StreamResponse, event: str, body: Json) -> None:
    await response.write(f"event: {event}\ndata: {json.dumps(body)}\n\n".encode())
