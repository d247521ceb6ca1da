"""An event loop whose time passes only when everybody waits: hours of waiting in a moment."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


class _Selector(selectors.DefaultSelector):
    """Does not wait: the time that it should have waited has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("Everybody waits, and for nothing that time will bring.")
        self.now += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._own = _Selector()
        super().__init__(self._own)

    def time(self) -> float:
        return self._own.now


def run(make: Callable[[], Awaitable[Result]]) -> Result:
    """
    Run what *make* returns in a loop of its own; `asyncio.sleep` takes no time there.

    Nothing in it may wait for another thread, process or host. It may run in a thread of its own.
    """

    async def made() -> Result:
        return await make()

    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(made())
