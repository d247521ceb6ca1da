"""What goes wrong at the tenant: it is late, says no, says nothing, or says what nobody can read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.certificates import CertificateAuthority
from playground.faults import FaultKind
from playground.reading import buttons
from tests.card_reading import links_in
from tests.card_schema import walk
from tests.failing import (
    TENANT,
    all_due,
    at_once,
    card_in,
    change_title,
    converged,
    fail,
    mend,
    running_with,
    standing,
    stored,
)
from tests.running import Running

EVERYBODY = ("johndoe1", "johndoe2", "johndoe3")
TWICE_IS_NOT_ONCE = {"idempotent = true": "idempotent = false"}


@pytest.fixture
async def forgetful(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> AsyncIterator[Running]:
    """A tenant that does again what it did before."""
    async with running_with(TWICE_IS_NOT_ONCE, authority, store_url, tmp_path) as service:
        service.playground.tenant.book.honours_keys = False
        yield service


@pytest.fixture
async def asked(running: Running) -> Running:
    """The wiki's request, put before all three; nothing else is on its way to them."""
    await running.send("wiki-create")
    await running.asked(*EVERYBODY)
    await all_due(running)
    return running


# -- two at once, and late --------------------------------------------------------


def held_by(running: Running, alias: str, winner: str) -> bool:
    """Tell whether somebody's card says whose decision stands, and offers nothing."""
    return winner in running.base_text_of(alias) and not running.can_decide(alias)


async def test_two_approvers_in_the_same_instant_reach_the_tenant_once(asked: Running) -> None:
    first, second = await at_once(
        asked.click("johndoe1", "Approve", "fine with me"),
        asked.click("johndoe2", "Reject", "not with me"),
    )

    [told] = asked.told()
    names = {"johndoe1": "Maria Keller", "johndoe2": "Jonas Berg"}
    winner = names[told.body["ActionByAlias"]]
    [too_late] = [a for a in (first, second) if "was faster" in card_in(a)]
    assert f"{winner} was faster" in card_in(too_late)
    await converged(asked)
    for alias in EVERYBODY:
        await asked.until(lambda who=alias: held_by(asked, who, winner))
    assert len(asked.told()) == 1


async def test_a_tenant_that_keeps_us_waiting_keeps_nobody_else_waiting(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.HELD)

    answered = await asked.click_held("johndoe1", "Approve", "at last")

    assert "Sending to Contoso Purchasing" in card_in(answered)
    assert len(asked.playground.tenant.held()) == 1
    await asked.pass_time(5)
    await asked.says("johndoe2", "Sending to Contoso Purchasing")
    asked.playground.tenant.release()
    for alias in EVERYBODY:
        await asked.pass_time(5)
        await asked.says(alias, "Approved by", "Maria Keller", "at last")


async def test_whoever_clicks_while_another_is_being_sent_is_told_by_whom(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.HELD)
    await asked.click_held("johndoe1", "Approve")

    second = await asked.click("johndoe2", "Reject", "no")

    assert "Maria Keller was faster" in card_in(second)
    assert len(asked.told()) == 1
    asked.playground.tenant.release()
    await asked.until(lambda: "Approved" in asked.base_text_of("johndoe3"))


# -- it says no -------------------------------------------------------------------

HOSTILE = "**No.** [Look](https://evil.example/a) <at>all</at> https://evil.example/b"


@pytest.mark.parametrize("error_type", [1, 2])
async def test_a_refusal_gives_the_buttons_back_with_reason_and_text(
    asked: Running, error_type: int
) -> None:
    fail(asked, TENANT, FaultKind.REFUSED, error_type=error_type, text=HOSTILE)

    answered = await asked.click("johndoe1", "Approve", "what I typed")

    said = card_in(answered)
    assert "No." in said
    assert "what I typed" in said
    await converged(asked)
    assert all(asked.can_decide(alias) for alias in EVERYBODY)
    card = answered.body["value"]
    blocks = [piece["text"] for _path, piece in walk(card) if piece.get("type") == "TextBlock"]
    assert not [link for block in blocks for link in links_in(block) if "evil" in link]
    opening = [b for b in buttons(card) if "evil.example" in str(b.get("url"))]
    assert all(b["title"] == "Open evil.example" for b in opening)

    again = await asked.click("johndoe1", "Approve", "once more")

    assert "Approved" in card_in(again)
    assert len({told.headers["Idempotency-Key"] for told in asked.told()}) == 2


async def test_a_passing_error_is_retried_after_its_minutes_and_the_card_says_when(
    asked: Running,
) -> None:
    fail(asked, TENANT, FaultKind.TRANSIENT, minutes=7)

    answered = await asked.click("johndoe1", "Approve", "patience")

    assert "We try again on" in card_in(answered)
    await converged(asked, 6 * 60)
    assert len(asked.told()) == 1
    assert not any(asked.can_decide(alias) for alias in EVERYBODY)
    await asked.says("johndoe2", "We try again on", "Maria Keller")

    await asked.pass_time(70)

    for alias in EVERYBODY:
        await asked.says(alias, "Approved by", "Maria Keller")
    first, second = asked.told()
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


async def test_a_decision_is_given_back_when_the_request_changes_before_it_is_sent(
    asked: Running,
) -> None:
    fail(asked, TENANT, FaultKind.TRANSIENT, minutes=7)
    await asked.click("johndoe1", "Approve", "on the old price")

    await change_title(asked)

    await converged(asked)
    text = await asked.says("johndoe1", "The request changed before your decision was sent")
    assert "on the old price" in text
    assert asked.can_decide("johndoe1")
    await converged(asked, 10 * 60)
    assert len(asked.told()) == 1


async def test_a_tenant_that_stays_away_gives_the_decision_back_in_the_end(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.THROTTLED, seconds=30, times=None)
    answered = await asked.click("johndoe1", "Approve", "kept")
    assert "We try again shortly." in card_in(answered)

    for _attempt in range(6):
        await converged(asked, 60)

    assert len(asked.told()) == 5  # the file's default
    await asked.says("johndoe1", "could not be reached", "kept")
    assert asked.can_decide("johndoe1")


# -- it says nothing --------------------------------------------------------------


async def test_a_lost_answer_of_a_tenant_that_knows_our_keys_is_asked_for_again(
    asked: Running,
) -> None:
    fail(asked, TENANT, FaultKind.LOST_ANSWER)

    answered = await asked.click("johndoe1", "Approve", "once")

    assert "did not confirm" in card_in(answered)
    await asked.pass_time(10)
    for alias in EVERYBODY:
        await asked.says(alias, "Approved by", "Maria Keller", "once")
    first, second = asked.told()
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert [first.repeated, second.repeated] == [False, True]


async def test_a_lost_answer_of_any_other_tenant_is_never_posted_again(forgetful: Running) -> None:
    await forgetful.send("wiki-create")
    await forgetful.asked(*EVERYBODY)
    fail(forgetful, TENANT, FaultKind.LOST_ANSWER)

    answered = await forgetful.click("johndoe1", "Approve", "once")

    assert "Please look there before you do anything" in card_in(answered)
    await converged(forgetful, 1800)
    assert len(forgetful.told()) == 1
    await forgetful.says("johndoe2", "did not confirm")
    assert not forgetful.can_decide("johndoe2")
    assert (await standing(forgetful))["johndoe1"]["State"] == "unconfirmed"

    await forgetful.send("wiki-update")

    await forgetful.asked("johndoe2", "johndoe3")
    await converged(forgetful)
    assert "did not confirm" not in forgetful.base_text_of("johndoe1")
    assert len(forgetful.told()) == 1


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FaultKind.GARBAGE, {}),
        (FaultKind.STATUS, {"status": 500}),
        (FaultKind.STATUS, {"status": 302}),
        (FaultKind.STATUS, {"status": 408}),
        (FaultKind.STATUS, {"status": 409}),
    ],
)
async def test_an_answer_nobody_can_use_leaves_the_decision_unconfirmed(
    forgetful: Running, kind: FaultKind, more: dict[str, int]
) -> None:
    await forgetful.send("wiki-create")
    await forgetful.asked(*EVERYBODY)
    fail(forgetful, TENANT, kind, **more)

    answered = await forgetful.click("johndoe1", "Approve")

    assert "did not confirm" in card_in(answered)
    await converged(forgetful, 600)
    assert len(forgetful.told()) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 422])
async def test_a_plain_no_of_http_gives_the_decision_back(asked: Running, status: int) -> None:
    fail(asked, TENANT, FaultKind.STATUS, status=status)

    answered = await asked.click("johndoe1", "Approve", "still here")

    assert "nothing was decided" in card_in(answered)
    assert "still here" in card_in(answered)
    await converged(asked)
    assert asked.can_decide("johndoe1")


async def test_a_refused_token_is_replaced_once_and_then_waited_for(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.STATUS, status=401, times=2)

    answered = await asked.click("johndoe1", "Approve")

    assert "We try again shortly." in card_in(answered)
    await asked.pass_time(15)
    await asked.says("johndoe1", "Approved by")
    decision = (await stored(asked)).places[0].decision
    assert decision is not None
    assert decision.attempts == 2
    assert [told.status for told in asked.told()] == [401, 401, 200]


async def test_throttling_is_waited_out_as_long_as_it_asks(asked: Running) -> None:
    fail(asked, TENANT, FaultKind.THROTTLED, seconds=900)

    await asked.click("johndoe1", "Approve")

    await converged(asked, 600)
    assert len(asked.told()) == 1
    mend(asked, TENANT)
    await asked.pass_time(400)
    await asked.says("johndoe2", "Approved by")
    await all_due(asked)
    assert len(asked.told()) == 2


async def test_a_tenant_nobody_answers_for_is_tried_again(
    authority: CertificateAuthority, store_url: str, tmp_path: Path
) -> None:
    nowhere = {"base_url = ": 'base_url = "http://127.0.0.1:9/" # '}
    async with running_with(nowhere, authority, store_url, tmp_path) as service:
        await service.send("wiki-create")
        await service.asked("johndoe1")

        answered = await service.click("johndoe1", "Approve", "is anybody there")

        assert "We try again shortly." in card_in(answered)
        for _attempt in range(6):
            await converged(service, 400)
        await service.says("johndoe1", "could not be reached", "is anybody there")
