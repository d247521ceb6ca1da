"""What Teams tells us, as plain values, and what we answer: all that the rest knows of activities."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from approvals_core.models import PersonId

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"

_MENTION = re.compile(r"<at\b[^>]{0,200}>[^<]{0,200}</at>")


class MalformedActivity(ValueError):
    """An activity that is none, or lacks what every activity has."""


class Kind(StrEnum):
    """What somebody did."""

    CLICK = "click"  # Action.Execute of a card: the answer is a card or a message
    SUBMIT = "submit"  # its Action.Submit fallback: a message with a value
    TEXT = "text"  # a message to the bot
    INSTALLED = "installed"  # the app was added, or the bot to a conversation
    REMOVED = "removed"  # the reverse
    INVOKE = "invoke"  # any other request for an answer
    OTHER = "other"  # typing, reactions, and whatever is invented later


@dataclass(frozen=True)
class Inbound:
    """
    One activity, checked: its channel and directory are the token's and ours.

    Texts it does not have are "". Who did it is `directory` and `object_id`;
    everything in `data`, `verb` and `value` was in the hands of the client.
    """

    kind: Kind
    directory: str  # channelData.tenant.id, in lower case
    object_id: str  # from.aadObjectId, in lower case
    user_id: str  # from.id: "29:..."
    name: str
    conversation: str
    personal: bool  # the 1:1 chat with the bot
    service_url: str
    activity_id: str
    reply_to_id: str  # of the message whose card was clicked
    channel: str
    locale: str
    zone: str  # IANA, as the client says
    text: str  # without mentions
    verb: str
    data: Mapping[str, Any]  # what a button carries, and what was typed
    automatic: bool  # a refresh that nobody asked for
    value: Any  # as sent

    @property
    def person(self) -> PersonId:
        """Return who did it."""
        return PersonId(self.directory, self.object_id)


@dataclass(frozen=True)
class Reply:
    """The answer to a click: *status* goes inside the body, HTTP always says 200."""

    status: int
    type: str
    value: Any

    @classmethod
    def card(cls, card: Mapping[str, Any]) -> Self:
        """Show this card to the person who clicked, instead of the one he clicked."""
        return cls(200, CARD, card)

    @classmethod
    def message(cls, text: str) -> Self:
        """Show a line of text, and leave the card as it is."""
        return cls(200, MESSAGE, text)

    @classmethod
    def error(cls, status: int, code: str, text: str) -> Self:
        """Say that it went wrong; Teams shows it as it likes."""
        return cls(status, ERROR, {"code": code, "message": text})

    def body(self) -> dict[str, Any]:
        """Return the answer as it goes over the wire (universal-action-model.md)."""
        return {"statusCode": self.status, "type": self.type, "value": self.value}


Activities = Sequence[Mapping[str, Any]]
Clicked = Callable[[Inbound], Awaitable[Reply]]
Said = Callable[[Inbound], Awaitable[Activities]]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _From(_Part):
    id: str = ""
    name: str | None = None
    object_id: str | None = Field(default=None, alias="aadObjectId")


class _Member(_Part):
    id: str = ""


class _Conversation(_Part):
    id: str = ""
    type: str | None = Field(default=None, alias="conversationType")


class _Directory(_Part):
    id: str = ""


class _ChannelData(_Part):
    tenant: _Directory = _Directory()


class _Activity(_Part):
    """The fields of an activity that mean something to us; the others may be anything."""

    type: str = Field(min_length=1)
    channel: str = Field(min_length=1, alias="channelId")
    service_url: str = Field(min_length=1, alias="serviceUrl")
    id: str | None = None
    name: str | None = None
    action: str | None = None
    text: str | None = None
    locale: str | None = None
    zone: str | None = Field(default=None, alias="localTimezone")
    reply_to_id: str | None = Field(default=None, alias="replyToId")
    sender: _From = Field(default=_From(), alias="from")
    recipient: _Member = _Member()
    conversation: _Conversation = _Conversation()
    channel_data: _ChannelData = Field(alias="channelData")
    added: list[_Member] | None = Field(default=None, alias="membersAdded")
    removed: list[_Member] | None = Field(default=None, alias="membersRemoved")
    value: JsonValue = None


def parse_activity(body: object) -> Inbound:
    """
    Return the activity in *body*, which is parsed JSON.

    Raises:
        MalformedActivity: It is none that we can act on; the message names the fields.
    """
    try:
        activity = _Activity.model_validate(body)
    except ValidationError as problem:
        fields = {".".join(str(part) for part in error["loc"]) for error in problem.errors()}
        raise MalformedActivity(f"not usable: {', '.join(sorted(fields)) or 'all'}") from None
    inbound = _inbound(activity)
    by_somebody = (Kind.CLICK, Kind.SUBMIT, Kind.TEXT)
    if inbound.kind in by_somebody and not (inbound.object_id and inbound.conversation):
        raise MalformedActivity("not usable: from or conversation")
    return inbound


def _inbound(activity: _Activity) -> Inbound:
    kind = _kind(activity)
    value = activity.value
    action = _mapping(_mapping(value).get("action"))
    verb = action.get("verb")
    return Inbound(
        kind=kind,
        directory=activity.channel_data.tenant.id.lower(),
        object_id=(activity.sender.object_id or "").lower(),
        user_id=activity.sender.id,
        name=activity.sender.name or "",
        conversation=activity.conversation.id,
        personal=activity.conversation.type == "personal",
        service_url=activity.service_url,
        activity_id=activity.id or "",
        reply_to_id=activity.reply_to_id or "",
        channel=activity.channel,
        locale=activity.locale or "",
        zone=activity.zone or "",
        text=" ".join(_MENTION.sub(" ", activity.text or "").split()),
        verb=verb if kind is Kind.CLICK and isinstance(verb, str) else "",
        data=_mapping(action.get("data") if kind is Kind.CLICK else value),
        automatic=_mapping(value).get("trigger") == "automatic",
        value=value,
    )


def _kind(activity: _Activity) -> Kind:
    if activity.type == "invoke":
        return Kind.CLICK if activity.name == "adaptiveCard/action" else Kind.INVOKE
    if activity.type == "message":
        return Kind.SUBMIT if isinstance(activity.value, dict) else Kind.TEXT
    if activity.type == "installationUpdate":
        return Kind.REMOVED if (activity.action or "").startswith("remove") else Kind.INSTALLED
    if activity.type == "conversationUpdate":
        return _joined(activity)
    return Kind.OTHER


def _joined(activity: _Activity) -> Kind:
    """Others come and go too; only the bot itself concerns us."""
    bot = activity.recipient.id
    if bot and any(member.id == bot for member in activity.added or ()):
        return Kind.INSTALLED
    if bot and any(member.id == bot for member in activity.removed or ()):
        return Kind.REMOVED
    return Kind.OTHER


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
