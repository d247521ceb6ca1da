"""Compares a tenant's open requests by night: one job a tenant, some requests at a time, one after the other."""

import logging
from datetime import datetime

from pydantic import ValidationError

from approvals_core.committing import Commits
from approvals_core.leases import LEASE
from approvals_core.models import (
    OPEN,
    Approval,
    Change,
    Job,
    JobKind,
    Lane,
    LeasedJob,
    tenant_scope,
)
from approvals_core.ports import Cursor, Page, Store, Tenants
from approvals_core.rules import nights
from approvals_core.rules.reconciling import Occasion
from approvals_core.tenant import Tenant
from approvals_core.worker.reconciling import AGAIN_AFTER, Reconciling

log = logging.getLogger(__name__)

PAGE = 20  # requests looked at by one job
PAUSE = 5.0  # seconds between two of them
NIGHTLY = "nightly"  # key of the one job of a tenant
AT_ONCE = "reconcile-all"  # key of the one that an operator asked for


class Nights:
    """Keeps one job for each tenant, which goes through its open requests and renews itself."""

    def __init__(
        self, *, store: Store, commits: Commits, tenants: Tenants, reconciling: Reconciling
    ) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._reconciling = reconciling

    async def keep(self, tenant: Tenant) -> bool:
        """Write the tenant's job if it should have one and has none; tell whether it was missing."""
        scope = tenant_scope(tenant.document_type_id)
        if not _wants(tenant) or await self._store.queued(scope, NIGHTLY) is not None:
            return False
        due = nights.next_night(tenant, self._commits.now())
        await self._commit(scope, nightly_job(NIGHTLY, due=due))
        return True

    async def do(self, leased: LeasedJob) -> None:
        """
        Look at the next requests of the job's tenant, and renew the job.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        job, lease, _failures = leased
        tenant = self._tenants.by_id(lease.scope.removeprefix(tenant_scope("")))
        everything = job.key == AT_ONCE
        if tenant is None or not (_wants(tenant) or (everything and tenant.api.summary)):
            await self._store.finish(lease)
            return
        now = self._commits.now()
        if tenant.closed(now) is not None:
            await self._again_later(leased)
            return
        if not everything and not nights.is_outside(tenant.working_hours, now):
            due = nights.next_night(tenant, now)
            await self._commit(lease.scope, nightly_job(NIGHTLY, due=due), leased)
            return
        await self._look(leased, tenant, everything=everything)

    async def _look(self, leased: LeasedJob, tenant: Tenant, *, everything: bool) -> None:
        job, scope = leased.job, leased.lease.scope
        page = await self._store.page(scope, OPEN, after=_cursor(job.after), limit=PAGE)
        for approval in page.approvals:
            if everything or nights.unheard(approval, tenant, self._commits.now()):
                leased = await self._renewed(leased)
                if not await self._one(approval, tenant, everything=everything):
                    await self._again_later(leased, behind=approval)
                    return
        await self._go_on(leased, tenant, page, everything=everything)

    async def _one(self, approval: Approval, tenant: Tenant, *, everything: bool) -> bool:
        """Compare one request; tell whether the tenant answered."""
        occasion = Occasion.OPERATOR if everything else Occasion.NIGHTLY
        looked = await self._reconciling.reconcile(approval.key, tenant, occasion=occasion)
        return not looked.away

    async def _renewed(self, leased: LeasedJob) -> LeasedJob:
        until = self._commits.in_seconds(LEASE)
        return leased._replace(lease=await self._store.renew(leased.lease, until=until))

    async def _again_later(self, leased: LeasedJob, *, behind: Approval | None = None) -> None:
        """Leave the tenant alone for a while; one request that it never answers for holds up no other."""
        due = self._commits.in_seconds(AGAIN_AFTER)
        after = leased.job.after
        if behind is not None and behind.opened_at is not None:
            after = Cursor(at=behind.opened_at, key=behind.key).model_dump_json()
        again = leased.job.model_copy(update={"due": due, "after": after})
        await self._commit(leased.lease.scope, again, leased)

    async def _go_on(
        self, leased: LeasedJob, tenant: Tenant, page: Page, *, everything: bool
    ) -> None:
        job, scope = leased.job, leased.lease.scope
        if page.after is not None:
            due, after = self._commits.in_seconds(PAUSE), page.after.model_dump_json()
            await self._commit(scope, nightly_job(job.key, due=due, after=after), leased)
            return
        log.info("requests_compared", extra={"tenant": tenant.code, "all": everything})
        if everything:
            await self._store.finish(leased.lease)
            return
        due = nights.next_night(tenant, self._commits.now())
        await self._commit(scope, nightly_job(NIGHTLY, due=due), leased)

    async def _commit(self, scope: str, job: Job, ends: LeasedJob | None = None) -> None:
        finish = ends.lease if ends else None
        change = Change(id=self._commits.stamp().change, scope=scope, jobs=(job,), finish=finish)
        await self._commits.commit(change)


def nightly_job(key: str, *, due: datetime, after: str = "") -> Job:
    """Return the job that goes through a tenant's open requests from *after* on."""
    return Job(key=key, kind=JobKind.NIGHTLY, lane=Lane.TENANT, due=due, after=after)


def _wants(tenant: Tenant) -> bool:
    return tenant.reconcile.nightly and tenant.enabled and tenant.api.summary is not None


def _cursor(after: str) -> Cursor | None:
    """Return where the job goes on; from the front if that cannot be read: those done are skipped."""
    try:
        return Cursor.model_validate_json(after) if after else None
    except ValidationError:
        return None
