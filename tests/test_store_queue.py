"""What a store tells operators of its queue and beside it, and what it does with what it cannot read."""

import logging

import pytest
from redis.asyncio import Redis

from approvals_core.adapters.redis_store.keys import ScopeKeys
from approvals_core.models import DeadLetter, Disposition, Lane
from approvals_core.ports import JobCursor, PayloadCursor, Store
from tests.store_leases import keys, leased
from tests.store_makers import (
    KEY,
    MINUTE,
    NOON,
    SCOPE,
    a_change,
    a_job,
    a_payload,
    an_approval,
    jobs_change,
)
from tests.store_spoiling import spoil

OTHER = "t:other"


# -- the queue ----------------------------------------------------------------


async def test_a_queued_job_says_when_it_is_handed_out_and_how_often_it_failed(
    store: Store,
) -> None:
    await store.commit(jobs_change(a_job()))
    (first,) = await leased(store)
    await store.retry(first.lease, due=NOON + 2 * MINUTE, failed=True)

    waiting = await store.queued(SCOPE, "job")
    (second,) = await leased(store, now=NOON + 2 * MINUTE)
    held = await store.queued(SCOPE, "job")

    assert waiting is not None
    assert held is not None
    assert (waiting.next, waiting.leased, waiting.failures) == (NOON + 2 * MINUTE, False, 1)
    assert (held.next, held.leased, held.failures) == (second.lease.until, True, 1)
    assert (held.scope, held.key, held.lane) == (SCOPE, "job", Lane.CARD)
    assert held.job == second.job
    assert await store.queued(SCOPE, "other") is None


async def test_jobs_of_all_lanes_are_paged_by_time_then_key(store: Store) -> None:
    times = {"e": 2, "b": 1, "d": 1, "a": 1, "c": 1}
    lanes = [Lane.DIGEST, Lane.CARD, Lane.DECISION, Lane.CARD, Lane.CARD]
    jobs = [
        a_job(key, due=NOON + minutes * MINUTE, lane=lane)
        for (key, minutes), lane in zip(times.items(), lanes, strict=True)
    ]
    await store.commit(jobs_change(*jobs))
    await store.commit(jobs_change(a_job("x"), scope=OTHER))

    pages: list[list[str]] = []
    after: JobCursor | None = None
    while len(pages) < 9:
        page = await store.jobs(SCOPE, after=after, limit=2)
        pages.append([one.key for one in page.jobs])
        after = page.after
        if after is None:
            break

    assert pages == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_page_of_jobs_ends_behind_many_of_the_same_time(store: Store) -> None:
    names = [f"{number:03d}" for number in range(25)]
    await store.commit(jobs_change(*(a_job(name) for name in names)))

    page = await store.jobs(SCOPE, after=JobCursor(next=NOON, key="019"), limit=3)

    assert [one.key for one in page.jobs] == ["020", "021", "022"]


# -- what cannot be read ----------------------------------------------------------


async def test_a_job_that_cannot_be_read_holds_up_no_other_and_stays(
    store: Store, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await store.commit(jobs_change(a_job("bad"), a_job("good", due=NOON + MINUTE / 2)))
    await spoil(store_url, "bad")

    with caplog.at_level(logging.ERROR):
        first = await leased(store, now=NOON + MINUTE / 2, limit=1)
    second = await leased(store, now=NOON + MINUTE / 2, limit=1)

    assert keys([*first, *second]) == ["good"]
    told = [r for r in caplog.records if r.getMessage() == "job_unreadable"]
    assert [vars(record)["job"] for record in told] == ["bad"]
    assert await store.job(SCOPE, "bad") is None
    listed = {one.key: one for one in (await store.jobs(SCOPE, limit=9)).jobs}
    assert set(listed) == {"bad", "good"}
    assert (listed["bad"].job, listed["bad"].leased) == (None, True)


async def test_a_job_that_cannot_be_read_is_done_once_it_is_asked_for_anew(
    store: Store, store_url: str
) -> None:
    await store.commit(jobs_change(a_job("bad")))
    await spoil(store_url, "bad")
    await leased(store)

    await store.commit(jobs_change(a_job("bad"), id="anew"))

    assert keys(await leased(store, now=NOON + MINUTE)) == ["bad"]


async def test_a_text_that_is_no_job_at_all_holds_up_no_other(
    store: Store, store_url: str, redis_url: str
) -> None:
    await store.commit(jobs_change(a_job("bad"), a_job("good", due=NOON + MINUTE / 2)))
    if store_url == redis_url:
        async with Redis.from_url(redis_url) as client:
            await client.hset(ScopeKeys(SCOPE).jobs, "bad", "what is this")
    else:
        await spoil(store_url, "bad")

    handed_out = [
        *await leased(store, now=NOON + MINUTE / 2, limit=1),
        *await leased(store, now=NOON + MINUTE / 2, limit=1),
    ]
    found = await store.queued(SCOPE, "bad")
    await store.commit(jobs_change(a_job("bad"), id="anew"))

    assert keys(handed_out) == ["good"]
    assert found is not None
    assert found.job is None
    assert keys(await leased(store, now=NOON + 2 * MINUTE)) == ["bad", "good"]


# -- beside it ----------------------------------------------------------------------


async def test_the_names_of_texts_are_told_without_the_texts(store: Store) -> None:
    texts: dict[str, str | None] = {"payload/2": "x" * 100_000, "details/Items": "{}"}
    await store.commit(a_change(bodies=texts))
    await store.commit(a_change(an_approval(version=2), id="2", bodies={"payload/1": "{}"}))

    assert list(await store.body_names(KEY)) == ["details/Items", "payload/1", "payload/2"]
    assert list(await store.body_names(KEY._replace(number="other"))) == []


async def test_a_dead_letter_goes_with_the_change_that_answers_it(store: Store) -> None:
    letters = [
        DeadLetter(id=name, scope=SCOPE, job=a_job(name), error="KeyError", at=NOON)
        for name in ("1", "2")
    ]
    await store.commit(a_change(dead=letters[0]))
    await store.commit(a_change(an_approval(version=2), id="2", dead=letters[1]))

    await store.commit(a_change(an_approval(version=3), id="3", answers="1", jobs=(a_job(),)))

    assert list(await store.dead_letters(SCOPE)) == [letters[1]]
    assert await store.job(SCOPE, "job") is not None


async def test_payloads_that_came_too_late_are_listed_by_time(store: Store) -> None:
    kinds = [
        Disposition.SUPERSEDED,
        Disposition.APPLIED,
        Disposition.PARTIAL,
        Disposition.SUPERSEDED,
    ]
    payloads = [
        a_payload(
            id=f"payload-{9 - number}",
            digest=str(number),
            disposition=kind,
            received_at=NOON + number * MINUTE,
        )
        for number, kind in enumerate(kinds)
    ]
    for version, payload in enumerate(payloads, 1):
        change = a_change(an_approval(version=version), id=str(version), payload=payload)
        await store.commit(change)

    first = await store.late_payloads(SCOPE, limit=2)
    second = await store.late_payloads(SCOPE, after=first.after, limit=2)
    since = await store.late_payloads(SCOPE, after=PayloadCursor(at=NOON + 2 * MINUTE), limit=9)

    assert list(first.payloads) == [payloads[0], payloads[2]]
    assert list(second.payloads) == [payloads[3]]
    assert second.after is None
    assert list(since.payloads) == [payloads[2], payloads[3]]
    assert (await store.late_payloads(OTHER, limit=9)).payloads == ()
