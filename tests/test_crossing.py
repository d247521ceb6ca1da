"""Things that cross each other's way: what is already on the wire, closed, reloaded or removed meanwhile."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from approvals_core.committing import Commits
from approvals_core.errors import NotSettled, StoreUnavailable
from approvals_core.models import (
    HOUSE,
    Approval,
    ApprovalKey,
    Change,
    Content,
    PlaceState,
    needs_operator,
    tenant_scope,
)
from approvals_core.onboarded import Onboarded
from approvals_core.onboarding import RELOAD, RELOADED, Onboarding
from approvals_core.ports import Answer, AnswerKind, Fetched, FetchedKind, Store
from approvals_core.rules.renewing import renew_job
from approvals_core.rules.settling import Settlement
from approvals_core.tenant import Maintenance, Tenant, WhileClosed
from approvals_core.worker import WITHOUT_A_FILE
from approvals_core.worker.nights import AT_ONCE, nightly_job
from tests.fakes import Clock, FlakyStore
from tests.makers import KEY, MARIA, START, Core, a_tenant, create, delete, done_by, update
from tests.test_acting_together import a_desk, is_about, key
from tests.test_closing import says as face
from tests.test_reconcile_jobs import CONTENT, asked, keep_nights
from tests.test_reconcile_jobs import says as sums

UNKNOWN = Answer(kind=AnswerKind.UNKNOWN, reason="HTTP 500")
YES = Answer(kind=AnswerKind.ACCEPTED)
BUSY = Answer(kind=AnswerKind.AGAIN, retry_after=60.0, reason="HTTP 429")
DAY = 86_400.0


class SlowStore(FlakyStore):
    """Commits what is about *slow* only when it is let."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.slow = ""
        self.let = asyncio.Event()

    async def commit(self, change: Change) -> None:
        if self.slow and is_about(change, self.slow):
            await self.let.wait()
        await super().commit(change)


class Unreadable(FlakyStore):
    """Has one approval whose record cannot be read."""

    bad: ApprovalKey | None = None

    async def approval(self, key: ApprovalKey) -> Approval | None:
        if key == self.bad:
            raise ValueError("a record that cannot be read")
        return await super().approval(key)

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        found = await self._store.approval_by_id(scope, public_id)
        if found is not None and found.key == self.bad:
            raise ValueError("a record that cannot be read")
        return found


class Hiccup(FlakyStore):
    """Cannot count, once."""

    fail = False

    async def count(self, scope: str, name: str) -> int:
        if self.fail:
            self.fail = False
            raise StoreUnavailable("away")
        return await self._store.count(scope, name)


def keeping(core: Core) -> Tenant:
    return core.tenant.model_copy(update={"enabled": False, "disabled_decisions": WhileClosed.WAIT})


async def renew(core: Core) -> None:
    scope = tenant_scope(core.tenant.document_type_id)
    job = renew_job(due=core.clock.now())
    await core.store.commit(Change(id=f"r{core.clock.now()}", scope=scope, jobs=(job,)))
    await core.pass_time(1)


async def test_nobody_settles_a_repeat_that_was_let_out_early_and_is_on_the_wire(
    store: Store,
) -> None:
    core = Core(store, tenant=a_tenant(idempotent=True))
    await core.open()
    core.api.answers.append(UNKNOWN)
    await core.click(MARIA)
    opened = core.tenant
    core.tenants.tenants[0] = keeping(core)
    await core.pass_time(10)  # the repeat waits until the tenant is open
    core.tenants.tenants[0] = opened
    core.api.holding = True
    await renew(core)
    assert len(core.api.held) == 1

    approval = await core.approval()
    with pytest.raises(NotSettled):
        await core.approvals.settle(approval.id, 0, Settlement.NOT_TAKEN, by="Olga")

    core.api.holding = False
    await core.tell(YES)
    assert await core.state(MARIA) is PlaceState.ACCEPTED


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_an_operator_is_called_at_once_if_what_was_decided_changed_on_the_wire(
    store: Store,
) -> None:
    core = Core(store, tenant=a_tenant(idempotent=True))
    await core.open()
    await core.begin(MARIA)
    await core.receive(update("johndoe2", content=Content(title="A thousand laptops")))

    await core.tell(UNKNOWN)

    place = await core.place(MARIA)
    assert place.state is PlaceState.UNCONFIRMED
    assert needs_operator(place)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_payload_that_comes_late_ends_no_decision_that_was_made_since(
    store: Store,
) -> None:
    core = Core(store)
    await core.open(create("johndoe1", "johndoe2"), update("johndoe1", at=30))
    await core.begin(MARIA)

    await core.receive(update("johndoe2", at=10, action=done_by("johndoe1", "Reviewed")))

    assert await core.state(MARIA) is PlaceState.SUBMITTING
    await core.tell(YES)
    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_an_array_leaves_out_what_changed_while_it_waited_for_others(store: Store) -> None:
    slow: Any = SlowStore(store)
    desk = await a_desk(slow, "A", "B")
    ticks = await desk.tick("A", "B")
    slow.slow = "B"
    deciding = asyncio.create_task(desk.decide(ticks))
    await desk.becomes("A", PlaceState.SUBMITTING)
    dearer = Content(title="A thousand laptops", unit_value="9000000")
    arx = update("johndoe1", key=key("A"), display_number="A", content=dearer)
    await desk.core.receive(arx)
    slow.let.set()
    await deciding
    await desk.core.approvals.drain(seconds=30)

    assert [each.approval.key.number for each in desk.core.api.posted] == ["B"]
    assert await desk.states("A") == [PlaceState.PENDING]


async def test_an_array_leaves_out_who_was_removed_while_it_waited_for_others(
    store: Store,
) -> None:
    slow: Any = SlowStore(store)
    desk = await a_desk(slow, "A", "B")
    ticks = await desk.tick("A", "B")
    slow.slow = "B"
    deciding = asyncio.create_task(desk.decide(ticks))
    await desk.becomes("A", PlaceState.SUBMITTING)
    gone = delete("johndoe1", "johndoe2", key=key("A"), display_number="A")
    await desk.core.receive(gone)
    slow.let.set()
    await deciding
    await desk.core.approvals.drain(seconds=30)

    assert [each.approval.key.number for each in desk.core.api.posted] == ["B"]


async def test_of_several_one_that_cannot_be_read_is_not_called_recorded(store: Store) -> None:
    spoiled: Any = Unreadable(store)
    desk = await a_desk(spoiled)
    ticks = await desk.tick("A", "B")
    spoiled.bad = key("A")

    first, _second = await desk.decide(ticks)

    assert not first.recording
    assert first.problem is not None


async def test_a_request_whose_summary_never_comes_holds_up_no_other(store: Store) -> None:
    core = await asked(store)
    for number in ("REQ-10", "REQ-11"):
        more = ApprovalKey(KEY.tenant, number, "2026")
        await core.receive(create("johndoe1", key=more, content=CONTENT, display_number=number))
    await core.work()
    await keep_nights(core)
    read: Counter[str] = Counter()

    async def summary(tenant: Tenant, approval: Approval) -> Fetched:
        assert tenant.document_type_id == KEY.tenant
        read[approval.key.number] += 1
        if approval.key == KEY:
            return Fetched(kind=FetchedKind.UNAVAILABLE, reason="HTTP 500", status=500)
        return sums("johndoe1")

    core.api.summary = summary
    job = nightly_job(AT_ONCE, due=core.clock.now())
    await core.store.commit(Change(id="now", scope=KEY.scope, jobs=(job,)))
    for _ in range(24):
        await core.pass_time(3600)

    assert read["REQ-10"] == read["REQ-11"] == 1
    assert await core.store.job(KEY.scope, job.key) is None


async def test_a_retry_put_off_by_a_window_is_let_out_when_the_window_is_taken_back(
    store: Store,
) -> None:
    window = Maintenance(
        starts=START + timedelta(seconds=10),
        ends=START + timedelta(days=2),
        message="Moving house.",
        decisions=WhileClosed.WAIT,
    )
    core = Core(store, tenant=a_tenant(maintenance=window))
    await core.open()
    core.api.holding = True
    await core.begin(MARIA)
    core.clock.advance(20)
    await core.tell(BUSY)
    core.api.holding = False
    core.tenants.tenants[0] = a_tenant()

    await renew(core)
    await core.pass_time(60)

    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_a_reload_that_the_store_interrupted_is_done_at_the_next_look(store: Store) -> None:
    flaky: Any = Hiccup(store)
    clock = Clock(START)
    old = a_tenant()
    gone = a_tenant(document_type_id="11111111-1111-4111-8111-111111111111", code="zz")
    tenants = Onboarded({"a.toml": old, "z.toml": gone})
    files = {"a.toml": old.model_copy(update={"name": "New"})}
    commits = Commits(flaky, now=clock.now, wake=lambda: None, sleep=clock.sleep)
    onboarding = Onboarding(
        tenants=tenants,
        store=flaky,
        commits=commits,
        read=lambda: asyncio.sleep(0, files),
        follow=lambda _t: None,
    )
    await onboarding.begin()
    await commits.commit(Change(id="ask", scope=HOUSE, notes={RELOAD: "1"}))
    flaky.fail = True
    with pytest.raises(StoreUnavailable):
        await onboarding.look()

    await onboarding.look()

    assert [tenant.name for tenant in tenants.all()] == ["New"]
    assert RELOADED in await flaky.notes(HOUSE)


async def test_jobs_of_a_tenant_whose_file_is_missing_wait_until_it_is_back(store: Store) -> None:
    core = Core(store)
    await core.open()
    await core.begin(MARIA)
    await core.tell(YES)  # the card is still to be changed
    tenant = core.tenants.tenants.pop()
    await core.die()
    await core.pass_time(60)
    core.tenants.tenants.append(tenant)
    await core.die()

    await core.pass_time(WITHOUT_A_FILE)

    assert "Approved by" in face(core, MARIA)
