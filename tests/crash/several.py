"""Three requests of one tenant, decided together from the list in Teams."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from approvals_core.models import ApprovalKey
from cards.buttons import TICK
from playground import names
from playground.reading import words
from playground.records import Json, Message, Sender
from tests.crash.telling import CLEANED_UP, MARIA, NOBODY, Telling

KEYS = [ApprovalKey(names.EXPENSES.document_type, f"TRIP-{n}", "2026") for n in (1, 2, 3)]
SEVERAL = "Decide several: Contoso Expenses"
ARXS = 2  # CREATE, DELETE
APPROVED = {
    "Name": "Approve",
    "Date": "2026-11-16T09:00:00Z",
    "ActionBy": {"Alias": MARIA, "Name": "Maria Keller"},
}


class Several(Telling):
    """Maria Keller is asked three times, ticks all three, approves, and is asked no more."""

    asked = (MARIA,)

    async def tell(self) -> None:
        await self._begin()
        await self._of_each(lambda key: self._true(key, can_decide=self.asked))
        await self._decide_together()
        await self._lives.rest()
        await self._of_each(self._decided)
        if not self.unconfirmed:
            await self._list_says("Approved by Maria Keller")
        await self._of_each(self._hear)
        await self._end()

    async def tell_in_a_hurry(self) -> None:
        await self._begin()
        await self._decide_together()
        await self._of_each(self._hear)
        await self._end()

    async def _begin(self) -> None:
        await self._install()
        await self._of_each(self._create)
        await self._lives.rest()

    async def _end(self) -> None:
        await self._lives.rest()
        await self._of_each(lambda key: self._true(key, can_decide=NOBODY))
        await self._lives.rest(CLEANED_UP)
        await self._of_each(lambda key: self._over(key, arxs=ARXS, mailed=False))

    async def _of_each(self, do: Callable[[ApprovalKey], Awaitable[None]]) -> None:
        for key in KEYS:
            await do(key)

    # -- the tenant -----------------------------------------------------------

    async def _create(self, key: ApprovalKey) -> None:
        await self._post(key, self._arx(key))

    async def _hear(self, key: ApprovalKey) -> None:
        gone = {"Operation": 3, "Approvers": None, "DeleteFor": [MARIA], "ActionDetail": APPROVED}
        await self._post(key, self._arx(key) | gone)

    def _arx(self, key: ApprovalKey) -> Json:
        arx = json.loads(self._outside.sample("expenses-create-train"))
        identifier = arx["ApprovalIdentifier"] | dict.fromkeys(
            ("DisplayDocumentNumber", "DocumentNumber"), key.number
        )
        summary = arx["SummaryData"] | {"ApprovalIdentifier": identifier}
        changed = {"ApprovalIdentifier": identifier, "SummaryData": summary}
        return arx | changed | {"NotificationDetail": None}

    # -- Maria ----------------------------------------------------------------

    async def _decide_again(self, key: ApprovalKey) -> None:
        await self._click(key)

    async def _decide_together(self) -> None:
        await self._insist(lambda: self._outside.teams.say(MARIA, "pending"))
        await self._press(self._list(), SEVERAL, {})
        answer = await self._press(self._list(), "Approve", _ticked(self._list()))
        assert "Not decided" not in words(answer.card or {})

    def _list(self) -> Message:
        """Return the newest message that is about several."""
        chat = self._outside.world.chat_of(MARIA)
        assert chat is not None
        numbers = [key.number for key in KEYS]
        said = [m for m in chat.messages if m.sender is Sender.BOT]
        return [m for m in said if all(number in str(m.card) for number in numbers)][-1]

    async def _list_says(self, what: str) -> None:
        """See that the list, looked at again, says this of each."""
        listed = self._list()
        if "refresh" in (listed.shown_to(MARIA) or {}):
            await self._lives.insist(lambda: self._outside.teams.refresh(MARIA, listed.id))
        assert words(self._list().shown_to(MARIA) or {}).count(what) == len(KEYS)


def _ticked(message: Message) -> Json:
    """Return what Teams sends when every box of the list is ticked."""
    toggles = [part for part in _parts(message.shown_to(MARIA)) if part["type"] == "Input.Toggle"]
    ticks = {part["id"]: part["valueOn"] for part in toggles if part["id"].startswith(TICK)}
    assert len(ticks) == len(KEYS)
    return ticks


def _parts(part: Any) -> Iterator[Json]:
    if isinstance(part, dict) and "type" in part:
        yield part
    for inside in part.values() if isinstance(part, dict) else part:
        if isinstance(inside, dict | list):
            yield from _parts(inside)
