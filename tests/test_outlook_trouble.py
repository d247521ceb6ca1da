"""Presses that come too late, twice or with too little, tenants that hang, and stores that fail: still one true card."""

import asyncio
from typing import Any

import pytest

from approvals_core.deadlines import PROMISED
from approvals_core.errors import AlreadyActedOn, StoreUnavailable
from approvals_core.models import EventKind
from approvals_core.ports import Answer, AnswerKind
from approvals_core.rules.deciding import POST_LEASE
from approvals_core.tenant import Concurrency
from playground.issuer import Issuer
from tests.fakes import Gate
from tests.makers import JONAS, MARIA, Core, update
from tests.outlook_posts import (
    REFRESH,
    Answered,
    Mailed,
    SlowStore,
    a_core,
    a_door,
    mailed,
    plain,
    slow_store,
    token_issuer,
)
from tests.patience import Patience

__all__ = ["mailed", "slow_store", "token_issuer"]

NO = Answer(kind=AnswerKind.REFUSED, message="Over budget")


# -- too late, twice, and not enough --------------------------------------------------


async def test_a_press_after_somebody_elses_decision_says_who_was_faster(mailed: Mailed) -> None:
    path = await mailed.path(MARIA)
    await mailed.core.click(JONAS)

    answered = await mailed.post(path, token=mailed.token(MARIA))

    assert "Jonas Berg was faster" in answered.said
    assert "Approved by Jonas Berg" in answered.said
    assert len(mailed.core.api.posted) == 1


async def test_a_press_on_a_request_that_changed_shows_the_new_one(mailed: Mailed) -> None:
    path = await mailed.path(MARIA)
    changed = update(content=(await mailed.core.approval()).content, at=1)
    content = changed.content
    assert content is not None
    dearer = content.model_copy(update={"title": "Dearer laptops"})
    await mailed.core.open(changed.model_copy(update={"content": dearer, "digest": "2"}))

    answered = await mailed.post(path, token=mailed.token(MARIA))

    assert "changed since this card was made" in answered.said
    assert "Dearer laptops" in answered.said
    assert mailed.core.api.posted == []
    taken = await mailed.post(answered.url("Approve"), token=mailed.token(MARIA))
    assert "Approved by Maria Keller" in taken.said


async def test_a_comment_that_is_missing_is_asked_for_and_one_too_long_is_kept(
    mailed: Mailed,
) -> None:
    missing = await mailed.press(MARIA, "Reject", " \n ")
    long = await mailed.press(MARIA, "Reject", "so long " * 300)

    assert "needs a comment" in missing.said
    assert "at most 1000 characters" in long.said
    assert "so long so long" in str(long.body)
    assert "Reject" in long.titles
    assert mailed.core.api.posted == []


async def test_an_action_that_is_not_offered_any_more_decides_nothing(mailed: Mailed) -> None:
    before = await mailed.kept()

    answered = await mailed.press(MARIA, "Escalate", "Please")

    assert "not offered" in answered.said
    assert await mailed.kept() == before


async def test_a_press_that_is_delivered_again_gets_the_card_and_no_reproach(
    mailed: Mailed,
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)

    first = await mailed.post(path, "Once", token=token, Action_Request_Id="press-1")
    again = await mailed.post(path, "Once", token=token, Action_Request_Id="press-1")
    other = await mailed.post(path, "Once", token=token, Action_Request_Id="press-2")

    assert "Approved by Maria Keller" in first.said
    assert again.said == first.said
    assert "You have decided on this request already." in other.said
    assert len(mailed.core.api.posted) == 1


async def test_a_press_delivered_twice_at_once_decides_once_and_both_answers_say_so(
    mailed: Mailed,
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)

    answers = await asyncio.gather(
        *(mailed.post(path, "Once", token=token, Action_Request_Id="press-1") for _ in range(4))
    )

    assert len(mailed.core.api.posted) == 1
    assert {answered.said for answered in answers} == {answers[0].said}
    assert "Approved by Maria Keller" in answers[0].said


async def test_a_press_delivered_to_two_processes_at_once_decides_once(
    mailed: Mailed, slow_store: SlowStore
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    beside = Core(slow_store)  # pyright: ignore[reportArgumentType] - delegates

    async with a_door(beside, mailed.issuer) as other:
        answers = await asyncio.gather(
            *(
                door.post(path, "Once", token=token, Action_Request_Id="press-1")
                for door in (mailed, other, mailed, other)
            )
        )

    assert len(mailed.core.api.posted) + len(beside.api.posted) == 1
    assert len([e for e in await mailed.core.kinds() if e == EventKind.DECIDED]) == 1
    for answered in answers:
        assert "Sending to" in answered.said or "Approved by Maria Keller" in answered.said
        assert answered.titles == []


async def test_a_press_that_was_not_taken_may_come_again_with_its_id(
    mailed: Mailed, slow_store: SlowStore
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    slow_store.away = StoreUnavailable("connection refused")
    lost = await mailed.post(path, "Once", token=token, Action_Request_Id="press-1")
    slow_store.away = None

    taken = await mailed.post(path, "Once", token=token, Action_Request_Id="press-1")

    assert "cannot be reached" in lost.said
    assert "Approved by Maria Keller" in taken.said
    assert len(mailed.core.api.posted) == 1


async def test_an_id_says_nothing_about_another_persons_press(mailed: Mailed) -> None:
    await mailed.press(MARIA, Action_Request_Id="press-1")

    answered = await mailed.press(JONAS, Action_Request_Id="press-1")

    assert "Maria Keller was faster" in answered.said


async def test_presses_of_different_buttons_at_once_decide_once(mailed: Mailed) -> None:
    yes, no = await mailed.path(MARIA), await mailed.path(MARIA, "Reject")
    token = mailed.token(MARIA)

    answers = await asyncio.gather(
        mailed.post(yes, "Yes", token=token), mailed.post(no, "No", token=token)
    )

    [posted] = mailed.core.api.posted
    past = {"Approve": "Approved", "Reject": "Rejected"}[posted.decision.action]
    assert sum("decided on this request already" in each.said for each in answers) == 1
    assert sum(f"{past} by Maria Keller" in each.said for each in answers) >= 1
    assert len(mailed.core.api.posted) == 1


async def test_a_press_in_a_mail_and_a_click_in_teams_at_once_decide_once(mailed: Mailed) -> None:
    path, click = await mailed.path(MARIA), await mailed.core.shown(JONAS, "Reject", "No")

    pressed, clicked = await asyncio.gather(
        mailed.post(path, token=mailed.token(MARIA)),
        mailed.core.act(JONAS, click),
        return_exceptions=True,
    )

    [posted] = mailed.core.api.posted
    assert isinstance(pressed, Answered)
    if posted.decision.by == MARIA:
        assert isinstance(clicked, AlreadyActedOn)
        said = "Approved by Maria Keller"
    else:
        assert "Jonas Berg was faster" in pressed.said
        said = "Rejected by Jonas Berg"
    await mailed.core.pass_time(5)
    [in_teams] = mailed.core.channel.of(JONAS)
    assert said in plain(in_teams.face)
    assert said in (await mailed.open(MARIA)).said


async def test_with_all_of_two_presses_at_once_both_count(
    slow_store: SlowStore, token_issuer: Issuer
) -> None:
    core = await a_core(slow_store, concurrency=Concurrency.ALL)
    async with a_door(core, token_issuer) as mailed:
        await asyncio.gather(mailed.press(MARIA), mailed.press(JONAS))

    assert {posted.place.alias for posted in core.api.posted} == {"johndoe1", "johndoe2"}


# -- the tenant, and our own store ----------------------------------------------------


async def test_the_answer_does_not_wait_for_a_tenant_that_hangs(mailed: Mailed) -> None:
    mailed.core.api.holding = True

    answered = await mailed.core.patience.until(mailed.core.api.reached.wait(), mailed.press(MARIA))

    assert len(mailed.core.api.held) == 1  # it has not answered yet
    assert "Sending to Contoso Purchasing" in answered.said
    mailed.core.api.held.pop().set_result(Answer(kind=AnswerKind.ACCEPTED))
    await mailed.core.approvals.drain(seconds=30)
    assert "Approved by Maria Keller" in (await mailed.open(MARIA)).said


async def test_a_press_again_while_the_tenant_hangs_tells_it_nothing(mailed: Mailed) -> None:
    mailed.core.api.holding = True
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    pressing = mailed.post(path, token=token, Action_Request_Id="press-1")
    await mailed.core.patience.until(mailed.core.api.reached.wait(), pressing)

    again = await mailed.post(path, token=token, Action_Request_Id="press-1")

    assert "Sending to Contoso Purchasing" in again.said
    assert len(mailed.core.api.posted) == 1
    mailed.core.api.held.pop().set_result(Answer(kind=AnswerKind.ACCEPTED))
    await mailed.core.approvals.drain(seconds=30)


async def test_a_process_that_dies_before_the_tenant_answered_leaves_a_true_card(
    mailed: Mailed,
) -> None:
    mailed.core.api.holding = True
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    pressing = mailed.post(path, token=token, Action_Request_Id="press-1")
    await mailed.core.patience.until(mailed.core.api.reached.wait(), pressing)
    await mailed.core.die()
    mailed.core.api.holding = False

    async with a_door(mailed.core, mailed.issuer) as after:
        opened = await after.open(MARIA)
        again = await after.post(path, token=token, Action_Request_Id="press-1")
        await after.core.pass_time(POST_LEASE + 1)
        late = await after.open(MARIA)

    assert "Sending to Contoso Purchasing" in opened.said
    assert "You have decided on this request already." in again.said
    assert len(mailed.core.api.posted) == 1  # nobody knows whether the tenant has it
    assert "Not confirmed" in late.said


async def test_a_store_that_is_slow_to_commit_is_waited_for_by_nobody(
    mailed: Mailed, slow_store: SlowStore
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    slow_store.commits_wait_for = gate = Gate()

    pressing = mailed.post(path, "Yes", token=token, Action_Request_Id="press-1")
    answered = await mailed.core.patience.until(gate.reached.wait(), pressing)
    again = await mailed.post(path, "Yes", token=token, Action_Request_Id="press-1")

    assert "Recording your decision" in answered.said
    assert "Recording your decision" in again.said
    assert answered.titles == again.titles == []
    assert mailed.core.api.posted == []
    slow_store.commits_wait_for.set()
    await mailed.core.approvals.drain(seconds=30)
    assert len(mailed.core.api.posted) == 1
    late = await mailed.post(path, "Yes", token=token, Action_Request_Id="press-1")
    assert "Recording" not in late.said
    assert late.said == (await mailed.open(MARIA)).said
    assert "Approved by Maria Keller" in late.said


async def test_a_press_again_after_a_late_no_says_why_and_gives_the_buttons_back(
    mailed: Mailed, slow_store: SlowStore
) -> None:
    path, token = await mailed.path(MARIA), mailed.token(MARIA)
    slow_store.commits_wait_for = gate = Gate()
    mailed.core.api.answers.append(NO)
    pressing = mailed.post(path, "Yes", token=token, Action_Request_Id="press-1")
    await mailed.core.patience.until(gate.reached.wait(), pressing)
    slow_store.commits_wait_for.set()
    await mailed.core.approvals.drain(seconds=30)

    again = await mailed.post(path, "Yes", token=token, Action_Request_Id="press-1")

    assert "Over budget" in again.said
    assert "Recording" not in again.said
    assert "Approve" in again.titles


async def test_a_store_that_is_slow_to_read_still_records_the_press(
    mailed: Mailed, slow_store: SlowStore
) -> None:
    path = await mailed.path(MARIA)
    slow_store.reads_wait_for = gate = Gate()

    pressing = mailed.post(path, "Yes", token=mailed.token(MARIA))
    answered = await mailed.core.patience.until(gate.reached.wait(), pressing)

    assert "Recording your decision" in answered.said
    assert "Laptops" not in str(answered.body)
    slow_store.reads_wait_for.set()
    await mailed.core.approvals.drain(seconds=30)
    [posted] = mailed.core.api.posted
    assert posted.decision.comment == "Yes"
    shown = await mailed.post(answered.url("Show the request"), token=mailed.token(MARIA))
    assert "Approved by Maria Keller" in shown.said


@pytest.mark.parametrize("purpose", ["act", "refresh"])
async def test_a_store_that_is_away_is_said_and_nothing_else(
    mailed: Mailed, slow_store: SlowStore, purpose: Any
) -> None:
    path, token = await mailed.path(MARIA, purpose=REFRESH), mailed.token(MARIA)
    pressed = await mailed.path(MARIA)
    slow_store.away = StoreUnavailable("connection refused")

    answered = await mailed.post(pressed if purpose == "act" else path, token=token)

    assert "cannot be reached" in answered.said
    assert answered.body["autoInvokeAction"]["url"] == answered.url("Show the request")
    slow_store.away = None
    assert "Approve" in (await mailed.post(answered.url("Show the request"), token=token)).titles
    assert mailed.core.api.posted == []


async def test_an_opening_does_not_wait_for_a_store_that_hangs(
    slow_store: SlowStore, token_issuer: Issuer
) -> None:
    core = await a_core(slow_store, patience=Patience(outlook=PROMISED.outlook))
    async with a_door(core, token_issuer) as mailed:
        while "Approve" not in (await mailed.open(MARIA)).titles:
            pass  # the issuer's keys are not here yet
        path = await mailed.path(MARIA, purpose=REFRESH)
        slow_store.reads_wait_for = asyncio.Event()  # never set

        answered = await mailed.post(path, token=mailed.token(MARIA))
        while answered.status == 401:  # all the time went by before it was known who it is
            answered = await mailed.post(path, token=mailed.token(MARIA))

    assert "cannot be reached" in answered.said
