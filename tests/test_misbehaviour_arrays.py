"""A tenant that takes arrays and answers them badly: each request in the list has its own true word."""

from dataclasses import dataclass
from typing import Any

import pytest

from playground import names
from playground.faults import Fault, FaultKind
from playground.page_samples import beginnings
from playground.reading import button, inputs_of, words
from playground.records import Json, Message
from tests.failing import converged
from tests.running import Running

MARIA = "johndoe1"
UNSURE = "did not confirm"
SEVERAL = "Decide several: Contoso Expenses"


@dataclass(frozen=True)
class Case:
    """One bad answer to an array of three; the next one is as it should be."""

    name: str
    kind: FaultKind
    approved: int  # lines of the result that say so at once
    unsure: int  # lines that say that nobody knows


CASES = [
    Case("one answer is missing: nobody knows of that one", FaultKind.SHORT, 2, 1),
    Case("one answer too many: it counts for nobody", FaultKind.LONG, 3, 0),
    Case("another order: matched by document", FaultKind.REORDERED, 3, 0),
    Case("every answer twice: the same word twice is one word", FaultKind.DOUBLED, 3, 0),
    Case("yes and no for each: nobody knows of any", FaultKind.CONTRADICTED, 0, 3),
    Case("all for another document: nobody knows of any", FaultKind.WRONG_DOCUMENT, 0, 3),
    Case("reset after applying: nobody knows of any", FaultKind.LOST_ANSWER, 0, 3),
]


class List:
    """Maria's list of expense reports to decide together."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.tenant = running.playground.tenants["expenses"]
        self.numbers: list[str] = []

    async def fill(self, count: int = 3) -> None:
        small = [one for one in beginnings(names.EXPENSES.document_type) if '"1284.50"' not in one]
        for at in range(count):
            sent = await self.tenant.start_request(small[at % len(small)])
            self.running.number = (sent.arx or {})["ApprovalIdentifier"]["DocumentNumber"]
            await self.running.asked(MARIA)
            self.numbers.append(self.running.number)

    async def approve_all(self) -> str:
        """Tick everything, press Approve, and return what the card then says."""
        teams = self.running.playground.teams
        await teams.say(MARIA, "pending")
        message = await self.running.until(self._waiting)
        several = button(message.card or {}, SEVERAL)
        await teams.click(MARIA, message.id, several, {})
        listed = self._shown(message.id)
        await teams.click(MARIA, message.id, button(listed, "Approve"), ticked(listed))
        return words(self._shown(message.id))

    def _waiting(self) -> Message | None:
        """Return what the bot said of all that waits."""
        chat = self.running.playground.world.chat_of(MARIA)
        said = chat.messages if chat else []
        return next((m for m in reversed(said) if SEVERAL in words(m.card or {})), None)

    def _shown(self, message: str) -> Json:
        chat = self.running.playground.world.chat_of(MARIA)
        found = chat.message(message) if chat else None
        assert found is not None
        return found.shown_to(MARIA) or {}

    def card_about(self, number: str) -> str:
        """Return what the request's own card says: the oldest that names it."""
        chat = self.running.playground.world.chat_of(MARIA)
        assert chat is not None
        return next(words(m.card or {}) for m in chat.messages if number in str(m.card))

    async def states(self) -> set[str]:
        """Return how the tenant is told that its requests stand."""
        told = [await self.tenant.look_up(number, "2026") for number in self.numbers]
        return {one["Approvers"][0]["State"] for one in told if one}


def ticked(card: Json) -> Json:
    """Return what Teams sends when every box of the list is ticked."""
    found = inputs_of(card, button(card, "Approve"))
    values = {tick["id"]: tick["valueOn"] for tick in toggles(card)}
    return found | values


def toggles(part: Any) -> list[Json]:
    if isinstance(part, list):
        return [one for inside in part for one in toggles(inside)]
    if not isinstance(part, dict):
        return []
    mine = [part] if part.get("type") == "Input.Toggle" else []
    return mine + [one for inside in part.values() for one in toggles(inside)]


@pytest.fixture
async def listed(running: Running) -> List:
    filled = List(running)
    await filled.fill()
    # The ARX that follow would settle everything before one looks, and so would the next attempt.
    filled.tenant.book.by_itself = False
    running.clock.stand()
    return filled


@pytest.mark.parametrize("case", CASES, ids=[case.name.partition(":")[0] for case in CASES])
async def test_of_an_array_each_request_has_its_own_word(listed: List, case: Case) -> None:
    world = listed.running.playground.world
    world.set_fault("tenant/expenses", Fault(kind=case.kind, times=1))

    said = await listed.approve_all()

    assert said.count("Approved by Maria Keller") == case.approved
    assert said.count(UNSURE) >= case.unsure
    assert (UNSURE in said) == (case.unsure > 0)
    assert len(listed.tenant.actions()[0].body) == len(listed.numbers)
    await converged(listed.running, 10)
    await converged(listed.running)
    assert await listed.states() == {"accepted"}
    for number in listed.numbers:
        assert "Approved by **Maria Keller**" in listed.card_about(number)
    # What was asked for again was known there: nothing was done twice.
    first, *again = listed.tenant.actions()
    assert first.applied
    assert all(one.repeated and not one.applied for one in again)
    assert len(listed.tenant.book.decided) == len(listed.numbers)


async def test_each_of_them_is_followed_by_one_arx_that_ends_it(running: Running) -> None:
    filled = List(running)
    await filled.fill()

    await filled.approve_all()
    await running.until(lambda: len(filled.tenant.book.sent) == 2 * len(filled.numbers))
    await converged(running)

    ended = [(one.arx or {})["Operation"] for one in filled.tenant.book.sent]
    assert ended == [1, 1, 1, 3, 3, 3]
    assert await filled.states() == {"removed"}
