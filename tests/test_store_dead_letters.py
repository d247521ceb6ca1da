"""A job that was given up holds up no other, whoever else writes to the store."""

from datetime import timedelta

from approvals_core.models import HOUSE, DeadLetter, Lane
from approvals_core.ports import Store
from tests.store_makers import MINUTE, NOON, SCOPE, a_job, jobs_change


async def test_dead_letters_hold_up_no_job_also_where_the_house_has_written(store: Store) -> None:
    given_up = DeadLetter(id="1", scope=SCOPE, job=a_job("old"), error="KeyError", at=NOON)
    await store.commit(jobs_change(id="house", scope=HOUSE, notes={"a": "b"}))
    await store.commit(jobs_change(a_job("new"), id="tenant", dead=given_up))

    leased = await store.lease(
        [Lane.CARD],
        limit=9,
        now=NOON + timedelta(hours=1),
        until=NOON + timedelta(hours=1) + MINUTE,
    )

    assert [each.job.key for each in leased] == [a_job("new").key]
    assert (await store.depth(NOON)).dead == {SCOPE: 1}
    assert list(await store.dead_letters(HOUSE)) == []
