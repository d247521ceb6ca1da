"""A tenant's own few calls at a time: who hangs there waits for nobody else, and nobody else for it."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from approvals_core.adapters.tenant_api.breaker import Circuit, Verdict
from approvals_core.tenant import Tenant

PATIENCE = 5.0  # seconds for which a call waits for a slot; the click's answer does not wait for it

log = logging.getLogger(__name__)


class NotMade(Exception):
    """A call was not made; *retry_after* in seconds, None where nobody knows."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class NoTurn(NotMade):
    """It was not even tried: other calls of the tenant are under way, or its breaker is open."""


@dataclass
class Passage:
    """The right to make one call. Its owner says in *verdict* what the call told of the tenant."""

    begun: int  # as `Circuit.begin` told it
    verdict: Verdict = Verdict.NOTHING


@dataclass(frozen=True)
class _Waiting:
    tenant: Tenant
    told: "asyncio.Future[Passage]"


class Bulkhead:
    """
    The slots and the breaker of one tenant, in this process.

    At most `api.calls` calls are under way, and at most half of them only read, so that
    reads alone never keep decisions out. Who waits for a slot waits *patience* seconds
    at most; decisions have their turn before reads, each in the order in which they came.
    """

    def __init__(self, *, clock: Callable[[], datetime], patience: float = PATIENCE) -> None:
        # One for decisions, one for what only reads: a broken Details API keeps no decision out.
        self._circuits = {True: Circuit(clock), False: Circuit(clock)}
        self._patience = patience
        self._busy = {True: 0, False: 0}  # decisions, and what only reads
        self._queues: dict[bool, deque[_Waiting]] = {True: deque(), False: deque()}

    @asynccontextmanager
    async def passage(self, tenant: Tenant, *, decides: bool) -> AsyncGenerator[Passage]:
        """
        Hold a slot while the block runs.

        Raises:
            NoTurn: None came free in time, or the breaker is open.
        """
        passage = await self._enter(tenant, decides=decides)
        try:
            yield passage
        finally:
            self._leave(tenant, passage, decides=decides)

    @property
    def paused(self) -> bool:
        """Tell whether the breaker lets no call through."""
        return any(each.paused() > 0 for each in self._circuits.values())

    @property
    def under_way(self) -> int:
        """How many calls are made just now."""
        return sum(self._busy.values())

    async def _enter(self, tenant: Tenant, *, decides: bool) -> Passage:
        if (pause := self._pause(decides=decides)) > 0:
            raise _paused(tenant, pause)
        queue = self._queues[decides]
        if not queue and self._room(tenant, decides=decides):
            return self._take(decides=decides)
        waiting = _Waiting(tenant, asyncio.get_running_loop().create_future())
        queue.append(waiting)
        try:
            async with asyncio.timeout(self._patience):
                return await waiting.told
        except BaseException as problem:
            self._give_up(waiting, decides=decides)
            if isinstance(problem, TimeoutError):
                busy = f"{self.under_way} calls of {tenant.name} wait for an answer already"
                raise NoTurn(busy) from None
            raise

    def _leave(self, tenant: Tenant, passage: Passage, *, decides: bool) -> None:
        self._busy[decides] -= 1
        circuit = self._circuits[decides]
        if circuit.end(passage.begun, passage.verdict, tenant.api.breaker):
            state = {"tenant": tenant.code, "paused": circuit.paused()}
            log.warning("tenant_breaker", extra=state)
        self._let_in()

    def _pause(self, *, decides: bool) -> float:
        """Return for how long nothing of this kind leaves: reads stop with decisions, never the reverse."""
        kinds = (True,) if decides else (True, False)
        return max(self._circuits[kind].paused() for kind in kinds)

    def _room(self, tenant: Tenant, *, decides: bool) -> bool:
        calls = tenant.api.calls
        if self.under_way >= calls or not self._circuits[decides].may_begin():
            return False
        return decides or self._busy[False] < max(1, calls // 2)

    def _take(self, *, decides: bool) -> Passage:
        self._busy[decides] += 1
        return Passage(self._circuits[decides].begin())

    def _let_in(self) -> None:
        """Give what is free to those who wait, decisions first; send them away while it is paused."""
        for decides, queue in self._queues.items():
            pause = self._pause(decides=decides)
            while queue and (pause > 0 or self._room(queue[0].tenant, decides=decides)):
                waiting = queue.popleft()
                if waiting.told.done():  # cancelled, and not yet gone
                    continue
                if pause > 0:
                    waiting.told.set_exception(_paused(waiting.tenant, pause))
                else:
                    waiting.told.set_result(self._take(decides=decides))

    def _give_up(self, waiting: _Waiting, *, decides: bool) -> None:
        """Leave the queue; a slot that was given in this very instant goes to the next one."""
        if waiting in self._queues[decides]:
            self._queues[decides].remove(waiting)
        told = waiting.told
        if told.done() and not told.cancelled() and told.exception() is None:
            self._leave(waiting.tenant, told.result(), decides=decides)


def _paused(tenant: Tenant, pause: float) -> NoTurn:
    return NoTurn(f"{tenant.name} does not answer at the moment", pause)
