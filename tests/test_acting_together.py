"""Several requests decided together: each for itself, whatever becomes of the others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from approvals_core.acting_together import Ticked, Together
from approvals_core.errors import (
    ActionIncomplete,
    ActionNotOffered,
    AlreadyActedOn,
    StaleCard,
    StoreUnavailable,
    TenantClosed,
    UnknownApproval,
)
from approvals_core.models import HOUSE, ApprovalKey, Change, Content, Person, PlaceState
from approvals_core.ports import Answer, AnswerKind, Posted, Store
from approvals_core.rules.deciding import POST_LEASE, Click
from approvals_core.tenant import Action, Api, Comment, Limits, Submission, WhileClosed
from tests.card_makers import TENANT_ID
from tests.fakes import FlakyStore
from tests.makers import EVE, JONAS, MARIA, Core, a_tenant, create, delete, update
from tests.patience import Patience
from tests.stumbling_store import SilentClicks

BULK = Action(code="Approve", label="Approve", past="Approved", bulk=True)
REJECT = Action(code="Reject", label="Reject", past="Rejected", bulk=True, comment=Comment.REQUIRED)
ALONE = Action(code="Alone", label="Alone", past="Done alone")
NO = Answer(kind=AnswerKind.REFUSED, message="Over budget")
AGAIN = Answer(kind=AnswerKind.AGAIN, retry_after=60.0, reason="ErrorType 3")
UNKNOWN = Answer(kind=AnswerKind.UNKNOWN, reason="the array has no answer for this document")
YES = Answer(kind=AnswerKind.ACCEPTED)


class Desk:
    """One person's tenant with several requests that wait for Maria and Jonas."""

    def __init__(self, core: Core) -> None:
        self.core = core

    async def open(self, *numbers: str) -> "Desk":
        for number in numbers:
            await self.core.receive(
                create("johndoe1", "johndoe2", key=key(number), display_number=number)
            )
        await self.core.work()
        return self

    async def tick(self, *numbers: str, by: Person = MARIA, **fields: Any) -> list[Ticked]:
        """Return ticks of the requests as they stand now."""
        found: list[Ticked] = []
        for number in numbers:
            approval = await self.core.store.approval(key(number))
            assert approval is not None
            place = approval.place_of(by.id)
            usual: dict[str, Any] = {
                "seat": place.seat if place else 0,
                "round": approval.round,
                "revision": approval.revision,
                "attempt": place.attempt if place else 1,
                "action": "Approve",
                "channel": "teams",
            }
            found.append(Ticked(approval.id, Click(**usual | fields)))
        return found

    async def decide(self, ticked: Sequence[Ticked], *, by: Person = MARIA) -> list[Together]:
        return await self.core.approvals.act_together("pr", ticked, by=by, elapsed=0.0)

    async def begin(self, ticked: Sequence[Ticked], *, until: int = 1) -> list[Together]:
        """Decide, and come back when the tenant holds *until* posts."""
        arrived: asyncio.Queue[Posted] = asyncio.Queue()
        self.core.api.watch = arrived.put
        self.core.api.holding = True
        acting = self.core.approvals.act_together("pr", ticked, by=MARIA, elapsed=0.0)
        held = asyncio.gather(*(arrived.get() for _ in range(until)))
        said = await self.core.patience.until(asyncio.shield(held), acting)
        await held
        self.core.api.watch = None
        return said

    async def release(self, answer: Answer = YES) -> None:
        """Let the tenant answer what it holds, and wait until all is taken in."""
        self.core.api.holding, self.core.api.usual = False, answer
        for held in self.core.api.held:
            held.set_result(answer)
        await self.core.approvals.drain(seconds=30)

    async def becomes(self, number: str, state: PlaceState) -> None:
        async with asyncio.timeout(30.0):
            while await self.states(number) != [state]:  # noqa: ASYNC110 (the store tells nobody)
                await asyncio.sleep(0.001)

    async def states(self, *numbers: str, of: Person = MARIA) -> list[PlaceState]:
        found: list[PlaceState] = []
        for number in numbers:
            approval = await self.core.store.approval(key(number))
            place = approval.place_of(of.id) if approval else None
            assert place is not None
            found.append(place.state)
        return found


def key(number: str) -> ApprovalKey:
    return ApprovalKey(TENANT_ID, number, "2026")


def is_about(change: Change, number: str) -> bool:
    return change.approval is not None and change.approval.key == key(number)


async def a_desk(
    store: Store,
    *numbers: str,
    submission: Submission = Submission.BULK,
    patience: Patience | None = None,
    **fields: Any,
) -> Desk:
    api = Api(
        base_url="https://erp.example.com",
        resource="api://erp",
        action="/act",
        submission=submission,
        **fields.pop("api", {}),
    )
    usual: dict[str, Any] = {"api": api, "actions": (BULK, REJECT, ALONE)}
    core = Core(store, tenant=a_tenant(**usual | fields), patience=patience)
    return await Desk(core).open(*(numbers or ("A", "B", "C")))


BOTH = pytest.mark.parametrize("submission", [Submission.EACH, Submission.BULK])


# -- the way of the tenant ------------------------------------------------


async def test_what_is_ticked_goes_out_as_one_array_in_its_order(store: Store) -> None:
    desk = await a_desk(store)

    said = await desk.decide(await desk.tick("C", "A"))

    [array] = desk.core.api.arrays
    assert [posted.approval.display_number for posted in array] == ["C", "A"]
    assert len({posted.decision.id for posted in array}) == 2
    assert [each.problem for each in said] == [None, None]
    assert await desk.states("A", "B", "C") == ["accepted", "pending", "accepted"]


async def test_one_post_each_is_a_few_at_a_time(store: Store) -> None:
    numbers = [f"N{each}" for each in range(6)]
    desk = await a_desk(store, *numbers, submission=Submission.EACH, api={"calls": 4})
    two, under_way, most = asyncio.Barrier(2), 0, 0

    async def watch(_posted: Posted) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await two.wait()
        await asyncio.sleep(0.01)  # for another one to come, if it may
        under_way -= 1

    desk.core.api.watch = watch
    await desk.decide(await desk.tick(*numbers))
    await desk.core.approvals.drain(seconds=30)

    assert most == 2  # half of the tenant's calls: others decide too
    assert desk.core.api.arrays == []
    assert len(desk.core.api.posted) == 6
    assert set(await desk.states(*numbers)) == {PlaceState.ACCEPTED}


async def test_each_answer_is_taken_in_for_its_own_request(store: Store) -> None:
    desk = await a_desk(store, "A", "B", "C", "D")
    desk.core.api.answers.extend([YES, NO, AGAIN, UNKNOWN])

    said = await desk.decide(await desk.tick("A", "B", "C", "D"))

    assert await desk.states("A", "B", "C", "D") == [
        "accepted",
        "pending",
        "retrying",
        "unconfirmed",
    ]
    seen = [each.approval.places[each.ticked.click.seat].state for each in said if each.approval]
    assert seen == await desk.states("A", "B", "C", "D")


async def test_what_the_tenant_did_not_take_is_told_again_by_itself(store: Store) -> None:
    desk = await a_desk(store, "A", "B")
    desk.core.api.answers.extend([YES, AGAIN])
    await desk.decide(await desk.tick("A", "B"))
    first = [posted.decision.id for posted in desk.core.api.posted]

    await desk.core.pass_time(90.0)

    assert desk.core.api.ids == [*first, first[1]]
    assert len(desk.core.api.arrays) == 1
    assert await desk.states("A", "B") == ["accepted", "accepted"]


# -- who may, and what still stands ---------------------------------------


@BOTH
async def test_two_people_with_overlapping_ticks_reach_the_tenant_once_for_each(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, "A", "B", "C", "D", submission=submission)
    marias = await desk.tick("A", "B", "C")
    jonas = await desk.tick("B", "C", "D", by=JONAS)

    said = await asyncio.gather(desk.decide(marias), desk.decide(jonas, by=JONAS))
    await desk.core.approvals.drain(seconds=30)

    told = [posted.approval.display_number for posted in desk.core.api.posted]
    assert sorted(told) == ["A", "B", "C", "D"]
    problems = [each.problem for answers in said for each in answers if each.problem]
    assert [type(problem) for problem in problems] == [AlreadyActedOn, AlreadyActedOn]


@BOTH
async def test_the_same_click_delivered_twice_decides_once(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, submission=submission)
    ticked = await desk.tick("A", "B", "C")

    said = await asyncio.gather(desk.decide(ticked), desk.decide(ticked))
    await desk.core.approvals.drain(seconds=30)

    assert len(desk.core.api.posted) == 3
    assert sum(each.problem is None for answers in said for each in answers) == 3
    later = await desk.decide(ticked)
    assert {type(each.problem) for each in later} == {AlreadyActedOn}
    assert len(desk.core.api.posted) == 3


@BOTH
async def test_one_stale_among_five_is_not_decided_and_spoils_no_other(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, "A", "B", "C", "D", "E", submission=submission)
    ticked = await desk.tick("A", "B", "C", "D", "E")
    await desk.core.receive(
        update("johndoe1", key=key("C"), display_number="C", content=Content(title="Dearer"))
    )

    said = await desk.decide(ticked)

    assert [type(each.problem) for each in said] == [type(None)] * 2 + [StaleCard] + [
        type(None)
    ] * 2
    assert await desk.states("A", "B", "C", "D", "E") == [
        "accepted",
        "accepted",
        "pending",
        "accepted",
        "accepted",
    ]
    assert "C" not in [posted.approval.display_number for posted in desk.core.api.posted]


@BOTH
async def test_nobody_acts_who_may_not_in_an_array_neither(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, "A", "B", submission=submission)
    ticked = await desk.tick("A", "B")

    said = await desk.decide(ticked, by=EVE)

    assert {type(each.problem) for each in said} == {UnknownApproval}
    assert [each.approval for each in said] == [None, None]
    assert desk.core.api.posted == []


async def test_a_foreign_seat_is_not_decided(store: Store) -> None:
    desk = await a_desk(store, "A", "B")
    [one, other] = await desk.tick("A", "B")
    forged = Ticked(other.public_id, other.click.model_copy(update={"seat": 1}))

    said = await desk.decide([one, forged])

    assert [type(each.problem) for each in said] == [type(None), UnknownApproval]
    assert await desk.states("B", of=JONAS) == ["pending"]


async def test_a_request_of_another_tenant_is_not_decided(store: Store) -> None:
    desk = await a_desk(store, "A")
    other = desk.core.tenant.model_copy(
        update={"document_type_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "code": "exp"}
    )
    desk.core.tenants.tenants.append(other)
    foreign = ApprovalKey(other.document_type_id, "X", "2026")
    arx = create("johndoe1", key=foreign, display_number="X")
    await desk.core.approvals.receive(arx, other)
    await desk.core.work()
    approval = await store.approval(foreign)
    assert approval is not None
    [mine] = await desk.tick("A")
    theirs = Ticked(approval.id, mine.click.model_copy(update={"revision": approval.revision}))

    said = await desk.decide([mine, theirs])

    assert [type(each.problem) for each in said] == [type(None), UnknownApproval]
    assert [posted.approval.display_number for posted in desk.core.api.posted] == ["A"]


async def test_a_request_ticked_several_times_is_decided_once(store: Store) -> None:
    desk = await a_desk(store)
    [ticked] = await desk.tick("A")

    said = await desk.decide([ticked] * 3)

    assert len(said) == len(desk.core.api.posted) == 1


async def test_more_than_the_limit_decides_nothing(store: Store) -> None:
    desk = await a_desk(store, "A", "B", "C", limits=Limits(together=2))

    with pytest.raises(ActionIncomplete, match="At most 2 requests"):
        await desk.decide(await desk.tick("A", "B", "C"))

    assert await desk.states("A", "B", "C") == ["pending"] * 3


async def test_nothing_ticked_says_so(store: Store) -> None:
    desk = await a_desk(store)

    with pytest.raises(ActionIncomplete, match="Nothing is ticked"):
        await desk.decide([])


async def test_an_action_that_is_taken_alone_is_not_taken_together(store: Store) -> None:
    desk = await a_desk(store)

    with pytest.raises(ActionNotOffered):
        await desk.decide(await desk.tick("A", "B", action="Alone"))

    assert desk.core.api.posted == []


async def test_a_tenant_that_takes_one_at_a_time_takes_no_several(store: Store) -> None:
    desk = await a_desk(store, submission=Submission.SINGLE)

    with pytest.raises(ActionNotOffered):
        await desk.decide(await desk.tick("A", "B"))

    assert desk.core.api.posted == []


async def test_without_the_comment_that_the_action_needs_nothing_is_decided(store: Store) -> None:
    desk = await a_desk(store)

    said = await desk.decide(await desk.tick("A", "B", action="Reject"))

    assert {type(each.problem) for each in said} == {ActionIncomplete}
    assert await desk.states("A", "B") == ["pending", "pending"]


@BOTH
async def test_while_the_tenant_is_closed_each_waits_and_goes_out_by_itself_afterwards(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, "A", "B", submission=submission)
    [opened] = desk.core.tenants.tenants
    closed = {"enabled": False, "disabled_decisions": WhileClosed.WAIT}
    desk.core.tenants.tenants = [opened.model_copy(update=closed)]

    said = await desk.decide(await desk.tick("A", "B"))
    waiting = await desk.states("A", "B")
    told_while_closed = len(desk.core.api.posted)
    desk.core.tenants.tenants = [opened]
    for _ in range(3):
        await desk.core.pass_time(3600.0)

    assert [(each.problem, each.recording) for each in said] == [(None, False)] * 2
    assert (waiting, told_while_closed) == (["retrying", "retrying"], 0)
    assert await desk.states("A", "B") == ["accepted", "accepted"]
    assert len(desk.core.api.posted) == 2


@BOTH
async def test_a_tenant_that_refuses_while_it_is_closed_is_asked_nothing(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, "A", "B", submission=submission)
    [opened] = desk.core.tenants.tenants
    desk.core.tenants.tenants = [opened.model_copy(update={"enabled": False})]

    said = await desk.decide(await desk.tick("A", "B"))

    assert {type(each.problem) for each in said} == {TenantClosed}
    assert await desk.states("A", "B") == ["pending", "pending"]


async def test_an_unknown_tenant_is_none(store: Store) -> None:
    desk = await a_desk(store)

    with pytest.raises(UnknownApproval):
        await desk.core.approvals.act_together("zz", await desk.tick("A"), by=MARIA, elapsed=0.0)


# -- time, and what fails -------------------------------------------------


@BOTH
async def test_a_silent_tenant_leaves_each_recorded(store: Store, submission: Submission) -> None:
    desk = await a_desk(store, "A", "B", submission=submission)

    await desk.begin(await desk.tick("A", "B"))

    await desk.becomes("A", PlaceState.SUBMITTING)
    await desk.becomes("B", PlaceState.SUBMITTING)
    await desk.release()
    assert await desk.states("A", "B") == ["accepted", "accepted"]


@BOTH
async def test_a_process_that_dies_in_between_leaves_each_unconfirmed(
    store: Store, submission: Submission
) -> None:
    desk = await a_desk(store, "A", "B", submission=submission)
    await desk.begin(await desk.tick("A", "B"))
    await desk.becomes("A", PlaceState.SUBMITTING)
    await desk.becomes("B", PlaceState.SUBMITTING)

    await desk.core.die()
    await desk.core.pass_time(POST_LEASE + 1)

    assert await desk.states("A", "B") == ["unconfirmed", "unconfirmed"]


class Deadly(FlakyStore):
    """A store during whose commit number *at* the process dies: before it, or before it knows."""

    def __init__(self, store: Store, *, committed: bool) -> None:
        super().__init__(store)
        self.at = 0
        self.reached = asyncio.Event()
        self._committed = committed

    async def commit(self, change: Change) -> None:
        self.at -= 1
        dies = self.at == 0
        if not dies or self._committed:
            await super().commit(change)
        if dies:
            await self._die()

    async def _die(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


@BOTH
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 7))  # three decisions, three answers
async def test_a_death_at_any_commit_doubles_nothing_and_loses_nothing(
    store: Store, submission: Submission, at: int, when: str
) -> None:
    deadly = Deadly(store, committed=when == "after")
    desk = await a_desk(deadly, submission=submission)  # pyright: ignore[reportArgumentType]
    ticked = await desk.tick("A", "B", "C")
    deadly.at = at
    deciding = asyncio.create_task(desk.decide(ticked))
    desk.core.under_way.add(deciding)

    await asyncio.wait_for(deadly.reached.wait(), 60)
    await desk.core.die()
    # What was with the store when the process died is committed, or never: this comes after it.
    await store.commit(Change(id="after", scope=HOUSE, notes={"after": "death"}))
    for _ in range(3):
        await desk.core.pass_time(POST_LEASE + 1)

    told = {posted.approval.display_number for posted in desk.core.api.posted}
    assert len(desk.core.api.posted) == len(told)
    for number, state in zip("ABC", await desk.states("A", "B", "C"), strict=True):
        reached = ("accepted", "unconfirmed")
        assert state in (reached if number in told else ("pending", "unconfirmed")), (number, told)


async def test_an_idempotent_tenant_is_told_again_each_with_its_own_id(store: Store) -> None:
    desk = await a_desk(store, "A", "B", api={"idempotent": True})
    await desk.begin(await desk.tick("A", "B"))
    ids = {posted.decision.id for posted in desk.core.api.arrays[0]}

    await desk.core.die()
    desk.core.api.holding = False
    await desk.core.pass_time(POST_LEASE + 1)
    await desk.core.pass_time(600.0)

    assert await desk.states("A", "B") == ["accepted", "accepted"]
    assert set(desk.core.api.ids) == ids


async def test_an_answer_that_cannot_be_saved_spoils_no_other(store: Store) -> None:
    flaky = FlakyStore(store)
    desk = await a_desk(flaky, "A", "B")  # pyright: ignore[reportArgumentType] - delegates
    await desk.begin(await desk.tick("A", "B"))
    flaky.refuses = lambda change: change.finish is not None and is_about(change, "A")

    await desk.release()

    assert await desk.states("A", "B") == ["submitting", "accepted"]


async def test_a_commit_whose_answer_is_lost_is_one_decision(store: Store) -> None:
    flaky = FlakyStore(store)
    desk = await a_desk(flaky, "A", "B")  # pyright: ignore[reportArgumentType] - delegates
    ticked = await desk.tick("A", "B")
    flaky.loses = lambda change: change.claim is not None

    said = await desk.decide(ticked)

    assert [each.problem for each in said] == [None, None]
    assert [posted.approval.display_number for posted in desk.core.api.posted] == ["A", "B"]


async def test_what_changes_before_its_turn_is_not_told(store: Store) -> None:
    desk = await a_desk(store, "A", "B", submission=Submission.EACH, api={"calls": 1})
    await desk.begin(await desk.tick("A", "B"))
    [first] = [posted.approval.display_number for posted in desk.core.api.posted]
    second = "B" if first == "A" else "A"
    await desk.becomes(second, PlaceState.SUBMITTING)
    changed = Content(title="Dearer")
    await desk.core.receive(
        update("johndoe3", key=key(second), display_number=second, content=changed)
    )

    await desk.release()

    assert [posted.approval.display_number for posted in desk.core.api.posted] == [first]
    assert await desk.states(first, second) == ["accepted", "pending"]


async def test_what_is_taken_away_before_its_turn_is_not_told(store: Store) -> None:
    desk = await a_desk(store, "A", "B", submission=Submission.EACH, api={"calls": 1})
    await desk.begin(await desk.tick("A", "B"))
    [first] = [posted.approval.display_number for posted in desk.core.api.posted]
    second = "B" if first == "A" else "A"
    await desk.becomes(second, PlaceState.SUBMITTING)
    await desk.core.receive(delete("johndoe1", "johndoe2", key=key(second), display_number=second))

    await desk.release()

    assert [posted.approval.display_number for posted in desk.core.api.posted] == [first]
    assert await desk.states(first, second) == ["accepted", "removed"]


async def test_what_was_taken_for_dead_before_its_turn_is_not_told(store: Store) -> None:
    silent: Any = SilentClicks(store)
    desk = await a_desk(silent, "A", "B", submission=Submission.EACH, api={"calls": 1})
    await desk.begin(await desk.tick("A", "B"))
    [first] = [posted.approval.display_number for posted in desk.core.api.posted]
    second = "B" if first == "A" else "A"
    await desk.becomes(second, PlaceState.SUBMITTING)

    await desk.core.pass_time(POST_LEASE + 1)
    await desk.release()

    assert [posted.approval.display_number for posted in desk.core.api.posted] == [first]
    assert await desk.states(first, second) == ["accepted", "unconfirmed"]


async def test_a_commit_that_hangs_holds_up_no_other(store: Store) -> None:
    flaky = FlakyStore(store)
    desk = await a_desk(flaky, "A", "B", patience=Patience(array=0.1))  # pyright: ignore[reportArgumentType] - delegates
    ticked = await desk.tick("A", "B")
    hanging = asyncio.Event()
    commit = flaky.commit

    async def slow(change: Change) -> None:
        if change.claim is not None and is_about(change, "B"):
            await hanging.wait()
        await commit(change)

    flaky.commit = slow
    said = await desk.core.patience.until(desk.core.api.reached.wait(), desk.decide(ticked))
    await desk.becomes("A", PlaceState.ACCEPTED)
    hanging.set()
    await desk.becomes("B", PlaceState.ACCEPTED)

    assert [each.recording for each in said] == [False, True]
    arrays = [[p.approval.display_number for p in array] for array in desk.core.api.arrays]
    assert arrays == [["A"], ["B"]]


async def test_a_store_that_is_away_decides_nothing_and_says_that_nobody_knows(
    store: Store,
) -> None:
    flaky = FlakyStore(store)
    desk = await a_desk(flaky, "A", "B")  # pyright: ignore[reportArgumentType] - delegates
    ticked = await desk.tick("A", "B")
    flaky.refuses = lambda _change: True

    said = await desk.decide(ticked)

    assert {type(each.problem) for each in said} == {StoreUnavailable}
    assert desk.core.api.posted == []
