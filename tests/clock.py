"""A clock that stands still until it is told, or until somebody sleeps by it."""

import asyncio
from datetime import UTC, datetime, timedelta


class Clock:
    """Hand its methods to whatever wants the time; `slept` is what was slept so far."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime.now(UTC)
        self._began = self._at
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return (self._at - self._began).total_seconds()

    def advance(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)


class TickingClock(Clock):
    """
    Never shows the same time twice.

    Of what is due at the same time a store may hand out any first, and does so by
    random ids: what must go the same way each time uses this.
    """

    def now(self) -> datetime:
        self.advance(1e-6)
        return super().now()
