"""In which order a store hands jobs out, and to whom, whichever it is."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.models import Lane, tenant_scope
from approvals_core.ports import Store
from tests.opened import opened
from tests.store_leases import keys, leased
from tests.store_makers import MINUTE, NOON, a_change, a_job, jobs_change

SECOND = timedelta(seconds=1)


async def test_urgent_lanes_come_first_then_what_is_longest_due(store: Store) -> None:
    await store.commit(
        jobs_change(
            a_job("card", due=NOON - MINUTE),
            a_job("digest", lane=Lane.DIGEST, due=NOON - 9 * MINUTE),
            a_job("late", lane=Lane.DECISION, due=NOON),
            a_job("early", lane=Lane.DECISION, due=NOON - SECOND),
        )
    )

    assert keys(await leased(store)) == ["early", "late", "card", "digest"]


async def test_a_later_job_does_not_hide_an_earlier_one(store: Store) -> None:
    assert keys(await leased(store)) == []
    await store.commit(jobs_change(a_job("now")))

    await store.commit(jobs_change(a_job("later", due=NOON + MINUTE), id="2"))

    assert keys(await leased(store)) == ["now"]


async def test_only_the_lanes_asked_for_are_handed_out(store: Store) -> None:
    await store.commit(jobs_change(a_job("a", lane=Lane.DECISION), a_job("b", lane=Lane.DIGEST)))

    assert keys(await leased(store, Lane.DIGEST)) == ["b"]
    assert await store.next_due([Lane.CARD]) is None


async def test_no_more_than_the_limit_is_handed_out(store: Store) -> None:
    await store.commit(jobs_change(*(a_job(str(n), due=NOON - (9 - n) * SECOND) for n in range(5))))
    await store.commit(jobs_change(a_job("urgent", lane=Lane.DECISION)))

    assert keys(await leased(store, limit=3)) == ["urgent", "0", "1"]
    assert keys(await leased(store, limit=0)) == []


async def test_a_lease_ends_after_it_begins(store: Store) -> None:
    await store.commit(jobs_change(a_job()))

    with pytest.raises(ValueError, match="ends"):
        await store.lease([Lane.CARD], limit=1, now=NOON, until=NOON)


async def test_next_due_is_the_earliest_of_all_scopes(store: Store) -> None:
    for minute in (3, 1, 2):
        scope = tenant_scope(str(minute))
        await store.commit(jobs_change(a_job(due=NOON + minute * MINUTE), scope=scope))

    assert await store.next_due([Lane.CARD, Lane.DIGEST]) == NOON + MINUTE
    (first,) = await leased(store, now=NOON + MINUTE)
    assert await store.next_due([Lane.CARD]) == NOON + 2 * MINUTE
    await store.finish(first.lease)
    assert await store.next_due([Lane.CARD]) == NOON + 2 * MINUTE


async def test_of_many_who_ask_no_two_get_the_same_job(store: Store) -> None:
    for number in range(10):
        jobs = (a_job(f"{number}/{n}") for n in range(10))
        await store.commit(jobs_change(*jobs, scope=tenant_scope(str(number % 3))))

    rounds = [await asyncio.gather(*(leased(store, limit=7) for _ in range(10))) for _ in range(3)]

    found = Counter(one.job.key for asked in rounds for jobs in asked for one in jobs)
    assert len(found) == 100
    assert set(found.values()) == {1}


async def test_no_scope_waits_for_the_flood_of_another(store: Store) -> None:
    flood = (a_job(str(n), due=NOON - MINUTE) for n in range(500))
    await store.commit(jobs_change(*flood, scope=tenant_scope("flood")))
    for number in range(3):
        await store.commit(jobs_change(a_job("small"), scope=tenant_scope(str(number))))

    found = await leased(store, limit=8)

    scopes = Counter(one.lease.scope for one in found)
    assert scopes == {"t:flood": 5, "t:0": 1, "t:1": 1, "t:2": 1}


async def test_scopes_have_their_turn_when_there_are_more_than_asked_for(store: Store) -> None:
    for number in range(10):
        jobs = (a_job(str(n)) for n in range(5))
        await store.commit(jobs_change(*jobs, scope=tenant_scope(str(number))))

    found = [await leased(store, limit=4) for _ in range(5)]

    scopes = Counter(one.lease.scope for jobs in found for one in jobs)
    assert len(scopes) == 10
    assert set(scopes.values()) == {2}


async def test_no_job_is_overlooked_while_others_come_and_go(store: Store, store_url: str) -> None:
    async with opened(open_store(store_url)) as other:
        asked = {f"{scope}/{number}" for scope in range(3) for number in range(60)}
        done: list[str] = []

        async def ask() -> None:
            for name in sorted(asked, key=lambda name: name[::-1]):
                await store.commit(jobs_change(a_job(name), scope=tenant_scope(name[0])))

        async def work(mine: Store) -> None:
            while len(done) < len(asked):
                await asyncio.sleep(0)
                for one in await leased(mine, limit=3):
                    await mine.finish(one.lease)
                    done.append(one.job.key)

        async with asyncio.timeout(100):  # a slow disk, not a lost job
            await asyncio.gather(ask(), work(store), work(other))

        assert sorted(done) == sorted(asked)
        assert await store.next_due(list(Lane)) is None


async def test_what_one_store_commits_another_one_finds(store: Store, store_url: str) -> None:
    async with opened(open_store(store_url)) as other:
        assert list(await leased(other)) == []
        await store.commit(a_change(jobs=(a_job(),)))

        found = await leased(other)

        assert keys(found) == ["job"]
        assert list(await leased(store)) == []
        await other.finish(found[0].lease)
