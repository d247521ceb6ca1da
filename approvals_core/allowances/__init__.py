"""How fast things may go: limits that all processes of a house keep together."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from approvals_core.allowances.log import SECOND, TakenLog
from approvals_core.errors import StoreError
from approvals_core.ports.budgets import LONGEST_HOLD, Budgets, Grant, Windows

log = logging.getLogger(__name__)

ASK_AGAIN = 5.0  # seconds until a store that did not answer is asked again
# While the store does not answer, each process allows itself this part of every limit, and one
# permit at least: up to so many processes keep it even then.
SHARE = 4

Monotonic = Callable[[], float]  # seconds, never going back


class Allowances:
    """
    Makes allowances, and knows whether the store that they share can be asked.

    *budgets* None: this process is the only one, and has all of every limit. *now* None: what is
    shared goes by the store's clock, as it must with several machines.
    """

    def __init__(
        self,
        budgets: Budgets | None,
        *,
        monotonic: Monotonic,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._budgets = budgets
        self._now = now
        self.monotonic = monotonic
        self._alone_until = float("-inf")

    def of(self, bucket: str, *, lasting: float = 0.0, lot: int = 1) -> "Allowance":
        """
        Return the allowance named *bucket*.

        This process may take several permits at once, to use within *lasting* seconds: one at
        first, more while it uses them up in time, *lot* at most. So not each costs a question to
        the store; those that were not used count as if they were.
        """
        return Allowance(self, bucket, lasting=lasting, lot=lot)

    @property
    def share(self) -> int:
        """Return which part of every limit this process has by itself."""
        return 1 if self._budgets is None else SHARE

    async def take(
        self, bucket: str, windows: Windows, *, most: int, lasting: float
    ) -> Grant | None:
        """Return what the store gives; None if it cannot be asked."""
        if self._budgets is None or self.monotonic() < self._alone_until:
            return None
        try:
            return await self._budgets.take(
                bucket, windows, most=most, lasting=lasting, now=self._now and self._now()
            )
        except StoreError as problem:
            self._go_alone(problem)
            return None

    async def hold(self, bucket: str, seconds: float) -> None:
        """Tell all processes; if that does not work, each is told by itself sooner or later."""
        if self._budgets is None or self.monotonic() < self._alone_until:
            return
        try:
            await self._budgets.hold(bucket, seconds, now=self._now and self._now())
        except StoreError as problem:
            self._go_alone(problem)

    def _go_alone(self, problem: Exception) -> None:
        self._alone_until = self.monotonic() + ASK_AGAIN
        log.warning("limits_not_shared", extra={"why": str(problem)})


class Allowance:
    """One limit that all processes keep together, as this one sees it."""

    def __init__(self, shared: Allowances, bucket: str, *, lasting: float, lot: int) -> None:
        self._shared = shared
        self._bucket = bucket
        self._lasting = lasting
        self._most = lot
        self._log = TakenLog()  # what this process took
        self._refused: dict[Windows, float] = {}  # until when, as the store said
        self._asking = asyncio.Lock()
        self._lot = 1
        self._left = 0
        self._left_until = float("-inf")

    @property
    def idle_since(self) -> float:
        """Return since when nothing was taken, in the seconds of the clock."""
        return self._log.entries[-1][0] / SECOND if self._log.entries else float("-inf")

    def wait(self, windows: Windows) -> float:
        """Return the seconds until it makes sense to ask, as far as this process knows."""
        now = self._shared.monotonic()
        if self._has_left(now):
            return 0.0
        known = self._log.wait(windows, _micros(now)) / SECOND
        return max(known, self._refused.get(windows, now) - now)

    async def take(self, windows: Windows) -> float:
        """Take one permit: return 0.0 if there was one, else the seconds until it makes sense to ask."""
        async with self._asking:  # who comes meanwhile may find one left
            now = self._shared.monotonic()
            if self._has_left(now):
                self._left -= 1
                return 0.0
            if (wait := self.wait(windows)) > 0:
                return wait
            granted = await self._granted(windows, self._next_lot(now))
            if granted.permits:
                self._note(granted.permits, windows)
                self._lot, self._left = granted.permits, granted.permits - 1
                self._left_until = now + self._lasting
            else:
                self._refused[windows] = self._shared.monotonic() + granted.wait
            return granted.wait

    def put_back(self) -> None:
        """Leave one for somebody else of this process, as long as it lasts."""
        self._left += 1

    async def hold(self, seconds: float) -> None:
        """Take none for so long, at most `LONGEST_HOLD`, in any process."""
        self._left = 0
        self._log.hold(min(seconds, LONGEST_HOLD), _micros(self._shared.monotonic()))
        await self._shared.hold(self._bucket, seconds)

    def _has_left(self, now: float) -> bool:
        return self._left > 0 and now < self._left_until

    async def _granted(self, windows: Windows, most: int) -> Grant:
        granted = await self._shared.take(self._bucket, windows, most=most, lasting=self._lasting)
        if granted is not None:
            return granted
        mine = tuple((max(1, count // self._shared.share), period) for count, period in windows)
        wait = self._log.wait(mine, _micros(self._shared.monotonic()))
        return Grant(0, wait / SECOND) if wait > 0 else Grant(1)

    def _next_lot(self, now: float) -> int:
        """Return how many to ask for: more while they are used up in time, else what was used."""
        if not self._left and now < self._left_until:
            self._lot = min(self._most, 2 * self._lot)
        else:
            self._lot = max(1, self._lot - self._left)
        return self._lot

    def _note(self, permits: int, windows: Windows) -> None:
        now = _micros(self._shared.monotonic())
        self._log.note(now, permits, windows)
        self._log.forget(windows, now)


def _micros(seconds: float) -> int:
    return round(seconds * SECOND)
