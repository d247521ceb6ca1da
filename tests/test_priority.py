"""Who comes first: decisions before cards, cards before the rest, and nobody behind another one's flood."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

from approvals_core.models import Lane, LeasedJob, tenant_scope
from approvals_core.onboarded import Onboarded
from approvals_core.ports import Answer, AnswerKind, Store
from approvals_core.worker import OF_ONE, SLOTS, Cards, Chores, Worker
from tests.makers import MARIA, Core, create
from tests.store_leases import leased
from tests.store_makers import MINUTE, NOON, a_job, jobs_change
from tests.test_wire_out import a_tenant

FLOOD_ID, QUIET_ID = (f"11111111-2222-4333-8444-{digit * 12}" for digit in "56")
FLOOD, QUIET = tenant_scope(FLOOD_ID), tenant_scope(QUIET_ID)
THOUSANDS = 10_000
YES = Answer(kind=AnswerKind.ACCEPTED)
ALL = (Lane.DECISION, Lane.CARD, Lane.REMINDER, Lane.DIGEST, Lane.TENANT)


async def ask(store: Store, scope: str, *jobs: tuple[str, Lane], since: timedelta) -> None:
    made = (a_job(key, lane=lane, due=NOON - since) for key, lane in jobs)
    await store.commit(jobs_change(*made, scope=scope, id=f"{scope} {jobs[0]}"))


async def a_flood(store: Store, lane: Lane, count: int = THOUSANDS) -> None:
    """A tenant with very many jobs, all of them due for longer than any other's."""
    for start in range(0, count, 1000):
        jobs = [(f"{lane.name} {start + n}", lane) for n in range(min(count, 1000))]
        await ask(store, FLOOD, *jobs, since=60 * MINUTE)


async def test_a_quiet_tenants_jobs_are_among_the_next_behind_anothers_ten_thousand(
    store: Store,
) -> None:
    await a_flood(store, Lane.CARD)
    await ask(
        store, QUIET, ("decision", Lane.DECISION), ("card", Lane.CARD), since=timedelta(seconds=1)
    )

    found = await leased(store, *ALL, limit=8)

    assert found[0].job.key == "decision"
    assert Counter(one.lease.scope for one in found) == {FLOOD: 6, QUIET: 2}
    assert {one.job.key for one in found if one.lease.scope == QUIET} == {"decision", "card"}


async def test_somebody_with_a_single_place_free_has_his_turn_too(store: Store) -> None:
    await a_flood(store, Lane.CARD, 50)
    await ask(store, QUIET, ("card", Lane.CARD), since=timedelta(seconds=1))

    found = [await leased(store, Lane.CARD, limit=1) for _ in range(2)]

    assert {one.lease.scope for jobs in found for one in jobs} == {FLOOD, QUIET}


async def test_reminders_wait_for_cards_and_digests_for_reminders(store: Store) -> None:
    order = [Lane.DIGEST, Lane.REMINDER, Lane.CARD, Lane.DECISION]
    for minutes, lane in zip((9, 7, 5, 3), order, strict=True):
        jobs = [(f"{lane.name} {n}", lane) for n in range(3)]
        await ask(store, FLOOD, *jobs, since=minutes * MINUTE)
        await ask(store, QUIET, *jobs, since=minutes * MINUTE)

    found = [one.job.lane for _ in range(6) for one in await leased(store, *ALL, limit=4)]

    assert found == sorted(found)
    assert Counter(found) == dict.fromkeys(order, 6)


class NoChores:
    async def do(self, leased: LeasedJob) -> bool:
        raise AssertionError(f"{leased.job.key} is a card")


class HangingCards:
    """Shows the quiet tenant's cards at once; those of the flood wait until they are released."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.released = asyncio.Event()
        self.changed = asyncio.Event()
        self.held: Counter[Lane] = Counter()
        self.done: list[str] = []

    async def do(self, leased: LeasedJob) -> bool:
        if leased.lease.scope == FLOOD:
            self.held[leased.job.lane] += 1
            self.changed.set()
            await self.released.wait()
        else:
            self.done.append(leased.job.key)
        await self._store.finish(leased.lease)
        self.changed.set()
        return True

    async def until(self, *done: str, held: int = 0) -> None:
        async with asyncio.timeout(20):
            while not (set(done) <= set(self.done) and self.held.total() >= held):
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def working(store: Store, cards: HangingCards) -> AsyncIterator[Worker]:
    tenant = a_tenant()
    tenants = Onboarded(
        {
            code: tenant.model_copy(update={"document_type_id": document, "code": code})
            for code, document in (("flood", FLOOD_ID), ("quiet", QUIET_ID))
        }
    )
    worker = Worker(
        store=store,
        cards=cast("Cards", cards),
        chores=cast("Chores", NoChores()),
        tenants=tenants,
        now=lambda: NOON,
        poll=0.01,
    )
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        cards.released.set()
        worker.stop()
        await running


async def test_cards_that_hang_leave_places_for_those_of_others(store: Store) -> None:
    cards = HangingCards(store)
    await a_flood(store, Lane.CARD, 2 * SLOTS)
    await a_flood(store, Lane.REMINDER, 2 * SLOTS)

    async with working(store, cards) as worker:
        await cards.until(held=OF_ONE)
        await ask(store, QUIET, ("card", Lane.CARD), ("word", Lane.REMINDER), since=MINUTE)
        worker.wake()
        await cards.until("card", "word")
        held = dict(cards.held)

    assert held == {Lane.CARD: OF_ONE}


async def test_a_clicks_own_post_needs_no_place_of_a_worker(store: Store) -> None:
    """Nobody does jobs here; what is posted is leased to who posts it, and taken by no worker."""
    core = Core(store)
    await core.open(create("johndoe1"))
    await core.begin(MARIA)

    due = await leased(store, Lane.DECISION, now=core.clock.now())

    assert len(core.api.posted) == 1
    assert list(due) == []
    await core.tell(YES)
