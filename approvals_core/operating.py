"""What operators may do to requests beside settling: put somebody on a place, deal with a dead letter."""

from approvals_core.committing import Commits, unknown
from approvals_core.models import Approval, ApprovalKey, Change, DeadLetter, Person
from approvals_core.ports import Store, Tenants
from approvals_core.rules import binding, upkeep
from approvals_core.rules.draft import Stamp
from approvals_core.tenant import Tenant


class Operating:
    """
    Takes an operator's word, once, with his name in the history.

    With *dry_run* everything is checked and computed as it would be, and nothing is committed.
    """

    def __init__(self, *, store: Store, commits: Commits, tenants: Tenants) -> None:
        self._store = store
        self._commits = commits
        self._tenants = tenants

    async def rebind(
        self, key: ApprovalKey, seat: int, person: Person, *, by: str, dry_run: bool = False
    ) -> Approval:
        """
        Put *person*, as the tenant's directory knows him, on a place; return the request then.

        Raises:
            UnknownApproval: There is no such request.

            NotRebound: It cannot be done; the message says why.
        """
        tenant = self._tenant(key)

        def step(approval: Approval, stamp: Stamp) -> Change:
            return binding.rebind(approval, seat, person, by=by, tenant=tenant, stamp=stamp)

        if dry_run:
            change = step(await self._approval(key), self._commits.stamp())
            return change.approval or await self._approval(key)
        return await self._commits.change_once(key, step)

    async def replay(self, letter: DeadLetter, *, by: str, dry_run: bool = False) -> str:
        """
        Put the job of a dead letter back; the letter goes in the same commit.

        Returns why the job has nothing to do any more, so that only the letter goes;
        "" if it is put back.

        Raises:
            UnknownApproval: The request or its tenant is no longer there.

            NotReplayed: The job may not be done again; the message says why.
        """
        key = letter.job.approval
        if key is None:
            if not dry_run:
                stamp = self._commits.stamp()
                await self._commits.commit(upkeep.replay_alone(letter, stamp=stamp))
            return ""
        tenant, made = self._tenant(key), [upkeep.Replayed(Change(id="", scope=key.scope))]

        def step(approval: Approval, stamp: Stamp) -> Change:
            made[:] = [upkeep.replay(approval, letter, by=by, tenant=tenant, stamp=stamp)]
            return made[0].change

        if dry_run:
            step(await self._approval(key), self._commits.stamp())
        else:
            await self._commits.change_once(key, step)
        return made[0].moved_on

    async def _approval(self, key: ApprovalKey) -> Approval:
        approval = await self._store.approval(key)
        if approval is None:
            raise unknown()
        return approval

    def _tenant(self, key: ApprovalKey) -> Tenant:
        tenant = self._tenants.by_id(key.tenant)
        if tenant is None:
            raise unknown()
        return tenant
