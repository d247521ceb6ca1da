"""What the worker makes of the jobs: cards that converge, people found, and what fails for good."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.errors import (
    AnswerLost,
    CardGone,
    CardRefused,
    ChannelBusy,
    DirectoryUnavailable,
    Unreachable,
)
from approvals_core.leases import LEASE
from approvals_core.models import (
    ATTENTION,
    Change,
    EventKind,
    Job,
    JobKind,
    Lane,
    LeasedJob,
    PlaceState,
    Receipt,
    ReceiptState,
)
from approvals_core.ports import Answer, AnswerKind, NotFound, Store
from approvals_core.rules import upkeep
from approvals_core.worker import MOST_FAILURES, OF_ONE, SLOTS, WITHOUT_A_FILE
from approvals_core.worker.outcomes import A_DAY, LOOK_AGAIN, TRIED_FOR
from tests.fakes import FlakyStore
from tests.makers import (
    JONAS,
    KEY,
    MARIA,
    START,
    Core,
    a_stamp,
    a_tenant,
    create,
    delete,
    done_by,
    update,
)

AGAIN = Answer(kind=AnswerKind.AGAIN, retry_after=60.0)


async def a_core(store: Store, *asks: str, **tenant: Any) -> Core:
    core = Core(store, tenant=a_tenant(**tenant))
    await core.open(create(*(asks or ("johndoe1", "johndoe2"))))
    core.channel.updated.clear()  # a card sent before the others were found
    return core


async def receipt_of(core: Core, person: Any) -> Receipt:
    approval = await core.approval()
    found = await core.store.receipt(KEY, round=approval.round, person=person.id, channel="teams")
    assert found is not None
    return found


def text_of(core: Core, person: Any) -> str:
    return json.dumps(core.channel.of(person)[-1].face)


async def has_job(core: Core, kind: JobKind) -> bool:
    now = core.clock.now() + timedelta(days=1)
    jobs = await core.store.lease(
        tuple(Lane), limit=99, now=now, until=now + timedelta(microseconds=1)
    )
    return any(leased.job.kind is kind for leased in jobs)


# -- cards ----------------------------------------------------------------


async def test_everybody_asked_gets_one_card(store: Store) -> None:
    core = await a_core(store)

    await core.pass_time(3600)

    assert len(core.channel.of(MARIA)) == len(core.channel.of(JONAS)) == 1
    assert core.channel.updated == []
    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN


async def test_a_card_is_updated_in_place(store: Store) -> None:
    core = await a_core(store)

    await core.click(MARIA)
    await core.pass_time(10)

    assert len(core.channel.sent) == 2
    assert "Maria Keller" in text_of(core, JONAS)
    assert "Approved" in text_of(core, JONAS)


async def test_several_steps_cost_one_update(store: Store) -> None:
    core = await a_core(store)
    sent = core.channel.of(JONAS)[0]
    for number in range(1, 4):
        content = create().content
        assert content is not None
        titled = content.model_copy(update={"title": f"Laptops {number}"})
        await core.receive(update("johndoe1", at=number, content=titled))

    await core.work()

    assert len(core.channel.updated) == 2
    assert core.channel.of(JONAS)[0] != sent
    assert "Laptops 3" in text_of(core, JONAS)


async def test_a_face_that_did_not_change_is_not_sent_again(store: Store) -> None:
    core = await a_core(store)

    await core.open(update("johndoe1", "johndoe2"))

    assert core.channel.updated == []
    assert len(core.channel.sent) == 2


async def test_what_changes_while_a_card_is_sent_is_shown_right_after(store: Store) -> None:
    core = Core(store)

    async def removed() -> None:
        await core.receive(delete("johndoe2"))

    await core.receive(create("johndoe1", "johndoe2"))
    core.channel.while_sending = removed
    await core.work()

    [screen] = core.channel.of(JONAS) or [None]
    assert len(core.channel.of(MARIA)) == 1
    assert screen is None or "Nothing more for you to do" in json.dumps(screen.face)
    assert (await core.store.receipts(KEY)) != []


async def test_a_decision_made_while_his_card_is_sent_ends_on_the_card(store: Store) -> None:
    core = Core(store)

    async def changed() -> None:
        content = create().content
        assert content is not None
        yachts = content.model_copy(update={"title": "Yachts"})
        await core.receive(update("johndoe1", content=yachts))

    await core.receive(create("johndoe1"))
    core.channel.while_sending = changed
    await core.work()

    assert len(core.channel.sent) == 1
    assert "Yachts" in text_of(core, MARIA)


async def test_the_card_that_was_clicked_is_left_alone_for_two_seconds(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)

    await core.pass_time(1.9)
    early = list(core.channel.updated)
    await core.pass_time(0.2)

    [jonas, maria] = [core.channel.of(person)[0] for person in (JONAS, MARIA)]
    assert early == [(await receipt_of(core, JONAS)).address]
    assert core.channel.updated == [*early, (await receipt_of(core, MARIA)).address]
    assert "Approved" in json.dumps(maria.face)
    assert "Approved" in json.dumps(jonas.face)


async def test_other_cards_say_sending_only_if_it_takes_long(store: Store) -> None:
    core = await a_core(store)
    await core.begin(MARIA)

    await core.pass_time(1.9)
    early = text_of(core, JONAS)
    await core.pass_time(0.2)

    assert "Sending to" not in early
    assert "Sending to" in text_of(core, JONAS)


async def test_a_card_deleted_at_the_far_side_is_sent_anew(store: Store) -> None:
    core = await a_core(store)
    core.channel.screens.clear()

    await core.click(MARIA)
    await core.pass_time(10)

    assert len(core.channel.of(JONAS)) == 1
    assert "Approved" in text_of(core, JONAS)


async def test_a_deleted_card_of_somebody_no_longer_asked_is_let_go(store: Store) -> None:
    core = await a_core(store)
    core.channel.screens.clear()

    await core.open(delete("johndoe1"))

    assert core.channel.of(MARIA) == []
    receipt = await receipt_of(core, MARIA)
    assert receipt.state is ReceiptState.GONE
    assert receipt.reason


@pytest.mark.parametrize("refusal", [Unreachable("the bot is blocked"), CardRefused("too big")])
async def test_who_cannot_be_reached_is_kept_with_the_reason(
    store: Store, refusal: Exception
) -> None:
    core = Core(store)
    core.channel.send_fails.append(refusal)

    await core.open(create("johndoe1"))

    receipt = await receipt_of(core, MARIA)
    assert (receipt.state, receipt.reason) == (ReceiptState.UNREACHABLE, str(refusal))
    assert not await has_job(core, JobKind.CARD)


async def test_who_can_be_reached_again_is_given_all_that_waits(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.append(Unreachable("the bot is blocked"))
    await core.open(create("johndoe1"))
    job = Job(
        key="deliver",
        kind=JobKind.DELIVER,
        lane=Lane.CARD,
        due=core.clock.now(),
        person=MARIA.id,
    )
    await store.commit(Change(id="speaks", scope=MARIA.id.scope, jobs=(job,)))

    await core.work()

    assert len(core.channel.of(MARIA)) == 1
    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN
    assert await store.job(MARIA.id.scope, "deliver") is None


async def test_a_card_whose_answer_was_lost_is_sent_once_more_after_a_minute(
    store: Store,
) -> None:
    core = Core(store)
    core.channel.send_fails.append(AnswerLost("timed out"))
    await core.open(create("johndoe1"))

    await core.pass_time(59)
    early = list(core.channel.sent)
    await core.pass_time(1)

    assert early == []
    assert len(core.channel.sent) == 1
    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN


async def test_a_card_whose_answers_were_lost_twice_is_given_up(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend([AnswerLost("timed out")] * 3)
    await core.open(create("johndoe1"))

    await core.pass_time(60)
    await core.pass_time(3600)

    receipt = await receipt_of(core, MARIA)
    assert receipt.state is ReceiptState.UNREACHABLE
    assert receipt.reason
    assert len(core.channel.send_fails) == 1


async def test_only_lost_answers_count_as_lost(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend(
        [
            RuntimeError("a bug"),
            ChannelBusy("429", retry_after=10.0),
            AnswerLost("timed out"),
            ChannelBusy("429", retry_after=10.0),
        ]
    )
    await core.open(create("johndoe1"))

    for _each in range(10):
        await core.pass_time(30)

    assert len(core.channel.sent) == 1
    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN


async def test_a_busy_channel_between_two_lost_answers_is_no_third_attempt(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend(
        [AnswerLost("timed out"), ChannelBusy("429", retry_after=10.0), AnswerLost("timed out")]
    )
    await core.open(create("johndoe1"))

    for _each in range(10):
        await core.pass_time(60)

    assert core.channel.sent == []
    assert (await receipt_of(core, MARIA)).reason == "answers were lost twice"


async def test_a_change_does_not_bring_forward_what_was_lost(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.append(AnswerLost("timed out"))
    await core.open(create("johndoe1"))

    await core.open(update("johndoe2"))
    early = core.channel.of(MARIA)
    await core.pass_time(60)

    assert early == []
    assert len(core.channel.of(MARIA)) == 1


async def test_a_busy_channel_is_asked_again_when_it_said(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend([ChannelBusy("slow down", retry_after=30.0)] * 20)
    await core.open(create("johndoe1"))

    for _each in range(20):
        await core.pass_time(30)

    assert len(core.channel.of(MARIA)) == 1
    assert await store.dead_letters(KEY.scope) == []


async def test_a_card_that_waits_says_why(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.append(ChannelBusy("the app is blocked", retry_after=180.0))
    await core.open(create("johndoe1"))

    waiting = await receipt_of(core, MARIA)
    await core.pass_time(180)
    shown = await receipt_of(core, MARIA)

    assert (waiting.state, waiting.reason) == (ReceiptState.WAITING, "the app is blocked")
    assert (shown.state, shown.reason, shown.behind_since) == (ReceiptState.SHOWN, "", None)


async def test_a_moments_pause_is_not_written_down_and_a_long_one_is(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend([ChannelBusy("429", retry_after=8.0)] * 9)
    await core.open(create("johndoe1"))

    approval = await core.approval()
    early = await store.receipt(KEY, round=approval.round, person=MARIA.id, channel="teams")
    for _each in range(5):
        await core.pass_time(8)
    late = await receipt_of(core, MARIA)

    assert early is None
    assert (late.state, late.reason) == (ReceiptState.WAITING, "429")


# -- cards that cannot be changed ------------------------------------------


async def an_outage(core: Core, hours: int) -> None:
    """Let every update of these hours be answered by nobody."""
    core.channel.update_fails.extend([AnswerLost("HTTP 500")] * 100_000)
    for _each in range(hours * 60):
        await core.pass_time(60)
    core.channel.update_fails.clear()


async def test_a_card_is_changed_however_long_updates_were_lost(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)

    await an_outage(core, hours=2)
    stale = await receipt_of(core, JONAS)
    await core.pass_time(300)

    assert (stale.state, stale.reason) == (ReceiptState.SHOWN, "HTTP 500")
    assert stale.address
    assert "Approved" in text_of(core, JONAS)
    assert len(core.channel.of(JONAS)) == 1
    receipt = await receipt_of(core, JONAS)
    assert (receipt.reason, receipt.lost, receipt.behind_since) == ("", 0, None)


async def test_updates_that_were_lost_do_not_count_for_the_card_sent_anew(store: Store) -> None:
    core = await a_core(store, "johndoe1")
    core.channel.update_fails.extend([AnswerLost("HTTP 500"), CardGone("deleted")])
    core.channel.send_fails.append(AnswerLost("HTTP 500"))
    yachts = create().content
    assert yachts is not None
    await core.open(update("johndoe1", content=yachts.model_copy(update={"title": "Yachts"})))

    await core.pass_time(10)
    await core.pass_time(60)

    assert "Yachts" in text_of(core, MARIA)


async def test_a_closed_request_still_shows_its_last_face(store: Store) -> None:
    core = await a_core(store)
    await core.receive(delete("johndoe1", "johndoe2"))

    await an_outage(core, hours=2)
    await core.pass_time(300)

    for person in (MARIA, JONAS):
        assert "Nothing more for you to do" in text_of(core, person)
    assert not await has_job(core, JobKind.CARD)


async def test_updates_that_are_always_lost_are_given_up_after_thirty_days(store: Store) -> None:
    core = await a_core(store, "johndoe1")
    await core.receive(delete("johndoe1"))
    core.channel.update_fails.extend([AnswerLost("HTTP 500")] * 100)
    await core.work()

    core.clock.advance(TRIED_FOR.total_seconds())
    await core.work()

    receipt = await receipt_of(core, MARIA)
    assert (receipt.state, receipt.reason) == (ReceiptState.UNREACHABLE, "given up: HTTP 500")
    assert receipt.address
    assert not await has_job(core, JobKind.CARD)


async def test_the_pauses_between_lost_updates_grow_and_end_at_five_minutes(store: Store) -> None:
    core = await a_core(store, "johndoe1")
    core.channel.update_fails.extend([AnswerLost("HTTP 500")] * 100)
    await core.open(delete("johndoe1"))
    pauses: list[float] = []

    for _each in range(9):
        due = await store.next_due([Lane.CARD])
        assert due is not None
        pauses.append((due - core.clock.now()).total_seconds())
        await core.pass_time(pauses[-1])

    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


async def test_an_old_card_of_somebody_unreachable_is_changed_once_he_can_be_reached(
    store: Store,
) -> None:
    core = await a_core(store)
    blocked = Unreachable("the bot is blocked")
    core.channel.update_fails.extend([blocked, blocked])
    await core.open(delete("johndoe1"))
    receipt = await receipt_of(core, MARIA)

    await core.pass_time(LOOK_AGAIN)
    await core.pass_time(LOOK_AGAIN)

    assert (receipt.state, receipt.reason) == (ReceiptState.UNREACHABLE, "the bot is blocked")
    assert "Nothing more for you to do" in text_of(core, MARIA)
    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN
    assert not await has_job(core, JobKind.CARD)


async def test_whoever_can_be_reached_again_keeps_the_card_he_has(store: Store) -> None:
    core = await a_core(store)
    core.channel.update_fails.append(Unreachable("the bot is blocked"))
    core.channel.send_fails.append(Unreachable("the bot is blocked"))
    yachts = create().content
    assert yachts is not None
    await core.open(update("johndoe1", content=yachts.model_copy(update={"title": "Yachts"})))
    assert (await receipt_of(core, MARIA)).state is ReceiptState.UNREACHABLE

    await core.pass_time(LOOK_AGAIN)

    assert len(core.channel.of(MARIA)) == 1
    assert "Yachts" in text_of(core, MARIA)


async def test_an_unreachable_persons_old_card_is_not_looked_after_for_ever(store: Store) -> None:
    core = await a_core(store, "johndoe1")
    core.channel.update_fails.extend([Unreachable("the bot is blocked")] * 2)
    await core.open(delete("johndoe1"))

    await core.pass_time(TRIED_FOR.total_seconds())

    assert (await receipt_of(core, MARIA)).state is ReceiptState.UNREACHABLE
    assert not await has_job(core, JobKind.CARD)


async def test_a_face_that_is_refused_ends_with_a_reason_and_the_next_one_is_tried(
    store: Store,
) -> None:
    core = await a_core(store, "johndoe1")
    first = await receipt_of(core, MARIA)
    yachts = create().content
    assert yachts is not None
    core.channel.update_fails.append(CardRefused("HTTP 413"))
    await core.open(update("johndoe1", content=yachts.model_copy(update={"title": "Yachts"})))
    refused = await receipt_of(core, MARIA)

    await core.open(update("johndoe1", at=2, content=yachts))

    # What it shows now nobody knows: the face of before counts as another.
    assert (refused.state, refused.reason) == (ReceiptState.UNREACHABLE, "HTTP 413")
    assert (refused.address, refused.face) == (first.address, "")
    assert core.channel.updated == [first.address]
    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN


# -- how old the oldest is -------------------------------------------------


async def test_a_card_that_is_not_current_has_an_age(store: Store) -> None:
    core = await a_core(store)
    at_first = core.cards.behind.oldest()
    await core.click(MARIA)

    await an_outage(core, hours=1)
    in_trouble = core.cards.behind.oldest()
    await core.pass_time(300)

    assert at_first == 0
    assert in_trouble == pytest.approx(3600, abs=5)
    assert core.cards.behind.oldest() == 0


async def test_the_age_goes_on_after_a_restart(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)
    await an_outage(core, hours=1)
    core.channel.update_fails.extend([AnswerLost("HTTP 500")] * 9)

    core.start()
    await core.pass_time(300)

    assert core.cards.behind.oldest() == pytest.approx(3900, abs=5)


async def test_what_ended_for_a_reason_and_what_others_do_is_not_counted(store: Store) -> None:
    core = await a_core(store)
    core.channel.update_fails.append(Unreachable("blocked"))
    await core.open(delete("johndoe1"))
    ended = core.cards.behind.oldest()
    key = f"card/another/1/{JONAS.id}/teams"
    core.cards.behind.begun(key, core.clock.now(), next_look=core.clock.now(), scope=KEY.scope)

    core.clock.advance(600)
    counted = core.cards.behind.oldest()
    core.clock.advance(600)

    assert (ended, counted, core.cards.behind.oldest()) == (0, 600, 0)


async def test_a_closed_round_keeps_its_card_and_the_next_one_gets_its_own(store: Store) -> None:
    core = await a_core(store, "johndoe1")
    await core.open(delete("johndoe1"))

    await core.open(create("johndoe1", at=3))

    old, new = core.channel.of(MARIA)
    assert "Nothing more for you to do" in json.dumps(old.face)
    assert "Action.Execute" in json.dumps(new.face)
    assert [receipt.round for receipt in await store.receipts(KEY)] == [1, 2]


async def test_who_was_removed_before_his_card_was_sent_gets_none(store: Store) -> None:
    core = Core(store)
    core.directory.fails.append(DirectoryUnavailable("later", retry_after=30.0))
    await core.open(create("johndoe1"))
    await core.receive(delete("johndoe1"))

    await core.pass_time(60)

    assert core.channel.of(MARIA) == []


# -- people ---------------------------------------------------------------


async def test_a_directory_that_does_not_answer_is_asked_again(store: Store) -> None:
    core = Core(store)
    core.directory.fails.append(DirectoryUnavailable("later", retry_after=30.0))
    await core.open(create("johndoe1"))

    await core.pass_time(29)
    early = len(core.channel.sent)
    await core.pass_time(1)

    assert early == 0
    assert len(core.channel.of(MARIA)) == 1


async def test_who_is_nobody_goes_before_an_operator(store: Store) -> None:
    core = Core(store)
    core.directory.people["johndoe1"] = NotFound.DISABLED

    await core.open(create("johndoe1"))

    assert (await core.approval()).places[0].unbound == "disabled"
    assert await store.count(KEY.scope, ATTENTION) == 1
    assert await core.worker.sweep() == 0


async def test_a_place_nobody_was_found_for_waits_on_nobody_when_removed(store: Store) -> None:
    core = await a_core(store, "johndoe1", "ghost")

    await core.open(delete("ghost"))

    assert await core.worker.sweep() == 0
    assert await store.count(KEY.scope, ATTENTION) == 0


# -- what fails for good --------------------------------------------------


async def fail_until_given_up(core: Core) -> None:
    for _each in range(MOST_FAILURES + 1):
        await core.pass_time(400)


async def test_a_card_that_keeps_failing_is_one_dead_letter(store: Store) -> None:
    core = Core(store)
    core.channel.faces_fail = RuntimeError("a bug")
    await core.receive(create("johndoe1"))

    await fail_until_given_up(core)
    await fail_until_given_up(core)

    [letter] = await store.dead_letters(KEY.scope)
    assert (letter.job.kind, letter.error) == (JobKind.CARD, "RuntimeError")
    assert (await core.kinds())[-1] == EventKind.DEAD_LETTER
    assert not await has_job(core, JobKind.CARD)


async def test_a_card_given_up_is_tried_again_with_the_next_change(store: Store) -> None:
    core = Core(store)
    core.channel.faces_fail = RuntimeError("a bug")
    await core.receive(create("johndoe1"))
    await fail_until_given_up(core)
    core.channel.faces_fail = None

    await core.open(update("johndoe2"))

    assert len(core.channel.of(MARIA)) == 1


async def test_a_person_who_cannot_be_looked_up_becomes_an_operators_item(store: Store) -> None:
    core = Core(store)
    core.directory.fails.extend([RuntimeError("a bug")] * MOST_FAILURES)
    await core.receive(create("johndoe1"))

    await fail_until_given_up(core)

    [letter] = await store.dead_letters(KEY.scope)
    assert letter.job.kind is JobKind.RESOLVE
    assert (await core.approval()).places[0].unbound
    assert await store.count(KEY.scope, ATTENTION) == 1
    assert await core.worker.sweep() == 0


async def test_a_job_of_a_tenant_that_is_gone_waits_until_it_is_back(store: Store) -> None:
    core = Core(store)
    await core.receive(create("johndoe1"))
    tenant = core.tenants.tenants.pop()
    for _ in range(20):
        await core.pass_time(WITHOUT_A_FILE)
    assert await store.dead_letters(KEY.scope) == []

    core.tenants.tenants.append(tenant)
    await core.pass_time(WITHOUT_A_FILE)

    assert await core.state(MARIA) is PlaceState.PENDING
    assert len(core.channel.of(MARIA)) == 1


async def test_a_decision_that_cannot_be_posted_becomes_an_operators_item(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(AGAIN)
    await core.click(MARIA)

    await store_failure_of(core, f"post/{core.api.ids[0]}/2")

    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert await store.count(KEY.scope, ATTENTION) == 1
    assert await core.worker.sweep() == 0


async def store_failure_of(core: Core, key: str) -> None:
    """Let a job fail for the last time."""
    now = core.clock.now() + timedelta(days=1)
    jobs = await core.store.lease(tuple(Lane), limit=9, now=now, until=now + timedelta(minutes=1))
    [leased] = [leased for leased in jobs if leased.job.key == key]
    last = leased._replace(failures=MOST_FAILURES - 1)
    await core.worker._failed(last, RuntimeError("a bug"))


async def test_a_job_given_up_late_does_not_undo_what_was_accepted(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)
    approval = await core.approval()
    decision = approval.places[0].decision
    assert decision is not None
    now = core.clock.now()
    for kind, other in ((JobKind.POST, decision.id), (JobKind.AWAIT_ARX, "another")):
        job = Job(
            key="old",
            kind=kind,
            lane=Lane.DECISION,
            due=now,
            approval=KEY,
            seat=0,
            decision=other,
            number=1,
        )
        leased = LeasedJob(job, a_lease(), 9)

        given_up = upkeep.give_up(
            approval, leased, "Error", tenant=core.tenant, stamp=a_stamp(at=now)
        )

        assert given_up.approval is not None
        assert given_up.approval.places == approval.places


def a_lease() -> Any:
    from approvals_core.models import Lease

    return Lease(KEY.scope, "old", "mine", START + timedelta(minutes=1))


async def test_the_sweep_mends_what_waits_on_nobody(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(AGAIN)
    await core.click(MARIA)
    now = core.clock.now() + timedelta(days=1)
    for leased in await store.lease([Lane.DECISION], limit=9, now=now, until=now + timedelta(1)):
        await store.finish(leased.lease)

    mended = await core.worker.sweep()
    again = await core.worker.sweep()
    await core.pass_time(60)

    assert (mended, again) == (1, 0)
    assert await core.state(MARIA) is PlaceState.ACCEPTED


# -- lanes ----------------------------------------------------------------


async def test_decisions_do_not_wait_for_what_fills_the_other_lanes(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(AGAIN)
    await core.click(MARIA)
    core.api.reached.clear()
    await core.pass_time(10)
    core.directory.waits_for, core.directory.crowd = asyncio.Event(), asyncio.Semaphore(0)
    ghosts = (f"ghost{number}" for number in range(3 * SLOTS))
    await core.receive(create(*ghosts, key=KEY._replace(number="REQ-2")))
    running = asyncio.create_task(core.worker.run())
    async with asyncio.timeout(30):
        for _slot in range(OF_ONE):
            await core.directory.crowd.acquire()

    core.clock.advance(60)
    core.worker.wake()
    async with asyncio.timeout(30):
        await core.api.reached.wait()

    assert len(core.api.posted) == 2
    core.directory.waits_for.set()
    core.worker.stop()
    await running


async def test_a_worker_that_is_stopped_ends_what_it_has_begun(store: Store) -> None:
    core = Core(store)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        await go_on.wait()

    core.channel.while_sending = hang
    await core.receive(create("johndoe1"))
    running = asyncio.create_task(core.worker.run())
    await begun.wait()

    core.worker.stop()
    go_on.set()
    await running

    assert (await receipt_of(core, MARIA)).state is ReceiptState.SHOWN


async def test_a_card_whose_receipt_was_not_answered_is_not_sent_twice(store: Store) -> None:
    flaky = FlakyStore(store)
    core = Core(flaky)  # pyright: ignore[reportArgumentType] - delegates
    flaky.loses = lambda change: bool(change.receipts)

    await core.open(create("johndoe1"))
    await core.pass_time(3600)

    assert len(core.channel.sent) == 1
    assert len(core.channel.of(MARIA)) == 1


async def test_a_card_sent_after_the_job_was_given_to_another_is_taken_away(store: Store) -> None:
    core = Core(store)
    sending, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        sending.set()
        await go_on.wait()

    await core.receive(create("johndoe1"))
    await core.worker.run_due(limit=1)  # finds her
    core.channel.while_sending = hang
    slow = asyncio.create_task(core.worker.run_due(limit=1))
    await sending.wait()
    core.clock.advance(LEASE + 1)
    await core.worker.run_due()

    go_on.set()
    await slow
    await core.click(MARIA)
    await core.pass_time(10)

    assert len(core.channel.sent) == 2
    [screen] = core.channel.of(MARIA)
    assert "Approved" in json.dumps(screen.face)


async def test_bodies_go_an_hour_after_the_request_closed(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", details={"DT1": "{}"}))
    await core.open(delete("johndoe1", action=done_by("johndoe1")))

    await core.pass_time(3599)
    early = await store.bodies(KEY)
    await core.pass_time(2)

    assert set(early) > {"details/DT1"}
    assert await store.bodies(KEY) == {}


async def test_bodies_of_a_request_opened_again_stay(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1", details={"DT1": "{}"}), delete("johndoe1"))
    await core.receive(create("johndoe1", at=3, details={"DT1": "[]"}))

    await core.pass_time(3700)

    assert (await store.bodies(KEY, "details/")) == {"details/DT1": "[]"}


async def test_a_card_gone_while_it_is_updated_is_sent_anew(store: Store) -> None:
    core = await a_core(store)
    core.channel.update_fails.append(CardGone("deleted"))
    content = create().content
    assert content is not None
    yachts = content.model_copy(update={"title": "Yachts"})

    await core.open(update("johndoe1", content=yachts))

    assert len(core.channel.sent) == 3
    assert "Yachts" in text_of(core, MARIA)
    assert "Yachts" in text_of(core, JONAS)


async def test_somebody_whose_card_was_lost_twice_gets_one_the_next_day(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend([AnswerLost("HTTP 500"), AnswerLost("HTTP 500")])
    await core.open(create("johndoe1"))
    await core.pass_time(120)
    lost = list(core.channel.sent)

    await core.pass_time(A_DAY)

    assert lost == []
    assert len(core.channel.of(MARIA)) == 1


async def test_of_somebody_removed_before_his_card_was_sent_nothing_is_said(store: Store) -> None:
    core = Core(store)
    await core.receive(create("johndoe1"))
    await core.worker.run_due(limit=1)  # he is found, and his card is not sent yet
    await core.receive(delete("johndoe1"))

    await core.pass_time(60)

    assert core.channel.of(MARIA) == []
    assert await store.receipts(KEY) == []


async def test_a_card_that_waits_says_so_no_longer_once_nobody_is_asked(store: Store) -> None:
    core = Core(store)
    core.channel.send_fails.extend([ChannelBusy("the app is blocked", retry_after=180.0)] * 3)
    await core.open(create("johndoe1"))
    await core.receive(delete("johndoe1"))

    await core.pass_time(4000)

    receipt = await store.receipt(KEY, round=1, person=MARIA.id, channel="teams")
    assert receipt is None or receipt.state is not ReceiptState.WAITING
