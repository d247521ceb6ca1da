"""How many payloads a tenant may post, whichever process it posts them to."""

from typing import Any

import pytest
from aiohttp import web

from approvals_core.allowances import Allowances
from approvals_core.ports import Budgets, Store
from approvals_core.tenant import Tenant
from bots.tenants.quota import Quota
from tests.clock import Clock
from tests.shared_limits import ByOurClock, NoBudgets, most_within, patient
from tests.test_wire_out import a_tenant

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def allowing(count: int, **changes: Any) -> Tenant:
    limits = a_tenant().limits.model_copy(update={"payloads_per_minute": count})
    return a_tenant().model_copy(update={"limits": limits} | changes)


def a_process(budgets: Budgets | None, clock: Clock) -> Quota:
    return Quota(Allowances(budgets, monotonic=clock.monotonic))


async def refusal_of(quota: Quota, tenant: Tenant) -> web.HTTPException | None:
    try:
        await quota.take(tenant)
    except web.HTTPException as refusal:
        return refusal
    return None


async def taken(quota: Quota, tenant: Tenant) -> bool:
    return await refusal_of(quota, tenant) is None


async def test_two_processes_together_take_what_the_file_allows_and_no_more(
    store: Store, clock: Clock
) -> None:
    both = [a_process(ByOurClock(patient(store), clock.now), clock) for _ in range(2)]
    tenant, times = allowing(60), list[float]()

    for _ in range(600):
        for quota in both:
            if await taken(quota, tenant):
                times.append(clock.monotonic())
        clock.advance(0.3)

    assert most_within(times, 60.0) == 60
    assert most_within(times, 10.0) == 10
    assert len(times) >= 0.95 * 180


async def test_a_sixth_may_come_at_once_whoever_takes_it(store: Store, clock: Clock) -> None:
    both = [a_process(ByOurClock(patient(store), clock.now), clock) for _ in range(2)]
    tenant = allowing(6000)

    at_once = [await taken(quota, tenant) for _ in range(600) for quota in both]
    clock.advance(10.7)
    again = [await taken(quota, tenant) for _ in range(600) for quota in both]

    assert at_once.count(True) == 1000
    assert again.count(True) == 1000


async def test_who_is_refused_is_told_the_limit_and_when_to_come_again(
    store: Store, clock: Clock
) -> None:
    one, other = (a_process(ByOurClock(patient(store), clock.now), clock) for _ in range(2))
    tenant = allowing(12)
    await one.take(tenant)
    clock.advance(2.5)
    await one.take(tenant)

    refusal = await refusal_of(other, tenant)

    assert refusal is not None
    assert (refusal.status, refusal.headers["Retry-After"]) == (429, "8")
    assert "At most 12 payloads a minute, and 2 in 10 seconds" in (refusal.text or "")
    clock.advance(8)
    assert await taken(other, tenant)


async def test_a_flood_of_refused_payloads_costs_the_store_nothing(
    store: Store, clock: Clock
) -> None:
    budgets = ByOurClock(patient(store), clock.now)
    quota, tenant = a_process(budgets, clock), allowing(6)
    await quota.take(tenant)
    await refusal_of(quota, tenant)
    asked = budgets.asked

    refused = [await taken(quota, tenant) for _ in range(1000)]

    assert not any(refused)
    assert budgets.asked == asked


async def test_many_payloads_cost_the_store_few_questions(store: Store, clock: Clock) -> None:
    budgets = ByOurClock(patient(store), clock.now)
    quota, tenant = a_process(budgets, clock), allowing(6000)

    for _ in range(1000):
        await quota.take(tenant)

    assert budgets.asked < 120


async def test_no_tenant_pays_for_another(store: Store, clock: Clock) -> None:
    quota = a_process(ByOurClock(patient(store), clock.now), clock)
    await quota.take(allowing(6))

    assert not await taken(quota, allowing(6))
    assert await taken(quota, allowing(6, document_type_id=OTHER))


async def test_a_limit_that_the_file_raises_counts_at_once(store: Store, clock: Clock) -> None:
    quota = a_process(ByOurClock(patient(store), clock.now), clock)
    await quota.take(allowing(6))
    assert not await taken(quota, allowing(6))

    assert await taken(quota, allowing(600))


async def test_without_the_store_a_tenant_is_not_shut_out(clock: Clock) -> None:
    quota, tenant = a_process(NoBudgets(), clock), allowing(6)

    assert await taken(quota, tenant)
    assert not await taken(quota, tenant)
