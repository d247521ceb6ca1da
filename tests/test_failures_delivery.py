"""Cards that cannot be sent or changed, and people who cannot be found."""

from typing import Any

import pytest

from playground.faults import FaultKind
from playground.reading import words
from tests.failing import (
    all_due,
    asked_for,
    card_in,
    change_title,
    converged,
    fail,
    mend,
    said_to,
    standing,
)
from tests.failing import ask as put_before
from tests.running import Running, run_service

MARIA = "connector/johndoe1"
A_DAY = 24 * 3600 + 60


async def ask(running: Running, *aliases: str) -> None:
    """Put the wiki's request before *aliases*, and see what becomes of it."""
    await put_before(running, *aliases)
    await converged(running)


async def failed_for(running: Running, alias: str, reason: str) -> dict[str, Any]:
    """Wait until the tenant would be told that somebody cannot be reached, and why."""
    await all_due(running)
    told = (await standing(running))[alias]
    assert told["Reachable"] is False, told
    assert reason in told["Reason"], told
    return told


# -- sending ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FaultKind.BLOCKED, FaultKind.NO_CONVERSATION])
async def test_whoever_blocked_the_bot_gets_all_that_waits_once_he_speaks(
    running: Running, kind: FaultKind
) -> None:
    fail(running, MARIA, kind, times=None)
    await ask(running, "johndoe1", "johndoe2")
    assert running.card_of("johndoe1") is None
    assert running.can_decide("johndoe2")
    await failed_for(running, "johndoe1", "HTTP 40")

    mend(running, MARIA)
    await change_title(running)
    await all_due(running)
    assert running.card_of("johndoe1") is None  # nothing is tried while the chat is closed
    await running.playground.teams.say("johndoe1", "hello")

    await running.asked("johndoe1")
    await all_due(running)
    assert (await standing(running))["johndoe1"]["Reachable"] is True


async def test_whoever_blocked_the_bot_is_tried_again_a_day_later(running: Running) -> None:
    fail(running, MARIA, FaultKind.BLOCKED, times=1)
    await ask(running, "johndoe1")
    assert running.card_of("johndoe1") is None

    await running.pass_time(A_DAY)

    await running.asked("johndoe1")


async def test_a_bot_that_stays_blocked_is_tried_every_day(running: Running) -> None:
    fail(running, MARIA, FaultKind.BLOCKED, times=3)
    await ask(running, "johndoe1")

    for _day in range(3):
        await converged(running, A_DAY)

    await running.asked("johndoe1")


async def test_a_person_without_the_app_gets_all_that_waits_once_he_installs_it(
    running: Running,
) -> None:
    running.playground.world.set_installed("johndoe4", installed=False)
    fail(running, "graph/install", FaultKind.STATUS, status=403, times=None)
    await ask(running, "johndoe4", "johndoe2")
    await failed_for(running, "johndoe4", "may not be installed for this person: HTTP 403")

    await running.playground.teams.install("johndoe4")

    await running.asked("johndoe4")
    assert "Approved" in card_in(await running.click("johndoe4", "Approve"))


async def test_a_person_never_heard_of_gets_a_first_message(running: Running) -> None:
    await ask(running, "johndoe5")

    await running.asked("johndoe5")


async def test_whoever_removes_the_app_is_left_alone_until_it_is_back(running: Running) -> None:
    await running.playground.teams.uninstall("johndoe1")
    await ask(running, "johndoe1")
    await failed_for(running, "johndoe1", "the app was removed")

    await running.playground.teams.install("johndoe1")

    await running.asked("johndoe1")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FaultKind.PRECONDITION_FAILED, {}),
        (FaultKind.THROTTLED, {"seconds": 0.1}),
        (FaultKind.STATUS, {"status": 503}),
        (FaultKind.STATUS, {"status": 401}),
    ],
)
async def test_what_passes_is_sent_again(
    running: Running, kind: FaultKind, more: dict[str, Any]
) -> None:
    fail(running, MARIA, kind, **more)

    await ask(running, "johndoe1")

    await running.asked("johndoe1")
    assert len(said_to(running, "johndoe1")) == 2  # the welcome, and one card


async def test_throttling_for_long_is_waited_out_by_the_job(running: Running) -> None:
    fail(running, MARIA, FaultKind.THROTTLED, seconds=500)
    await ask(running, "johndoe1")
    assert running.card_of("johndoe1") is None

    await converged(running, 400)
    assert running.card_of("johndoe1") is None
    await running.pass_time(200)

    await running.asked("johndoe1")


@pytest.mark.parametrize("kind", [FaultKind.LOST_ANSWER, FaultKind.STATUS])
async def test_a_message_whose_answer_was_lost_is_sent_once_more_after_a_minute(
    running: Running, kind: FaultKind
) -> None:
    fail(running, MARIA, kind, status=500)
    await ask(running, "johndoe1")
    before = len(said_to(running, "johndoe1"))

    await converged(running, 10)
    assert len(said_to(running, "johndoe1")) == before
    await running.pass_time(60)

    await running.until(lambda: len(said_to(running, "johndoe1")) == before + 1)
    await running.asked("johndoe1")
    await converged(running, 600)
    assert len(said_to(running, "johndoe1")) == before + 1


async def test_a_message_whose_answer_is_lost_twice_is_not_sent_a_third_time(
    running: Running,
) -> None:
    fail(running, MARIA, FaultKind.LOST_ANSWER, times=None)
    await ask(running, "johndoe1")
    await converged(running, 70)
    count = len(said_to(running, "johndoe1"))

    await converged(running, 3600)

    assert len(said_to(running, "johndoe1")) == count == 3  # the welcome, and the card twice
    await failed_for(running, "johndoe1", "lost twice")


async def test_a_card_that_teams_will_never_take_is_given_up_with_a_reason(
    running: Running,
) -> None:
    fail(running, MARIA, FaultKind.TOO_BIG, times=None)

    await ask(running, "johndoe1", "johndoe2")

    await failed_for(running, "johndoe1", "HTTP 413")
    assert running.can_decide("johndoe2")


# -- updating ---------------------------------------------------------------------


async def test_a_card_its_reader_deleted_comes_anew_while_he_is_asked(running: Running) -> None:
    await ask(running, "johndoe1")
    first = running.card_of("johndoe1")
    fail(running, MARIA, FaultKind.NO_MESSAGE)

    await change_title(running)
    await converged(running)

    second = running.card_of("johndoe1")
    assert first is not None
    assert second is not None
    assert second.id != first.id
    assert "Another title" in running.base_text_of("johndoe1")


async def test_a_card_that_was_deleted_is_not_sent_to_whoever_is_asked_no_longer(
    running: Running,
) -> None:
    await ask(running, "johndoe1", "johndoe2")
    fail(running, MARIA, FaultKind.NO_MESSAGE)
    before = len(said_to(running, "johndoe1"))

    await running.send("wiki-delete", DeleteFor=["johndoe1"])
    await converged(running)

    assert len(said_to(running, "johndoe1")) == before


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FaultKind.PRECONDITION_FAILED, {}),
        (FaultKind.THROTTLED, {"seconds": 0.1}),
        (FaultKind.STATUS, {"status": 401}),
        (FaultKind.STATUS, {"status": 502}),
        (FaultKind.STATUS, {"status": 503}),
        (FaultKind.STATUS, {"status": 504}),
    ],
)
async def test_an_update_that_fails_for_a_moment_is_made_again(
    running: Running, kind: FaultKind, more: dict[str, Any]
) -> None:
    await ask(running, "johndoe1")
    fail(running, MARIA, kind, **more)

    await change_title(running)

    await running.says("johndoe1", "Another title")


@pytest.mark.parametrize("kind", [FaultKind.LOST_ANSWER, FaultKind.STATUS])
async def test_an_update_whose_answer_is_lost_is_made_again_and_is_no_failure_of_ours(
    running: Running, kind: FaultKind, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(running, "johndoe1")
    fail(running, MARIA, kind, status=500, times=2)
    before = len(said_to(running, "johndoe1"))

    await change_title(running)
    for _each in range(3):
        await converged(running, 120)

    assert "Another title" in running.base_text_of("johndoe1")
    assert len(said_to(running, "johndoe1")) == before
    assert not [record for record in caplog.records if record.exc_info]


async def test_an_update_whose_answers_are_always_lost_is_made_until_it_works(
    running: Running,
) -> None:
    await ask(running, "johndoe1")
    fail(running, MARIA, FaultKind.STATUS, status=500, times=None)
    await change_title(running)
    for _each in range(8):
        await converged(running, 400)

    [card] = (await standing(running))["johndoe1"]["Cards"]
    _status, health = await asked_for(running, "/readyz")
    mend(running, MARIA)
    await converged(running, 400)

    assert (card["State"], card["Reason"]) == ("shown", "HTTP 500 ServiceError")
    assert health["oldest_card_not_current_seconds"] > 3000
    assert "Another title" in running.base_text_of("johndoe1")
    assert len(said_to(running, "johndoe1")) == 2  # the welcome, and one card
    _status, health = await asked_for(running, "/readyz")
    assert health["oldest_card_not_current_seconds"] == 0


async def test_a_closed_request_shows_its_last_face_after_an_outage(running: Running) -> None:
    await ask(running, "johndoe1", "johndoe2")
    fail(running, MARIA, FaultKind.STATUS, status=500, times=None)
    await running.send("wiki-delete", DeleteFor=["johndoe1", "johndoe2"])
    for _each in range(12):
        await converged(running, 400)
    assert running.can_decide("johndoe1")

    mend(running, MARIA)
    await converged(running, 400)

    assert not running.can_decide("johndoe1")
    assert "Nothing more for you to do" in running.base_text_of("johndoe1")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FaultKind.TOO_BIG, {}),
        (FaultKind.STATUS, {"status": 400}),
        (FaultKind.STATUS, {"status": 409}),
    ],
)
async def test_a_face_that_teams_will_not_take_does_not_leave_the_old_one_there(
    running: Running, kind: FaultKind, more: dict[str, Any]
) -> None:
    await ask(running, "johndoe1")
    [_welcome, card] = said_to(running, "johndoe1")
    fail(running, MARIA, kind, **more)

    await change_title(running)
    await converged(running)

    [_welcome, replaced] = said_to(running, "johndoe1")
    assert replaced.id == card.id
    assert "cannot be shown here any more" in words(replaced.card or {})
    await failed_for(running, "johndoe1", f"HTTP {more.get('status', 413)}")
    await change_title(running, "A third title")
    await running.says("johndoe1", "A third title")


async def test_a_token_that_is_refused_for_long_is_waited_out(running: Running) -> None:
    await ask(running, "johndoe1")
    fail(running, "connector", FaultKind.STATUS, status=401, times=None)
    await put_before(running, "johndoe1", "johndoe2")
    await change_title(running)
    await converged(running, 400)
    assert "Another title" not in running.base_text_of("johndoe1")
    assert running.card_of("johndoe2") is None
    assert (await standing(running))["johndoe1"]["Cards"][0]["Reason"].startswith("HTTP 401")

    mend(running, "connector")
    await converged(running, 400)

    await running.says("johndoe1", "Another title")
    await running.asked("johndoe2")


async def test_an_old_card_of_whoever_is_not_asked_any_more_is_changed_once_that_is_possible(
    running: Running,
) -> None:
    await ask(running, "johndoe1", "johndoe2")
    fail(running, MARIA, FaultKind.BLOCKED, times=None)
    await running.send("wiki-delete", DeleteFor=["johndoe1"])
    await converged(running)
    assert running.can_decide("johndoe1")

    mend(running, MARIA)
    await converged(running, 3700)

    assert "Nothing more for you to do" in running.base_text_of("johndoe1")


async def test_a_conversation_that_is_gone_when_a_card_changes_is_closed_until_he_speaks(
    running: Running,
) -> None:
    await ask(running, "johndoe1")
    fail(running, MARIA, FaultKind.NO_CONVERSATION, times=None)
    await change_title(running)
    await converged(running)
    await failed_for(running, "johndoe1", "HTTP 404 ConversationNotFound")

    mend(running, MARIA)
    await running.playground.teams.say("johndoe1", "hello")

    await running.says("johndoe1", "Another title")


async def test_whoever_blocked_the_bot_after_his_card_gets_a_true_one_once_he_speaks(
    running: Running,
) -> None:
    await ask(running, "johndoe1")
    fail(running, MARIA, FaultKind.BLOCKED, times=None)
    await change_title(running)
    await converged(running)
    await failed_for(running, "johndoe1", "HTTP 403")

    mend(running, MARIA)
    await running.playground.teams.say("johndoe1", "hello")

    await running.says("johndoe1", "Another title")


async def test_a_card_that_alone_may_not_be_changed_comes_anew(running: Running) -> None:
    await ask(running, "johndoe1")
    fail(running, MARIA, FaultKind.BLOCKED)

    await change_title(running)
    await converged(running)

    await running.says("johndoe1", "Another title")
    assert len(said_to(running, "johndoe1")) == 3  # the welcome, and the card twice


async def test_one_chat_that_fails_holds_up_no_other(running: Running) -> None:
    fail(running, MARIA, FaultKind.THROTTLED, seconds=300, times=None)

    await ask(running, "johndoe1", "johndoe2", "johndoe3")

    await running.asked("johndoe2", "johndoe3")
    assert "Approved" in card_in(await running.click("johndoe2", "Approve"))


async def test_what_waits_is_delivered_by_whoever_is_started_next(
    running: Running, store_url: str, tmp_path: Any
) -> None:
    fail(running, MARIA, FaultKind.THROTTLED, seconds=500)
    await ask(running, "johndoe1")
    assert running.card_of("johndoe1") is None
    clock = running.clock
    clock.ahead *= 2

    async with run_service(
        running.playground, store_url=store_url, folder=tmp_path / "second", clock=clock
    ) as second:
        await second.pass_time(600)
        await second.asked("johndoe1")
