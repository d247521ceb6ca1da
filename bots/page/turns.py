"""Turns at something that takes memory or time: a few for all, and fewer for each."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """
    Lets at most *at_once* work, and of each who shares in it at most *each*.

    Whoever has to wait for his own turns keeps none of those for all meanwhile.
    """

    def __init__(self, at_once: int, each: int) -> None:
        self._each = each
        self._of_all = asyncio.Semaphore(at_once)
        self._of_each: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def one(self, *sharing: Hashable, within: float) -> AsyncIterator[None]:
        """
        Hold a turn of each of *sharing*, who are named in the same order everywhere.

        Raises:
            TimeoutError: There was none *within* so many seconds.
        """
        async with AsyncExitStack() as held:
            async with asyncio.timeout(within):
                for who in sharing:
                    own = self._of_each.setdefault(who, asyncio.Semaphore(self._each))
                    await held.enter_async_context(own)
                await held.enter_async_context(self._of_all)
            yield
