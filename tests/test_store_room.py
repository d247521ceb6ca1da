"""How a store hands out no more jobs of a scope than there is room for, whichever it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from approvals_core.models import Lane, LeasedJob, tenant_scope
from approvals_core.ports import Store
from tests.store_makers import MINUTE, NOON, a_job, jobs_change

HUNG, QUICK, SLOW = (tenant_scope(name) for name in ("hung", "quick", "slow"))


async def fill(store: Store, scope: str, count: int, *, ago: int) -> None:
    jobs = (a_job(f"{n}", due=NOON - timedelta(seconds=ago) - n * MINUTE) for n in range(count))
    await store.commit(jobs_change(*jobs, scope=scope, id=scope))


async def lease(store: Store, room: Mapping[str, int], *, limit: int = 32) -> Sequence[LeasedJob]:
    return await store.lease(
        [Lane.CARD], limit=limit, now=NOON, until=NOON + MINUTE, room=lambda scope: room[scope]
    )


def shares(jobs: Sequence[LeasedJob]) -> Mapping[str, int]:
    return Counter(one.lease.scope for one in jobs)


async def test_a_scope_without_room_is_passed_over_however_much_it_has(store: Store) -> None:
    await fill(store, HUNG, 300, ago=600)
    await fill(store, QUICK, 3, ago=1)

    leased = await lease(store, {HUNG: 0, QUICK: 8})

    assert shares(leased) == {QUICK: 3}


@pytest.mark.parametrize("limit", [5, 20, 64])
async def test_no_more_than_the_room_is_handed_out(store: Store, limit: int) -> None:
    await fill(store, HUNG, 40, ago=600)
    await fill(store, SLOW, 40, ago=300)
    await fill(store, QUICK, 2, ago=1)

    given = shares(await lease(store, {HUNG: 3, SLOW: 8, QUICK: 8}, limit=limit))

    assert given[HUNG] <= 3
    assert given[SLOW] <= 8
    assert given[QUICK] >= 1
    assert sum(given.values()) <= limit


@pytest.mark.parametrize("limit", [20, 64])
async def test_all_the_room_there_is_gets_used(store: Store, limit: int) -> None:
    await fill(store, HUNG, 40, ago=600)
    await fill(store, QUICK, 2, ago=1)

    first = shares(await lease(store, {HUNG: 3, QUICK: 8}, limit=limit))
    rest = await lease(store, {HUNG: 50, QUICK: 8}, limit=64)

    assert first == {HUNG: 3, QUICK: 2}
    assert shares(rest) == {HUNG: 37}


async def test_nobody_has_room(store: Store) -> None:
    await fill(store, HUNG, 3, ago=1)

    assert await lease(store, {HUNG: 0}) == []
    assert shares(await lease(store, {HUNG: 9})) == {HUNG: 3}


async def test_what_is_passed_over_does_not_count_as_next(store: Store) -> None:
    await fill(store, HUNG, 5, ago=600)
    await fill(store, SLOW, 5, ago=300)
    later = jobs_change(a_job("later", due=NOON + MINUTE), scope=QUICK, id="later")
    await store.commit(later)

    assert await store.next_due([Lane.CARD], but_not=[HUNG, SLOW]) == NOON + MINUTE
    assert await store.next_due([Lane.CARD], but_not=[HUNG, SLOW, QUICK]) is None
    oldest_of_slow = NOON - timedelta(seconds=300) - 4 * MINUTE
    assert await store.next_due([Lane.CARD], but_not=[HUNG]) == oldest_of_slow


async def test_room_is_for_all_lanes_of_a_lease_together(store: Store) -> None:
    for lane in (Lane.CARD, Lane.REMINDER):
        jobs = (a_job(f"{lane} {n}", lane=lane) for n in range(6))
        await store.commit(jobs_change(*jobs, scope=HUNG, id=str(lane)))
    await store.commit(jobs_change(a_job(lane=Lane.DIGEST), scope=QUICK))

    found = await store.lease(
        tuple(Lane), limit=32, now=NOON, until=NOON + MINUTE, room=lambda _scope: 8
    )

    assert shares(found) == {HUNG: 8, QUICK: 1}
    assert Counter(one.job.lane for one in found) == {
        Lane.CARD: 6,
        Lane.REMINDER: 2,
        Lane.DIGEST: 1,
    }
