"""Reminders through real HTTP: in Teams the card comes to the end of the chat, and there is one."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from playground.faults import FaultKind
from playground.outside import Playground
from playground.records import Message
from tests.failing import all_due, converged, fail, said_to, stored
from tests.running import Clock, Running, run_service

FIVE_DAYS = 5 * 86400.0  # the Frequency of the wiki's payloads
APPROVERS = ("johndoe1", "johndoe2", "johndoe3")


def cards_of(running: Running, alias: str) -> list[Message]:
    """Return the messages in somebody's chat that show the wiki's request, the oldest first."""
    return [m for m in said_to(running, alias) if running.number in str(m.card)]


async def asked(running: Running, **reminder: Any) -> dict[str, str]:
    """
    Put the wiki's request before its approvers, who then go on talking; return the cards' ids.

    *reminder* are fields of its Reminder, replaced.
    """
    detail = json.loads(running.playground.sample("wiki-create"))["NotificationDetail"]
    detail["Reminder"] |= reminder
    await running.send("wiki-create", NotificationDetail=detail)
    await running.asked(*APPROVERS)
    for alias in APPROVERS:
        await running.playground.teams.say(alias, "help")
    await all_due(running)
    cards = {alias: cards_of(running, alias) for alias in APPROVERS}
    assert all(len(found) == 1 for found in cards.values())
    assert all(said_to(running, alias)[-1] != cards[alias][0] for alias in APPROVERS)
    return {alias: found[0].id for alias, found in cards.items()}


async def days_pass(running: Running, seconds: float = FIVE_DAYS) -> None:
    await running.pass_time(seconds)
    await converged(running)


def at_the_end(running: Running, alias: str) -> Message:
    """Return somebody's card: the only one, and the last that the bot said."""
    (card,) = cards_of(running, alias)
    assert said_to(running, alias)[-1].id == card.id
    return card


async def test_a_reminder_brings_the_card_to_the_end_of_the_chat_and_takes_the_old_one_away(
    running: Running,
) -> None:
    before = await asked(running)

    await days_pass(running)

    for alias in APPROVERS:
        card = at_the_end(running, alias)
        assert card.id != before[alias]
        assert running.can_decide(alias)
        assert str((card.card or {})["fallbackText"]).startswith("Reminder: ")


async def test_the_card_of_a_reminder_decides_once_and_says_so_to_the_others(
    running: Running,
) -> None:
    soon = (
        running.clock() + timedelta(minutes=2)
    ).isoformat()  # people's tokens are good for an hour
    await asked(running, ReminderDates=[soon])
    await days_pass(running, 130.0)

    answered = await running.click("johndoe1", "Approve", "At last")

    assert answered.status == 200
    await running.says("johndoe2", "Maria Keller", "At last")
    assert len(running.told()) == 1
    for alias in APPROVERS:
        at_the_end(running, alias)


async def test_nobody_hears_of_a_request_that_has_ended(running: Running) -> None:
    await asked(running)
    await running.send("wiki-delete", DeleteFor=list(APPROVERS))
    await converged(running)
    before = {alias: [m.id for m in said_to(running, alias)] for alias in APPROVERS}

    for _ in range(3):
        await days_pass(running)

    assert {alias: [m.id for m in said_to(running, alias)] for alias in APPROVERS} == before


@pytest.mark.parametrize("kind", [FaultKind.LOST_ANSWER, FaultKind.PRECONDITION_FAILED])
async def test_a_far_side_that_fails_while_the_card_moves_leaves_one_at_the_end(
    running: Running, kind: FaultKind
) -> None:
    before = await asked(running)
    fail(running, "connector/johndoe1", kind)

    await days_pass(running)
    await converged(running, 60.0)

    assert at_the_end(running, "johndoe1").id != before["johndoe1"]
    assert running.can_decide("johndoe1")


async def test_what_was_due_while_the_service_was_down_comes_once_and_the_next_in_time(
    playground: Playground, store_url: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with run_service(
        playground, store_url=store_url, folder=tmp_path, clock=clock
    ) as running:
        for alias in APPROVERS:
            await playground.teams.install(alias)
        before = await asked(running)

    ids: list[str] = []
    for days in (12, 1, 3):  # due on the 5th and the 10th, not on the 13th, and on the 15th
        clock.ahead += timedelta(days=days)
        async with run_service(
            playground, store_url=store_url, folder=tmp_path, clock=clock
        ) as running:
            await converged(running)
            ids.append(at_the_end(running, "johndoe1").id)
            reminded = (await stored(running)).notifications[0].reminded
            assert reminded == len({*ids})

    assert before["johndoe1"] not in ids
    assert ids[0] == ids[1] != ids[2]
