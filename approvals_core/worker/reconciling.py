"""Asks the tenants what became of decisions and requests, and heals by what they say."""

import logging
import random
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from approvals_core import tracing
from approvals_core.committing import Commits
from approvals_core.leases import LEASE
from approvals_core.log_context import note
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Job,
    JobKind,
    Lease,
    LeasedJob,
)
from approvals_core.ports import Answer, AnswerKind, Posted, Store, TenantApi, Tenants
from approvals_core.rules import looking_up, reconciling, settling
from approvals_core.rules.answering import Post
from approvals_core.rules.draft import Stamp
from approvals_core.rules.reconciling import Healing, Occasion, Owed
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

TURN = 3.0  # seconds until a question that had no place asks for one again
READS = 3  # of one request, if something happens to it each time while it is read
AGAIN_AFTER = 900.0  # seconds until a tenant that did not answer is asked again
TRIES = 4  # of one request whose tenant does not answer

# What an operator reads of a tenant that accepted, sent no ARX, and was asked about it.
_SAID = {
    AnswerKind.ACCEPTED: "asked again, the tenant says that it accepted",
    AnswerKind.REFUSED: "asked again, the tenant says that it refused",
    AnswerKind.NOT_TAKEN: "asked again, the tenant says that it never got the decision",
}
_SAYS_NOTHING = "asked again, the tenant cannot say what became of the decision"


class Looked(NamedTuple):
    """What a look at one request came to; *healing* None: it was changed each time meanwhile."""

    approval: Approval
    healing: Healing | None
    away: bool = False


class Reconciling:
    """Does the jobs that ask a tenant what it knows. *jitter* gives 0 to 1."""

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
        Do one job about one request.

        Raises:
            LeaseLost: Somebody else has the job.
        """
        job, lease, _failures = leased
        if job.approval is None:
            raise ValueError(f"{job.key} is about no approval")
        approval = await self._store.approval(job.approval)
        tenant = self._tenants.by_id(job.approval.tenant)
        if approval is None or tenant is None:
            await self._store.finish(lease)
        elif (opens := _opens(tenant, self._commits.now())) is not None:
            await self._store.retry(lease, due=opens, failed=False)
        else:
            note(xcv=approval.xcv)
            tracing.carry_on(approval.trace)
            await self._ask(leased, approval, tenant)

    async def look(self, key: ApprovalKey, tenant: Tenant) -> Looked | None:
        """Return what reconciling would heal now, and change nothing; None if nobody is asked."""
        before = await self._store.approval(key)
        if before is None or not before.open:
            return None
        finding = reconciling.find(before, await self._api.summary(tenant, before), tenant=tenant)
        healing = reconciling.reconcile(
            *(before, finding),
            occasion=Occasion.OPERATOR,
            tenant=tenant,
            stamp=self._commits.stamp(),
        )
        return Looked(before, healing, finding.away)

    async def reconcile(
        self,
        key: ApprovalKey,
        tenant: Tenant,
        *,
        occasion: Occasion,
        finish: Lease | None = None,
        owed: Owed | None = None,
        again: Job | None = None,
    ) -> Looked:
        """
        Compare one request with what its tenant has, and heal what is clear.

        An ARX that comes meanwhile wins: then the tenant is asked anew. The change
        ends the job of *finish*, unless there is none because that happened each time.
        *again* is left if the tenant does not answer.
        """
        made: list[Healing] = []
        for _read in range(READS):
            before = await self._approval(key)
            finding = reconciling.find(
                before, await self._api.summary(tenant, before), tenant=tenant
            )

            def heal(
                newest: Approval, stamp: Stamp, found: reconciling.Finding = finding
            ) -> Change | None:
                made.clear()
                if reconciling.moved(newest, found.before):
                    return None
                healing = reconciling.reconcile(
                    *(newest, found),
                    occasion=occasion,
                    tenant=tenant,
                    stamp=stamp,
                    finish=finish,
                    owed=owed,
                    again=again,
                )
                made.append(healing)
                return healing.change

            approval = await self._commits.change(key, heal)
            if made:
                _log(approval, occasion, made[0])
                return Looked(approval, made[0], finding.away)
        return Looked(await self._approval(key), None)

    async def _approval(self, key: ApprovalKey) -> Approval:
        found = await self._store.approval(key)
        assert found is not None, "an approval is never taken away"
        return found

    async def _ask(self, leased: LeasedJob, approval: Approval, tenant: Tenant) -> None:
        # Whoever lost the job need not ask; see `Leases` for how long it is kept.
        until = self._commits.in_seconds(LEASE)
        renewed = leased._replace(lease=await self._store.renew(leased.lease, until=until))
        match leased.job.kind:
            case JobKind.ASK_STATUS:
                await self._ask_status(renewed, approval, tenant)
            case JobKind.AWAIT_ARX:
                await self._await_arx(renewed, approval, tenant)
            case _:
                await self._look_again(renewed, approval, tenant)

    async def _ask_status(self, leased: LeasedJob, approval: Approval, tenant: Tenant) -> None:
        job, lease, _failures = leased
        post, asked_at = Post(job.seat or 0, job.decision, 0), self._commits.now()
        found = looking_up.wanted(approval, post)
        if found is None:
            await self._store.finish(lease)
            return
        place, decision = found
        answer = await self._api.decision_status(
            tenant, Posted(approval=approval, place=place, decision=decision)
        )
        _log_status(approval, job.decision, answer)
        await self._commits.finish(
            approval.key,
            lease,
            lambda a, stamp: looking_up.looked_up(
                *(a, post, answer), asked_at=asked_at, tenant=tenant, stamp=stamp, finish=lease
            ),
        )

    async def _await_arx(self, leased: LeasedJob, approval: Approval, tenant: Tenant) -> None:
        """The ARX owed did not come: ask the tenant, heal what is clear, call an operator for the rest."""
        job, lease, _failures = leased
        seat, decision = job.seat or 0, job.decision
        if not settling.is_owed(approval, seat, decision):
            await self._store.finish(lease)
            return
        reason = await self._said(approval, seat, tenant)
        if tenant.api.summary is None:
            await self._commits.finish(
                approval.key,
                lease,
                lambda a, stamp: settling.overdue(
                    *(a, seat, decision), stamp=stamp, finish=lease, reason=reason
                ),
            )
            return
        owed = Owed(seat, decision, reason)
        looked = await self.reconcile(
            approval.key,
            tenant,
            occasion=Occasion.OWED,
            finish=lease,
            owed=owed,
            again=self._next(approval, 1),
        )
        if looked.healing is None:
            await self._store.retry(lease, due=self._commits.in_seconds(TURN), failed=False)

    async def _said(self, approval: Approval, seat: int, tenant: Tenant) -> str:
        """Ask what became of an accepted decision; return it in words for operators."""
        place = approval.places[seat]
        if tenant.api.decision_status is None or place.decision is None:
            return ""
        answer = await self._api.decision_status(
            tenant, Posted(approval=approval, place=place, decision=place.decision)
        )
        _log_status(approval, place.decision.id, answer)
        return _SAID.get(answer.kind, _SAYS_NOTHING)

    async def _look_again(self, leased: LeasedJob, approval: Approval, tenant: Tenant) -> None:
        job, lease, _failures = leased
        if not approval.open or tenant.api.summary is None:
            await self._store.finish(lease)
            return
        occasion = Occasion.OWED if job.number else Occasion.OPERATOR
        looked = await self.reconcile(
            approval.key,
            tenant,
            occasion=occasion,
            finish=lease,
            again=self._next(approval, job.number + 1),
        )
        if looked.healing is None:
            await self._store.retry(lease, due=self._commits.in_seconds(TURN), failed=False)

    def _next(self, approval: Approval, number: int) -> Job | None:
        """Return the job that looks once more, later, if the tenant does not answer now."""
        if number >= TRIES:
            return None
        due = self._commits.in_seconds(AGAIN_AFTER * (0.75 + self._jitter() / 2))
        return reconciling.look_job(approval, due=due, number=number)


def _opens(tenant: Tenant, at: datetime) -> datetime | None:
    """Return when a tenant that is closed for a known time can be asked again; None: now."""
    closed = tenant.closed(at)
    return closed.until if closed else None


def _log(approval: Approval, occasion: Occasion, healing: Healing) -> None:
    told = {"occasion": occasion.value, "healed": healing.healed, "unclear": healing.unclear}
    level = logging.WARNING if healing.unclear else logging.INFO
    log.log(level, "reconciled", extra={"approval": approval.id, "xcv": approval.xcv} | told)


def _log_status(approval: Approval, decision: str, answer: Answer) -> None:
    told = {"decision": decision, "answer": answer.kind.value, "reason": answer.reason}
    log.info("decision_looked_up", extra={"approval": approval.id, "xcv": approval.xcv} | told)
