"""Asks the store how long its queue is, when Prometheus wants to know, and waits for no store that hangs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from approvals_core.adapters.telemetry.metrics import OTHERS, Seen
from approvals_core.errors import StoreError
from approvals_core.models import Lane, tenant_scope
from approvals_core.ports import Depth, Store, Tenants

FOR = 5.0  # seconds for which an answer is good: several may ask, and often
PATIENCE = 1.0  # seconds that one who asks waits

Held = Callable[[], Awaitable[Mapping[Lane, datetime]]]  # when what nobody looks after was due
Found = tuple[Depth, Mapping[Lane, datetime]]

log = logging.getLogger(__name__)


class QueueWatch:
    """Keeps *seen* up to date. There is never more than one question under way."""

    def __init__(
        self,
        seen: Seen,
        *,
        store: Store,
        tenants: Tenants,
        held: Held,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        self._seen = seen
        self._store = store
        self._tenants = tenants
        self._held = held
        self._now = now
        self._monotonic = monotonic
        self._patience = patience
        self._asking: asyncio.Task[Found] | None = None
        self._good_until = float("-inf")

    async def look(self) -> None:
        """
        Note what is known without the store, and read the queue anew.

        Not if that was done just now; what cannot be read stays as it was.
        """
        self._seen.take()
        if self._monotonic() < self._good_until:
            return
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking
        await asyncio.wait({asking}, timeout=self._patience)
        self._seen.store_up = asking.done() and self._take_in(asking)
        if asking.done() and self._asking is asking:
            self._asking = None

    async def close(self) -> None:
        """Give up the question that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> Found:
        return await self._store.depth(self._now()), await self._held()

    def _take_in(self, asking: asyncio.Task[Found]) -> bool:
        failure = asking.exception()
        if failure is not None:
            if not isinstance(failure, StoreError):
                log.error("queue_not_counted", exc_info=failure)
            return False
        self._show(*asking.result())
        self._good_until = self._monotonic() + FOR
        return True

    def _show(self, depth: Depth, held: Mapping[Lane, datetime]) -> None:
        now, seen = self._now(), self._seen
        seen.depth = depth
        seen.late = {
            lane: max(0.0, (now - min(found.next or now, held.get(lane, now))).total_seconds())
            for lane, found in depth.lanes.items()
        }
        codes = {tenant_scope(t.document_type_id): t.code for t in self._tenants.all()}
        dead = dict.fromkeys([*codes.values(), OTHERS], 0)
        for scope, count in depth.dead.items():
            dead[codes.get(scope, OTHERS)] += count
        seen.dead = dead
