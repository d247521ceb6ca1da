"""Nobody is told of what was only read: it has to be as safe as a commit first."""

from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from approvals_core.errors import AlreadyActedOn, StoreUnavailable
from approvals_core.models import Approval, Change, PlaceState
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.posting import Attempt
from approvals_core.rules.answering import Post
from approvals_core.rules.draft import Stamp
from bots.tenants.standing import request_told
from tests.fakes import FlakyStore
from tests.makers import JONAS, KEY, MARIA, Core, create, delete
from tests.store_makers import a_lease


class Unsettled(FlakyStore):
    """A store of which some server has not got yet what can be read, once that is *away*."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.away = False

    async def settled(self, approval: Approval) -> None:
        if self.away:
            raise StoreUnavailable("0 of 1 replicas have it")


@pytest.fixture
def unsettled(store: Store) -> Unsettled:
    return Unsettled(store)


@pytest.fixture
async def core(unsettled: Unsettled) -> Core:
    core = Core(cast("Store", unsettled))
    await core.open(create("johndoe1", "johndoe2"))
    return core


async def test_what_was_committed_can_be_told(store: Store) -> None:
    core = Core(store)
    approval = await core.open()

    await store.settled(approval)

    assert approval.open


async def test_a_click_is_not_told_of_a_decision_that_may_be_gone(
    core: Core, unsettled: Unsettled
) -> None:
    late = await core.shown(JONAS)
    await core.click(MARIA)
    unsettled.away = True

    with pytest.raises(StoreUnavailable):
        await core.act(JONAS, late)

    unsettled.away = False
    with pytest.raises(AlreadyActedOn):
        await core.act(JONAS, late)


SHOWS: list[Callable[[Core, Approval], Awaitable[object]]] = [
    lambda core, approval: core.approvals.view(approval.id, 0, by=MARIA.id),
    lambda core, approval: core.approvals.own(approval.id, by=MARIA.id),
    lambda core, approval: core.approvals.find(approval.key.number, by=MARIA.id),
    lambda core, approval: request_told(core.store, approval, core.clock.now()),
]


@pytest.mark.parametrize("show", SHOWS, ids=["card", "page", "number", "tenant"])
async def test_nobody_is_shown_a_state_that_may_be_gone(
    core: Core, unsettled: Unsettled, show: Callable[[Core, Approval], Awaitable[object]]
) -> None:
    approval = await core.approval()
    unsettled.away = True

    with pytest.raises(StoreUnavailable):
        await show(core, approval)

    unsettled.away = False
    assert await show(core, approval)


async def test_no_card_is_changed_to_a_state_that_may_be_gone(
    core: Core, unsettled: Unsettled
) -> None:
    await core.receive(delete("johndoe1"))
    before = len(core.channel.updated)
    unsettled.away = True

    await core.work()

    assert len(core.channel.updated) == before
    unsettled.away = False
    await core.pass_time(600)
    assert len(core.channel.updated) > before


async def test_a_step_that_leaves_all_as_it_is_answers_once_that_is_safe(
    core: Core, unsettled: Unsettled
) -> None:
    def leave(_approval: Approval, _stamp: Stamp) -> Change | None:
        return None

    unsettled.away = True
    with pytest.raises(StoreUnavailable):
        await core.commits.change(KEY, leave)

    unsettled.away = False
    assert await core.commits.change(KEY, leave) == await core.approval()


async def test_what_may_be_gone_ends_no_attempt(core: Core, unsettled: Unsettled) -> None:
    await core.begin(MARIA)
    approval, place = await core.approval(), await core.place(MARIA)
    assert place.decision is not None
    attempt = Attempt(approval, Post(place.seat, place.decision.id, 1), a_lease())
    posting = core.approvals._posting
    await core.receive(delete("johndoe1"))

    unsettled.away = True
    assert await posting.newest(attempt) == attempt

    unsettled.away = False
    assert await posting.newest(attempt) is None
    await core.tell(Answer(kind=AnswerKind.ACCEPTED))


async def test_what_is_committed_upon_needs_no_look_of_its_own(
    core: Core, unsettled: Unsettled
) -> None:
    unsettled.away = True

    await core.click(MARIA)

    assert await core.state(MARIA) is PlaceState.ACCEPTED
