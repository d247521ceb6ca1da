"""What tests of shared limits are made of: a store by the test's clock, one that fails, a clock for many."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from approvals_core.adapters.redis_store import RedisStore
from approvals_core.adapters.redis_store.budgets import RedisBudgets
from approvals_core.adapters.redis_store.wire import Wire
from approvals_core.errors import StoreUnavailable
from approvals_core.ports import Budgets, Grant, Store
from approvals_core.ports.budgets import Windows

Result = TypeVar("Result")
TURNS = 200  # of the loop, in which a crowd that waits for one another gets through


def most_within(times: Sequence[float], period: float) -> int:
    """Return how many of *times* fall into the fullest window of *period* seconds."""
    ordered, first, most = sorted(times), 0, 0
    for number, time in enumerate(ordered, 1):
        while ordered[first] <= time - period:
            first += 1
        most = max(most, number - first)
    return most


def patient(store: Store) -> Budgets:
    """Return the store's budgets; on Redis whoever asks waits longer than he would in front of a far side."""
    if isinstance(store, RedisStore):
        return RedisBudgets(Wire(store._servers, "counting"), within=30.0)
    return store.budgets


class ByOurClock:
    """Budgets of a store whose clock is the test's; counts what it is asked."""

    def __init__(self, budgets: Budgets, now: Callable[[], datetime]) -> None:
        self._budgets = budgets
        self._now = now
        self.asked = 0
        self.under_way = 0

    async def take(
        self,
        bucket: str,
        windows: Windows,
        *,
        most: int = 1,
        lasting: float = 0.0,
        now: datetime | None = None,
    ) -> Grant:
        self.asked += 1
        return await self._counted(
            self._budgets.take(bucket, windows, most=most, lasting=lasting, now=now or self._now())
        )

    async def hold(self, bucket: str, seconds: float, *, now: datetime | None = None) -> None:
        await self._counted(self._budgets.hold(bucket, seconds, now=now or self._now()))

    async def _counted(self, call: Awaitable[Result]) -> Result:
        self.under_way += 1
        try:
            return await call
        finally:
            self.under_way -= 1


class NoBudgets:
    """A store that cannot be asked: it says so, or never answers at all."""

    def __init__(self, *, hangs: bool = False) -> None:
        self._hangs = hangs
        self.asked = 0

    async def take(
        self,
        bucket: str,
        windows: Windows,
        *,
        most: int = 1,
        lasting: float = 0.0,
        now: datetime | None = None,
    ) -> Grant:
        await self._fail()
        return Grant(0)

    async def hold(self, bucket: str, seconds: float, *, now: datetime | None = None) -> None:
        await self._fail()

    async def _fail(self) -> None:
        self.asked += 1
        if self._hangs:
            await asyncio.Event().wait()
        raise StoreUnavailable("no store")


class CrowdClock:
    """A clock that many sleep by: it goes on to whoever wakes first once nobody has anything to do."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._numbers = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 15, tzinfo=UTC) + timedelta(seconds=self._seconds)

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        until = self._seconds + max(0.0, seconds)
        heapq.heappush(self._sleepers, (until, next(self._numbers), woken))
        await woken

    async def run(self, work: Awaitable[Result], *, idle: Callable[[], bool]) -> Result:
        """Let the time go on until *work* is done; not while somebody waits for what is not *idle*."""
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(TURNS):  # whoever can go on does, one after the other
                await asyncio.sleep(0)
            if idle() and self._sleepers and not task.done():
                self._seconds, _number, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    woken.set_result(None)
        return await task
