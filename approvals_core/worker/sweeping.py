"""Has one worker of all look for what waits on nobody, every hour."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from approvals_core.models import HOUSE, Change, Job, JobKind, Lane, LeasedJob
from approvals_core.ports import Store

log = logging.getLogger(__name__)

KEY = "sweep"  # of the one job of the house


class Sweeping:
    """
    Keeps one job for all workers of a store, and does it when it is handed out.

    *mend* mends what waits on nobody, and returns how much there was. *every* is in seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        mend: Callable[[], Awaitable[int]],
        now: Callable[[], datetime],
        every: float,
    ) -> None:
        self._store = store
        self._mend = mend
        self._now = now
        self._every = every

    async def keep(self) -> None:
        """
        Write the job if there is none, as in a new store, or none that can be read.

        Raises:
            StoreError: Nobody knows whether it is there.
        """
        queued = await self._store.queued(HOUSE, KEY)
        if queued is None or queued.job is None:
            await self._store.commit(self._next())

    async def do(self, leased: LeasedJob) -> None:
        """
        Mend what waits on nobody, and leave the job for the next time.

        Raises:
            LeaseLost: Somebody else has the job.

            StoreError: Nobody knows whether it was left.
        """
        log.info("swept", extra={"mended": await self._mend()})
        await self._store.commit(self._next(leased))

    def _next(self, ends: LeasedJob | None = None) -> Change:
        due = self._now() + timedelta(seconds=self._every)
        job = Job(key=KEY, kind=JobKind.SWEEP, lane=Lane.DIGEST, due=due)
        finish = ends.lease if ends else None
        return Change(id=secrets.token_hex(16), scope=HOUSE, jobs=(job,), finish=finish)
