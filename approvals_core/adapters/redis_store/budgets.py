"""Budgets in Redis: counted for all machines, by its clock."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from approvals_core.adapters.redis_store.scripts import HOLD, TAKE
from approvals_core.adapters.redis_store.wire import Command, Wire, call
from approvals_core.adapters.stored import micros
from approvals_core.allowances.log import SECOND
from approvals_core.errors import StoreUnavailable
from approvals_core.ports.budgets import LONGEST_HOLD, Grant, Windows

ANSWER_WITHIN = 2.0  # seconds; then whoever asks goes by what he knows himself


class RedisBudgets:
    """The `Budgets` of all machines. A take that is repeated takes twice, which harms nobody."""

    def __init__(self, wire: Wire, *, within: float = ANSWER_WITHIN) -> None:
        """
        *wire* is one that waits for no replica: a budget need not outlive its server.

        *within* is how many seconds an answer may take.
        """
        self._wire = wire
        self._within = within

    async def take(
        self,
        bucket: str,
        windows: Windows,
        *,
        most: int = 1,
        lasting: float = 0.0,
        now: datetime | None = None,
    ) -> Grant:
        limits = [number for count, period in windows for number in (count, _whole(period))]
        arguments = (_time(now), most, _whole(lasting), *limits)
        permits, wait = await self._answer(call(TAKE, [_key(bucket)], arguments))
        return Grant(int(permits), int(wait) / SECOND)

    async def hold(self, bucket: str, seconds: float, *, now: datetime | None = None) -> None:
        arguments = (_time(now), _whole(min(seconds, LONGEST_HOLD)))
        await self._answer(call(HOLD, [_key(bucket)], arguments))

    async def _answer(self, command: Command) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._within):
                (answer,) = await self._wire.send(command)
        except TimeoutError as problem:
            raise StoreUnavailable("Redis: no answer in time") from problem
        return answer


def _key(bucket: str) -> str:
    # A name may hold whatever a far side made up; and each bucket may lie on another node.
    return f"approvals:{{budget:{sha256(bucket.encode()).hexdigest()[:32]}}}"


def _whole(seconds: float) -> int:
    return round(seconds * SECOND)


def _time(now: datetime | None) -> str | int:
    return "" if now is None else micros(now)
