"""Reminds whoever is still asked, when a request's tenant wanted that."""

from approvals_core.committing import Commits, unknown
from approvals_core.models import Approval, Change, LeasedJob
from approvals_core.ports import Tenants
from approvals_core.rules import reminding
from approvals_core.rules.draft import Stamp


class Reminders:
    """Does the jobs that remind."""

    def __init__(self, *, commits: Commits, tenants: Tenants) -> None:
        self._commits = commits
        self._tenants = tenants

    async def do(self, leased: LeasedJob) -> None:
        """
        Remind, if that is due and the round goes on; leave the job for the next time.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        job, lease, _failures = leased
        tenant = self._tenants.by_id(job.approval.tenant) if job.approval else None
        if job.approval is None or tenant is None:
            raise unknown()

        def remind(approval: Approval, stamp: Stamp) -> Change | None:
            return reminding.remind(approval, job.round, tenant=tenant, stamp=stamp, finish=lease)

        await self._commits.finish(job.approval, lease, remind)
