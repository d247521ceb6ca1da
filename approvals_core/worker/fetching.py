"""Reads details at the tenants': each operation a job of its own, tried again for about two hours."""

import logging
import random
from collections.abc import Callable
from datetime import timedelta

from approvals_core import tracing
from approvals_core.committing import Commits
from approvals_core.leases import LEASE
from approvals_core.log_context import note
from approvals_core.models import Approval, Detail, Lease, LeasedJob
from approvals_core.ports import Fetched, FetchedKind, Store, TenantApi, Tenants
from approvals_core.rules import details
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

# A card without them is there and can be decided on, so nobody is pressed: a restart of the
# tenant's takes a minute, a bad release an hour. Whoever is away longer is an operator's matter.
TRIES = 12
# Of an answer that nobody can use: a proxy says such things for a moment, and a document is not
# everywhere at once. Whoever goes on saying it means it.
TRIES_ANSWERED = 4
TRIED_FOR = timedelta(days=1)  # however often it had to wait for its turn between two tries
FIRST_PAUSE = 5.0  # seconds, doubling
LONGEST_PAUSE = 1800.0  # seconds, also where the tenant asks for more
CLOSED_PAUSE = 900.0  # seconds between two looks whether a closed tenant is open again


class Fetching:
    """Does the jobs about details. *jitter* gives 0 to 1."""

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        tenants: Tenants,
        api: TenantApi,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._api = api
        self._jitter = jitter

    async def do(self, leased: LeasedJob) -> None:
        """
        Read an operation, if somebody still waits for it, and keep what comes.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        job, lease, _failures = leased
        if job.approval is None:
            raise ValueError(f"{job.key} is about no approval")
        approval = await self._store.approval(job.approval)
        tenant = self._tenants.by_id(job.approval.tenant)
        detail = details.wanted(approval, job) if approval else None
        if approval is None or detail is None or tenant is None:
            await self._store.finish(lease)
        elif tenant.closed(self._commits.now()) is not None:
            await self._later(lease, CLOSED_PAUSE, failed=False)
        else:
            note(xcv=approval.xcv)
            tracing.carry_on(approval.trace)
            await self._read(leased, approval, detail, tenant)

    async def _read(
        self, leased: LeasedJob, approval: Approval, detail: Detail, tenant: Tenant
    ) -> None:
        job = leased.job
        # Whoever lost the job need not ask; see `Leases` for how long it is kept.
        lease = await self._store.renew(leased.lease, until=self._commits.in_seconds(LEASE))
        found = await self._ask(approval, tenant, job.operation)
        _log(approval, job.operation, found)
        unheard = found.kind is FetchedKind.UNAVAILABLE
        read = details.go_through(approval.key, found)
        unusable = bool(details.why_not(approval, detail, read))
        tries = TRIES if unheard else TRIES_ANSWERED
        if details.operation_named(tenant, job.operation) is None:
            tries = 1
        if unusable and self._is_worth_another(leased, detail, tries):
            pause = max(FIRST_PAUSE * 2**leased.failures, found.retry_after or 0.0)
            await self._later(lease, min(LONGEST_PAUSE, pause))
            return
        await self._commits.finish(
            approval.key,
            lease,
            lambda a, stamp: details.fetched(
                a, job, read, tenant=tenant, stamp=stamp, finish=lease
            ),
        )

    def _is_worth_another(self, leased: LeasedJob, detail: Detail, tries: int) -> bool:
        since = detail.asked_at or self._commits.now()
        return leased.failures + 1 < tries and self._commits.now() - since < TRIED_FOR

    async def _ask(self, approval: Approval, tenant: Tenant, name: str) -> Fetched:
        operation = details.operation_named(tenant, name)
        if operation is None:
            why = "the tenant's file has no such operation any more"
            return Fetched(kind=FetchedKind.REFUSED, reason=why)
        return await self._api.details(tenant, approval, operation)

    async def _later(self, lease: Lease, seconds: float, *, failed: bool = True) -> None:
        due = self._commits.in_seconds(seconds * (0.75 + self._jitter() / 2))
        await self._store.retry(lease, due=due, failed=failed)


def _log(approval: Approval, operation: str, found: Fetched) -> None:
    told = {"operation": operation, "answer": found.kind.value, "reason": found.reason}
    log.info("details_read", extra={"approval": approval.id, "xcv": approval.xcv} | told)
