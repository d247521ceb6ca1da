"""How long a store says that its queue is, whichever store it is."""

import asyncio

from redis.asyncio import Redis

from approvals_core.adapters.redis_store.keys import DEAD
from approvals_core.adapters.stores import open_store
from approvals_core.models import DeadLetter, Lane
from approvals_core.ports import LaneDepth, Store
from tests.opened import opened
from tests.store_leases import leased
from tests.store_makers import MINUTE, NOON, SCOPE, a_job, jobs_change

OTHER = "t:other"


def a_letter(number: int, scope: str = SCOPE) -> DeadLetter:
    return DeadLetter(id=f"dead-{number}", scope=scope, job=a_job(), error="KeyError", at=NOON)


async def test_an_empty_store_has_nothing_to_do(store: Store) -> None:
    found = await store.depth(NOON)

    assert found.lanes == {lane: LaneDepth() for lane in Lane}
    assert found.dead == {}


async def test_jobs_are_counted_by_lane_over_all_scopes(store: Store) -> None:
    await store.commit(jobs_change(a_job("a"), a_job("b", due=NOON - MINUTE), id="1"))
    await store.commit(jobs_change(a_job("c", due=NOON + MINUTE), id="2", scope=OTHER))
    await store.commit(jobs_change(a_job("d", lane=Lane.DECISION), id="3", scope=OTHER))

    found = await store.depth(NOON)

    assert found.lanes[Lane.CARD] == LaneDepth(jobs=3, due=2, next=NOON - MINUTE)
    assert found.lanes[Lane.DECISION] == LaneDepth(jobs=1, due=1, next=NOON)
    assert found.lanes[Lane.DIGEST] == LaneDepth()


async def test_a_leased_job_counts_and_is_due_when_its_lease_ends(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    await leased(store)

    during, after = await store.depth(NOON), await store.depth(NOON + MINUTE)

    assert during.lanes[Lane.CARD] == LaneDepth(jobs=1, due=0, next=NOON + MINUTE)
    assert after.lanes[Lane.CARD].due == 1


async def test_a_finished_job_is_not_counted(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    (job,) = await leased(store)

    await store.finish(job.lease)

    assert (await store.depth(NOON)).lanes[Lane.CARD] == LaneDepth()


async def test_dead_letters_are_counted_by_scope_until_they_are_answered(store: Store) -> None:
    for number in (1, 2):
        await store.commit(jobs_change(id=f"{number}", dead=a_letter(number)))
    await store.commit(jobs_change(id="3", scope=OTHER, dead=a_letter(3, OTHER)))
    before = await store.depth(NOON)

    await store.commit(jobs_change(id="4", scope=OTHER, answers="dead-3"))
    after, once_more = await store.depth(NOON), await store.depth(NOON)
    await store.commit(jobs_change(id="5", scope=OTHER, dead=a_letter(5, OTHER)))

    assert before.dead == {SCOPE: 2, OTHER: 1}
    assert after.dead == once_more.dead == {SCOPE: 2}
    assert (await store.depth(NOON)).dead == {SCOPE: 2, OTHER: 1}


async def test_dead_letters_of_yesterdays_redis_are_found_by_the_sweep(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client, opened(open_store(redis_url)) as store:
        await store.commit(jobs_change(dead=a_letter(1)))
        await client.delete(DEAD)  # as it was before there was this set
        forgotten = (await store.depth(NOON)).dead

        await leased(store)

        found = (await store.depth(NOON)).dead
    assert forgotten == {}
    assert found == {SCOPE: 1}


async def test_counting_stands_in_nobodys_way(store: Store) -> None:
    jobs = [a_job(f"{number:05d}") for number in range(2000)]
    await store.commit(jobs_change(*jobs))

    taking = asyncio.create_task(leased(store, limit=1))
    depths = await asyncio.gather(*(store.depth(NOON) for _ in range(8)))

    assert {found.lanes[Lane.CARD].jobs for found in depths} == {2000}
    assert len(await taking) == 1


# -- what is held -------------------------------------------------------------------


async def test_the_oldest_job_is_told_whose_lease_ends_soon(store: Store) -> None:
    old, older = NOON - MINUTE, NOON - 2 * MINUTE
    await store.commit(jobs_change(a_job("a", due=old), id="1"))
    await store.commit(jobs_change(a_job("b", due=older), id="2", scope=OTHER))
    await store.commit(jobs_change(a_job("c", lane=Lane.DECISION), id="3"))
    await leased(store)

    found = await store.oldest_held(dict.fromkeys(Lane, NOON + MINUTE), now=NOON)

    assert found == {Lane.CARD: older, Lane.DECISION: NOON}


async def test_what_is_held_for_longer_or_not_at_all_is_nobodys_fault(store: Store) -> None:
    await store.commit(jobs_change(a_job("renewed", due=NOON - MINUTE)))
    (renewed,) = await leased(store)
    await store.renew(renewed.lease, until=NOON + 2 * MINUTE)
    await store.commit(jobs_change(a_job("waits", due=NOON + MINUTE / 2), id="2"))

    soon = await store.oldest_held({Lane.CARD: NOON + MINUTE}, now=NOON)
    later = await store.oldest_held({Lane.CARD: NOON + 2 * MINUTE}, now=NOON)
    over = await store.oldest_held({Lane.CARD: NOON + 3 * MINUTE}, now=NOON + 2 * MINUTE)
    other = await store.oldest_held({Lane.DIGEST: NOON + 2 * MINUTE}, now=NOON)

    assert (soon, later, over, other) == ({}, {Lane.CARD: NOON - MINUTE}, {}, {})


async def test_what_was_done_is_not_held(store: Store) -> None:
    await store.commit(jobs_change(a_job("done"), a_job("given back")))
    jobs = {one.job.key: one.lease for one in await leased(store)}

    await store.finish(jobs["done"])
    await store.retry(jobs["given back"], due=NOON + MINUTE, failed=False)

    assert await store.oldest_held({Lane.CARD: NOON + MINUTE}, now=NOON) == {}
