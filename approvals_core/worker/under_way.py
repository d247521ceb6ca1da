"""What a worker is busy with, and how much more it takes on: of each tenant only so much."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

from approvals_core.ending import WRITTEN_WITHIN
from approvals_core.models import LeasedJob, tenant_of
from approvals_core.ports import Tenants

UNKNOWN_TENANT = 8  # jobs at once of a tenant whose file was taken away
BROKEN_OFF_WITHIN = 2.0  # seconds for a job to stop that is told to
LOOK = 32  # jobs leased at one look, where there is no other bound


class UnderWay:
    """
    The jobs of some lanes that are being done.

    *places* tells how many there may be in all, None: as many as all scopes together may
    have. *most* tells how many a scope may have, None: as many as there are places.
    """

    def __init__(
        self, *, places: Callable[[], int] | None, most: Callable[[str], int] | None
    ) -> None:
        self._places = places
        self._most = most
        self._tasks: dict[asyncio.Task[None], LeasedJob] = {}
        self._of: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """Return how many jobs may be leased now."""
        return LOOK if self._places is None else self._places() - len(self._tasks)

    def room(self, scope: str) -> int:
        """Return how many more jobs of *scope* may be begun."""
        return self.free if self._most is None else max(0, self._most(scope) - self._of[scope])

    def full(self) -> Collection[str]:
        """Return the scopes of which no more jobs may be begun."""
        return [scope for scope in self._of if self.room(scope) <= 0]

    def begin(
        self, leased: LeasedJob, work: Coroutine[None, None, None], done: Callable[[], None]
    ) -> None:
        """Do *work*, which is what *leased* asks for; call *done* when its place is free again."""
        task, scope = asyncio.create_task(work), leased.lease.scope
        self._tasks[task] = leased
        self._of[scope] += 1

        def ended(task: asyncio.Task[None]) -> None:
            del self._tasks[task]
            self._of[scope] -= 1
            self._of += Counter()  # forget the scopes that have none
            done()

        task.add_done_callback(ended)

    async def finished(self) -> None:
        """Wait until nothing is under way any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def break_off(self, writing: Collection[asyncio.Task[Any]]) -> Sequence[LeasedJob]:
        """
        Stop all that is being done; return the jobs that were stopped.

        Those that are *writing* have some time for it: what they know nobody could find out again.
        """
        left = dict(self._tasks)
        await _stopped([task for task in left if task not in writing])
        if answered := [task for task in left if not task.done()]:
            await asyncio.wait(answered, timeout=WRITTEN_WITHIN)
        await _stopped([task for task in left if not task.done()])
        return [leased for task, leased in left.items() if task.cancelled()]


async def _stopped(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=BROKEN_OFF_WITHIN)


def posts_of(tenants: Tenants) -> Callable[[str], int]:
    """Return how many decisions a tenant's scope may post at once: what its API takes."""
    return lambda scope: _calls(tenants, scope)


def readings_of(tenants: Tenants) -> Callable[[str], int]:
    """Return how much may be read at once in a tenant's scope: half of what its API takes."""
    return lambda scope: max(1, _calls(tenants, scope) // 2)


def _calls(tenants: Tenants, scope: str) -> int:
    tenant = tenants.by_id(tenant_of(scope))
    return UNKNOWN_TENANT if tenant is None else tenant.api.calls
