"""The approvers of the soak: they press in Teams and in Outlook, tick several, look again, and are impatient."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from cards.buttons import TICK
from playground.mailboxes import ReceivedMail
from playground.names import DOMAIN
from playground.outside import Playground
from playground.people import Person
from playground.reading import button, buttons, words
from playground.records import Json, Message, Sender

SEVERAL = "Decide several: Contoso Expenses"
NEWEST = 60  # messages of a chat that somebody still looks at
SLOWEST = 2.0  # seconds between two things that somebody does
UNDECIDED = ("Recording your decision", "Something went wrong")


def approvers(count: int) -> list[Person]:
    """Return people of the organization who are in no sample."""
    return [
        Person(
            alias=f"approver{number}",
            name=f"Approver {number}",
            user_principal_name=f"approver{number}@{DOMAIN}",
            mail_nickname=f"approver{number}",
        )
        for number in range(1, count + 1)
    ]


@dataclass(frozen=True)
class Press:
    """
    One decision that somebody made on a card; its comment is like no other.

    *acknowledged*: the answer showed it as made. Without that nobody knows.
    """

    alias: str
    comment: str
    where: str
    acknowledged: bool


class Approver:
    """One person at work. `presses` is all that was decided, or perhaps not."""

    def __init__(self, alias: str, outside: Playground, choice: random.Random) -> None:
        self.presses: list[Press] = []
        self._alias = alias
        self._outside = outside
        self._choice = choice
        self._comments = 0

    async def work(self, until: asyncio.Event) -> None:
        """Do one thing after another, until the end of the load."""
        doings = [self._click, self._click, self._click, self._look, self._mail, self._together]
        while not until.is_set():
            with suppress(LookupError):  # the card, or its button, went away under his eyes
                await self._choice.choice(doings)()
            await asyncio.sleep(self._choice.uniform(0.1, SLOWEST))

    async def decide(self, number: str) -> None:
        """Approve the request with this number, if a card of it offers that."""
        for message in self._said():
            card = message.shown_to(self._alias) or {}
            if number in words(card) and _has(card, "Approve") and not _ticks(card):
                action, comment = button(card, "Approve"), self._comment()
                click = self._outside.teams.click
                answer = await click(self._alias, message.id, action, {"comment": comment})
                self._note(comment, "Teams", answer.card)
                return

    # -- Teams ----------------------------------------------------------------

    async def _click(self) -> None:
        """Press a button; sometimes it is delivered twice, at once."""
        found = self._asking()
        if found is None:
            return
        message, card = found
        action, comment = button(card, self._wanted(card)), self._comment()
        click = self._outside.teams.click
        times = 2 if self._choice.random() < 0.2 else 1
        both = (click(self._alias, message.id, action, {"comment": comment}) for _ in range(times))
        for answer in await asyncio.gather(*both):
            self._note(comment, "Teams", answer.card)

    def _wanted(self, card: Json) -> str:
        titles = [each.get("title") for each in buttons(card)]
        rejects = "Reject" in titles and self._choice.random() < 0.2
        return "Reject" if rejects and not _asks_why(card) else "Approve"

    async def _look(self) -> None:
        """Let Teams refresh a card."""
        said = self._said()
        if said:
            await self._outside.teams.refresh(self._alias, self._choice.choice(said).id)

    async def _together(self) -> None:
        """Ask for all that waits, and decide several of it with one press."""
        if self._choice.random() < 0.7:
            return
        await self._outside.teams.say(self._alias, "pending")
        lists = [m for m in self._said() if _has(m.card, SEVERAL)]
        if not lists:
            return
        click, listed = self._outside.teams.click, lists[-1]
        opened = await click(self._alias, listed.id, button(listed.card or {}, SEVERAL), {})
        ticks = _ticks(opened.card)
        if not ticks or not _has(opened.card, "Approve"):
            return
        ticked = dict(self._choice.sample(sorted(ticks.items()), min(3, len(ticks))))
        comment, action = self._comment(), button(opened.card or {}, "Approve")
        await click(self._alias, listed.id, action, ticked | {"comment": comment})
        # Its answer tells each request's state, not whose press it was.
        self.presses.append(Press(self._alias, comment, "list", acknowledged=False))

    def _said(self) -> list[Message]:
        chat = self._outside.world.chat_of(self._alias)
        messages = chat.messages[-NEWEST:] if chat else []
        return [m for m in messages if m.sender is Sender.BOT and m.card]

    def _asking(self) -> tuple[Message, Json] | None:
        said = self._said()
        self._choice.shuffle(said)
        for message in said:
            card = message.shown_to(self._alias) or {}
            if _has(card, "Approve") and not _ticks(card):
                return message, card
        return None

    # -- Outlook --------------------------------------------------------------

    async def _mail(self) -> None:
        """Open a mail, let its card look again, and press what it offers."""
        mails = [m for m in self._outside.world.mailboxes.of(self._alias)[-NEWEST:] if m.card]
        if not mails:
            return
        mail, outlook = self._choice.choice(mails), self._outside.outlook
        outlook.open(self._alias, mail.id)
        await outlook.auto_invoke(self._alias, mail.id)
        card = outlook.shown(self._alias, mail.id) or {}
        if _has(card, "Approve"):
            await self._press(mail, button(card, "Approve"))

    async def _press(self, mail: ReceivedMail, action: Json) -> None:
        """Press until it is answered: Outlook delivers the same press again."""
        comment, request = self._comment(), str(uuid4())
        for _ in range(3):
            answer = await self._outside.outlook.press(
                self._alias, mail.id, action, {"comment": comment}, request=request
            )
            self._note(comment, "Outlook", answer.card)
            if answer.status is not None:
                return

    # -- what is noted --------------------------------------------------------

    def _comment(self) -> str:
        self._comments += 1
        return f"{self._alias} says {self._comments:04}"

    def _note(self, comment: str, where: str, card: Json | None) -> None:
        self.presses.append(Press(self._alias, comment, where, _shows(card, comment)))


def _shows(card: Json | None, comment: str) -> bool:
    """Tell whether a card shows a decision with this comment as made."""
    if card is None or _has(card, "Approve"):
        return False
    text = words(card)
    return comment in text and not any(each in text for each in UNDECIDED)


def _has(card: Json | None, title: str) -> bool:
    return any(each.get("title") == title for each in buttons(card or {}))


def _asks_why(card: Json) -> bool:
    """Tell whether to reject takes more than a comment."""
    return any(part.get("type") == "Input.ChoiceSet" for part in _parts(card))


def _ticks(card: Json | None) -> Json:
    """Return what Teams sends for each box of a list when it is ticked."""
    toggles = [part for part in _parts(card or {}) if part.get("type") == "Input.Toggle"]
    return {each["id"]: each["valueOn"] for each in toggles if each["id"].startswith(TICK)}


def _parts(part: Any) -> Iterator[Json]:
    if isinstance(part, dict):
        yield part
    for inside in part.values() if isinstance(part, dict) else part:
        if isinstance(inside, dict | list):
            yield from _parts(inside)
