"""What the world remembers: messages and chats, what tenants sent and received, what happened."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from playground.faults import FaultKind, Faults

Json = dict[str, Any]

EDITED_AFTER = timedelta(seconds=5)  # a card that is completed while it arrives was not edited


class Sender(StrEnum):
    BOT = "bot"
    PERSON = "person"


class View(BaseModel, frozen=True):
    """What one person alone sees instead of a message's card: the answer to a click or a refresh."""

    card: Json
    at: datetime


class Message(BaseModel, frozen=True):
    """
    One message of a chat.

    *revision* counts the bot's updates in place, *changes* also those of what single persons see; both start at 1.
    """

    id: str
    sender: Sender
    text: str = ""
    card: Json | None = None
    at: datetime
    revision: int = 1
    changes: int = 1
    updated_at: datetime
    views: dict[str, View] = {}  # by alias

    @property
    def edited(self) -> bool:
        """Say whether the bot changed the message after somebody may have read it."""
        return self.revision > 1 and self.updated_at - self.at >= EDITED_AFTER

    def shown_to(self, alias: str) -> Json | None:
        """Return the card that this person sees."""
        view = self.views.get(alias)
        return view.card if view else self.card


class Chat(BaseModel):
    """The 1:1 conversation of one person with the bot."""

    id: str
    alias: str
    messages: list[Message] = []

    def message(self, message_id: str) -> Message | None:
        return next((one for one in self.messages if one.id == message_id), None)

    def put(self, message: Message) -> None:
        at = [one.id for one in self.messages].index(message.id)
        self.messages[at] = message


class Reading(BaseModel, frozen=True):
    """What somebody's Outlook made of one mail since it came. *changes* counts what it shows anew."""

    read: bool = False
    card: Json | None = None  # in place of the mail's own: the newest answer that brought one
    status: str = ""  # the bar that tells how the last press ended
    failed: bool = False  # it ended badly
    invoked: str = ""  # how autoInvokeAction ended the last time
    changes: int = 0


class Readings(BaseModel):
    """What somebody's Outlook remembers, by the mail's id."""

    alias: str
    by_mail: dict[str, Reading] = {}


class Sent(BaseModel, frozen=True):
    """An ARX that a tenant posted to the service, and what it was answered."""

    number: int
    at: datetime
    url: str
    body: str  # as typed: it need not be JSON
    arx: Json | None
    status: int | None  # None: no answer
    answer: Any
    seconds: float


class Outcome(StrEnum):
    WAITING = "waiting"  # being handled, or held
    ANSWERED = "answered"
    DROPPED = "dropped"  # the connection was closed without an answer
    UNHEARD = "unheard"  # answered, but the caller was gone: nobody got it


class Received(BaseModel, frozen=True):
    """A request that reached a tenant, and how the tenant answered. *revision* rises as it gets on."""

    number: int
    revision: int = 1
    at: datetime
    api: str  # action, summary, details, attachment, decision
    method: str
    path: str
    headers: dict[str, str]
    body: Any = None
    fault: FaultKind | None = None  # the switch it met
    applied: bool = False  # the tenant did what it was asked to
    repeated: bool = False  # its Idempotency-Key was known: nothing was done again
    outcome: Outcome = Outcome.WAITING
    status: int | None = None
    answer: Any = None
    answered_at: datetime | None = None


class TenantBook(BaseModel):
    """What one sample tenant sent and received."""

    code: str
    sent: list[Sent] = []
    received: list[Received] = []
    honours_keys: bool = True  # answers a known decision as it did the first time
    by_itself: bool = False  # sends the ARX that follows from a decision
    decided: dict[str, Json] = {}  # by decision id: what it answered to what it took
    owed: list[Json] = []  # ARX that follow from decisions, until the service has them

    def put(self, received: Received) -> None:
        """Replace the request with the same number."""
        self.received[received.number - 1] = received


class Happening(BaseModel, frozen=True):
    """Something changed: what kind of thing, which one, and a few facts to show."""

    number: int
    at: datetime
    kind: str  # chat, mail, toast, tenant, fault, traffic
    subject: str  # an alias, a tenant's code, a fault's place
    facts: Json = {}


class Rest(BaseModel):
    """What is kept beside the chats and the tenants' books."""

    installed: set[str] = Field(default_factory=set)
    done_once: set[str] = Field(default_factory=set)
    faults: Faults = Field(default_factory=Faults)
