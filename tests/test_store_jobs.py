"""What becomes of a job that was asked for, in whichever store."""

from datetime import datetime, timedelta

import pytest

from approvals_core.errors import LeaseLost
from approvals_core.models import Lane, Lease
from approvals_core.ports import Store
from tests.store_leases import keys, leased
from tests.store_makers import (
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_lease,
    a_receipt,
    an_approval,
    jobs_change,
)

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


async def the_lease(store: Store, now: datetime = NOON) -> Lease:
    (job,) = await leased(store, now=now)
    return job.lease


async def test_a_due_job_is_handed_out_once(store: Store) -> None:
    job = a_job()
    await store.commit(jobs_change(job, a_job("later", due=NOON + SECOND)))

    first, second = await leased(store), await leased(store)

    assert [(one.job, one.failures) for one in first] == [(job, 0)]
    assert (first[0].lease.scope, first[0].lease.job) == (SCOPE, "job")
    assert first[0].lease.until == NOON + MINUTE
    assert list(second) == []


async def test_a_finished_job_is_forgotten(store: Store) -> None:
    await store.commit(jobs_change(a_job()))

    await store.finish(await the_lease(store))

    assert await store.job(SCOPE, "job") is None
    assert await store.next_due(list(Lane)) is None


async def test_an_expired_lease_is_handed_out_again_and_the_old_one_is_void(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    old = await the_lease(store)

    new = await the_lease(store, now=NOON + MINUTE)

    assert new.token != old.token
    with pytest.raises(LeaseLost):
        await store.finish(old)
    with pytest.raises(LeaseLost):
        await store.retry(old, due=NOON, failed=True)
    with pytest.raises(LeaseLost):
        await store.renew(old, until=NOON + 9 * MINUTE)
    await store.finish(new)


async def test_who_is_late_may_finish_as_long_as_nobody_else_has_the_job(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)
    await store.commit(jobs_change(a_job("other", due=NOON + 2 * MINUTE)))

    await store.finish(lease)

    assert await store.job(SCOPE, "job") is None


async def test_a_renewed_lease_lasts_longer(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)

    renewed = await store.renew(lease, until=NOON + 3 * MINUTE)

    assert renewed.until == NOON + 3 * MINUTE
    assert list(await leased(store, now=NOON + 2 * MINUTE)) == []
    assert await store.next_due(list(Lane)) == NOON + 3 * MINUTE
    await store.finish(renewed)


async def test_a_job_given_back_waits_and_counts_its_failures(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    for attempt in range(2):
        lease = await the_lease(store, now=NOON + attempt * MINUTE)
        await store.retry(lease, due=NOON + (attempt + 1) * MINUTE, failed=True)

    assert list(await leased(store, now=NOON + 2 * MINUTE - SECOND)) == []
    (third,) = await leased(store, now=NOON + 2 * MINUTE)
    assert third.failures == 2
    assert third.job.due == NOON + 2 * MINUTE

    await store.retry(third.lease, due=NOON + 4 * MINUTE, failed=False)
    (fourth,) = await leased(store, now=NOON + 4 * MINUTE)
    assert fourth.failures == 0


@pytest.mark.parametrize(("asked", "due"), [(-1, -1), (1, 0)])
async def test_asked_for_again_a_job_keeps_the_earlier_time(
    store: Store, asked: int, due: int
) -> None:
    await store.commit(jobs_change(a_job()))

    await store.commit(jobs_change(a_job(due=NOON + asked * MINUTE), id="2"))

    assert await store.next_due(list(Lane)) == NOON + due * MINUTE
    job = await store.job(SCOPE, "job")
    assert job is not None
    assert job.due == NOON + due * MINUTE


async def test_asked_for_again_a_job_may_move_to_another_lane(store: Store) -> None:
    await store.commit(jobs_change(a_job(lane=Lane.DIGEST)))

    await store.commit(jobs_change(a_job(lane=Lane.DECISION), id="2"))

    assert keys(await leased(store, Lane.DIGEST)) == []
    assert keys(await leased(store, Lane.DECISION)) == ["job"]


@pytest.mark.parametrize("times", [(3, 5), (5, 3)])
async def test_asked_for_while_it_is_done_a_job_is_due_once_more(
    store: Store, times: tuple[int, ...]
) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)
    for seconds in times:
        await store.commit(jobs_change(a_job(due=NOON + seconds * SECOND, round=2)))
    assert list(await leased(store, now=NOON + 30 * SECOND)) == []

    await store.finish(lease)

    assert await store.next_due(list(Lane)) == NOON + 3 * SECOND
    (again,) = await leased(store, now=NOON + 3 * SECOND)
    assert (again.job.round, again.failures) == (2, 0)
    await store.finish(again.lease)
    assert await store.job(SCOPE, "job") is None


async def test_asked_for_while_it_fails_a_job_is_due_at_the_earlier_time(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)
    await store.commit(jobs_change(a_job(due=NOON + 3 * SECOND), id="2"))

    await store.retry(lease, due=NOON + 9 * MINUTE, failed=True)

    # At once would be without any pause.
    assert list(await leased(store, now=NOON + 5 * SECOND - MICROSECOND)) == []
    (again,) = await leased(store, now=NOON + 5 * SECOND)
    assert again.failures == 1
    await store.finish(again.lease)
    assert await store.job(SCOPE, "job") is None


@pytest.mark.parametrize(("failures", "patience"), [(1, 2), (2, 4), (5, 32), (6, 64), (9, 64)])
async def test_asked_for_again_a_job_that_fails_is_due_soon_but_not_at_once(
    store: Store, failures: int, patience: int
) -> None:
    await store.commit(jobs_change(a_job()))
    for number in range(failures):
        pause = HOUR if number == failures - 1 else 0 * HOUR
        await store.retry(await the_lease(store), due=NOON + pause, failed=True)

    for seconds in range(3):  # asked more often it does not wait longer
        await store.commit(jobs_change(a_job(due=NOON + seconds * SECOND), id=str(seconds)))

    assert await store.next_due(list(Lane)) == NOON + patience * SECOND
    (again,) = await leased(store, now=NOON + patience * SECOND)
    assert (again.failures, again.job.due) == (failures, NOON + patience * SECOND)


async def test_asked_for_again_a_job_that_fails_is_due_no_later_than_it_was(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    await store.retry(await the_lease(store), due=NOON + SECOND, failed=True)

    await store.commit(jobs_change(a_job(), id="2"))

    assert await store.next_due(list(Lane)) == NOON + SECOND


async def test_asked_for_again_a_job_that_was_put_off_and_did_not_fail_is_due_at_once(
    store: Store,
) -> None:
    await store.commit(jobs_change(a_job()))
    await store.retry(await the_lease(store), due=NOON, failed=True)
    lease = await the_lease(store)
    await store.commit(jobs_change(a_job(due=NOON + SECOND), id="2"))

    await store.retry(lease, due=NOON + HOUR, failed=False)

    assert await store.next_due(list(Lane)) == NOON + SECOND
    await store.commit(jobs_change(a_job(), id="3"))
    assert await store.next_due(list(Lane)) == NOON


async def test_who_takes_an_expired_job_over_does_what_was_asked_meanwhile(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    await the_lease(store)
    await store.commit(jobs_change(a_job(due=NOON + SECOND), id="2"))
    new = await the_lease(store, now=NOON + MINUTE)

    await store.finish(new)

    assert await store.job(SCOPE, "job") is None


async def test_who_takes_an_expired_job_over_leaves_what_is_asked_for_later(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    await the_lease(store)
    await store.commit(jobs_change(a_job(due=NOON + HOUR), id="2"))

    await store.finish(await the_lease(store, now=NOON + MINUTE))

    assert await store.next_due(list(Lane)) == NOON + HOUR


async def test_a_claimed_job_belongs_to_the_committer_at_once(store: Store) -> None:
    mine = a_lease()

    await store.commit(a_change(jobs=(a_job(),), claim=mine))

    assert list(await leased(store)) == []
    assert await store.next_due(list(Lane)) == mine.until
    await store.finish(mine)
    assert await store.job(SCOPE, "job") is None


async def test_a_claimed_job_whose_claimer_died_is_handed_out(store: Store) -> None:
    await store.commit(a_change(jobs=(a_job(),), claim=a_lease()))

    assert keys(await leased(store, now=NOON + MINUTE)) == ["job"]


async def test_a_claim_takes_the_job_over_from_whoever_had_it(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)
    await store.retry(lease, due=NOON, failed=True)
    theirs = await the_lease(store)
    mine = a_lease()

    await store.commit(a_change(jobs=(a_job(),), claim=mine))

    with pytest.raises(LeaseLost):
        await store.finish(theirs)
    await store.retry(mine, due=NOON, failed=True)
    (job,) = await leased(store)
    assert job.failures == 1  # theirs are not counted


async def test_a_commit_finishes_its_job(store: Store) -> None:
    await store.commit(jobs_change(a_job("done"), a_job("again")))
    jobs = {one.job.key: one.lease for one in await leased(store)}
    await store.commit(jobs_change(a_job("again", due=NOON + SECOND), id="2"))

    await store.commit(a_change(finish=jobs["done"]))
    await store.commit(a_change(an_approval(version=2), id="3", finish=jobs["again"]))

    assert keys(await leased(store, now=NOON + SECOND)) == ["again"]


async def test_a_commit_with_an_old_lease_changes_nothing(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)
    old = lease._replace(token="old")

    with pytest.raises(LeaseLost):
        await store.commit(a_change(finish=old, jobs=(a_job("new"),)))

    assert await store.approval(KEY) is None
    assert await store.job(SCOPE, "new") is None
    await store.finish(lease)


async def test_a_commit_may_ask_for_a_job_that_is_still_held_and_goes_on(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)

    await store.commit(a_change(held=lease))

    assert await store.approval(KEY) is not None
    await store.finish(lease)


@pytest.mark.parametrize("gone", ["taken", "finished", "given back"])
async def test_a_commit_by_a_job_that_is_not_held_any_more_changes_nothing(
    store: Store, gone: str
) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)
    if gone == "taken":
        await the_lease(store, now=NOON + HOUR)
    elif gone == "finished":
        await store.finish(lease)
    else:
        await store.retry(lease, due=NOON, failed=False)
    before = await store.queued(SCOPE, "job")
    change = {"jobs": (a_job("new"),), "receipts": (a_receipt(),)}

    with pytest.raises(LeaseLost):
        await store.commit(a_change(held=lease, **change))
    with pytest.raises(LeaseLost):
        await store.commit(jobs_change(id="2", held=lease, **change))

    assert await store.approval(KEY) is None
    assert list(await store.receipts(KEY)) == []
    assert await store.job(SCOPE, "new") is None
    assert await store.queued(SCOPE, "job") == before


async def test_a_commit_that_finishes_a_job_may_ask_for_it_anew(store: Store) -> None:
    await store.commit(jobs_change(a_job()))
    lease = await the_lease(store)

    await store.commit(a_change(finish=lease, jobs=(a_job(due=NOON + MINUTE),)))

    assert list(await leased(store)) == []
    (job,) = await leased(store, now=NOON + MINUTE)
    assert (job.job.due, job.failures) == (NOON + MINUTE, 0)
