"""Makes all open cards of a tenant converge whose file or doors changed, a few at a time."""

from datetime import timedelta

from approvals_core.committing import Commits
from approvals_core.leases import LEASE
from approvals_core.models import OPEN, Change, LeasedJob, tenant_scope
from approvals_core.ports import Store, Tenants
from approvals_core.rules.renewing import jobs_anew
from approvals_core.tenant import Tenant

PAGE = 50  # requests looked at together
PACE = 1.0  # seconds between the cards of two pages: what is new goes before what only changes


class Renewals:
    """Asks for the open cards of one tenant."""

    def __init__(self, *, store: Store, commits: Commits, tenants: Tenants) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants

    async def do(self, leased: LeasedJob) -> None:
        """
        Ask for every open card of the tenant in whose scope the job lies.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        lease, after, pages = leased.lease, None, 0
        tenant = self._tenant_of(lease.scope)
        while tenant is not None:
            page = await self._store.page(lease.scope, OPEN, after=after, limit=PAGE)
            stamp = self._commits.stamp()
            cards_at = stamp.at + timedelta(seconds=PACE * pages)
            jobs = [
                job
                for approval in page.approvals
                for job in jobs_anew(approval, tenant=tenant, at=stamp.at, cards_at=cards_at)
            ]
            if jobs:
                change = Change(id=stamp.change, scope=lease.scope, jobs=tuple(jobs))
                await self._commits.commit(change)
            after, pages = page.after, pages + 1
            if after is None:
                break
            lease = await self._store.renew(lease, until=self._commits.in_seconds(LEASE))
        await self._store.finish(lease)

    def _tenant_of(self, scope: str) -> Tenant | None:
        found = (t for t in self._tenants.all() if tenant_scope(t.document_type_id) == scope)
        return next(found, None)
