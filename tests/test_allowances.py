"""Limits that several processes keep together, as one of them sees it."""

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.allowances import ASK_AGAIN, SHARE, Allowance, Allowances
from approvals_core.ports import Budgets, Store
from approvals_core.ports.budgets import Windows
from tests.clock import Clock
from tests.opened import opened
from tests.shared_limits import ByOurClock, NoBudgets, patient

FEW: Windows = ((8, 60.0),)
MANY: Windows = ((1000, 10.0),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(store: Store, clock: Clock) -> ByOurClock:
    return ByOurClock(patient(store), clock.now)


def a_process(
    budgets: Budgets | None, clock: Clock, *, lasting: float = 0.0, lot: int = 1
) -> Allowance:
    return Allowances(budgets, monotonic=clock.monotonic).of("one", lasting=lasting, lot=lot)


async def taken(*processes: Allowance, asks: int, windows: Windows = FEW) -> list[float]:
    return [await each.take(windows) for _ in range(asks) for each in processes]


async def test_two_processes_have_one_limit(budgets: ByOurClock, clock: Clock) -> None:
    waits = await taken(a_process(budgets, clock), a_process(budgets, clock), asks=5)

    assert waits == [0.0] * 8 + [60.0] * 2


async def test_a_process_by_itself_has_all_of_it(clock: Clock) -> None:
    waits = await taken(a_process(None, clock), asks=9)

    assert waits == [0.0] * 8 + [60.0]


async def test_who_was_refused_does_not_ask_until_then(budgets: ByOurClock, clock: Clock) -> None:
    one, other = a_process(budgets, clock), a_process(budgets, clock)
    await taken(one, asks=8)
    await taken(other, asks=1)
    asked = budgets.asked

    waits = await taken(one, other, asks=3)
    known = other.wait(FEW)
    clock.advance(60)
    later = await other.take(FEW)

    assert waits == [60.0] * 6
    assert known == 60.0
    assert budgets.asked == asked + 1
    assert later == 0.0


async def test_what_one_process_is_told_to_hold_all_hold(budgets: ByOurClock, clock: Clock) -> None:
    one, other = a_process(budgets, clock), a_process(budgets, clock)
    await one.hold(30)

    assert [await each.take(FEW) for each in (one, other)] == [30.0, 30.0]
    clock.advance(30)
    assert [await each.take(FEW) for each in (one, other)] == [0.0, 0.0]


# -- several at once ---------------------------------------------------------


async def test_a_busy_process_asks_seldom_and_the_limit_is_kept(
    budgets: ByOurClock, clock: Clock
) -> None:
    both = [a_process(budgets, clock, lasting=0.5, lot=10) for _ in range(2)]

    waits = await taken(*both, asks=600, windows=MANY)

    assert waits.count(0.0) == 1000
    assert budgets.asked < 130


async def test_a_slow_process_takes_no_more_than_it_uses(budgets: ByOurClock, clock: Clock) -> None:
    one, other = (a_process(budgets, clock, lasting=0.5, lot=10) for _ in range(2))
    windows: Windows = ((10, 60.0),)
    for _ in range(5):
        assert await one.take(windows) == 0.0
        clock.advance(1)

    waits = await taken(other, asks=5, windows=windows)

    assert waits == [0.0] * 5


async def test_what_was_not_used_in_time_is_lost_and_not_used_late(
    budgets: ByOurClock, clock: Clock
) -> None:
    one, other = (a_process(budgets, clock, lasting=0.5, lot=10) for _ in range(2))
    assert await taken(one, asks=2) == [0.0, 0.0]  # of one, and of two
    clock.advance(0.6)

    waits = [await each.take(FEW) for each in (one, other, other, other, other, other)]

    assert waits[:5] == [0.0] * 5
    assert waits[5] > 59


async def test_one_that_is_put_back_is_for_the_next(budgets: ByOurClock, clock: Clock) -> None:
    one = a_process(budgets, clock, lasting=0.5)
    await taken(one, asks=8)
    one.put_back()

    assert await one.take(FEW) == 0.0
    assert await one.take(FEW) > 0


async def test_nothing_taken_before_is_used_while_it_is_held(
    budgets: ByOurClock, clock: Clock
) -> None:
    one = a_process(budgets, clock, lasting=0.5, lot=10)
    await taken(one, asks=2)  # of three
    await one.hold(0.4)

    assert await one.take(FEW) == pytest.approx(0.4)


# -- a store that cannot be asked ---------------------------------------------


async def test_without_the_store_each_process_has_a_share(clock: Clock) -> None:
    processes = [a_process(NoBudgets(), clock) for _ in range(SHARE)]

    waits = await taken(*processes, asks=4)

    assert waits.count(0.0) == 8
    clock.advance(60)
    assert await processes[0].take(FEW) == 0.0


async def test_a_share_is_one_at_least(clock: Clock) -> None:
    waits = await taken(a_process(NoBudgets(), clock), asks=2, windows=((1, 60.0),))

    assert waits == [0.0, 60.0]


async def test_what_the_store_gave_before_counts_against_the_share(
    store_url: str, clock: Clock
) -> None:
    async with opened(open_store(store_url)) as store:
        one = a_process(ByOurClock(store.budgets, clock.now), clock)
        await taken(one, asks=3)

    assert await one.take(FEW) == 60.0


async def test_a_store_that_failed_is_left_alone_for_a_moment(clock: Clock) -> None:
    none = NoBudgets()
    allowances = Allowances(none, monotonic=clock.monotonic)
    await taken(*(allowances.of(str(n)) for n in range(9)), asks=1)
    await allowances.of("held").hold(30)
    first = none.asked

    clock.advance(ASK_AGAIN)
    await taken(*(allowances.of(str(n)) for n in range(9)), asks=1)

    assert (first, none.asked) == (1, 2)


async def test_what_is_held_stays_held_here_when_the_others_cannot_be_told(clock: Clock) -> None:
    one = a_process(NoBudgets(), clock)

    await one.hold(30)

    assert await one.take(FEW) == 30.0
