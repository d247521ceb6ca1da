"""Who has a job: a worker that died soon has none any more, and one that is slow keeps its own."""

import asyncio
from typing import cast

import pytest

from approvals_core.errors import StoreUnavailable
from approvals_core.leases import LEASE, RENEW_EVERY, Leases
from approvals_core.models import LeasedJob, QueuedJob
from approvals_core.ports import Store
from approvals_core.worker import Worker
from tests.logged import Log
from tests.makers import KEY, MARIA, Core, create, update
from tests.store_makers import NOON, a_job, a_lease
from tests.stumbling_store import StumblingStore


class Slow:
    """A far side that takes as long as it is let."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.go_on.wait()


Sending = tuple[Core, Slow, asyncio.Task[int]]


@pytest.fixture
def stumbling(store: Store) -> StumblingStore:
    return StumblingStore(store)


@pytest.fixture
async def slow(stumbling: StumblingStore) -> Sending:
    """A worker that is about to put a card before Maria, and does not come back from it."""
    core, far = Core(cast("Store", stumbling)), Slow()
    await core.receive(create("johndoe1"))
    await core.worker.run_due(limit=1)  # finds her
    core.channel.while_sending = far
    sending = asyncio.create_task(core.worker.run_due(limit=1))
    core.under_way.add(sending)
    await far.reached.wait()
    return core, far, sending


def another(core: Core, store: Store) -> Core:
    """Another process on the same store."""
    return Core(store, clock=core.clock)


async def the_job(store: Store) -> QueuedJob | None:
    found = await store.jobs(KEY.scope, limit=100)
    return next((job for job in found.jobs if job.key.startswith("card/")), None)


def test_what_a_dead_worker_had_waits_for_half_a_minute_and_renewals_may_fail_some_times() -> None:
    assert LEASE <= 30
    assert 5 * RENEW_EVERY <= LEASE


async def test_the_jobs_of_a_worker_that_died_are_anothers_once_its_lease_ended(
    store: Store, slow: Sending
) -> None:
    core, _far, _sending = slow
    other = another(core, store)
    core.clock.advance(LEASE - 1)
    await core.worker.keep_leases()

    await core.die()
    core.clock.advance(LEASE - 1)
    early = await other.worker.run_due()
    core.clock.advance(1)
    await other.work()

    assert early == 0
    assert len(other.channel.of(MARIA)) == 1
    assert await the_job(store) is None


async def test_a_slow_job_is_done_once_however_many_leases_it_outlives(
    store: Store, slow: Sending
) -> None:
    core, far, sending = slow
    other = another(core, store)

    for _lease in range(5):
        core.clock.advance(LEASE - 1)
        await core.worker.keep_leases()
        assert await other.worker.run_due() == 0
    far.go_on.set()
    await sending
    await other.work()

    assert (len(core.channel.sent), other.channel.sent) == (1, [])
    assert await the_job(store) is None


async def test_a_job_that_another_has_by_now_is_left_to_him(
    store: Store, stumbling: StumblingStore, slow: Sending, log: Log
) -> None:
    core, far, sending = slow
    other, his = another(core, store), Slow()
    other.channel.while_sending = his
    core.clock.advance(LEASE)
    takes_over = asyncio.create_task(other.worker.run_due())
    await his.reached.wait()
    before = await the_job(store)
    assert before is not None
    core.clock.advance(1)

    await core.worker.keep_leases()
    stumbling.asked.clear()
    await core.worker.keep_leases()

    assert "renew" not in stumbling.asked
    assert await the_job(store) == before
    assert [line["job"] for line in log.of("lease_taken")] == [before.key]
    far.go_on.set()  # what was sent here is taken away: nobody would know of it
    await sending
    his.go_on.set()
    await takes_over
    assert (core.channel.of(MARIA), len(other.channel.of(MARIA))) == ([], 1)


async def test_a_store_that_was_away_is_asked_to_renew_again(
    store: Store, stumbling: StumblingStore, slow: Sending
) -> None:
    core, far, sending = slow
    other = another(core, store)
    stumbling.fails["renew"] = [StoreUnavailable("away"), ValueError("whatever")]

    for _time in range(3):
        core.clock.advance(LEASE / 4)
        await core.worker.keep_leases()
    core.clock.advance(LEASE - 1)
    taken = await other.worker.run_due()
    far.go_on.set()
    await sending

    assert taken == 0
    assert len(core.channel.of(MARIA)) == 1


async def test_what_is_done_is_renewed_no_more(
    stumbling: StumblingStore, slow: Sending, log: Log
) -> None:
    core, far, sending = slow
    far.go_on.set()
    await sending
    stumbling.asked.clear()

    await core.worker.keep_leases()

    assert stumbling.asked == []
    assert "lease" not in log.text


async def test_a_job_that_ends_while_it_is_renewed_is_nobodys_loss(
    store: Store, stumbling: StumblingStore, slow: Sending, log: Log
) -> None:
    core, far, sending = slow

    async def late(*values: object, **named: object) -> object:
        far.go_on.set()
        await sending
        return await store.renew(*values, **named)  # pyright: ignore[reportArgumentType]

    stumbling.instead["renew"] = late

    await core.worker.keep_leases()

    assert len(core.channel.of(MARIA)) == 1
    assert "lease_taken" not in log.text


async def test_a_job_that_ends_before_its_turn_to_be_renewed_ends_no_worker(store: Store) -> None:
    leases = Leases(store, now=lambda: NOON)

    with leases.kept(LeasedJob(a_job(), a_lease(), 0)):
        renewing = asyncio.create_task(leases.renew())
        await asyncio.sleep(0)  # by now it is begun for each job, and asked for none

    await renewing


async def test_a_running_worker_keeps_what_it_does_also_while_it_ends(
    store: Store, stumbling: StumblingStore
) -> None:
    core, far = Core(cast("Store", stumbling)), Slow()
    await core.receive(create("johndoe1"))
    core.channel.while_sending = far
    worker = Worker(
        store=core.store,
        cards=core.cards,
        chores=core.chores,
        tenants=core.tenants,
        now=core.clock.now,
        poll=0.0,
        renew_every=0.0,
    )
    running = asyncio.create_task(worker.run())
    await far.reached.wait()

    await _renewed(stumbling)
    worker.stop()
    await _renewed(stumbling)
    await _renewed(stumbling)
    far.go_on.set()
    await running
    stumbling.asked.clear()

    assert len(core.channel.of(MARIA)) == 1
    assert not [task for task in asyncio.all_tasks() if "Leases" in repr(task)]


async def _renewed(stumbling: StumblingStore) -> None:
    """Wait until the store is asked to renew once more."""
    before = stumbling.asked.count("renew")
    while stumbling.asked.count("renew") == before:
        stumbling.bell.clear()
        await stumbling.bell.wait()


async def test_a_card_that_fails_at_each_change_backs_off_all_the_same(store: Store) -> None:
    core = Core(store)
    await core.open(create("johndoe1"))
    core.channel.faces_fail = RuntimeError("a bug")

    for second in range(1, 61):
        await core.receive(update("johndoe1", at=second))
        await core.pass_time(1)
    early = await store.dead_letters(KEY.scope)
    core.channel.faces_fail = None
    await core.pass_time(64)

    assert early == []
    assert await the_job(store) is None
