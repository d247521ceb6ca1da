"""Clicks that come late, twice, from somebody else, or from nobody's card at all."""

from typing import Any

import pytest

from playground.faults import FaultKind
from playground.reading import button
from tests.failing import (
    NO_KEY_OF_OURS,
    TENANT,
    all_due,
    at_once,
    but_for_mails,
    card_in,
    change_title,
    converged,
    data_of,
    fail,
    invoke,
    said_to,
    standing,
    stored,
)
from tests.running import Running

EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")


@pytest.fixture
async def asked(running: Running) -> Running:
    """The wiki's request, put before all three; nothing else is on its way to them."""
    await running.send("wiki-create")
    await running.asked(*EVERYBODY)
    await all_due(running)
    return running


# -- late, and twice --------------------------------------------------------------


async def test_a_click_on_a_card_whose_request_changed_shows_the_new_one(asked: Running) -> None:
    message = asked.card_of("johndoe1")
    assert message is not None
    old = button(message.card or {}, "Approve")
    await change_title(asked, "A dearer thing")

    answered = await asked.playground.teams.click("johndoe1", message.id, old)

    assert "changed since this card was made" in card_in(answered)
    assert "A dearer thing" in card_in(answered)
    assert asked.told() == []

    await converged(asked)  # what was on its way may have taken the place of that answer
    await asked.click("johndoe1", "Approve")
    await converged(asked)
    await asked.says("johndoe1", "Approved by", "A dearer thing")


async def test_a_click_delivered_twice_decides_once(asked: Running) -> None:
    data = data_of(asked, "johndoe1") | {"comment": "only once"}

    answers = await at_once(*(invoke(asked, "johndoe1", data) for _each in range(3)))

    assert len(asked.told()) == 1
    assert all("only once" in card_in(answer) for answer in answers)


async def test_a_click_delivered_again_after_a_refusal_decides_nothing(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.REFUSED)
    data = data_of(asked, "johndoe1") | {"comment": "first try"}
    await invoke(asked, "johndoe1", data)

    again = await invoke(asked, "johndoe1", data)

    assert "changed since this card was made" in card_in(again)
    assert len(asked.told()) == 1


async def test_a_click_of_an_earlier_round_decides_nothing(asked: Running) -> None:
    old = data_of(asked, "johndoe1")
    await asked.send("wiki-delete", DeleteFor=list(EVERYBODY))
    await asked.send("wiki-create", OperationDateTime="2018-09-26T11:20:52Z")
    await converged(asked)

    answered = await invoke(asked, "johndoe1", old)

    assert "changed since this card was made" in card_in(answered)
    assert asked.told() == []
    assert (await stored(asked)).round == 2


async def test_a_click_on_what_was_withdrawn_says_so(asked: Running) -> None:
    old = data_of(asked, "johndoe2")
    await asked.send("wiki-delete", DeleteFor=list(EVERYBODY))

    answered = await invoke(asked, "johndoe2", old)

    assert "Maria Keller: Approved." in card_in(answered)  # as the DELETE says
    assert asked.told() == []


async def test_a_comment_that_is_missing_is_asked_for(asked: Running) -> None:
    answered = await asked.click("johndoe1", "Reject")

    assert "needs a comment" in card_in(answered)
    assert button(answered.body["value"], "Reject")
    assert asked.told() == []


async def test_a_comment_that_is_too_long_is_refused_and_kept(asked: Running) -> None:
    answered = await asked.click("johndoe1", "Approve", "long " * 300)

    assert "at most 1000 characters" in card_in(answered)
    assert "long long" in card_in(answered)
    assert asked.told() == []


# -- somebody else's --------------------------------------------------------------


async def test_somebody_elses_card_looks_like_none(asked: Running) -> None:
    data = data_of(asked, "johndoe1")

    theirs = await invoke(asked, "johndoe2", data)
    strangers = await invoke(asked, "johndoe4", data)
    nobodys = await invoke(asked, "johndoe4", data | {"k": NO_KEY_OF_OURS})

    assert theirs.body == strangers.body == nobodys.body
    assert "not available" in card_in(theirs)
    assert asked.told() == []


@pytest.mark.parametrize("verb", ["refresh", "show"])
async def test_somebody_elses_card_cannot_be_looked_at(asked: Running, verb: str) -> None:
    key = {"k": data_of(asked, "johndoe1")["k"]}

    theirs = await invoke(asked, "johndoe2", key, verb=verb)
    nobodys = await invoke(asked, "johndoe2", {"k": NO_KEY_OF_OURS}, verb=verb)

    assert theirs.body == nobodys.body
    assert "not available" in card_in(theirs)


async def test_a_namesake_of_another_directory_is_kept_out(asked: Running) -> None:
    answered = await invoke(asked, "mallory", data_of(asked, "johndoe1"))

    assert answered.status == 403
    assert asked.told() == []


async def test_whose_name_or_teams_id_an_activity_tells_does_not_matter(asked: Running) -> None:
    people = asked.playground.world.people
    pretending: dict[str, Any] = {
        "id": people["johndoe1"].mri,
        "name": "Maria Keller",
        "aadObjectId": people["johndoe4"].object_id,
    }

    answered = await invoke(asked, "johndoe1", data_of(asked, "johndoe1"), sender=pretending)

    assert "not available" in card_in(answered)
    assert asked.told() == []


# -- refresh, and older clients ---------------------------------------------------


async def test_a_refresh_shows_what_is_true_and_changes_nothing(asked: Running) -> None:
    before = await stored(asked)
    person = before.places[0].person
    assert person is not None
    contact = await asked.house.store.contact(person.id)
    message = asked.card_of("johndoe1")
    assert message is not None

    answered = await asked.playground.teams.refresh("johndoe1", message.id)

    assert answered is not None
    assert "Title of the request" in card_in(answered)
    assert but_for_mails(await stored(asked)) == but_for_mails(before)
    assert await asked.house.store.contact(person.id) == contact


async def test_a_refresh_that_nobody_asked_for_opens_no_chat_that_is_closed(
    asked: Running,
) -> None:
    await asked.playground.teams.uninstall("johndoe1")
    message = asked.card_of("johndoe1")
    assert message is not None

    await asked.playground.teams.refresh("johndoe1", message.id)
    await converged(asked)

    assert (await standing(asked))["johndoe1"]["Reason"] == "the app was removed"


async def test_a_refresh_that_nobody_asked_for_never_decides(asked: Running) -> None:
    before = await stored(asked)

    answered = await invoke(asked, "johndoe1", data_of(asked, "johndoe1"), trigger="automatic")

    assert button(answered.body["value"], "Approve")
    assert but_for_mails(await stored(asked)) == but_for_mails(before)
    assert asked.told() == []


async def test_an_older_client_decides_by_submit(asked: Running) -> None:
    message = asked.card_of("johndoe1")
    assert message is not None
    action = button(message.card or {}, "Approve")

    answered = await asked.playground.teams.submit(
        "johndoe1", message.id, action, {"comment": "from an old phone"}
    )

    assert answered.status == 200
    [told] = asked.told()
    assert told.body["ActionDetails"]["Comment"] == "from an old phone"
    assert "Approved" in said_to(asked, "johndoe1")[-1].text
    await asked.pass_time(5)
    await asked.says("johndoe1", "Approved by", "from an old phone")


async def test_a_submit_delivered_twice_decides_once(asked: Running) -> None:
    message = asked.card_of("johndoe1")
    assert message is not None
    action = button(message.card or {}, "Approve")

    for _each in range(2):
        await asked.playground.teams.submit("johndoe1", message.id, action)

    assert len(asked.told()) == 1
