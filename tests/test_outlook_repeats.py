"""A press that arrives more than once: the later ones wait for the first, and not for ever."""

import asyncio

import pytest

from bots.outlook.repeats import Led, Pressed, Repeats


class Press:
    """A press that ends when the test says so."""

    def __init__(self, led: Led = Led.DECIDED) -> None:
        self.times = 0
        self.may_end = asyncio.Event()
        self._led = led

    async def __call__(self) -> Pressed:
        self.times += 1
        await self.may_end.wait()
        return Pressed(self._led, {"number": self.times})


async def under_way(repeats: Repeats, key: str, press: Press) -> "asyncio.Task[Pressed | Led]":
    """Begin a press, and return once it runs."""
    task = asyncio.create_task(repeats.first(key, press, patience=1.0))
    await asyncio.sleep(0)
    assert press.times == 1
    return task


async def test_a_repeat_waits_for_the_first_and_learns_what_it_led_to() -> None:
    repeats, press = Repeats(), Press()
    first = await under_way(repeats, "1", press)
    second = asyncio.create_task(repeats.first("1", press, patience=60.0))
    await asyncio.sleep(0)
    assert not second.done()

    press.may_end.set()

    assert await first == Pressed(Led.DECIDED, {"number": 1})
    assert await second is Led.DECIDED
    assert press.times == 1


async def test_a_repeat_whose_time_is_up_does_not_press_again() -> None:
    repeats, press = Repeats(), Press()
    first = await under_way(repeats, "1", press)

    assert await repeats.first("1", press, patience=0.0) is Led.RECORDING

    assert press.times == 1
    press.may_end.set()
    await first


async def test_what_led_nowhere_may_be_pressed_again() -> None:
    repeats, press = Repeats(), Press(Led.NOWHERE)
    press.may_end.set()
    await repeats.first("1", press, patience=1.0)

    assert await repeats.first("1", press, patience=1.0) == Pressed(Led.NOWHERE, {"number": 2})


async def test_a_press_that_failed_may_be_pressed_again() -> None:
    repeats, press = Repeats(), Press()
    first = await under_way(repeats, "1", press)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    press.may_end.set()

    assert await repeats.first("1", press, patience=1.0) == Pressed(Led.DECIDED, {"number": 2})


async def test_only_the_newest_presses_are_remembered() -> None:
    repeats, press = Repeats(most=2), Press()
    press.may_end.set()
    for key in ("1", "2", "3"):
        await repeats.first(key, press, patience=1.0)

    assert await repeats.first("3", press, patience=1.0) is Led.DECIDED
    assert await repeats.first("2", press, patience=1.0) is Led.DECIDED
    assert isinstance(await repeats.first("1", press, patience=1.0), Pressed)
