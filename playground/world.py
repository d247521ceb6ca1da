"""The state of the world outside: people, their chats, what tenants sent and received, and the fault switches."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from playground import names
from playground.faults import Fault, FaultKind
from playground.keeping import Keep
from playground.mailboxes import Mailboxes, Via
from playground.people import Person, everybody
from playground.records import (
    Chat,
    Happening,
    Json,
    Message,
    Rest,
    Sender,
    TenantBook,
    View,
)

log = logging.getLogger(__name__)

Found = TypeVar("Found")

REMEMBERED = 500  # happenings, and events waiting for one listener


class World:
    """
    Everything the far sides and the page share; changes are kept in *folder*, or in memory only.

    All of it belongs to one event loop.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.people: dict[str, Person] = everybody()
        self.chats: dict[str, Chat] = {}  # by conversation id
        self.tenants: dict[str, TenantBook] = {}  # by code
        self.catalogue = {names.TEAMS_APP: "1.0.0"}  # of the organization: app's id -> version
        self.history: deque[Happening] = deque(maxlen=REMEMBERED)
        self.mail_via = Via.SMTP  # how the service hands over its mails
        self._keep = Keep(folder)
        self._listeners: set[asyncio.Queue[Happening]] = set()
        self._happened = 0
        self.mailboxes = Mailboxes(self._keep, self.people, self.changed)
        self._rest = self._keep.load("rest", Rest) or Rest(installed=set(self.people))
        self._load_chats()

    def _load_chats(self) -> None:
        for alias in self.people:
            chat = self._keep.load(f"chats/{alias}", Chat)
            if chat is not None:
                self.chats[chat.id] = chat

    # -- people ---------------------------------------------------------------

    def find_person(self, name: str) -> Person | None:
        """Return whoever has this alias, object id, UPN or Teams id, or None."""
        wanted = name.casefold()
        for one in self.people.values():
            names = (one.alias, one.object_id, one.user_principal_name, one.mri)
            if wanted in map(str.casefold, names):
                return one
        return None

    def is_installed(self, alias: str) -> bool:
        """Say whether the person has the bot; everybody does at first, as by an administrator's policy."""
        return alias in self._rest.installed

    def set_installed(self, alias: str, *, installed: bool) -> None:
        change = self._rest.installed.add if installed else self._rest.installed.discard
        change(alias)
        self._keep.save("rest", self._rest)
        self.changed("chat", alias, installed=installed)

    def first_time(self, what: str) -> bool:
        """Say whether *what* was never asked about before in this world."""
        first = what not in self._rest.done_once
        self._rest.done_once.add(what)
        self._keep.save("rest", self._rest)
        return first

    # -- chats ----------------------------------------------------------------

    def chat_of(self, alias: str) -> Chat | None:
        return self.chats.get(self.people[alias].conversation)

    def open_chat(self, alias: str) -> Chat:
        """Return the person's chat with the bot, a new one if there is none."""
        conversation = self.people[alias].conversation
        if conversation not in self.chats:
            self.chats[conversation] = Chat(id=conversation, alias=alias)
            self._chat_changed(self.chats[conversation])
        return self.chats[conversation]

    def add_message(
        self,
        chat: Chat,
        sender: Sender,
        *,
        message_id: str,
        text: str = "",
        card: Json | None = None,
    ) -> Message:
        now = datetime.now(UTC)
        message = Message(
            id=message_id, sender=sender, text=text, card=card, at=now, updated_at=now
        )
        chat.messages.append(message)
        self._chat_changed(chat, message=message_id, event="added")
        return message

    def update_message(
        self, chat: Chat, message: Message, *, text: str, card: Json | None
    ) -> Message:
        """Replace a message in place, for everybody: what single persons saw instead is gone."""
        newer = message.model_copy(
            update={
                "text": text,
                "card": card,
                "revision": message.revision + 1,
                "changes": message.changes + 1,
                "updated_at": datetime.now(UTC),
                "views": {},
            }
        )
        chat.put(newer)
        self._chat_changed(chat, message=message.id, event="updated")
        return newer

    def remove_message(self, chat: Chat, message: Message) -> None:
        chat.messages.remove(message)
        self._chat_changed(chat, message=message.id, event="removed")

    def show_view(self, chat: Chat, message_id: str, alias: str, card: Json) -> None:
        """Let one person alone see *card* in place of the message's own."""
        message = chat.message(message_id)
        if message is None:
            return
        views = {**message.views, alias: View(card=card, at=datetime.now(UTC))}
        update = {"views": views, "changes": message.changes + 1}
        chat.put(message.model_copy(update=update))
        self._chat_changed(chat, message=message_id, event="viewed")

    def _chat_changed(self, chat: Chat, **facts: Any) -> None:
        self._keep.save(f"chats/{chat.alias}", chat)
        self.changed("chat", chat.alias, **facts)

    # -- tenants --------------------------------------------------------------

    def tenant(self, code: str, *, by_itself: bool = False) -> TenantBook:
        """Return the book of a sample tenant; the first call loads it, or begins it as told."""
        if code not in self.tenants:
            kept = self._keep.load(f"tenants/{code}", TenantBook)
            self.tenants[code] = kept or TenantBook(code=code, by_itself=by_itself)
        return self.tenants[code]

    def book_changed(self, book: TenantBook, **facts: Any) -> None:
        self._keep.save(f"tenants/{book.code}", book)
        self.changed("tenant", book.code, **facts)

    # -- faults ---------------------------------------------------------------

    @property
    def faults(self) -> dict[str, list[Fault]]:
        """The switches that are on, by place: "connector/johndoe1", "connector", "graph", "tenant/pr"."""
        return {place: list(faults) for place, faults in self._rest.faults.root.items() if faults}

    def set_fault(self, place: str, fault: Fault) -> None:
        self._rest.faults.add(place, fault)
        self._fault_changed(place)

    def clear_fault(self, place: str) -> None:
        self._rest.faults.clear(place)
        self._fault_changed(place)

    def take_fault(self, place: str, *kinds: FaultKind) -> Fault | None:
        """Return the fault of these kinds that the present call at *place* meets, or None."""
        fault = self._rest.faults.take(place, kinds)
        if fault is not None:
            self._fault_changed(place)
        return fault

    def _fault_changed(self, place: str) -> None:
        self._keep.save("rest", self._rest)
        self.changed("fault", place)

    # -- news -----------------------------------------------------------------

    def changed(self, kind: str, subject: str, **facts: Any) -> None:
        """Tell every listener; what happened is remembered for a while."""
        self._happened += 1
        news = Happening(
            number=self._happened,
            at=datetime.now(UTC),
            kind=kind,
            subject=subject,
            facts=facts,
        )
        self.history.append(news)
        for listener in self._listeners:
            if listener.full():  # a page that stopped reading: it loses the oldest
                listener.get_nowait()
            listener.put_nowait(news)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Happening]]:
        """Hand out a queue on which everything that changes from now on arrives."""
        news: asyncio.Queue[Happening] = asyncio.Queue(REMEMBERED)
        self._listeners.add(news)
        try:
            yield news
        finally:
            self._listeners.discard(news)

    async def until(self, look: Callable[[], Found], *, within: float = 30.0) -> Found:
        """
        Return what *look* finds, as soon as it finds something true.

        Raises:
            TimeoutError: Nothing within that many seconds.
        """
        with self.listen() as news:
            async with asyncio.timeout(within):
                while not (found := look()):
                    await news.get()
        return found
