"""Measures how late the event loop does what it was asked to do."""

import asyncio
from collections.abc import Callable

EVERY = 0.5  # seconds between two looks


class LoopLag:
    """Asks to be woken at a time, and tells *told* how many seconds later that was."""

    def __init__(self, told: Callable[[float], None], *, every: float = EVERY) -> None:
        self._told = told
        self._every = every

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._every
            await asyncio.sleep(self._every)
            self._told(max(0.0, loop.time() - due))
