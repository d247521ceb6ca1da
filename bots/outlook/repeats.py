"""Presses that arrive more than once: each carries an Action-Request-Id, and the later ones wait for the first."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from enum import Enum, auto
from typing import NamedTuple

MOST = 2000  # presses remembered; a repeat comes within seconds


class Led(Enum):
    """What a press led to."""

    NOWHERE = auto()  # it was not taken: again it may be
    DECIDED = auto()
    RECORDING = auto()  # its commit had not answered when its own answer was due


class Pressed(NamedTuple):
    """The answer to a press."""

    led: Led
    card: dict[str, object]


class Repeats:
    """
    Knows the presses under way and the newest that are done.

    That nothing is decided twice does not hang on this: the place's attempt sees to it, also
    in another process and after a restart. This gives the second answer better words.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._firsts: OrderedDict[Hashable, asyncio.Future[Led]] = OrderedDict()

    async def first(
        self, key: Hashable, press: Callable[[], Awaitable[Pressed]], *, patience: float
    ) -> Pressed | Led:
        """
        Return what *press* gives; what an earlier one with this key led to, if that counts.

        An earlier one under way is waited for, up to *patience* in seconds; what is not
        known then counts as RECORDING.
        """
        earlier = self._firsts.get(key)
        if earlier is not None:
            await asyncio.wait({earlier}, timeout=patience)
            led = earlier.result() if earlier.done() else Led.RECORDING
            if led is not Led.NOWHERE:
                return led
        return await self._press(key, press)

    async def _press(self, key: Hashable, press: Callable[[], Awaitable[Pressed]]) -> Pressed:
        mine = self._firsts[key] = asyncio.get_running_loop().create_future()
        self._firsts.move_to_end(key)
        if len(self._firsts) > self._most:
            self._firsts.popitem(last=False)
        led = Led.NOWHERE
        try:
            pressed = await press()
            led = pressed.led
            return pressed
        finally:
            mine.set_result(led)
