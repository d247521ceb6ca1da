"""How fast mails of one mailbox go out, by a clock that stands still until it is told."""

import asyncio

import pytest

from approvals_core.adapters.mail import MailPace
from approvals_core.allowances import Allowances
from approvals_core.errors import ChannelBusy, MailboxBusy
from approvals_core.ports import Budgets, Store
from tests.clock import Clock
from tests.shared_limits import ByOurClock, NoBudgets, most_within, patient


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_pace(clock: Clock, budgets: Budgets | None = None, *, per_minute: int = 3) -> MailPace:
    allowances = Allowances(budgets, monotonic=clock.monotonic)
    return MailPace(allowances, mailbox="approvals@contoso.com", at_once=2, per_minute=per_minute)


@pytest.fixture
def pace(clock: Clock) -> MailPace:
    return a_pace(clock)


async def send(pace: MailPace) -> None:
    async with pace.turn():
        pass


async def test_so_many_in_a_minute_and_no_more(pace: MailPace, clock: Clock) -> None:
    for _ in range(3):
        await send(pace)
        clock.advance(5)

    with pytest.raises(ChannelBusy) as busy:
        await send(pace)

    assert busy.value.retry_after == pytest.approx(45)
    clock.advance(busy.value.retry_after)
    await send(pace)


async def test_no_window_of_a_minute_holds_more(clock: Clock) -> None:
    pace = a_pace(clock, per_minute=30)
    times: list[float] = []
    while len(times) < 300:
        try:
            await send(pace)
            times.append(clock.monotonic())
        except ChannelBusy as busy:
            clock.advance(busy.retry_after)
        clock.advance(0.7)

    most = max(sum(start <= each < start + 60 for each in times) for start in times)
    assert most == 30


async def test_so_many_at_once_and_no_more(pace: MailPace) -> None:
    async with pace.turn(), pace.turn():
        with pytest.raises(ChannelBusy) as busy:
            await send(pace)

    assert busy.value.retry_after == 2
    await send(pace)


async def test_a_mail_that_was_not_let_out_does_not_count(pace: MailPace, clock: Clock) -> None:
    async with pace.turn(), pace.turn():
        for _ in range(5):
            with pytest.raises(ChannelBusy):
                await send(pace)

    await send(pace)


async def test_a_mail_that_fails_counts_and_frees_its_place(pace: MailPace) -> None:
    for _ in range(3):
        with pytest.raises(OSError, match="gone"):
            async with pace.turn():
                raise OSError("gone")

    with pytest.raises(ChannelBusy, match="our own pace"):
        await send(pace)


async def test_nothing_goes_out_while_the_mailbox_is_held(pace: MailPace, clock: Clock) -> None:
    await pace.hold(90, because="HTTP 429: Graph asks for a pause")
    await pace.hold(10, because="a passing failure")  # what asks for less does not take it back

    with pytest.raises(MailboxBusy) as busy:
        await send(pace)

    assert busy.value.retry_after == 90
    assert str(busy.value) == "HTTP 429: Graph asks for a pause"
    clock.advance(90)
    await send(pace)


# -- several processes, one mailbox --------------------------------------------


async def test_two_processes_keep_one_limit(store: Store, clock: Clock) -> None:
    both = [a_pace(clock, ByOurClock(patient(store), clock.now), per_minute=30) for _ in range(2)]
    times = list[float]()

    for _ in range(500):
        for pace in both:
            try:
                await send(pace)
            except MailboxBusy:
                continue
            times.append(clock.monotonic())
        clock.advance(0.7)

    assert most_within(times, 60.0) == 30


async def test_a_pause_that_one_process_is_asked_for_is_kept_by_all(
    store: Store, clock: Clock
) -> None:
    one, other = (a_pace(clock, ByOurClock(patient(store), clock.now)) for _ in range(2))
    await one.hold(90, because="HTTP 429: Graph asks for a pause")

    with pytest.raises(MailboxBusy, match="HTTP 429") as told:
        await send(one)
    with pytest.raises(MailboxBusy, match="another process of ours") as heard:
        await send(other)

    assert (told.value.retry_after, heard.value.retry_after) == (90, 90)
    clock.advance(90)
    await send(other)


async def test_a_mail_that_waits_for_the_store_has_its_place(clock: Clock) -> None:
    pace = a_pace(clock, NoBudgets(hangs=True))
    waiting = [asyncio.create_task(send(pace)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(ChannelBusy, match="at once"):
        await send(pace)

    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [each.cancelled() for each in waiting] == [True, True]
