"""Teams' limits when several processes talk to it: kept together, and a pause asked of one is all of theirs."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from approvals_core.adapters.stores import open_store
from approvals_core.allowances import SHARE, Allowances
from approvals_core.errors import ChannelBusy
from approvals_core.ports import Budgets, Store
from bots.teams.limits import CONVERSATION, FOR_CARDS, MANY_TOLD, TOLD_WITHIN, Pace
from tests.clock import Clock
from tests.opened import opened
from tests.shared_limits import ByOurClock, CrowdClock, NoBudgets, most_within, patient

CARDS, FEWER = 3000, 600
AT_ONCE = 32  # of each process


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_pace(budgets: Budgets | None, clock: Clock | CrowdClock, per_second: int = 50) -> Pace:
    allowances = Allowances(budgets, monotonic=clock.monotonic)
    return Pace(allowances, sleep=clock.sleep, per_second=per_second)


@asynccontextmanager
async def processes(url: str, clock: CrowdClock, count: int) -> AsyncIterator[list[ByOurClock]]:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(open_store(url))) for _ in range(count)]
        yield [ByOurClock(patient(store), clock.now) for store in stores]


async def sent_by(
    budgets: list[ByOurClock], clock: CrowdClock, cards: int, chat: Callable[[int], str]
) -> list[float]:
    """Let each process send cards as its worker does, as many at once; return when each went out."""
    numbers, times = iter(range(cards)), list[float]()

    async def slot(pace: Pace) -> None:
        for number in numbers:
            while True:
                try:
                    await pace.turn("directory", chat(number))
                except ChannelBusy as busy:
                    await clock.sleep(busy.retry_after)
                else:
                    break
            times.append(clock.monotonic())

    paces = [a_pace(each, clock) for each in budgets]
    slots = asyncio.gather(*(slot(pace) for pace in paces for _ in range(AT_ONCE)))
    await clock.run(slots, idle=lambda: not any(each.under_way for each in budgets))
    return times


async def test_several_processes_keep_a_directorys_limit_and_come_close_to_it(
    store_url: str,
) -> None:
    clock = CrowdClock()
    async with processes(store_url, clock, 3) as budgets:
        times = await sent_by(budgets, clock, CARDS, lambda number: f"chat {number}")

    assert most_within(times, 1.0) <= 50
    # 50 at once, then 50 in each second: within 5 percent.
    assert CARDS / 50 - 1 <= max(times) <= 1.05 * (CARDS / 50 - 1)


async def test_several_processes_keep_a_conversations_limits(store_url: str) -> None:
    clock = CrowdClock()
    async with processes(store_url, clock, 2) as budgets:
        times = await sent_by(budgets, clock, 120, lambda number: f"chat {number % 2}")

    for count, period in FOR_CARDS:
        assert most_within(times, period) <= 2 * count


async def test_one_conversation_of_two_processes_keeps_every_window(store_url: str) -> None:
    clock = CrowdClock()
    async with processes(store_url, clock, 2) as budgets:
        times = await sent_by(budgets, clock, 130, lambda _number: "chat")

    assert {period: most_within(times, period) for _, period in FOR_CARDS[:3]} == {
        period: count for count, period in FOR_CARDS[:3]
    }


async def test_a_crowd_costs_the_store_few_questions(store_url: str) -> None:
    clock = CrowdClock()
    async with processes(store_url, clock, 1) as budgets:
        await sent_by(budgets, clock, FEWER, lambda number: f"chat {number}")
        asked = budgets[0].asked

    # One for the conversation of each, and for the directory one for many.
    assert FEWER < asked < 1.4 * FEWER


async def test_an_answer_finds_the_room_that_another_process_cards_leave(
    store: Store, clock: Clock
) -> None:
    budgets = ByOurClock(patient(store), clock.now)
    one, other = a_pace(budgets, clock), a_pace(budgets, clock)
    for _ in range(FOR_CARDS[0][0]):
        await one.turn("directory", "chat")

    await other.turn("directory", "chat", answer=True)
    slept = list(clock.slept)
    await other.turn("directory", "chat", answer=True)

    assert CONVERSATION[0][0] - FOR_CARDS[0][0] == 1
    assert slept == []
    assert clock.slept != []


async def test_who_waits_for_his_conversation_leaves_his_directory_to_others(
    store: Store, clock: Clock
) -> None:
    later, asleep, slept = asyncio.Event(), asyncio.Event(), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        asleep.set()
        await later.wait()

    budgets = ByOurClock(patient(store), clock.now)
    elsewhere = a_pace(budgets, clock)
    for _ in range(FOR_CARDS[0][0]):
        await elsewhere.turn("other directory", "chat")
    allowances = Allowances(budgets, monotonic=clock.monotonic)
    pace = Pace(allowances, sleep=sleep, per_second=1)
    waiting = asyncio.create_task(pace.turn("directory", "chat"))
    async with asyncio.timeout(30):
        await asleep.wait()
        await pace.turn("directory", "another chat")

    clock.advance(2)
    later.set()
    await waiting

    assert slept == [pytest.approx(1)]


# -- what Teams asks for -------------------------------------------------------


async def test_a_pause_that_one_process_is_asked_for_holds_that_conversation_in_all(
    store: Store, clock: Clock
) -> None:
    budgets = ByOurClock(patient(store), clock.now)
    one, other = a_pace(budgets, clock), a_pace(budgets, clock)

    await one.hold("directory", "chat", 30)

    for pace in (one, other):
        with pytest.raises(ChannelBusy) as busy:
            await pace.turn("directory", "chat", answer=True)
        assert busy.value.retry_after == pytest.approx(30)
        await pace.turn("directory", "another chat")
    clock.advance(30)
    await other.turn("directory", "chat")
    assert clock.slept == []


async def test_many_conversations_told_at_once_hold_their_directory_and_no_other(
    store: Store, clock: Clock
) -> None:
    budgets = ByOurClock(patient(store), clock.now)
    one, other = a_pace(budgets, clock), a_pace(budgets, clock)

    for number in range(MANY_TOLD):
        await one.hold("directory", f"chat {number}", 30)

    with pytest.raises(ChannelBusy):
        await other.turn("directory", "somebody else's chat")
    await other.turn("other directory", "chat there")


async def test_conversations_told_long_after_each_other_do_not_hold_their_directory(
    clock: Clock,
) -> None:
    pace = a_pace(None, clock)

    for number in range(3 * MANY_TOLD):
        await pace.hold("directory", f"chat {number % 2}", 30)
        clock.advance(TOLD_WITHIN / 4)
    clock.advance(TOLD_WITHIN)
    for number in range(MANY_TOLD):
        await pace.hold("directory", f"quiet {number}", 30)
        clock.advance(TOLD_WITHIN / (MANY_TOLD - 1))

    await pace.turn("directory", "somebody else's chat")


# -- without the store ---------------------------------------------------------


async def test_without_the_store_a_process_goes_on_with_its_share(clock: Clock) -> None:
    pace = a_pace(NoBudgets(), clock)
    times = list[float]()

    for number in range(50):
        await pace.turn("directory", f"chat {number}")
        times.append(clock.monotonic())

    assert most_within(times, 1.0) == 50 // SHARE


async def test_a_directory_may_be_given_more(clock: Clock) -> None:
    pace = a_pace(None, clock, per_second=1000)

    for number in itertools.islice(itertools.count(), 1000):
        await pace.turn("directory", f"chat {number}")

    assert clock.slept == []
