"""Puts before a person who can be reached now all that waits for him."""

from collections.abc import Sequence

from approvals_core.committing import Commits
from approvals_core.models import (
    Approval,
    Change,
    LeasedJob,
    PersonId,
    queue_of,
    tenant_scope,
)
from approvals_core.ports import Store, Tenants
from approvals_core.rules.draft import card_job
from approvals_core.tenant import Tenant

PAGE = 100  # requests put before a person together


class Deliveries:
    """Asks for the cards of one person. He may be reached, or only be tried once more."""

    def __init__(self, *, store: Store, commits: Commits, tenants: Tenants) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants

    async def do(self, leased: LeasedJob) -> None:
        """
        Ask for a card of everything that is pending for the job's person.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        person = leased.job.person
        if person is None:
            raise ValueError(f"{leased.job.key} is about nobody")
        for tenant in self._tenants.all():
            await self._deliver(tenant, person)
        await self._store.finish(leased.lease)

    async def _deliver(self, tenant: Tenant, person: PersonId) -> None:
        scope, after = tenant_scope(tenant.document_type_id), None
        while True:
            page = await self._store.page(scope, queue_of(person), after=after, limit=PAGE)
            await self._ask_for_cards(tenant, page.approvals, person)
            after = page.after
            if after is None:
                return

    async def _ask_for_cards(
        self, tenant: Tenant, approvals: Sequence[Approval], person: PersonId
    ) -> None:
        stamp = self._commits.stamp()
        jobs = [
            card_job(approval, approval.round, person, channel, due=stamp.at)
            for approval in approvals
            for channel in tenant.pushed
        ]
        if jobs:
            scope = tenant_scope(tenant.document_type_id)
            await self._commits.commit(Change(id=stamp.change, scope=scope, jobs=tuple(jobs)))
