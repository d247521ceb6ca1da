"""How fast cards and answers go out to Teams, by a clock that goes on when somebody waits."""

import asyncio
from collections.abc import Callable

import pytest

from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelBusy
from bots.teams.limits import CROWD, PATIENCE, Pace
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(Allowances(None, monotonic=clock.monotonic), sleep=clock.sleep)


def most_within(times: list[float], period: float) -> int:
    """Return how many of *times* fall into the fullest window of *period* seconds."""
    return max(sum(1 for t in times if start <= t < start + period) for start in times)


async def paced(
    clock: Clock, count: int, chats: Callable[[int], str], *, answer: bool = False
) -> list[float]:
    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=clock.sleep)
    times: list[float] = []
    for number in range(count):
        await pace.turn("directory", chats(number), answer=answer)
        times.append(round(clock.monotonic(), 6))
    return times


async def test_a_conversation_keeps_every_one_of_its_limits(clock: Clock) -> None:
    times = await paced(clock, 59, lambda _: "chat", answer=True)

    assert most_within(times, 1) == 7
    assert most_within(times, 2) == 8


async def test_cards_leave_room_for_answers(clock: Clock) -> None:
    times = await paced(clock, 53, lambda _: "chat")

    assert most_within(times, 1) == 6
    assert most_within(times, 2) == 7


async def test_a_conversation_that_used_up_its_half_minute_is_handed_back(
    clock: Clock, pace: Pace
) -> None:
    for _ in range(54):
        clock.advance(0.3)  # below the limits of one second and of two
        await pace.turn("directory", "chat")

    with pytest.raises(ChannelBusy) as told:
        await pace.turn("directory", "chat")

    assert told.value.retry_after == pytest.approx(30 - 53 * 0.3)
    for _ in range(6):
        clock.advance(0.3)
        await pace.turn("directory", "chat", answer=True)
    clock.advance(told.value.retry_after)
    await pace.turn("directory", "chat")


async def test_a_directory_keeps_its_limit_whatever_the_conversations(clock: Clock) -> None:
    times = await paced(clock, 200, lambda number: f"chat {number}")

    assert most_within(times, 1) == 50
    assert times[-1] == pytest.approx(3.0)


async def test_directories_do_not_wait_for_each_other(clock: Clock, pace: Pace) -> None:
    for number in range(50):
        await pace.turn("one", f"chat {number}")
        await pace.turn("other", f"chat {number} there")

    assert clock.slept == []


async def test_callers_go_in_the_order_in_which_they_came(clock: Clock, pace: Pace) -> None:
    went: list[int] = []

    async def go(number: int) -> None:
        await pace.turn("directory", "chat")
        went.append(number)

    await asyncio.gather(*(go(number) for number in range(12)))

    assert went == list(range(12))
    assert clock.monotonic() >= 2


async def test_a_crowd_before_one_conversation_is_sent_home(clock: Clock, pace: Pace) -> None:

    outcomes = await asyncio.gather(
        *(pace.turn("directory", "chat") for _ in range(35)), return_exceptions=True
    )

    assert sum(isinstance(one, ChannelBusy) for one in outcomes) == 35 - 6 - CROWD
    await pace.turn("directory", "another chat")


async def test_idle_conversations_are_forgotten(clock: Clock) -> None:
    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=clock.sleep, remember=10)
    for number in range(10):
        await pace.turn("directory", f"chat {number}")
    clock.advance(3601)

    await pace.turn("directory", "one more")

    assert pace.remembered == 1


async def test_busy_conversations_are_remembered_however_many(clock: Clock) -> None:
    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=clock.sleep, remember=10)
    for number in range(30):
        await pace.turn("directory", f"chat {number}")
    busy = pace.remembered
    clock.advance(3601)

    for number in range(20):
        await pace.turn("directory", f"later chat {number}")

    assert busy == 30
    assert pace.remembered == 20


# -- answers before cards ----------------------------------------------------------


async def go(pace: Pace, went: list[str], name: str, *, answer: bool = False) -> None:
    await pace.turn("directory", "chat", answer=answer)
    went.append(name)


async def test_an_answer_goes_before_the_cards_that_wait(clock: Clock, pace: Pace) -> None:
    went: list[str] = []
    cards = [asyncio.create_task(go(pace, went, f"card {n}")) for n in range(6 + CROWD)]
    await asyncio.sleep(0)
    already = len(went)

    await go(pace, went, "answer", answer=True)
    await asyncio.gather(*cards)

    assert already == 6
    assert went[6] == "answer"
    assert went[7:] == [f"card {n}" for n in range(6, 6 + CROWD)]


async def test_an_answer_is_not_sent_home_by_a_crowd_of_cards(clock: Clock, pace: Pace) -> None:
    went: list[str] = []
    cards = [asyncio.create_task(go(pace, went, "card")) for _ in range(100)]
    answers = [asyncio.create_task(go(pace, went, "answer", answer=True)) for _ in range(2)]

    await asyncio.gather(*answers)

    sent_home = await asyncio.gather(*cards, return_exceptions=True)
    assert sum(isinstance(each, ChannelBusy) for each in sent_home) == 100 - 6 - CROWD


async def test_an_answer_does_not_wait_for_cards_that_used_up_their_hour(
    clock: Clock, pace: Pace
) -> None:
    for _ in range(1620):
        clock.advance(0.6)
        await pace.turn("directory", "chat")

    with pytest.raises(ChannelBusy):
        await pace.turn("directory", "chat")
    await pace.turn("directory", "chat", answer=True)

    assert clock.slept == []


async def test_an_answer_that_comes_while_a_card_waits_for_the_directory_goes_first(
    clock: Clock,
) -> None:
    later, asleep, went = asyncio.Event(), asyncio.Semaphore(0), list[str]()

    async def sleep(_seconds: float) -> None:
        asleep.release()
        await later.wait()

    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=sleep)
    for number in range(50):
        await pace.turn("directory", f"chat {number}")
    both = [asyncio.create_task(go(pace, went, "card"))]
    await asleep.acquire()
    both.append(asyncio.create_task(go(pace, went, "answer", answer=True)))
    await asleep.acquire()

    clock.advance(1)
    later.set()
    await asyncio.gather(*both)

    assert went == ["answer", "card"]


async def test_a_card_that_was_overtaken_still_keeps_the_limits(clock: Clock) -> None:
    later, asleep, times = asyncio.Event(), asyncio.Semaphore(0), list[tuple[float, str]]()

    async def sleep(seconds: float) -> None:
        asleep.release()
        if later.is_set():
            clock.advance(seconds)
        await later.wait()

    async def timed(*, answer: bool) -> None:
        await pace.turn("directory", "chat", answer=answer)
        times.append((clock.monotonic(), "answer" if answer else "card"))

    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=sleep)
    for number in range(45):
        await pace.turn("directory", f"chat {number}")
    for _ in range(5):
        await timed(answer=False)
    waiting = [asyncio.create_task(timed(answer=False))]
    await asleep.acquire()  # for the directory, as its conversation is free
    waiting += [asyncio.create_task(timed(answer=True)) for _ in range(3)]
    await asleep.acquire()

    clock.advance(1)
    later.set()
    await asyncio.gather(*waiting)

    # Eight in two seconds are the most.
    assert times == [(0, "card")] * 5 + [(1, "answer")] * 3 + [(2, "card")]


async def test_somebody_who_gives_up_his_turn_holds_up_nobody(clock: Clock) -> None:
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.sleep(0)
        clock.advance(PATIENCE)

    pace = Pace(Allowances(None, monotonic=clock.monotonic), sleep=sleep)
    for _ in range(6):
        await pace.turn("directory", "chat")
    first = asyncio.create_task(pace.turn("directory", "chat"))
    second = asyncio.create_task(pace.turn("directory", "chat"))
    await asleep.wait()

    first.cancel()
    await second

    assert first.cancelled() or first.cancelling()
