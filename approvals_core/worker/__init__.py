"""Does the jobs that changes leave: converge cards, post decisions, find people, clean up."""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from approvals_core import tracing
from approvals_core.ending import Ending
from approvals_core.errors import LeaseLost, RetryAfter, StoreError
from approvals_core.leases import RENEW_EVERY, Leases, lease_of
from approvals_core.log_context import note
from approvals_core.models import MAIL_LANES, JobKind, Lane, LeasedJob, tenant_of
from approvals_core.ports import Room, Store, Tenants
from approvals_core.tenant import Tenant
from approvals_core.worker.cards import Cards
from approvals_core.worker.chores import Chores
from approvals_core.worker.fetching import Fetching
from approvals_core.worker.lateness import Lateness
from approvals_core.worker.mails import AT_ONCE, Turns
from approvals_core.worker.nights import Nights
from approvals_core.worker.reconciling import Reconciling
from approvals_core.worker.sweeping import Sweeping
from approvals_core.worker.under_way import UnderWay, posts_of, readings_of

log = logging.getLogger(__name__)

__all__ = ["Cards", "Chores", "Fetching", "Lateness", "Nights", "Reconciling", "Worker"]

MOST_FAILURES = 10  # then an operator looks at it: with the backoff about half an hour
WITHOUT_A_FILE = 300.0  # seconds until the jobs of a tenant that is not onboarded are tried again
FIRST_BACKOFF = 1.0  # seconds, doubling
LONGEST_BACKOFF = 300.0  # seconds
POLL = 1.0  # seconds between looks: commits of other processes wake nobody
SWEEP = 3600.0  # seconds between two looks for places that wait on nobody, of all workers together
SLOTS = 32  # jobs at once of the lanes that ask no tenant
# Of them, the most of one scope: cards of one tenant that all wait for a directory which is held
# leave room for the others'.
OF_ONE = 24

DECISIONS = (Lane.DECISION,)
THE_REST = (Lane.CARD, Lane.REMINDER, Lane.DIGEST)
READINGS = (Lane.TENANT,)
LINES = (DECISIONS, THE_REST, READINGS, MAIL_LANES)


class Worker:
    """
    Runs due jobs; any number of workers may share a store.

    Of what asks a tenant, each tenant has places of its own: the jobs of one that hangs are
    left in the store once those are taken, and take none from the others. So are mails, of
    which only so many are begun as *mails_at_once* tells.

    *poll* is the seconds between two looks for jobs, *sweep_every* those between two sweeps,
    *renew_every* those between two renewals of the leases of what is under way.
    """

    def __init__(
        self,
        *,
        store: Store,
        cards: Cards,
        chores: Chores,
        tenants: Tenants,
        now: Callable[[], datetime],
        mails_at_once: Callable[[], int] = lambda: AT_ONCE,
        jitter: Callable[[], float] = random.random,
        poll: float = POLL,
        sweep_every: float = SWEEP,
        renew_every: float = RENEW_EVERY,
    ) -> None:
        self._store = store
        self._cards = cards
        self._chores = chores
        self._tenants = tenants
        self._now = now
        self._mails_at_once = mails_at_once
        self._turns = Turns(store)
        self._jitter = jitter
        self._poll = poll
        self._leases = Leases(store, now=now)
        self._sweep_every = sweep_every
        self._sweeping = Sweeping(store, mend=self.sweep, now=now, every=sweep_every)
        self._renew_every = renew_every
        self._bells = [asyncio.Event() for _ in LINES]
        self._stopping = False
        self._ending = Ending()
        self._stopped = asyncio.Event()
        self._under_way = self._places()

    def wake(self) -> None:
        """Look for jobs at once: something was committed."""
        for bell in self._bells:
            bell.set()

    async def run(self) -> None:
        """Run until `stop`; then end when the jobs under way are done."""
        async with asyncio.TaskGroup() as parts:  # one that fails ends them all
            keeping = parts.create_task(self._leases.run(self._renew_every))
            lines = zip(LINES, self._bells, self._under_way, strict=True)
            serving = [parts.create_task(self._serve(*line)) for line in lines]
            await asyncio.wait([*serving, parts.create_task(self._keep_sweeping())])
            keeping.cancel()  # not before: what is under way at the end is kept, too

    def stop(self) -> None:
        """Take no more jobs, and put off those that have sent nothing yet: others have the time."""
        self._stopping = True
        self._ending.begin()
        self._stopped.set()
        self.wake()

    async def let_go(self) -> None:
        """
        Break off what is still being done, and give it back: another worker takes it at once.

        What was answered is written down first; so is that an answer was not waited for.
        """
        self._ending.over()
        writing = self._ending.writing
        ended = await asyncio.gather(*(each.break_off(writing) for each in self._under_way))
        broken_off = [job for jobs in ended for job in jobs]
        if broken_off:
            log.info("jobs_given_back", extra={"jobs": [each.job.key for each in broken_off]})
        await asyncio.gather(*(self._later(each, 0.0, failed=False) for each in broken_off))

    async def run_due(self, lanes: Sequence[Lane] = tuple(Lane), *, limit: int = SLOTS) -> int:
        """Do the jobs that are due now, side by side; return how many there were."""
        leased = await self._lease(lanes, limit)
        await asyncio.gather(*(self.run_one(job) for job in leased))
        return len(leased)

    async def run_one(self, leased: LeasedJob) -> None:
        """Do one job. The one broad except of the worker: whatever fails is tried again."""
        note(xcv="", tcv=leased.job.decision)
        tracing.follow(tracing.NONE)
        try:
            with self._ending.followed(), self._leases.kept(leased):
                await self._do(leased)
        except LeaseLost:
            log.info("lease_lost", extra={"job": leased.job.key})
        except RetryAfter as busy:
            await self._later(leased, busy.retry_after, failed=False)
        except Exception as failure:
            log.exception("job_failed", extra={"job": leased.job.key, "failures": leased.failures})
            with suppress(StoreError):
                await self._failed(leased, failure)

    async def keep_leases(self) -> None:
        """Renew the leases of the jobs under way, as `run` does now and then."""
        await self._leases.renew()

    async def sweep(self) -> int:
        """Mend what waits on nobody; return how much there was (expected: 0)."""
        return sum([await self._mend(tenant) for tenant in self._tenants.all()])

    def _places(self) -> tuple[UnderWay, ...]:
        return (
            UnderWay(places=None, most=posts_of(self._tenants)),
            UnderWay(places=lambda: SLOTS, most=lambda _scope: OF_ONE),
            UnderWay(places=None, most=readings_of(self._tenants)),
            UnderWay(places=self._mails_at_once, most=None),
        )

    async def _serve(self, lanes: Sequence[Lane], bell: asyncio.Event, under_way: UnderWay) -> None:
        while not self._stopping:
            bell.clear()
            for leased in await self._leased_safely(lanes, under_way):
                under_way.begin(leased, self.run_one(leased), bell.set)
            await self._rest(bell, await self._until_due(lanes, under_way))
        await under_way.finished()

    async def _leased_safely(
        self, lanes: Sequence[Lane], under_way: UnderWay
    ) -> Sequence[LeasedJob]:
        if under_way.free <= 0:
            return ()
        try:
            return await self._lease(lanes, under_way.free, under_way.room)
        except StoreError as problem:
            log.warning("store_unavailable", extra={"why": str(problem)})
        except Exception:
            # A record that cannot be read must not end the worker: others can be.
            log.exception("lease_failed")
        return ()

    async def _lease(
        self, lanes: Sequence[Lane], limit: int, room: Room | None = None
    ) -> Sequence[LeasedJob]:
        if self._mails_at_once() <= 0:
            lanes = [lane for lane in lanes if lane not in MAIL_LANES]
        if not lanes:
            return ()
        now = self._now()
        until = now + timedelta(seconds=lease_of(lanes))
        mails = set(lanes) <= set(MAIL_LANES)
        lease = self._turns.lease if mails else self._store.lease
        return await lease(lanes, limit=limit, now=now, until=until, room=room)

    async def _until_due(self, lanes: Sequence[Lane], under_way: UnderWay) -> float:
        """Return the seconds to rest: never none, or a store that never waits starves the loop."""
        if under_way.free <= 0:
            return self._poll  # whoever ends rings the bell
        try:
            due = await self._store.next_due(lanes, but_not=under_way.full())
        except Exception:  # as for leasing: whatever it is, look again later
            log.exception("next_due_failed")
            return self._poll
        if due is None:
            return self._poll
        return min(self._poll, max(0.01, (due - self._now()).total_seconds()))

    async def _rest(self, bell: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), seconds)

    async def _keep_sweeping(self) -> None:
        while not self._stopping:
            try:
                await self._sweeping.keep()
            except Exception:  # as for leasing: it is written the next time, or by another worker
                log.exception("sweep_not_kept")
            await self._rest(self._stopped, self._sweep_every)

    async def _mend(self, tenant: Tenant) -> int:
        try:
            return await self._chores.mend(tenant)
        except Exception:
            # One record that cannot be read must end neither this sweep nor the next one.
            log.exception("sweep_failed", extra={"tenant": tenant.code})
            return 0

    async def _do(self, leased: LeasedJob) -> None:
        tenant = tenant_of(leased.lease.scope)
        if tenant and self._tenants.by_id(tenant) is None:
            # Its file is not there, perhaps by mistake: once it is back, all goes on.
            log.warning("tenant_missing", extra={"job": leased.job.key})
            await self._later(leased, WITHOUT_A_FILE, failed=False)
            return
        if leased.job.kind is JobKind.SWEEP:
            await self._sweeping.do(leased)
            return
        if await self._cards.do(leased):
            return
        await self._chores.do(leased)

    async def _later(self, leased: LeasedJob, seconds: float, *, failed: bool) -> None:
        due = self._now() + timedelta(seconds=seconds)
        with suppress(StoreError):
            await self._store.retry(leased.lease, due=due, failed=failed)

    async def _failed(self, leased: LeasedJob, failure: Exception) -> None:
        if leased.failures + 1 >= MOST_FAILURES:
            try:
                await self._chores.give_up(leased, type(failure).__name__)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 (its request cannot be read either)
                log.error("not_given_up", extra={"job": leased.job.key})  # noqa: TRY400
            else:
                return
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**leased.failures)
        await self._later(leased, backoff * (0.5 + self._jitter()), failed=True)
