"""What a click leads to, whoever else clicks, whatever the tenant says and whatever the store does."""

import asyncio
from typing import Any

import pytest

from approvals_core.acting import Acting
from approvals_core.committing import COMMIT_TRIES
from approvals_core.errors import (
    ActionIncomplete,
    ActionNotOffered,
    AlreadyActedOn,
    NotSettled,
    StaleCard,
    StoreUnavailable,
    TenantClosed,
    UnknownApproval,
)
from approvals_core.models import (
    ATTENTION,
    OPEN,
    Approval,
    Change,
    Content,
    EventKind,
    Lane,
    PlaceState,
)
from approvals_core.models import Operation as Op
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.rules.deciding import POST_LEASE, TO_READ, Click
from approvals_core.rules.settling import Settlement
from approvals_core.tenant import Comment, Concurrency, Limits
from cards.approval import approval_card
from cards.viewer import Viewer
from tests.fakes import FlakyStore, Gate
from tests.makers import (
    EVE,
    JONAS,
    KEY,
    MARIA,
    Core,
    a_tenant,
    an_arx,
    create,
    delete,
    done_by,
    update,
)
from tests.stumbling_store import SilentClicks

YES = Answer(kind=AnswerKind.ACCEPTED)
NO = Answer(kind=AnswerKind.REFUSED, message="Over budget")
ACCEPTED = Answer(kind=AnswerKind.ACCEPTED)
AGAIN = Answer(kind=AnswerKind.AGAIN, retry_after=60.0, reason="HTTP 429")
NOT_TAKEN = Answer(kind=AnswerKind.NOT_TAKEN, reason="HTTP 404")
UNKNOWN = Answer(kind=AnswerKind.UNKNOWN, reason="timed out")


async def a_core(store: Store, **tenant: Any) -> Core:
    core = Core(store, tenant=a_tenant(**tenant))
    await core.open()
    return core


async def a_silent_core(store: Store, **tenant: Any) -> Core:
    """A core whose clicks lose their leases as if it stood still."""
    silent: Any = SilentClicks(store)
    return await a_core(silent, **tenant)


async def a_flaky_core(store: Store, **tenant: Any) -> tuple[Core, FlakyStore]:
    flaky = FlakyStore(store)
    return await a_core(flaky, **tenant), flaky  # pyright: ignore[reportArgumentType] - delegates


# -- deciding -------------------------------------------------------------


async def test_a_decision_reaches_the_tenant_and_waits_for_its_arx(store: Store) -> None:
    core = await a_core(store)

    outcome = await core.click(MARIA, comment=" Within budget ")

    [posted] = core.api.posted
    assert (posted.decision.action, posted.decision.comment) == ("Approve", "Within budget")
    assert posted.place.alias == "johndoe1"
    assert outcome.view is not None
    assert outcome.view.place.state is PlaceState.ACCEPTED
    assert await core.state(JONAS) is PlaceState.PENDING
    [taken] = (await core.approval()).taken
    assert (taken.by, taken.decision) == ("johndoe1", posted.decision.id)
    assert await store.job(KEY.scope, f"await/{posted.decision.id}") is not None


async def test_two_approvers_clicking_at_once_reach_the_tenant_once(store: Store) -> None:
    core = await a_core(store)
    clicks = [core.click(MARIA), core.click(JONAS)]

    first, second = await asyncio.gather(*clicks, return_exceptions=True)

    refused = first if isinstance(first, BaseException) else second
    winner = JONAS if refused is first else MARIA
    assert len(core.api.posted) == 1
    assert isinstance(refused, AlreadyActedOn)
    assert winner.name in str(refused)


async def test_one_person_clicking_approve_and_reject_at_once_decides_once(store: Store) -> None:
    core = await a_core(store)

    led_to = await asyncio.gather(
        core.click(MARIA), core.click(MARIA, "Reject", "No"), return_exceptions=True
    )

    assert len(core.api.posted) == 1
    assert [type(each) for each in led_to if isinstance(each, Exception)] == [AlreadyActedOn]


async def test_a_click_delivered_twice_decides_once(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(NO)
    click = await core.shown(MARIA)
    await core.act(MARIA, click)

    with pytest.raises(StaleCard):
        await core.act(MARIA, click)

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.PENDING


async def test_with_all_of_each_decides_for_himself(store: Store) -> None:
    core = await a_core(store, concurrency=Concurrency.ALL)

    await asyncio.gather(core.click(MARIA), core.click(JONAS))

    assert len(set(core.api.ids)) == 2
    assert await core.state(MARIA) is await core.state(JONAS) is PlaceState.ACCEPTED


def but_for_quiet(approval: Approval) -> Approval:
    """Return *approval* without what is kept of a click that was refused: when its card may change."""
    places = tuple(place.model_copy(update={"quiet_until": None}) for place in approval.places)
    return approval.model_copy(update={"places": places, "version": 0, "last_change": ""})


@pytest.mark.parametrize("shown", ["round", "revision", "attempt"])
@pytest.mark.parametrize("off_by", [-1, 1])
async def test_a_click_on_another_round_revision_or_attempt_does_nothing(
    store: Store, shown: str, off_by: int
) -> None:
    core = await a_core(store)
    before, click = await core.approval(), await core.shown(MARIA)
    stale = click.model_copy(update={shown: getattr(click, shown) + off_by})

    with pytest.raises(StaleCard):
        await core.act(MARIA, stale)
    await core.approvals.drain(seconds=30)

    assert but_for_quiet(await core.approval()) == but_for_quiet(before)
    assert core.api.posted == []


async def test_somebody_who_is_no_approver_may_not_even_know(store: Store) -> None:
    core = await a_core(store)
    before = await core.approval()

    for seat in (0, 1, 2, 9999, -1):
        click = (await core.shown(MARIA)).model_copy(update={"seat": seat})
        with pytest.raises(UnknownApproval):
            await core.act(EVE, click)

    assert await core.approval() == before
    assert core.api.posted == []


async def test_an_approver_may_not_act_from_another_persons_place(store: Store) -> None:
    core = await a_core(store)
    before, click = await core.approval(), await core.shown(JONAS)

    with pytest.raises(UnknownApproval):
        await core.act(MARIA, click)

    assert await core.approval() == before


async def test_a_person_with_the_same_object_id_in_another_directory_is_somebody_else(
    store: Store,
) -> None:
    core = await a_core(store)
    twin = MARIA.model_copy(update={"directory": "22222222-aaaa-4aaa-8aaa-111111111111"})

    with pytest.raises(UnknownApproval):
        await core.act(twin, await core.shown(MARIA))

    assert core.api.posted == []


async def test_an_approver_removed_in_this_round_is_told_that_it_is_over(store: Store) -> None:
    core = await a_core(store)
    click = await core.shown(MARIA)
    await core.open(delete("johndoe1"))

    with pytest.raises(AlreadyActedOn):
        await core.act(MARIA, click)

    assert core.api.posted == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_who_was_only_ever_taken_out_may_not_know(store: Store) -> None:
    core = Core(store)
    await core.open(update(removes=("johndoe1",)))  # before anybody was asked

    approval = await core.approval()
    assert approval.place_of(MARIA.id) is not None
    with pytest.raises(UnknownApproval):
        await core.approvals.own(approval.id, by=MARIA.id)


async def test_an_approver_of_an_older_round_may_no_longer_know(store: Store) -> None:
    core = await a_core(store)
    click = await core.shown(MARIA)
    await core.open(delete("johndoe1", "johndoe2"), create("johndoe2", at=3))
    before = await core.approval()

    with pytest.raises(UnknownApproval):
        await core.act(MARIA, click)

    assert await core.approval() == before


async def test_an_action_the_request_does_not_offer_is_refused(store: Store) -> None:
    core = await a_core(store)

    with pytest.raises(ActionNotOffered, match="This action is not offered"):
        await core.click(MARIA, "Pay")

    assert await core.state(MARIA) is PlaceState.PENDING


async def test_an_action_the_tenant_has_but_this_request_excludes_is_refused(store: Store) -> None:
    core = await a_core(store)
    content = Content(title="Laptops", actions=("Approve",))
    await core.open(create("johndoe1", at=5, content=content))

    with pytest.raises(ActionNotOffered, match="“Reject” is not offered"):
        await core.click(MARIA, "Reject", "No")
    with pytest.raises(ActionNotOffered, match="“Ask” is not offered"):  # as its button says
        await core.click(MARIA, "Question")

    assert core.api.posted == []


async def test_an_action_without_a_comment_takes_none(store: Store) -> None:
    plain = a_tenant().actions[0].model_copy(update={"comment": Comment.NONE})
    core = await a_core(store, actions=(plain,))

    await core.click(MARIA, plain.code, comment="typed all the same")

    assert core.api.posted[0].decision.comment == ""


async def test_who_decided_in_an_older_round_does_not_see_what_the_new_one_is_about(
    store: Store,
) -> None:
    core = await a_core(store)
    await core.click(MARIA)
    second = create("johndoe2", at=5, content=Content(title="Secret of round two"))
    await core.open(delete("johndoe1", "johndoe2", action=done_by("johndoe1")), second)
    approval = await core.approval()
    assert approval.round == 2

    for view in (
        await core.approvals.view(approval.id, 0, by=MARIA.id),
        await core.approvals.find("REQ-1", by=MARIA.id),
    ):
        assert b"Secret" not in approval_card(view, Viewer()).to_json()
        assert view.details == {}


async def test_an_action_that_demands_a_comment_is_not_taken_without_one(store: Store) -> None:
    core = await a_core(store)

    for comment in ("  ", "x" * 1001):
        with pytest.raises(ActionIncomplete):
            await core.click(MARIA, "Reject", comment)

    assert core.api.posted == []


async def test_a_tenant_that_is_disabled_takes_no_decisions(store: Store) -> None:
    core = await a_core(store, enabled=False)

    with pytest.raises(TenantClosed):
        await core.click(MARIA)

    assert core.api.posted == []


async def test_a_slow_store_shows_nothing_to_somebody_not_checked_yet(store: Store) -> None:
    core, flaky = await a_flaky_core(store)
    approval, click = await core.approval(), await core.shown(MARIA)
    flaky.reads_wait_for = gate = Gate()

    acting = core.approvals.act(approval.id, click, by=EVE, elapsed=0.0)
    outcome = await core.patience.until(gate.reached.wait(), acting)

    assert outcome.view is None
    assert outcome.recording
    flaky.reads_wait_for.set()
    await core.approvals.drain(seconds=30)
    assert core.api.posted == []


async def test_a_slow_commit_is_said_to_be_recording_and_never_failed(store: Store) -> None:
    core, flaky = await a_flaky_core(store)
    approval, click = await core.approval(), await core.shown(MARIA)
    flaky.commits_wait_for = gate = Gate()

    acting = core.approvals.act(approval.id, click, by=MARIA, elapsed=0.0)
    outcome = await core.patience.until(gate.reached.wait(), acting)

    assert outcome.recording
    assert outcome.view is not None
    assert outcome.view.place.decision is None
    flaky.commits_wait_for.set()
    await core.approvals.drain(seconds=30)
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def record_late(flaky: FlakyStore, core: Core, click: Click) -> None:
    """Click while the store is slow, so that the answer is that it is being recorded."""
    approval = await core.approval()
    flaky.reads_wait_for = flaky.commits_wait_for = gate = Gate()
    acting = core.approvals.act(approval.id, click, by=MARIA, elapsed=0.0)
    outcome = await core.patience.until(gate.reached.wait(), acting)
    assert outcome.recording
    gate.set()
    await core.approvals.drain(seconds=30)


async def test_a_click_refused_after_it_was_said_to_be_recorded_shows_its_card_anew(
    store: Store,
) -> None:
    core, flaky = await a_flaky_core(store)
    click = await core.shown(MARIA, "Reject", "Too dear")
    stale = click.model_copy(update={"revision": click.revision - 1})

    await record_late(flaky, core, stale)
    before = len(core.channel.updated)
    await core.work()

    assert core.api.posted == []
    refusal = (await core.place(MARIA)).refusal
    assert refusal is not None
    assert (refusal.comment, "changed" in refusal.message) == ("Too dear", True)
    assert len(core.channel.updated) == before + 1


async def test_a_card_that_says_recording_is_replaced_even_by_the_face_it_had_before(
    store: Store,
) -> None:
    core, flaky = await a_flaky_core(store)
    click = await core.shown(MARIA)
    await core.open(delete("johndoe1"))
    shown = core.channel.of(MARIA)[-1].face

    await record_late(flaky, core, click)
    before = len(core.channel.updated)
    await core.work()

    assert len(core.channel.updated) == before + 1
    assert core.channel.of(MARIA)[-1].face == shown


async def test_a_decision_said_to_be_recorded_is_recorded_once_the_store_is_back(
    store: Store,
) -> None:
    core, flaky = await a_flaky_core(store)
    tries: list[Change] = []
    flaky.refuses = lambda change: tries.append(change) is None and len(tries) < 20

    await record_late(flaky, core, await core.shown(MARIA))

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_a_decision_that_cannot_be_recorded_is_given_back_with_what_was_typed(
    store: Store,
) -> None:
    core, flaky = await a_flaky_core(store)
    flaky.refuses = lambda change: change.claim is not None

    await record_late(flaky, core, await core.shown(MARIA, "Reject", "Too dear"))
    await core.work()

    assert core.api.posted == []
    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Too dear"
    assert "could not be recorded" in str(core.channel.of(MARIA)[-1].face)


async def test_a_decision_whose_commit_was_never_answered_is_posted_by_one_of_us_only(
    store: Store,
) -> None:
    core, flaky = await a_flaky_core(store)
    lost: list[Change] = []

    def loses(change: Change) -> bool:
        return change.claim is not None and lost.append(change) is None

    async def commit(change: Change) -> None:
        if flaky.commits_wait_for is not None:
            await flaky.commits_wait_for.wait()
        await store.commit(change)
        if loses(change) and len(lost) < COMMIT_TRIES + 1:
            raise StoreUnavailable("the answer was lost")

    flaky.commit = commit  # pyright: ignore[reportAttributeAccessIssue] - every answer is lost
    await record_late(flaky, core, await core.shown(MARIA))
    await core.pass_time(POST_LEASE + 1)

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


def promised(core: Core, click: Click) -> Acting:
    """Return a click that was answered with "Recording your decision…"."""
    acting = Acting(
        click, by=MARIA, store=core.store, commits=core.commits, posting=core.approvals._posting
    )
    acting.promised = True
    return acting


async def test_a_card_of_an_earlier_round_that_says_recording_is_shown_anew(store: Store) -> None:
    core = await a_core(store)
    click = await core.shown(MARIA)
    await core.open(delete("johndoe1", "johndoe2"), create("johndoe1", at=5))
    approval, first = await core.approval(), core.channel.of(MARIA)[0]
    address = next(each for each, screen in core.channel.screens.items() if screen is first)
    core.channel.updated.clear()

    with pytest.raises(StaleCard):
        await promised(core, click).run(lambda: core.approvals._named(approval.id))
    await core.work()

    assert address in core.channel.updated


async def test_a_first_commit_that_lands_late_is_posted_all_the_same(store: Store) -> None:
    held: list[Change] = []
    core, flaky = await a_flaky_core(store)

    async def commit(change: Change) -> None:
        if change.claim is not None and (not held or change.id == held[0].id):
            held[:] = [change]
            raise StoreUnavailable("timed out")
        if change.claim is not None and len(held) == 1:
            held.append(change)
            await store.commit(held[0])  # only now
        await store.commit(change)

    flaky.commit = commit  # pyright: ignore[reportAttributeAccessIssue]
    approval, click = await core.approval(), await core.shown(MARIA)
    await promised(core, click).run(lambda: core.approvals._named(approval.id))
    await core.pass_time(POST_LEASE + 1)

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_whoever_was_too_late_can_read_it_before_his_card_changes(store: Store) -> None:
    core = await a_core(store)
    click = await core.shown(JONAS)
    await core.click(MARIA)

    with pytest.raises(AlreadyActedOn):
        await core.act(JONAS, click)
    await core.approvals.drain(seconds=30)
    before = core.channel.of(JONAS)[-1].face
    await core.work()

    assert core.channel.of(JONAS)[-1].face == before
    await core.pass_time(TO_READ)
    assert core.channel.of(JONAS)[-1].face != before


# -- the tenant's answers -------------------------------------------------


async def test_the_answer_to_a_click_comes_before_the_tenants(store: Store) -> None:
    core = await a_core(store)
    core.api.holding = True

    acting = core.act(MARIA, await core.shown(MARIA))
    outcome = await core.patience.until(core.api.reached.wait(), acting)

    assert outcome.view is not None
    assert not outcome.recording
    assert outcome.view.place.state is PlaceState.SUBMITTING
    [told] = core.api.held
    assert not told.done()
    told.set_result(YES)
    await core.approvals.drain(seconds=30)
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_the_tenants_answer_is_kept_until_the_store_takes_it(store: Store) -> None:
    core, flaky = await a_flaky_core(store)
    await core.begin(MARIA)
    tries: list[Change] = []
    flaky.refuses = lambda change: tries.append(change) is None and len(tries) < 30

    await core.tell(YES)
    await core.approvals.drain(seconds=30)

    assert len(tries) >= 30
    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_what_was_done_long_ago_elsewhere_is_not_taken_for_the_decision_under_way(
    store: Store,
) -> None:
    core = await a_core(store)
    await core.receive(update("johndoe1", "johndoe2", at=60))
    await core.begin(MARIA)

    await core.receive(update("johndoe3", at=1, action=done_by("johndoe1")))
    await core.tell(NO)

    [told] = (await core.approval()).taken
    assert told.decision == ""
    assert await core.state(MARIA) is PlaceState.PENDING


async def test_a_caller_that_goes_away_does_not_stop_his_decision(store: Store) -> None:
    core = await a_core(store)
    core.api.holding = True
    caller = asyncio.create_task(core.click(MARIA))
    await core.api.reached.wait()

    caller.cancel()
    core.api.held[0].set_result(YES)
    await core.approvals.drain(seconds=30)

    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_a_failure_after_the_answer_was_given_is_logged_and_leaves_the_attempt_in_doubt(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    core = await a_core(store)
    await core.begin(MARIA)

    core.api.held.pop().set_exception(RuntimeError("a bug"))
    await core.approvals.drain(seconds=30)
    await core.pass_time(POST_LEASE + 1)

    assert "click_failed" in caplog.messages
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert len(core.api.posted) == 1


async def test_only_whose_place_it_is_sees_its_card(store: Store) -> None:
    core = await a_core(store)
    approval = await core.approval()

    view = await core.approvals.view(approval.id, 0, by=MARIA.id)

    assert view.place.person == MARIA
    for seat, person in ((0, JONAS), (1, MARIA), (0, EVE), (7, MARIA)):
        with pytest.raises(UnknownApproval):
            await core.approvals.view(approval.id, seat, by=person.id)


async def test_what_waits_for_somebody_is_what_he_can_decide_on(store: Store) -> None:
    core = await a_core(store)
    before = [waiting.approval.id for waiting in await core.approvals.pending(MARIA.id, limit=5)]

    await core.click(MARIA)

    assert before == [(await core.approval()).id]
    assert await core.approvals.pending(MARIA.id, limit=5) == []
    assert await core.approvals.pending(EVE.id, limit=5) == []


async def test_of_many_requests_with_one_number_the_newest_is_found(store: Store) -> None:
    core = await a_core(store)
    for number in range(55):
        core.clock.advance(60)
        key = KEY._replace(number=f"D{number}")
        content = Content(title=f"No. {number}")
        await core.receive(create("johndoe1", key=key, display_number="REQ-9", content=content))
    await core.work()

    view = await core.approvals.find("REQ-9", by=MARIA.id)

    assert view.approval.content == Content(title="No. 54")


async def test_a_request_is_found_by_its_number_by_those_who_may_see_it(store: Store) -> None:
    core = await a_core(store)

    view = await core.approvals.find(" req-1 ", by=JONAS.id)

    assert view.place.person == JONAS
    with pytest.raises(UnknownApproval):
        await core.approvals.find("REQ-1", by=EVE.id)


async def test_a_refusal_gives_the_place_back_with_the_typed_text(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(NO)

    await core.click(MARIA, comment="Within budget")

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.decision is None
    assert place.refusal is not None
    assert (place.refusal.message, place.refusal.comment) == ("Over budget", "Within budget")
    await core.click(JONAS)
    assert await core.state(JONAS) is PlaceState.ACCEPTED


async def test_what_the_tenant_did_not_take_is_given_back(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(NOT_TAKEN)

    await core.click(MARIA, comment="Within budget")
    await core.pass_time(3600)

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Within budget"
    assert len(core.api.posted) == 1


async def test_again_is_tried_when_due_with_the_same_id(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(AGAIN)
    await core.click(MARIA)
    assert await core.state(MARIA) is PlaceState.RETRYING

    await core.pass_time(59)
    tried_early = len(core.api.posted)
    await core.pass_time(1)

    assert tried_early == 1
    assert len(core.api.posted) == 2
    assert len(set(core.api.ids)) == 1
    assert [posted.decision.attempts for posted in core.api.posted] == [1, 2]
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_again_and_again_ends_with_the_place_given_back(store: Store) -> None:
    core = await a_core(store, limits=Limits(posts=3))
    core.api.usual = AGAIN
    await core.click(MARIA, comment="Fine")

    for _minute in range(10):
        await core.pass_time(60)

    place = await core.place(MARIA)
    assert len(core.api.posted) == 3
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Fine"


async def test_an_attempt_for_which_no_turn_came_uses_none_up(store: Store) -> None:
    core = await a_core(store, limits=Limits(posts=2))
    core.api.usual = AGAIN.model_copy(update={"tried": False})
    await core.click(MARIA)
    for _minute in range(10):
        await core.pass_time(60)
    core.api.usual = AGAIN
    await core.pass_time(60)
    assert await core.state(MARIA) is PlaceState.RETRYING

    core.api.usual = ACCEPTED
    await core.pass_time(60)

    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_who_waited_an_hour_for_a_turn_gets_his_decision_back(store: Store) -> None:
    core = await a_core(store, limits=Limits(posts=2))
    core.api.usual = AGAIN.model_copy(update={"tried": False})
    await core.click(MARIA, comment="Fine")

    for _minute in range(59):
        await core.pass_time(60)
    waiting = await core.state(MARIA)
    for _minute in range(2):
        await core.pass_time(60)

    assert waiting is PlaceState.RETRYING
    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Fine"


async def test_content_that_changes_while_retrying_gives_the_decision_back(store: Store) -> None:
    core = await a_core(store)
    core.api.answers.append(AGAIN)
    await core.click(MARIA)
    changed = update(removes=["ghost"], content=_laptops("Yachts"))

    await core.receive(changed)
    await core.pass_time(3600)

    place = await core.place(MARIA)
    assert len(core.api.posted) == 1
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert "changed before your decision was sent" in place.refusal.message


async def test_content_that_changes_during_the_attempt_is_not_posted_again(store: Store) -> None:
    core = await a_core(store)
    await core.begin(MARIA)
    await core.receive(update(removes=["ghost"], content=_laptops("Yachts")))

    await core.tell(AGAIN)
    place = await core.place(MARIA)
    await core.pass_time(3600)

    assert len(core.api.posted) == 1
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert "changed before your decision was sent" in place.refusal.message


async def test_no_usable_answer_is_never_posted_again_and_goes_before_an_operator(
    store: Store,
) -> None:
    core = await a_core(store)
    core.api.answers.append(UNKNOWN)

    await core.click(MARIA)
    await core.pass_time(86_400)

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert await store.count(KEY.scope, ATTENTION) == 1
    assert await core.worker.sweep() == 0


async def test_a_tenant_that_is_idempotent_gets_the_same_id_again(store: Store) -> None:
    core = await a_core(store, idempotent=True)
    core.api.answers.append(UNKNOWN)
    await core.click(MARIA)
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert await store.count(KEY.scope, ATTENTION) == 0

    await core.pass_time(3600)

    assert len(core.api.posted) == 2
    assert len(set(core.api.ids)) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_an_idempotent_tenant_that_never_answers_goes_before_an_operator(
    store: Store,
) -> None:
    core = await a_core(store, idempotent=True, limits=Limits(posts=3))
    core.api.usual = UNKNOWN
    await core.click(MARIA)

    for _minute in range(10):
        await core.pass_time(60)

    assert len(core.api.posted) == 3
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert await store.count(KEY.scope, ATTENTION) == 1


async def test_an_idempotent_tenant_does_not_get_a_decision_on_older_content_again(
    store: Store,
) -> None:
    core = await a_core(store, idempotent=True)
    core.api.answers.append(UNKNOWN)
    await core.click(MARIA)
    await core.receive(update(removes=["ghost"], content=_laptops("Yachts")))

    await core.pass_time(3600)

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert await store.count(KEY.scope, ATTENTION) == 1


async def test_after_doubt_another_attempt_not_taken_leaves_the_doubt(store: Store) -> None:
    core = await a_core(store, idempotent=True, limits=Limits(posts=2))
    core.api.answers.extend([UNKNOWN, NOT_TAKEN])

    await core.click(MARIA)
    await core.pass_time(3600)

    assert len(core.api.posted) == 2
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED


async def test_a_process_that_dies_during_the_attempt_leaves_it_unconfirmed(store: Store) -> None:
    core = await a_core(store)
    await core.begin(MARIA)

    await core.die()
    await core.pass_time(POST_LEASE - 1)
    before = await core.state(MARIA)
    await core.pass_time(2)

    assert before is PlaceState.SUBMITTING
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED
    assert len(core.api.posted) == 1


async def test_an_answer_that_comes_while_the_attempt_is_handed_to_somebody_else_counts(
    store: Store,
) -> None:
    core = await a_silent_core(store)
    await core.begin(MARIA)
    core.clock.advance(POST_LEASE + 1)
    now = core.clock.now()
    until = core.commits.in_seconds(POST_LEASE)
    [leased] = await store.lease([Lane.DECISION], limit=1, now=now, until=until)

    await core.tell(YES)
    await core.worker.run_one(leased)

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 1


async def test_an_answer_after_the_attempt_was_given_up_still_settles_the_doubt(
    store: Store,
) -> None:
    core = await a_silent_core(store)
    await core.begin(MARIA)
    await core.pass_time(POST_LEASE + 1)
    assert await core.state(MARIA) is PlaceState.UNCONFIRMED

    await core.tell(YES)

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 1


async def test_an_answer_to_an_older_attempt_does_not_end_the_one_under_way(store: Store) -> None:
    core = await a_silent_core(store)
    await core.begin(MARIA)
    await core.pass_time(POST_LEASE + 1)
    core.api.holding = True
    approval = await core.approval()
    await core.approvals.settle(approval.id, 0, Settlement.POST_AGAIN, by="op")
    await core.work()

    await core.tell(AGAIN)
    between = await core.state(MARIA)
    await core.tell(YES)

    assert between is PlaceState.SUBMITTING
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 2


async def test_an_answer_after_an_arx_settled_the_decision_is_recorded_and_changes_nothing(
    store: Store,
) -> None:
    core = await a_core(store)
    await core.begin(MARIA)
    await core.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))
    before = await core.approval()

    await core.tell(NO)

    after = await core.approval()
    assert after.places == before.places
    assert after.taken == before.taken
    assert (await core.history())[-1].kind is EventKind.LATE_ANSWER


async def test_an_action_that_holds_nobody_is_pending_again_once_accepted(store: Store) -> None:
    core = await a_core(store)
    click = await core.shown(MARIA, "Question", "Which vendor?")

    await core.act(MARIA, click)

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is None
    assert place.attempt > click.attempt
    assert [taken.action for taken in (await core.approval()).taken] == ["Question"]
    await core.click(MARIA)
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_an_arx_that_does_not_come_goes_before_an_operator(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)

    await core.pass_time(181)

    place = await core.place(MARIA)
    assert place.decision is not None
    assert place.decision.overdue
    assert await store.count(KEY.scope, ATTENTION) == 1


async def test_an_arx_that_comes_in_time_is_nobodys_business(store: Store) -> None:
    core = await a_core(store)
    await core.click(MARIA)
    await core.receive(update("johndoe2", removes=["johndoe1"], action=done_by("johndoe1")))

    await core.pass_time(181)

    assert await store.count(KEY.scope, ATTENTION) == 0
    assert await core.state(JONAS) is PlaceState.PENDING
    assert await core.state(MARIA) is PlaceState.REMOVED


# -- settling -------------------------------------------------------------


async def an_unconfirmed(store: Store) -> Core:
    core = await a_core(store)
    core.api.answers.append(UNKNOWN)
    await core.click(MARIA, comment="Fine")
    return core


async def settle(core: Core, found: Settlement) -> None:
    approval = await core.approval()
    await core.approvals.settle(approval.id, 0, found, by="op@organization.com")
    await core.work()


async def test_an_operator_who_found_it_accepted_says_so(store: Store) -> None:
    core = await an_unconfirmed(store)

    await settle(core, Settlement.ACCEPTED)

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(core.api.posted) == 1
    assert len((await core.approval()).taken) == 1


async def test_an_operator_who_found_nothing_gives_it_back(store: Store) -> None:
    core = await an_unconfirmed(store)

    await settle(core, Settlement.NOT_TAKEN)

    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert place.refusal.comment == "Fine"
    assert len(core.api.posted) == 1


async def test_an_operator_has_the_same_decision_posted_again(store: Store) -> None:
    core = await an_unconfirmed(store)

    await settle(core, Settlement.POST_AGAIN)

    assert len(core.api.posted) == 2
    assert len(set(core.api.ids)) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_an_operator_cannot_have_a_decision_on_older_content_posted_again(
    store: Store,
) -> None:
    core = await an_unconfirmed(store)
    await core.receive(update(removes=["ghost"], content=_laptops("Yachts")))

    await settle(core, Settlement.POST_AGAIN)

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.PENDING


async def test_what_is_not_unconfirmed_cannot_be_settled(store: Store) -> None:
    core = await a_core(store)
    before = await core.approval()

    with pytest.raises(NotSettled):
        await settle(core, Settlement.ACCEPTED)

    assert await core.approval() == before


async def test_who_settled_and_what_he_found_is_in_the_history(store: Store) -> None:
    core = await an_unconfirmed(store)

    await settle(core, Settlement.NOT_TAKEN)

    settled = [event for event in await core.history() if event.kind is EventKind.SETTLED]
    assert [event.facts["found"] for event in settled] == ["not-taken"]
    assert [event.personal["by"] for event in settled] == ["op@organization.com"]


# -- a store whose answers get lost ---------------------------------------


def decides(change: Change) -> bool:
    return any(event.kind is EventKind.DECIDED for event in change.events)


def begins_again(change: Change) -> bool:
    return any(event.kind is EventKind.ATTEMPTED for event in change.events)


def accepts(change: Change) -> bool:
    return any(event.kind is EventKind.ACCEPTED for event in change.events)


@pytest.mark.parametrize("lost", [decides, accepts])
@pytest.mark.parametrize("meanwhile", [False, True])
async def test_a_commit_whose_answer_was_lost_is_neither_lost_nor_doubled(
    store: Store, lost: Any, *, meanwhile: bool
) -> None:
    core, flaky = await a_flaky_core(store)
    flaky.loses = lost
    if meanwhile:
        flaky.meanwhile = lambda: core.receive(update("johndoe3"))

    await core.click(MARIA)
    await core.work()

    assert len(core.api.posted) == 1
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len((await core.approval()).taken) == 1


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_a_second_attempt_whose_commit_was_not_answered_is_made_all_the_same(
    store: Store, *, meanwhile: bool
) -> None:
    core, flaky = await a_flaky_core(store)
    core.api.answers.append(AGAIN)
    await core.click(MARIA)
    flaky.loses = begins_again
    if meanwhile:
        flaky.meanwhile = lambda: core.receive(update("johndoe3"))

    await core.pass_time(61)

    assert len(core.api.posted) == 2
    assert await core.state(MARIA) is PlaceState.ACCEPTED


@pytest.mark.parametrize("lost", [decides, begins_again])
async def test_content_that_changed_before_the_first_byte_is_not_decided_on(
    store: Store, lost: Any
) -> None:
    core, flaky = await a_flaky_core(store)
    core.api.answers.append(AGAIN)
    flaky.loses = lost
    changed = update(removes=["ghost"], content=_laptops("Yachts"))
    flaky.meanwhile = lambda: core.receive(changed)

    await core.click(MARIA)
    posted = len(core.api.posted)
    await core.pass_time(61)

    assert posted == len(core.api.posted)
    place = await core.place(MARIA)
    assert place.state is PlaceState.PENDING
    assert place.refusal is not None
    assert "changed before your decision was sent" in place.refusal.message


async def test_a_payload_whose_commit_was_not_answered_is_no_duplicate(store: Store) -> None:
    core, flaky = await a_flaky_core(store)
    flaky.loses = lambda change: change.payload is not None
    flaky.meanwhile = lambda: core.receive(create("johndoe3", at=0.5))

    payload = await core.receive(delete("johndoe1"))

    assert payload.disposition == "applied"
    assert await core.state(MARIA) is PlaceState.REMOVED
    assert await store.count(KEY.scope, OPEN) == 1


def _laptops(title: str) -> Any:
    content = an_arx(Op.CREATE).content
    assert content is not None
    return content.model_copy(update={"title": title})


# -- words without a time -------------------------------------------------


async def test_a_word_without_a_time_about_another_name_of_somebody_counts_by_arrival(
    store: Store,
) -> None:
    core = await a_core(store)
    core.directory.people["jonas.b"] = JONAS

    await core.open(update("johndoe2", at=3), delete("jonas.b", ticks=None))
    removed = await core.state(JONAS)
    await core.open(update("jonas.b", ticks=None, nonce="again"))

    assert removed is PlaceState.REMOVED
    assert await core.state(JONAS) is PlaceState.PENDING
