"""The main job, through real HTTP on both sides: a request goes in, cards appear, a click goes through."""

import json

from tests.failing import all_due, card_in
from tests.running import Running


async def test_from_the_tenants_create_to_the_last_card(running: Running) -> None:
    answer = await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2", "johndoe3")

    answered = await running.click("johndoe1", "Approve", "Within Budget")

    assert answer["Disposition"] == "applied"
    assert "Approved" in card_in(answered)
    [told] = running.told()
    assert told.body["Action"] == "Approve"
    assert told.body["ActionByAlias"] == "johndoe1"
    assert told.body["ActionDetails"]["Comment"] == "Within Budget"
    for alias in ("johndoe1", "johndoe2", "johndoe3"):
        await running.says(alias, "Maria Keller", "Within Budget")
        assert not running.can_decide(alias)

    await running.send("wiki-update")
    await running.asked("johndoe2", "johndoe3")
    await running.says("johndoe1", "Nothing more")

    await running.send("wiki-delete")
    await all_due(running)
    assert running.can_decide("johndoe2")
    assert running.can_decide("johndoe3")

    await running.send("wiki-delete", DeleteFor=["johndoe2", "johndoe3"])
    await running.until(lambda: not running.can_decide("johndoe2"))
    await running.until(lambda: not running.can_decide("johndoe3"))


async def test_what_a_colleague_decided_waits_for_nobody_else(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1", "johndoe2")

    await running.click("johndoe1", "Approve")
    await running.playground.teams.say("johndoe2", "pending")

    await running.until(lambda: "Nothing waits for you" in running.last_text("johndoe2"))


async def test_a_card_of_an_earlier_round_shows_nothing_of_the_next(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe2")

    await running.send("wiki-delete", DeleteFor=["johndoe1", "johndoe2", "johndoe3"])
    again = json.loads(running.playground.sample("wiki-create"))
    again["Approvers"] = again["Approvers"][:1]
    again["SummaryData"]["Title"] = "Not for the others"
    again["OperationDateTime"] = "2018-01-01T00:00:00Z"
    assert (await running.playground.tenant.send(again)).status == 200

    await running.says("johndoe1", "Not for the others")
    await running.until(lambda: not running.can_decide("johndoe2"))
    await all_due(running)
    assert "Not for the others" not in running.base_text_of("johndoe2")
