"""The client side of Teams: what people do there goes to the bot as signed activities, and changes what they see."""

import json
import secrets
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from playground.activities import activity, card_action, members_changed
from playground.issuer import Issuer
from playground.reading import inputs_of
from playground.records import Json, Message, Sender
from playground.world import World

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
PATIENCE = 15.0  # seconds until the Bot Framework gives up on the bot
REFRESH_AFTER = 60.0  # seconds until Teams refreshes an open card again
TROUBLE = "Something went wrong. Please try again."


@dataclass(frozen=True)
class Answer:
    """What the bot said to an activity, and what its person got to see of it."""

    status: int | None  # of HTTP; None: no answer
    body: Any = None
    card: Json | None = None  # the person's own view from now on
    toast: str = ""
    seconds: float = 0.0


class Teams:
    """
    Every person's Teams, talking to the bot at *bot* + /api/messages.

    *service_url* is where the bot finds our connector; both are set once the ports are known.
    """

    def __init__(self, world: World, issuer: Issuer) -> None:
        self.bot = ""
        self.service_url = ""
        self._world = world
        self._issuer = issuer
        self._http: aiohttp.ClientSession | None = None
        self._refreshed: dict[tuple[str, str, int], float] = {}  # when, by person and revision
        self._presses: Counter[tuple[str, str]] = Counter()  # by person and message

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE))

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()

    # -- what people do -------------------------------------------------------

    async def click(
        self, alias: str, message_id: str, action: Json, inputs: Json | None = None
    ) -> Answer:
        """
        Press an Action.Execute of a message's card, with *inputs* as typed; the others as they stand.

        A card in the answer is what this person alone sees from now on: it is as new as one that
        was asked for, so Teams does not refresh it at once.
        """
        message = self._message(alias, message_id)
        self._presses[alias, message_id] += 1
        self._refreshed[alias, message_id, message.revision] = time.monotonic()
        typed = {**inputs_of(message.shown_to(alias) or {}, action), **(inputs or {})}
        answer = await self._invoke(alias, message, action, typed, trigger="manual")
        return self._show(alias, message, answer)

    async def refresh(self, alias: str, message_id: str) -> Answer | None:
        """
        Ask for the card anew, as Teams does by itself; None if the card has no refresh.

        An answer that a press or a newer card has overtaken is not shown.
        """
        message = self._message(alias, message_id)
        action = _refresh(message.shown_to(alias)).get("action")
        if action is None:
            return None
        self._refreshed[alias, message_id, message.revision] = time.monotonic()
        began = self._state(alias, message_id)
        answer = await self._invoke(alias, message, action, {}, trigger="automatic")
        if self._state(alias, message_id) != began:
            return answer
        return self._show(alias, message, answer, quiet=True)

    async def opened(self, alias: str, message_id: str) -> Answer | None:
        """Show the card to the person; Teams refreshes it if it names him and was not refreshed just now."""
        message = self._message(alias, message_id)
        named = _refresh(message.shown_to(alias)).get("userIds") or []
        last = self._refreshed.get((alias, message_id, message.revision))
        recent = last is not None and time.monotonic() - last < REFRESH_AFTER
        if recent or self._world.people[alias].mri not in named:
            return None
        return await self.refresh(alias, message_id)

    async def submit(
        self, alias: str, message_id: str, action: Json, inputs: Json | None = None
    ) -> Answer:
        """Press the Action.Submit fallback, as clients without Action.Execute do: a message with a value."""
        message = self._message(alias, message_id)
        fallback = action.get("fallback")
        pressed = fallback if isinstance(fallback, dict) else action
        typed = {**inputs_of(message.shown_to(alias) or {}, action), **(inputs or {})}
        value = {**(pressed.get("data") or {}), **typed}
        return await self.post(alias, "message", value=value, replyToId=message_id)

    async def say(self, alias: str, text: str) -> Answer:
        message_id = f"{time.time_ns() // 1_000_000}{secrets.randbelow(1000):03}"
        chat = self._world.open_chat(alias)
        self._world.add_message(chat, Sender.PERSON, message_id=message_id, text=text)
        return await self.post(alias, "message", id=message_id, text=text, textFormat="plain")

    async def install(self, alias: str) -> Answer:
        self._world.set_installed(alias, installed=True)
        self._world.open_chat(alias)
        await self.post(alias, "conversationUpdate", **self._members(alias, added=True))
        return await self.post(alias, "installationUpdate", action="add")

    async def uninstall(self, alias: str) -> Answer:
        self._world.set_installed(alias, installed=False)
        await self.post(alias, "conversationUpdate", **self._members(alias, added=False))
        return await self.post(alias, "installationUpdate", action="remove")

    # -- how it goes to the bot -----------------------------------------------

    async def post(self, alias: str, type: str, **fields: Any) -> Answer:  # noqa: A002 -- the wire's word
        """Send one activity of this person, with any *fields* over the usual ones."""
        person = self._world.people[alias]
        shape = activity(person, service_url=self.service_url, type=type, **fields)
        return await self.deliver(shape, token=self._issuer.bot_token(self.service_url))

    async def deliver(self, body: Json | bytes, *, token: str | None) -> Answer:
        """Post anything at all to the bot, also what Teams never would; None: without a token."""
        assert self._http is not None, "not started"
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        began = time.monotonic()
        try:
            async with self._http.post(
                f"{self.bot}/api/messages", data=raw, headers=headers
            ) as response:
                answer = Answer(response.status, _read(await response.read()))
        except (TimeoutError, aiohttp.ClientError):
            answer = Answer(None)
        answer = replace(answer, seconds=time.monotonic() - began)
        self._note(body, answer)
        return answer

    async def _invoke(
        self, alias: str, message: Message, action: Json, inputs: Json, *, trigger: str
    ) -> Answer:
        return await self.post(
            alias,
            "invoke",
            name="adaptiveCard/action",
            value=card_action(action, inputs, trigger=trigger),
            replyToId=message.id,
        )

    def _state(self, alias: str, message_id: str) -> tuple[int, int]:
        """Return how often he pressed a button of the message, and its revision; 0: it is gone."""
        chat = self._world.chat_of(alias)
        message = chat.message(message_id) if chat else None
        return self._presses[alias, message_id], message.revision if message else 0

    def _show(self, alias: str, message: Message, answer: Answer, *, quiet: bool = False) -> Answer:
        """Let the person see the answer: a card in place of the message's, or a line of text."""
        body = answer.body if isinstance(answer.body, dict) and answer.status == 200 else {}  # noqa: PLR2004
        kind, value = body.get("type"), body.get("value")
        if kind == CARD and isinstance(value, dict):
            self._world.show_view(self._world.open_chat(alias), message.id, alias, value)
            return replace(answer, card=value)
        text = value if kind == MESSAGE and isinstance(value, str) else TROUBLE
        if not quiet:
            self._world.changed("toast", alias, message=message.id, text=text)
        return replace(answer, toast=text)

    def _note(self, body: Json | bytes, answer: Answer) -> None:
        kind = body.get("name") or body.get("type") if isinstance(body, dict) else "bytes"
        seconds = round(answer.seconds, 3)
        self._world.changed("traffic", "bot", activity=kind, status=answer.status, seconds=seconds)

    def _message(self, alias: str, message_id: str) -> Message:
        chat = self._world.chat_of(alias)
        message = chat.message(message_id) if chat else None
        if message is None:
            raise LookupError(f"{alias} has no message {message_id}")
        return message

    def _members(self, alias: str, *, added: bool) -> Json:
        return members_changed(self._world.people[alias], added=added)


def _refresh(card: Json | None) -> Json:
    refresh = (card or {}).get("refresh")
    return refresh if isinstance(refresh, dict) else {}


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")
