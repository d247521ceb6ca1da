"""What the worker does beside cards and decisions: it outlives every failure, cleans up, and mends."""

import asyncio
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from approvals_core.errors import NotSettled
from approvals_core.leases import LEASE
from approvals_core.models import HOUSE, JobKind, Lane, PlaceState, QueuedJob, tenant_scope
from approvals_core.ports import Answer, AnswerKind, Page, Store
from approvals_core.rules.settling import Settlement
from approvals_core.worker import SWEEP, Worker
from tests.logged import Log
from tests.makers import KEY, MARIA, Core, a_tenant, create, delete, update
from tests.store_spoiling import spoil, spoil_approval
from tests.stumbling_store import StumblingStore

OTHER = "00000000-1111-2222-3333-444444444444"


@pytest.fixture
def stumbling(store: Store) -> StumblingStore:
    return StumblingStore(store)


@pytest.fixture
async def core(stumbling: StumblingStore) -> Core:
    core = Core(cast("Store", stumbling), tenant=a_tenant())
    await core.open(create("johndoe1"))
    return core


def a_worker(core: Core) -> Worker:
    """A worker that looks and sweeps as often as it can."""
    return Worker(
        store=core.store,
        cards=core.cards,
        chores=core.chores,
        tenants=core.tenants,
        now=core.clock.now,
        poll=0.0,
        sweep_every=0.0,
    )


async def until_run(
    worker: Worker, stumbling: StumblingStore, happened: Callable[[], bool]
) -> None:
    """Let *worker* run until something has happened; whatever ends it early is raised."""
    running = asyncio.create_task(worker.run())
    while not happened() and not running.done():
        stumbling.bell.clear()
        ringing = asyncio.create_task(stumbling.bell.wait())
        await asyncio.wait({running, ringing}, return_when=asyncio.FIRST_COMPLETED)
        ringing.cancel()
    worker.stop()
    await running


@pytest.mark.parametrize("question", ["lease", "next_due", "page"])
@pytest.mark.parametrize("failure", [KeyError("x"), ValueError("y"), OSError("z")])
async def test_the_worker_outlives_whatever_a_store_raises(
    core: Core, stumbling: StumblingStore, question: str, failure: Exception
) -> None:
    stumbling.asked.clear()
    stumbling.fails[question] = [failure] * 3

    await until_run(a_worker(core), stumbling, lambda: stumbling.asked.count(question) > 5)

    assert stumbling.fails[question] == []


async def test_jobs_are_done_after_a_failure_of_the_store(
    core: Core, stumbling: StumblingStore
) -> None:
    await core.receive(delete("johndoe1"))
    stumbling.fails = {"lease": [KeyError("x")], "next_due": [KeyError("x")] * 3}

    await until_run(a_worker(core), stumbling, lambda: bool(core.channel.updated))

    assert len(core.channel.updated) == 1


async def test_a_tenant_that_cannot_be_swept_holds_up_no_other(
    core: Core, stumbling: StumblingStore
) -> None:
    other = core.tenant.model_copy(update={"document_type_id": OTHER, "code": "hr"})
    core.tenants.tenants.insert(0, other)
    swept: list[str] = []

    async def page(scope: str, *_values: Any, **_named: Any) -> Page:
        swept.append(scope)
        if scope == tenant_scope(OTHER):
            raise ValueError("a record that nobody can read")
        return Page(approvals=())

    stumbling.instead["page"] = page

    mended = await core.worker.sweep()

    assert mended == 0
    assert swept == [tenant_scope(OTHER), KEY.scope]


async def the_sweep(store: Store) -> list[QueuedJob]:
    found = await store.jobs(HOUSE, limit=100)
    return list(found.jobs)


async def test_of_all_workers_one_sweeps_each_hour(
    core: Core, stumbling: StumblingStore, log: Log
) -> None:
    other = Core(core.store, clock=core.clock)
    for each in (core, other):
        await until_run(each.worker, stumbling, lambda: "queued" in stumbling.asked)
        stumbling.asked.clear()
    early = [await each.worker.run_due() for each in (core, other)]

    for _hour in range(3):
        core.clock.advance(SWEEP)
        await asyncio.gather(core.worker.run_due(), other.worker.run_due())

    assert early == [0, 0]
    assert len(log.of("swept")) == 3
    [job] = await the_sweep(core.store)
    assert (job.leased, job.next) == (False, core.clock.now() + timedelta(seconds=SWEEP))


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_who_finds_the_sweep_written_does_not_write_it_again(
    core: Core, stumbling: StumblingStore
) -> None:
    await until_run(core.worker, stumbling, lambda: "queued" in stumbling.asked)
    stumbling.asked.clear()
    core.start()

    await until_run(core.worker, stumbling, lambda: "queued" in stumbling.asked)

    assert "commit" not in stumbling.asked


async def test_a_sweep_whose_worker_died_is_made_by_another(
    core: Core, stumbling: StumblingStore, log: Log
) -> None:
    await until_run(core.worker, stumbling, lambda: "queued" in stumbling.asked)
    core.clock.advance(SWEEP)
    swept = asyncio.Event()

    async def page(*_values: Any, **_named: Any) -> Page:
        swept.set()
        return await asyncio.Event().wait() and Page(approvals=())

    stumbling.instead["page"] = page
    core.under_way.add(asyncio.create_task(core.worker.run_due()))
    await swept.wait()
    await core.die()
    stumbling.instead.clear()

    early = await core.worker.run_due()
    core.clock.advance(LEASE)
    await core.worker.run_due()

    assert early == 0
    assert len(log.of("swept")) == 1


async def test_a_sweep_that_was_lost_is_written_again(
    core: Core, stumbling: StumblingStore, store_url: str
) -> None:
    await until_run(core.worker, stumbling, lambda: "queued" in stumbling.asked)
    [job] = await the_sweep(core.store)
    await spoil(store_url, job.key, HOUSE)

    stumbling.asked.clear()
    core.start()
    await until_run(core.worker, stumbling, lambda: "queued" in stumbling.asked)

    [again] = await the_sweep(core.store)
    assert again.job is not None


async def test_the_sweep_writes_a_job_that_cannot_be_read_anew(
    store: Store, store_url: str
) -> None:
    core = Core(store, tenant=a_tenant())
    await core.open(create("johndoe1"))
    core.api.usual = Answer(kind=AnswerKind.AGAIN, retry_after=60.0)
    await core.click(MARIA)
    place = await core.place(MARIA)
    assert place.decision is not None
    await spoil(store_url, f"post/{place.decision.id}/2", scope=KEY.scope)
    core.api.usual = Answer(kind=AnswerKind.ACCEPTED)
    await core.pass_time(61)
    stuck = await core.state(MARIA)

    mended = await core.worker.sweep()
    await core.pass_time(60)

    assert (stuck, mended) == (PlaceState.RETRYING, 1)
    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert len(set(core.api.ids)) == 1


# -- cleaning up -------------------------------------------------------------------


async def test_each_closing_has_a_clean_up_of_its_own(core: Core) -> None:
    await core.open(delete("johndoe1"))
    core.clock.advance(1800)
    await core.open(create("johndoe1", at=3), delete("johndoe1", at=4))

    page = await core.store.jobs(KEY.scope, limit=9)

    due = [each.next for each in page.jobs if each.job and each.job.kind is JobKind.CLEAN_UP]
    assert [(later - due[0]).total_seconds() for later in due] == [0, 1800]


async def test_the_clean_up_of_an_earlier_closing_leaves_the_next_round_alone(core: Core) -> None:
    details = {"Items": "{}"}
    await core.open(delete("johndoe1"))
    core.clock.advance(1800)
    await core.open(create("johndoe1", at=3, details=details), delete("johndoe1", at=4))

    await core.pass_time(1800)
    early = await core.store.body_names(KEY)
    await core.pass_time(1800)

    assert "details/Items" in early
    assert await core.store.body_names(KEY) == []


async def test_a_clean_up_reads_no_texts(core: Core, stumbling: StumblingStore) -> None:
    for number in range(30):
        await core.receive(update("johndoe1", at=1 + number / 100, raw="x" * 200_000, nonce=number))
    await core.open(delete("johndoe1", at=50))
    stumbling.asked.clear()

    tracemalloc.start()
    await core.pass_time(3700)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert await core.store.body_names(KEY) == []
    assert "bodies" not in stumbling.asked
    assert peak < 3_000_000  # bytes; the payloads are twice as many


# -- settling -----------------------------------------------------------------------


async def test_a_decision_that_is_being_posted_again_cannot_be_settled(store: Store) -> None:
    core = Core(store, tenant=a_tenant(idempotent=True))
    await core.open(create("johndoe1"))
    core.api.usual = Answer(kind=AnswerKind.UNKNOWN, reason="timed out")
    await core.click(MARIA)
    core.api.holding = True
    core.clock.advance(60)
    under_way = asyncio.create_task(core.worker.run_due([Lane.DECISION]))
    await core.api.reached.wait()
    while not core.api.held:
        core.api.reached.clear()
        await core.api.reached.wait()
    approval = await core.approval()

    with pytest.raises(NotSettled, match="being posted again just now"):
        await core.approvals.settle(approval.id, 0, Settlement.NOT_TAKEN, by="Olga")
    core.api.held[0].set_result(Answer(kind=AnswerKind.ACCEPTED))
    await under_way

    assert await core.state(MARIA) is PlaceState.ACCEPTED
    assert "settled" not in await core.kinds()


async def test_a_job_whose_request_cannot_be_read_is_put_off_and_disturbs_nobody(
    store: Store, store_url: str
) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.receive(update("johndoe2"))
    await spoil_approval(store_url, (await core.approval()).id)

    for _round in range(15):
        await core.worker.run_due()
        core.clock.advance(400)

    assert (await store.jobs(KEY.scope, limit=9)).jobs
