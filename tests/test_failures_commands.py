"""What people write to the bot, also where others read along."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bots.teams.limits import CONVERSATION, FOR_CARDS
from playground.reading import button, buttons, words
from playground.records import Json
from tests.failing import all_due, card_in, converged, data_of, invoke, said_to, stored
from tests.running import Running

IN_A_GROUP = {"conversation": {"id": "19:group@thread.v2", "conversationType": "groupChat"}}


async def ask_for(running: Running, number: str, *aliases: str) -> None:
    """Let the tenant ask *aliases* about a request with this number."""
    arx = json.loads(running.playground.sample("wiki-create"))
    identifier = {"DisplayDocumentNumber": number, "DocumentNumber": number, "FiscalYear": "2020"}
    await running.send(
        "wiki-create",
        ApprovalIdentifier=identifier,
        SummaryData=arx["SummaryData"] | {"ApprovalIdentifier": identifier},
        Approvers=[arx["Approvers"][0] | {"Alias": alias} for alias in aliases],
    )


async def no_more_cards_this_hour(running: Running, alias: str) -> None:
    """Let as much have gone to somebody's chat, a minute ago, as leaves room for answers alone."""
    conversation = running.playground.world.people[alias].conversation
    (all_of_them, hour), (for_cards, _hour) = CONVERSATION[-1], FOR_CARDS[-1]
    granted = await running.house.store.budgets.take(
        f"teams conversation {conversation}",
        ((all_of_them, hour),),
        most=for_cards,
        now=running.clock() - timedelta(minutes=1),
    )
    assert granted.permits == for_cards


async def say(running: Running, alias: str, text: str) -> Json:
    """Write something to the bot, and return the card it answers with."""
    before = len(said_to(running, alias))
    answer = await running.playground.teams.say(alias, text)
    assert answer.status == 200
    [reply] = said_to(running, alias)[before:]
    return reply.card or {}


def numbers_on(card: Json) -> list[str]:
    rows = [line for line in words(card).splitlines() if line.startswith("Open REQ-")]
    return [row.removeprefix("Open ") for row in rows]


@pytest.mark.parametrize("text", ["help", "HELP", "", "show", "what?", "\u202e", "x" * 20_000])
async def test_whatever_is_not_understood_is_answered_with_help(
    running: Running, text: str
) -> None:
    assert "What you can write here" in words(await say(running, "johndoe1", text))


async def test_nothing_pending_says_so(running: Running) -> None:
    assert "Nothing waits for you" in words(await say(running, "johndoe4", "pending"))


async def test_twenty_five_requests_are_listed_once_each_page_by_page(running: Running) -> None:
    numbers = [f"REQ-{each:02}" for each in range(25)]
    for number in numbers:
        await ask_for(running, number, "johndoe1")
    await running.until(lambda: len(said_to(running, "johndoe1")) == 1 + 25)  # and welcome

    page = await say(running, "johndoe1", "pending")
    listed = numbers_on(page)
    while any(b.get("title") == "Show more" for b in buttons(page)):
        more = button(page, "Show more")
        answered = await invoke(running, "johndoe1", more["data"], verb=more["verb"])
        assert card_in(answered)
        page = answered.body["value"]
        listed += numbers_on(page)

    assert listed == numbers


async def test_what_somebody_writes_is_answered_before_the_cards_that_wait_for_his_chat(
    running: Running,
) -> None:
    await no_more_cards_this_hour(running, "johndoe1")
    for number in ("REQ-1", "REQ-2", "REQ-3"):
        await ask_for(running, number, "johndoe1")
    await all_due(running)

    listed = await say(running, "johndoe1", "pending")

    assert "Waiting for you" in words(listed)
    assert numbers_on(listed) == ["REQ-1", "REQ-2", "REQ-3"]
    assert len(said_to(running, "johndoe1")) == 2  # the welcome, and this answer
    await running.pass_time(3600)
    await running.until(lambda: len(said_to(running, "johndoe1")) == 2 + 3)


async def test_a_request_is_shown_by_its_number_and_can_be_decided_there(running: Running) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")

    card = await say(running, "johndoe1", "  Show   req-34562-126 ")

    assert "Title of the request" in words(card)
    assert "Approved" in card_in(await invoke(running, "johndoe1", button(card, "Approve")["data"]))


async def test_somebody_elses_request_and_none_are_shown_alike(running: Running) -> None:
    await ask_for(running, "REQ-OTHER", "johndoe2")
    await converged(running)

    theirs = await say(running, "johndoe1", "show REQ-OTHER")
    none = await say(running, "johndoe1", "show REQ-NONE")

    assert json.dumps(theirs).replace("REQ-OTHER", "REQ-NONE") == json.dumps(none)
    assert "“REQ-OTHER” is not available" in words(theirs)


async def test_a_request_that_went_on_is_still_shown_to_whoever_decided_it(
    running: Running,
) -> None:
    await running.send("wiki-create")
    await running.asked("johndoe1")
    await running.click("johndoe1", "Approve", "mine")
    await running.send("wiki-update")

    card = await say(running, "johndoe1", "show REQ-34562-126")

    assert "mine" in words(card)


@pytest.mark.parametrize("text", ["show \u0000", "show " + "9" * 50_000, "show ../..", "show %"])
async def test_odd_numbers_are_nobodys(running: Running, text: str) -> None:
    assert "not available" in words(await say(running, "johndoe1", text))


# -- where others read along ------------------------------------------------------


@pytest.fixture
async def group(running: Running) -> Running:
    """A group chat with the bot in it, and a request for one of its members."""
    running.playground.world.chats[IN_A_GROUP["conversation"]["id"]] = (
        running.playground.world.open_chat("johndoe4")
    )
    await running.playground.teams.install("johndoe4")
    await running.send("wiki-create")
    await running.asked("johndoe1")
    return running


@pytest.mark.parametrize("text", ["pending", "show REQ-34562-126", "help"])
async def test_a_group_is_told_nothing(group: Running, text: str) -> None:
    before = len(said_to(group, "johndoe4"))

    answered = await group.playground.teams.post("johndoe1", "message", text=text, **IN_A_GROUP)

    assert answered.status == 200
    [said] = said_to(group, "johndoe4")[before:]
    assert (said.text, said.card) == ("Please write to me in our own chat.", None)


@pytest.mark.parametrize("of", ["the action", "the card"])
async def test_a_card_in_a_group_that_is_submitted_discloses_nothing(
    group: Running, of: str
) -> None:
    data: dict[str, Any] = data_of(group, "johndoe1")
    value = data if of == "the action" else {"k": data["k"]}
    before = len(said_to(group, "johndoe4"))

    await group.playground.teams.post("johndoe1", "message", value=value, **IN_A_GROUP)

    [said] = said_to(group, "johndoe4")[before:]
    assert (said.text, said.card) == ("Please write to me in our own chat.", None)
    assert group.told() == []


async def test_a_bot_that_leaves_a_group_still_reaches_its_members(group: Running) -> None:
    person = (await stored(group)).places[0].person
    assert person is not None

    await group.playground.teams.post(
        "johndoe1", "installationUpdate", action="remove", **IN_A_GROUP
    )

    contact = await group.house.store.contact(person.id)
    assert contact is not None
    assert contact.closed == ""


async def test_a_group_is_not_taken_for_somebodys_own_chat(group: Running) -> None:
    person = (await stored(group)).places[0].person
    assert person is not None

    await group.playground.teams.post("johndoe1", "message", text="hello", **IN_A_GROUP)
    await converged(group)

    contact = await group.house.store.contact(person.id)
    assert contact is not None
    assert contact.conversation == group.playground.world.people["johndoe1"].conversation
