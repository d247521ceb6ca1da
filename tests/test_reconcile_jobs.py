"""Requests are compared with what their tenant has: when an ARX is owed, by night, and when somebody asks."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from approvals_core.leases import LEASE
from approvals_core.models import (
    ATTENTION,
    Approval,
    ApprovalKey,
    Change,
    Content,
    JobKind,
    Lane,
    LeasedJob,
    PlaceState,
)
from approvals_core.ports import Answer, AnswerKind, Fetched, FetchedKind, Store
from approvals_core.rules import nights
from approvals_core.rules.draft import chain_is_sound
from approvals_core.rules.reconciling import Occasion, look_job
from approvals_core.tenant import Api, Maintenance, Reconcile, Tenant, WorkingHours
from approvals_core.worker.nights import AT_ONCE, NIGHTLY, PAGE, nightly_job
from approvals_core.worker.reconciling import AGAIN_AFTER, TRIES
from tests.card_reading import texts
from tests.makers import JONAS, KEY, MARIA, PRIYA, START, Core, a_tenant, create, delete, update

CONTENT = Content(title="Laptops", unit_value="100", unit_of_measure="EUR")
AWAY = Fetched(kind=FetchedKind.UNAVAILABLE, reason="HTTP 503", status=503)
GONE = Fetched(kind=FetchedKind.REFUSED, reason="HTTP 404", status=404)
DAY = 86_400.0  # seconds
RULE = Reconcile(gone_statuses=(404,), approvers="Approvers", unheard_for=7)


def a_reconciled_tenant(**fields: Any) -> Tenant:
    api: dict[str, Any] = {
        "base_url": "https://erp.example.com",
        "resource": "api://erp",
        "action": "/act",
        "summary": "/summary/{DocumentNumber}",
    }
    usual: dict[str, Any] = {"reconcile": RULE, "api": Api(**api | fields.pop("api", {}))}
    return a_tenant(**usual | fields)


def says(*approvers: str, title: str = "Laptops", **more: Any) -> Fetched:
    body = {"Title": title, "UnitValue": "100", "UnitOfMeasure": "EUR", "Approvers": approvers}
    return Fetched(kind=FetchedKind.FOUND, body=json.dumps(body | more), status=200)


@pytest.fixture
async def core(store: Store) -> Core:
    return await asked(store)


async def asked(store: Store, **fields: Any) -> Core:
    core = Core(store, tenant=a_reconciled_tenant(**fields))
    await core.open(create("johndoe1", "johndoe2", content=CONTENT))
    return core


async def card_of(core: Core, person: Any) -> str:
    await core.pass_time(5)
    return texts(dict(core.channel.of(person)[-1].face))


async def attention(core: Core) -> int:
    return await core.store.count(KEY.scope, ATTENTION)


# -- the ARX that is owed ------------------------------------------------------------


async def test_who_is_asked_no_longer_at_the_tenant_waits_for_no_arx(core: Core) -> None:
    await core.click(MARIA)
    core.api.bodies[""] = says("johndoe3")

    await core.pass_time(181)

    assert await core.state(MARIA) is PlaceState.REMOVED
    assert await core.state(JONAS) is PlaceState.REMOVED
    assert await core.state(PRIYA) is PlaceState.PENDING
    assert await attention(core) == 0
    assert "Approved by **Maria Keller**" in await card_of(core, MARIA)
    assert "waits for your decision" in str(core.channel.of(PRIYA)[-1].face)


async def test_a_summary_that_still_names_him_leaves_it_to_an_operator(core: Core) -> None:
    await core.click(MARIA)
    core.api.bodies[""] = says("johndoe1", "johndoe2", title="More laptops")

    await core.pass_time(181)

    place, approval = await core.place(MARIA), await core.approval()
    assert (place.state, place.decision and place.decision.overdue) == (PlaceState.ACCEPTED, True)
    assert approval.content is not None
    assert approval.content.title == "More laptops"
    assert await attention(core) == 1
    assert "More laptops" in await card_of(core, JONAS)


async def test_an_operator_reads_what_the_tenant_says_of_the_decision(store: Store) -> None:
    core = await asked(store, api={"decision_status": "/d/{DecisionId}", "summary": None})
    await core.click(MARIA)
    core.api.statuses.append(Answer(kind=AnswerKind.NOT_TAKEN, reason="HTTP 404"))

    await core.pass_time(181)

    place = await core.place(MARIA)
    assert place.decision is not None
    assert place.decision.overdue
    assert "never got the decision" in place.decision.trouble
    assert len(core.api.posted) == 1


async def test_a_tenant_that_does_not_answer_is_asked_again_a_few_times(core: Core) -> None:
    await core.click(MARIA)
    reads = counted(core, AWAY)

    await core.pass_time(181)
    overdue = await attention(core)
    for _time in range(10):
        await core.pass_time(AGAIN_AFTER * 1.3)

    assert overdue == 1
    assert len(reads) == TRIES


async def test_it_is_healed_when_the_tenant_answers_again(core: Core) -> None:
    await core.click(MARIA)
    core.api.bodies[""] = AWAY
    await core.pass_time(181)
    core.api.bodies[""] = GONE

    await core.pass_time(AGAIN_AFTER * 1.3)

    assert not (await core.approval()).open
    assert await attention(core) == 0


async def test_in_a_maintenance_window_nobody_is_called(store: Store) -> None:
    window = Maintenance(
        starts=START + timedelta(seconds=60), ends=START + timedelta(hours=2), message="Back soon."
    )
    core = await asked(store, maintenance=window)
    await core.click(MARIA)
    reads = counted(core, GONE)

    await core.pass_time(181)
    before = (len(reads), await attention(core))
    await core.pass_time(7200)

    assert before == (0, 0)
    assert await core.state(MARIA) is PlaceState.REMOVED


# -- races ------------------------------------------------------------------------------


def counted(core: Core, fetched: Fetched, *arxs: Any) -> list[str]:
    """Let the Summary API give *fetched*; while it is read the first times, *arxs* arrive."""
    reads: list[str] = []
    coming = list(arxs)

    async def summary(_tenant: Tenant, approval: Approval) -> Fetched:
        reads.append(approval.id)
        if coming:
            await core.receive(coming.pop(0))
        return fetched

    core.api.summary = summary  # type: ignore[method-assign]
    return reads


async def look(core: Core) -> None:
    job = look_job(await core.approval(), due=core.clock.now())
    await core.commits.commit(Change(id="look", scope=KEY.scope, jobs=(job,)))
    await core.work()


async def test_an_arx_that_comes_while_the_tenant_is_read_wins(core: Core) -> None:
    newer = update("johndoe3", removes=("johndoe2",), content=CONTENT)
    reads = counted(core, says("johndoe1", "johndoe3"), newer)

    await look(core)

    assert len(reads) == 2
    states = [place.state.value for place in (await core.approval()).places]
    assert states == ["pending", "removed", "pending"]
    assert "reconciled" not in await core.kinds()


async def test_if_something_comes_each_time_it_is_read_later(core: Core) -> None:
    more = [update("johndoe1", at=n, content=CONTENT) for n in range(1, 4)]
    reads = counted(core, GONE, *more)

    await look(core)
    still_open = (await core.approval()).open
    await core.pass_time(4)

    assert still_open
    assert len(reads) == 4
    assert not (await core.approval()).open


async def test_a_click_while_the_tenant_is_read_is_not_swept_away(core: Core) -> None:
    clicked: list[object] = []

    async def summary(_tenant: Tenant, _approval: Approval) -> Fetched:
        if not clicked:
            clicked.append(await core.click(MARIA))
            return GONE
        return says("johndoe1", "johndoe2")

    core.api.summary = summary  # type: ignore[method-assign]
    await look(core)

    assert await core.state(MARIA) is PlaceState.ACCEPTED


async def test_two_processes_heal_it_once(store: Store) -> None:
    core = await asked(store)
    other = Core(store, tenant=core.tenant, clock=core.clock)
    for each in (core, other):
        each.api.bodies[""] = says("johndoe2", "johndoe3")

    await asyncio.gather(
        *(
            each.reconciling.reconcile(KEY, each.tenant, occasion=Occasion.OPERATOR)
            for each in (core, other)
        )
    )

    approval, kinds = await core.approval(), await core.kinds()
    assert [place.state.value for place in approval.places] == ["removed", "pending", "pending"]
    assert kinds.count("reconciled") == 1
    assert chain_is_sound(tuple(await store.history(KEY)), head=approval.head)


async def test_a_late_arx_that_removes_him_still_counts_after_it(core: Core) -> None:
    core.api.bodies[""] = says("johndoe1", "johndoe3")
    await look(core)

    await core.open(delete("johndoe3"))

    assert await core.state(PRIYA) is PlaceState.REMOVED


# -- by night -------------------------------------------------------------------------

HOURS = WorkingHours(zone="Europe/Berlin", starts=time(8), ends=time(18))
BERLIN_NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("at", "outside"),
    [
        (BERLIN_NOON, False),
        (BERLIN_NOON.replace(hour=6, minute=59), True),
        (BERLIN_NOON.replace(hour=7), False),
        (BERLIN_NOON.replace(hour=17), True),
        (BERLIN_NOON + timedelta(days=3), True),  # a Saturday
    ],
)
def test_working_hours_are_those_of_the_tenants_zone(at: datetime, outside: bool) -> None:  # noqa: FBT001
    assert nights.is_outside(HOURS, at) is outside


@pytest.mark.parametrize("code", ["pr", "hr", "expenses"])
@pytest.mark.parametrize("day", [0, 3, 121, 122])  # 28 and 29 March 2027: clocks go forward
def test_the_next_night_begins_after_the_hours_end_and_each_day(code: str, day: int) -> None:
    tenant = a_tenant(code=code, working_hours=HOURS)
    noon = BERLIN_NOON + timedelta(days=day)

    first = nights.next_night(tenant, noon)
    second = nights.next_night(tenant, first)

    assert nights.is_outside(HOURS, first)
    assert timedelta(hours=5) <= first - noon <= timedelta(hours=8)
    assert timedelta(hours=22) < second - first < timedelta(hours=26)


async def keep_nights(core: Core) -> None:
    assert await core.nights.keep(core.tenant)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_who_lost_the_job_meanwhile_heals_nothing_more(core: Core) -> None:
    job = nightly_job(AT_ONCE, due=core.clock.now())
    await core.store.commit(Change(id="all", scope=KEY.scope, jobs=(job,)))
    core.api.bodies[""] = GONE
    [his] = await handed_out(core)
    core.clock.advance(LEASE + 1)
    assert await handed_out(core)

    await core.worker.run_one(his)

    assert (await core.approval()).open


async def handed_out(core: Core) -> Sequence[LeasedJob]:
    now = core.clock.now()
    until = now + timedelta(seconds=LEASE)
    return await core.store.lease((Lane.TENANT,), limit=9, now=now, until=until)


async def test_what_was_not_heard_of_for_long_is_compared_by_night(store: Store) -> None:
    core = await asked(store, working_hours=HOURS)
    await keep_nights(core)
    core.api.bodies[""] = GONE

    times: list[datetime] = []
    for _hour in range(24 * 8):
        await core.pass_time(3600)
        if not (await core.approval()).open:
            times.append(core.clock.now())

    assert times[0] - START >= timedelta(days=7)
    assert nights.is_outside(HOURS, times[0])
    assert await core.store.queued(KEY.scope, NIGHTLY) is not None


async def test_a_night_goes_through_all_requests_once_and_survives_a_restart(
    store: Store,
) -> None:
    core = await asked(store, reconcile=RULE.model_copy(update={"approvers": None}))
    for number in range(PAGE + 5):
        key = ApprovalKey(KEY.tenant, f"REQ-{number + 10}", "2026")
        await core.receive(create("johndoe1", key=key, content=CONTENT, display_number=key.number))
    await core.work()
    reads = counted(core, says())
    await core.commits.commit(
        Change(id="n", scope=KEY.scope, jobs=(nightly_job(AT_ONCE, due=core.clock.now()),))
    )

    await core.work()
    first = len(reads)
    await core.die()
    await core.pass_time(10)

    assert (first, len(reads)) == (PAGE, PAGE + 6)
    assert len(set(reads)) == len(reads)
    assert await core.store.queued(KEY.scope, AT_ONCE) is None


async def test_a_tenant_that_hangs_is_left_alone_after_one_question(store: Store) -> None:
    core = await asked(store)
    for number in range(5):
        key = ApprovalKey(KEY.tenant, f"REQ-{number + 10}", "2026")
        await core.receive(create("johndoe1", key=key, content=CONTENT, display_number=key.number))
    await core.work()
    reads = counted(core, AWAY)
    await core.commits.commit(
        Change(id="n", scope=KEY.scope, jobs=(nightly_job(AT_ONCE, due=core.clock.now()),))
    )

    await core.work()

    assert len(reads) == 1
    job = await core.store.job(KEY.scope, AT_ONCE)
    assert job is not None
    assert job.due == core.clock.now() + timedelta(seconds=AGAIN_AFTER)


async def test_the_same_found_once_is_not_asked_again_the_next_night(store: Store) -> None:
    core = await asked(store)
    await keep_nights(core)
    reads = counted(core, says("johndoe1", "johndoe2"))

    for _day in range(13):
        await core.pass_time(DAY)

    assert len(reads) == 1
    assert "reconciled" not in await core.kinds()


@pytest.mark.parametrize(
    "fields",
    [
        {"reconcile": Reconcile(nightly=False)},
        {"api": {"summary": None}},
        {"enabled": False, "disabled_message": "Gone."},
    ],
)
async def test_no_night_is_kept_where_none_is_wanted(store: Store, fields: Any) -> None:
    core = Core(store, tenant=a_reconciled_tenant(**fields))

    assert not await core.nights.keep(core.tenant)


async def test_the_sweep_keeps_one_night_for_each_tenant(core: Core) -> None:
    await core.worker.sweep()
    await core.worker.sweep()

    page = await core.store.jobs(KEY.scope, limit=9)
    kinds = [each.job.kind for each in page.jobs if each.job]
    assert kinds.count(JobKind.NIGHTLY) == 1
