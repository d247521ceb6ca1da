"""How long those wait in the tests who press a button: for their answer, or until the test says that they wait no longer."""

import asyncio
import math
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from approvals_core.deadlines import Deadlines

TOO_LATE = math.inf  # seconds since a click arrived for which no time is left

_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience(Deadlines):
    """
    Longer deadlines than we promise: a machine that stands still for seconds changes no answer.

    A click waits for eight seconds; Teams and Outlook give up after fifteen.
    """

    tenant: float = 16.0
    click: float = 16.0
    building: float = 8.0
    array: float = 20.0
    teams: float = 14.0
    outlook: float = 14.0
    keys: float = 30.0
    probe: float = 20.0
    _over: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    async def wait(self, task: asyncio.Task[Any], elapsed: float) -> None:
        ending = asyncio.create_task(self._over.wait())
        await asyncio.wait(
            {task, ending}, timeout=self.patience(elapsed), return_when=asyncio.FIRST_COMPLETED
        )
        ending.cancel()

    async def until(self, so_far: Awaitable[object], asking: Coroutine[Any, Any, _T]) -> _T:
        """Let somebody ask who waits no longer once it is *so_far*; return his answer."""
        asked, over = asyncio.create_task(asking), asyncio.ensure_future(so_far)
        await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
        self._over.set()
        try:
            return await asked
        finally:
            self._over.clear()
            over.cancel()
