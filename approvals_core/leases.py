"""Keeps the jobs that are being done ours, however long they take."""

import asyncio
import logging
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from approvals_core.errors import LeaseLost
from approvals_core.models import Lane, Lease, LeasedJob, QueuedJob
from approvals_core.ports import Store
from approvals_core.rules.deciding import POST_LEASE

log = logging.getLogger(__name__)

LEASE = 30.0  # seconds after which the jobs of a worker that died are another's
RENEW_EVERY = 5.0  # seconds; so a store may be away for most of a lease, and nothing is done twice


class Leases:
    """
    The leases of the jobs under way in this process, renewed while they last.

    So a lease is short, for the sake of those whose worker died, and no job needs to end within
    it. One that another worker took (this process stood still, or the store was away, for longer
    than a lease) is renewed no more. It is not broken off, for half a job would leave more behind
    than a whole one: what it commits at its end is refused, and it cleans up after itself.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._kept: dict[Lease, float] = {}  # as it was handed out -> seconds

    @contextmanager
    def kept(self, leased: LeasedJob) -> Generator[None]:
        """Have the job's lease renewed until the block ends."""
        lease = leased.lease
        self._kept[lease] = lease_of((leased.job.lane,))
        try:
            yield
        finally:
            self._kept.pop(lease, None)

    async def run(self, every: float = RENEW_EVERY) -> None:
        """Renew all leases *every* so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(every)
            await self.renew()

    async def renew(self) -> None:
        """Renew the leases of all jobs under way; one that fails is tried again the next time."""
        await asyncio.gather(*(self._renew(lease) for lease in list(self._kept)))

    async def _renew(self, lease: Lease) -> None:
        seconds = self._kept.get(lease)
        if seconds is None:
            return  # it ended while the others were begun
        until = self._now() + timedelta(seconds=seconds)
        try:
            await self._store.renew(lease, until=until)
        except LeaseLost:
            if self._kept.pop(lease, None) is not None:  # else it ended meanwhile
                log.warning("lease_taken", extra={"job": lease.job})
        except Exception:  # whatever a store raises must not end what keeps all others
            log.warning("lease_not_renewed", extra={"job": lease.job}, exc_info=True)


def ends_of_the_silent(now: datetime) -> Mapping[Lane, datetime]:
    """
    Return by lane when a lease ends at the latest that was not renewed for half its time.

    Whoever holds it is dead, stands still, or does not reach the store.
    """
    return {lane: now + timedelta(seconds=lease_of((lane,)) / 2) for lane in Lane}


def silence_of(queued: QueuedJob, now: datetime) -> timedelta | None:
    """
    Return for how long the holder of a job is silent, if that is half of its lease or more.

    None: nobody holds it, its lease is over, or its holder renewed it as he should.
    """
    if not queued.leased or not now < queued.next <= ends_of_the_silent(now)[queued.lane]:
        return None
    return timedelta(seconds=lease_of((queued.lane,))) - (queued.next - now)


def lease_of(lanes: Collection[Lane]) -> float:
    """Return for how many seconds jobs of these lanes are handed out."""
    return POST_LEASE if Lane.DECISION in lanes else LEASE
