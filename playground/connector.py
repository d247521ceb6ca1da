"""The far side of the Bot Connector: the bot creates conversations here, sends messages, updates and deletes them."""

import itertools
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from playground import names
from playground.doors import claims_of, drop
from playground.faults import Fault, FaultKind
from playground.issuer import Issuer
from playground.people import Person
from playground.records import Chat, Json, Message, Sender
from playground.world import World

CARD = "application/vnd.microsoft.card.adaptive"
MOST_BYTES = 28 * 1024  # of a card, in UTF-8

# (status, code): TD conversation-messages.md, "Status codes"; the texts are ours.
_REFUSALS = {
    FaultKind.NOT_REGISTERED: (401, "BotNotRegistered"),
    FaultKind.BOT_DISABLED: (403, "BotDisabledByAdmin"),
    FaultKind.NO_CONVERSATION: (404, "ConversationNotFound"),
    FaultKind.NO_MESSAGE: (404, "ActivityNotFoundInConversation"),
    FaultKind.PRECONDITION_FAILED: (412, "PreconditionFailed"),
    FaultKind.TOO_BIG: (413, "MessageSizeTooBig"),
    FaultKind.THROTTLED: (429, "Throttled"),
}
_ON_EVERY_CALL = (FaultKind.NOT_REGISTERED, FaultKind.BOT_DISABLED)  # whatever it is about
_ON_ANY = (FaultKind.PRECONDITION_FAILED, FaultKind.THROTTLED, FaultKind.STATUS)
_ON_CREATE = (*_ON_ANY, FaultKind.NOT_INSTALLED)
_ON_SEND = (*_ON_ANY, FaultKind.BLOCKED, FaultKind.NO_CONVERSATION, FaultKind.TOO_BIG)
_ON_UPDATE = (*_ON_SEND, FaultKind.NO_MESSAGE)


Answering = Callable[[web.Request], Awaitable[web.Response]]


class Refusal(Exception):
    """The connector says no; carries its answer."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__()
        self.answer = answer


class Connector:
    """Serves `/connector/v3/...`; faults at "connector" and "connector/{alias}"."""

    def __init__(self, world: World, issuer: Issuer) -> None:
        self._world = world
        self._issuer = issuer
        self._count = itertools.count(1)

    def routes(self) -> Iterable[web.RouteDef]:
        here = "/connector/v3/conversations"
        return [
            web.post(here, self._answering(self._create)),
            web.post(here + "/{conversation}/activities", self._answering(self._send)),
            web.put(
                here + "/{conversation}/activities/{activity}",
                self._answering(self._update),
            ),
            web.delete(
                here + "/{conversation}/activities/{activity}",
                self._answering(self._delete),
            ),
        ]

    def _answering(self, handler: Answering) -> Answering:
        """Wrap a handler: the token first, refusals as answers, everything told to the world."""

        async def answer(request: web.Request) -> web.Response:
            try:
                self._check_token(request)
                response = await handler(request)
            except Refusal as refusal:
                response = refusal.answer
            self._world.changed(
                "traffic", "connector", method=request.method, status=response.status
            )
            return response

        return answer

    def _check_token(self, request: web.Request) -> None:
        claims = claims_of(request, self._issuer, audience=names.BOT_FRAMEWORK)
        if claims is None or claims.get("appid") != names.BOT_APP:
            raise _refused(401, "Unauthorized", "The token is not the bot's.")
        fault = self._world.take_fault("connector", *_ON_EVERY_CALL)
        if fault is not None:
            raise Refusal(_fault_answer(fault))

    # -- what the bot may do --------------------------------------------------

    async def _create(self, request: web.Request) -> web.Response:
        body = await _json(request)
        person = self._member(body)
        lost = self._meet_faults(request, person.alias, _ON_CREATE)
        if not self._world.is_installed(person.alias):
            raise _refused(403, "ForbiddenOperationException", "The app is not installed.")
        chat = self._world.open_chat(person.alias)
        return drop(request) if lost else web.json_response({"id": chat.id}, status=201)

    async def _send(self, request: web.Request) -> web.Response:
        activity = await _json(request)
        chat = self._chat(request)
        lost = self._meet_faults(request, chat.alias, _ON_SEND)
        self._check_roster(chat)
        if activity.get("type") != "message":  # typing and the like leave no message
            return web.json_response({"id": self._new_id()}, status=201)
        sent = [self._add(chat, text, card) for text, card in _parts(activity)]
        # Text and card in one activity become two messages, and no id comes back: then nobody can update them.
        answer = {"id": sent[0]} if len(sent) == 1 else {}
        return drop(request) if lost else web.json_response(answer, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        activity = await _json(request)
        chat = self._chat(request)
        lost = self._meet_faults(request, chat.alias, _ON_UPDATE)
        self._check_roster(chat)
        message = self._message(chat, request.match_info["activity"])
        text, card = _parts(activity)[-1]
        self._world.update_message(chat, message, text=text, card=card)
        return drop(request) if lost else web.json_response({"id": message.id})

    async def _delete(self, request: web.Request) -> web.Response:
        chat = self._chat(request)
        lost = self._meet_faults(request, chat.alias, _ON_UPDATE)
        self._check_roster(chat)
        self._world.remove_message(chat, self._message(chat, request.match_info["activity"]))
        return drop(request) if lost else web.json_response({})

    def _add(self, chat: Chat, text: str, card: Json | None) -> str:
        message_id = self._new_id()
        self._world.add_message(chat, Sender.BOT, message_id=message_id, text=text, card=card)
        return message_id

    def _new_id(self) -> str:
        return f"1:{next(self._count)}-{secrets.token_hex(5)}"

    # -- what it finds --------------------------------------------------------

    def _member(self, body: Json) -> Person:
        """Return the one person a conversation is asked with; object ids only, as Teams wants it."""
        members = body.get("members")
        first = members[0] if isinstance(members, list) and len(members) == 1 else None
        wanted = first.get("id") if isinstance(first, dict) else None
        everybody = self._world.people.values()
        person = next((one for one in everybody if wanted in (one.object_id, one.mri)), None)
        tenant = (body.get("channelData") or {}).get("tenant") or {}
        bot = (body.get("bot") or {}).get("id")
        if person is None or tenant.get("id") != person.directory or body.get("isGroup"):
            raise _refused(400, "BadArgument", "Unknown member, or another tenant.")
        if bot not in (f"28:{names.BOT_APP}", names.BOT_APP):
            raise _refused(400, "BadArgument", "The bot is not the caller.")
        return person

    def _chat(self, request: web.Request) -> Chat:
        chat = self._world.chats.get(request.match_info["conversation"])
        if chat is None:
            raise _refused(404, "ConversationNotFound", "Conversation not found.")
        return chat

    def _check_roster(self, chat: Chat) -> None:
        if not self._world.is_installed(chat.alias):
            raise _refused(403, "BotNotInConversationRoster", "The bot is not in the conversation.")

    def _message(self, chat: Chat, message_id: str) -> Message:
        message = chat.message(message_id)
        if message is None:
            raise _refused(404, "ActivityNotFoundInConversation", "No such activity.")
        if message.sender is not Sender.BOT:
            raise _refused(403, "NotEnoughPermissions", "Not the bot's message.")
        return message

    # -- faults ---------------------------------------------------------------

    def _meet_faults(self, request: web.Request, alias: str, kinds: tuple[FaultKind, ...]) -> bool:
        """Refuse if a switch says so; return True if the call is to be done and its answer lost."""
        fault = self._take(alias, (*kinds, FaultKind.LOST_ANSWER))
        if fault is None or fault.kind is FaultKind.LOST_ANSWER:
            return fault is not None
        raise Refusal(_fault_answer(fault))

    def _take(self, alias: str, kinds: tuple[FaultKind, ...]) -> Fault | None:
        return self._world.take_fault(f"connector/{alias}", *kinds) or self._world.take_fault(
            "connector", *kinds
        )


def _fault_answer(fault: Fault) -> web.Response:
    if fault.kind is FaultKind.BLOCKED:
        # Not the usual shape: this is what Teams sends (Microsoft Q&A 1513369).
        text = "MessageWritesBlocked: the user blocked the bot."
        return web.json_response({"errorCode": 209, "message": text}, status=403)
    if fault.kind is FaultKind.NOT_INSTALLED:
        return _error(403, "ForbiddenOperationException", "The app is not installed.")
    status, code = _REFUSALS.get(fault.kind, (fault.status, "ServiceError"))
    answer = _error(status, code, f"The playground was told to answer {status}.")
    if fault.kind is FaultKind.THROTTLED:
        answer.headers["Retry-After"] = f"{fault.seconds:g}"
    return answer


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _refused(status: int, code: str, message: str) -> Refusal:
    return Refusal(_error(status, code, message))


async def _json(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _refused(400, "BadSyntax", "The body is no JSON object.")
    return body


def _parts(activity: Json) -> list[tuple[str, Json | None]]:
    """Return an activity's messages as (text, card), checked as Teams would."""
    text = activity.get("text") or ""
    cards = [_card(attachment) for attachment in activity.get("attachments") or []]
    if not text and not cards:
        raise _refused(400, "BadSyntax", "Neither text nor attachment.")
    return [*([(text, None)] if text else []), *(("", card) for card in cards)]


def _card(attachment: Json) -> Json:
    card = attachment.get("content")
    if attachment.get("contentType") != CARD or not isinstance(card, dict):
        raise _refused(400, "BadArgument", "Unknown attachment.")
    if card.get("type") != "AdaptiveCard" or not card.get("version"):
        raise _refused(400, "BadArgument", "No Adaptive Card, or one without version.")
    if len(json.dumps(card, ensure_ascii=False).encode()) > MOST_BYTES:
        raise _refused(413, "MessageSizeTooBig", "The card is larger than 28 KB.")
    return card
