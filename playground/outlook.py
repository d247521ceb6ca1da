"""The client side of Outlook: people open their mails, press what is on the cards in them, and forward them."""

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp

from playground.actionable import (
    ACTS_FOR,
    HTTP,
    Provider,
    Verdict,
    actions_of,
    refusals,
    sender_of,
    verdict,
)
from playground.http_action import request_of
from playground.keeping import Keep
from playground.mailboxes import ReceivedMail, mail_of
from playground.markup import markup_of
from playground.reading import inputs_of
from playground.records import Json, Reading, Readings
from playground.world import World

# outlook-dev-docs, auto-invoke.md: a later answer is ignored, the card stays as it was.
AUTO_INVOKE_WITHIN = 2.0  # seconds
PATIENCE = (
    15.0  # seconds until Outlook gives up on an action; not documented, told by those who tried
)
TROUBLE = "The action could not be completed. Please try again."
TOO_OLD = "This message is too old: Outlook acts on none that is older than a month."
OK = 200
_OWN_HEADERS = frozenset({"host", "content-length", "connection", "transfer-encoding", "cookie"})


class Tokens(Protocol):
    """Who signs tokens of the Actions service for a person."""

    def __call__(self, alias: str) -> str: ...


@dataclass(frozen=True)
class Pressed:
    """How an action ended. *status* is that of HTTP, None without an answer; *seconds* is how long it took."""

    status: int | None
    told: str = ""  # CARD-ACTION-STATUS
    card: Json | None = None  # in place of the one that was shown
    seconds: float = 0.0
    problem: str = ""  # why an answer's card is not taken

    @property
    def failed(self) -> bool:
        return self.status != OK


class Outlook:
    """
    Everybody's Outlook: it reads the world's mailboxes, and calls the targets of the cards in them.

    *token* signs the Actions service's token for an alias. Set *provider* once the addresses are known.
    """

    def __init__(
        self,
        world: World,
        keep: Keep,
        *,
        token: Tokens,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.provider = Provider(originator="", sender="", targets=())
        self.auto_invoke_within = AUTO_INVOKE_WITHIN
        self._world = world
        self._keep = keep
        self._token = token
        self._now = now
        self._readings: dict[str, Readings] = {}
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE))

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()

    # -- what there is --------------------------------------------------------

    def mail(self, alias: str, mail_id: str) -> ReceivedMail:
        """
        Return the mail of this id in somebody's inbox.

        Raises:
            LookupError: There is none.
        """
        mail = self._world.mailboxes.find(alias, mail_id)
        if mail is None:
            raise LookupError(f"{alias} has no mail {mail_id}")
        return mail

    def reading(self, alias: str, mail_id: str) -> Reading:
        """Return what became of a mail here; one that was never opened is unread."""
        return self._readings_of(alias).by_mail.get(mail_id) or Reading()

    def verdict(self, alias: str, mail_id: str) -> Verdict:
        """Judge a mail's card, with the one that an answer brought in its place."""
        found = verdict(self.mail(alias, mail_id), self._address(alias), self.provider)
        newer = self.reading(alias, mail_id).card
        return found if found.card is None or newer is None else found._replace(card=newer)

    def shown(self, alias: str, mail_id: str) -> Json | None:
        """Return the card that this person sees, None: he sees the HTML."""
        return self.verdict(alias, mail_id).card

    # -- what people do -------------------------------------------------------

    def open(self, alias: str, mail_id: str) -> Json | None:
        """Read a mail; return its card as it is before it has refreshed itself."""
        card = self.shown(alias, mail_id)
        self._note(alias, mail_id, read=True, status="", failed=False)
        return card

    async def auto_invoke(self, alias: str, mail_id: str) -> Pressed | None:
        """Let a card that was opened refresh itself; None: it does not ask for it."""
        card = self.shown(alias, mail_id)
        action = (card or {}).get("autoInvokeAction")
        if card is None or not isinstance(action, dict):
            return None
        answer = await self._call(alias, card, action, {}, within=self.auto_invoke_within)
        self._note(alias, mail_id, invoked=_invoked(answer), **_new_card(answer))
        return answer

    async def press(
        self,
        alias: str,
        mail_id: str,
        action: Json,
        inputs: Mapping[str, Any] | None = None,
        *,
        request: str = "",
    ) -> Pressed:
        """
        Press an Action.Http of the card that is shown, with *inputs* as typed; the others as they stand.

        *request* is the Action-Request-Id of a press that is delivered once more, "" for a new one.

        Raises:
            LookupError: The card has no such action.
        """
        card = self.shown(alias, mail_id) or {}
        own = _own_action(card, action)
        if self._now() - self.mail(alias, mail_id).at > ACTS_FOR:
            answer = Pressed(None, TOO_OLD)
        else:
            typed = {**inputs_of(card, own), **(inputs or {})}
            answer = await self._call(alias, card, own, typed, within=PATIENCE, request=request)
        status = answer.told or answer.problem or (TROUBLE if answer.failed else "")
        self._note(alias, mail_id, status=status, failed=answer.failed, **_new_card(answer))
        return answer

    def forward(self, alias: str, mail_id: str, to: str, *, hostile: bool = False) -> ReceivedMail:
        """
        Send somebody a copy of a mail, whose markup is removed as Microsoft 365 does.

        A *hostile* one keeps its card and its sender, as no honest system would deliver it.
        """
        mail = self.mail(alias, mail_id)
        address = mail_of(self._world.people[to])
        changed = {"id": secrets.token_hex(8), "alias": to, "to": address, "at": self._now()}
        if hostile:
            return self._world.mailboxes.deliver(_readdressed(mail, address, changed))
        mine = self._world.people[alias]
        headers = {
            "from": f"{mine.name} <{mail_of(mine)}>",
            "to": address,
            "subject": f"Fw: {mail.subject}",
        }
        sent = {"sender": mail_of(mine), "subject": f"Fw: {mail.subject}", "headers": headers}
        changed |= {**sent, "html": markup_of(mail.html).bare, "raw": ""}
        return self._world.mailboxes.deliver(mail.model_copy(update=changed))

    # -- how it goes to the service -------------------------------------------

    async def _call(
        self,
        alias: str,
        card: Json,
        action: Json,
        inputs: Mapping[str, Any],
        *,
        within: float,
        request: str = "",
    ) -> Pressed:
        began = time.monotonic()
        try:
            async with asyncio.timeout(within):
                answer = await self._posted(alias, card, action, inputs, request)
        except (TimeoutError, aiohttp.ClientError):
            answer = Pressed(None)
        answer = replace(answer, seconds=time.monotonic() - began)
        title = action.get("title", "autoInvokeAction")
        facts = {"action": title, "status": answer.status, "seconds": round(answer.seconds, 3)}
        self._world.changed("traffic", "outlook", **facts)
        return answer

    async def _posted(
        self, alias: str, card: Json, action: Json, inputs: Mapping[str, Any], again: str
    ) -> Pressed:
        assert self._http is not None, "not started"
        method, url, given, body = request_of(action, inputs)
        headers = self._headers(alias, card, given)
        headers["Action-Request-Id"] = again or str(uuid.uuid4())
        async with self._http.request(
            method, url, data=body.encode(), headers=headers, allow_redirects=False
        ) as response:
            told = response.headers.get("CARD-ACTION-STATUS", "")
            in_body = response.headers.get("CARD-UPDATE-IN-BODY", "").strip().lower() == "true"
            answer = Pressed(response.status, told)
            if response.status != OK or not in_body:
                return answer
            return self._with_card(answer, await response.read())

    def _headers(self, alias: str, card: Json, given: Mapping[str, str]) -> dict[str, str]:
        """Add the token and the ids; a card that wants Authorization for itself gets the token beside it."""
        headers = {name: value for name, value in given.items() if name.lower() not in _OWN_HEADERS}
        own = [name for name in headers if name.lower() == "authorization"]
        for name in own:
            if not headers[name]:
                del headers[name]
        headers["Action-Authorization" if own else "Authorization"] = f"Bearer {self._token(alias)}"
        if card.get("correlationId"):
            headers["Card-Correlation-Id"] = str(card["correlationId"])
        return headers

    def _with_card(self, answer: Pressed, body: bytes) -> Pressed:
        try:
            card = json.loads(body)
        except ValueError:
            return replace(answer, problem="The card in the answer is not JSON.")
        if not isinstance(card, dict):
            return replace(answer, problem="The card in the answer is not an object.")
        problems = refusals(card, self.provider)
        return replace(answer, problem=problems[0]) if problems else replace(answer, card=card)

    # -- what is remembered ---------------------------------------------------

    def _readings_of(self, alias: str) -> Readings:
        if alias not in self._readings:
            kept = self._keep.load(f"outlook/{alias}", Readings)
            self._readings[alias] = kept or Readings(alias=alias)
        return self._readings[alias]

    def _note(self, alias: str, mail_id: str, **changed: Any) -> None:
        readings, before = self._readings_of(alias), self.reading(alias, mail_id)
        newer = before.model_copy(update=changed)
        if newer == before:
            return
        readings.by_mail[mail_id] = newer.model_copy(update={"changes": before.changes + 1})
        self._keep.save(f"outlook/{alias}", readings)
        self._world.changed("mail", alias, mail=mail_id)

    def _address(self, alias: str) -> str:
        return mail_of(self._world.people[alias])


def _own_action(card: Json, pressed: Json) -> Json:
    """Return the card's own Action.Http that was *pressed*: whoever draws it may have added defaults."""
    for action in actions_of(card):
        same = all(action.get(name) == pressed.get(name) for name in ("type", "title", "url"))
        if same and action.get("type") == HTTP:
            return action
    raise LookupError("the card has no such button")


def _new_card(answer: Pressed) -> Json:
    return {} if answer.card is None else {"card": answer.card}


def _invoked(answer: Pressed) -> str:
    """Return a line for whoever wants to know why a card is as it is."""
    if answer.status is None:
        return f"autoInvokeAction: no answer within {AUTO_INVOKE_WITHIN:g} s, the card is as it was"
    outcome = "a new card" if answer.card is not None else "no new card"
    said = answer.problem or answer.told
    return f"autoInvokeAction: {answer.status} after {answer.seconds * 1000:.0f} ms, {outcome}" + (
        f" ({said})" if said else ""
    )


def _readdressed(mail: ReceivedMail, address: str, changed: Json) -> ReceivedMail:
    """Return *mail* as if it had been sent to *address* by its own sender."""
    name, sender = sender_of(mail)
    headers = {**mail.headers, "from": f"{name} <{sender}>", "to": address}
    return mail.model_copy(update={**changed, "headers": headers, "via": "smtp"})
