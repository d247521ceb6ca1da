"""The jobs about places: post a decision, find a person, ask a tenant, clean up, mend."""

from approvals_core import tracing
from approvals_core.committing import Commits, unknown
from approvals_core.errors import LeftToNewer
from approvals_core.keeping.archiving import Archiving
from approvals_core.log_context import note
from approvals_core.models import (
    OPEN,
    Approval,
    ApprovalKey,
    Change,
    DeadLetter,
    Job,
    JobKind,
    LeasedJob,
    tenant_scope,
)
from approvals_core.ports import Directory, Mails, Store, Tenants
from approvals_core.posting import Posting
from approvals_core.rules import binding, upkeep
from approvals_core.tenant import Tenant
from approvals_core.worker.fetching import Fetching
from approvals_core.worker.mails import AT_ONCE, Mailing
from approvals_core.worker.nights import Nights
from approvals_core.worker.reconciling import Reconciling
from approvals_core.worker.reminders import Reminders

PAGE = 100  # approvals looked at together by the sweep


class Chores:
    """Does what is not about cards. Each job looks at the newest state and does what is needed."""

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        posting: Posting,
        directory: Directory,
        tenants: Tenants,
        fetching: Fetching,
        reconciling: Reconciling,
        nights: Nights,
        archiving: Archiving,
        mails: Mails | None = None,
        mails_at_once: int = AT_ONCE,
    ) -> None:
        """
        *mails* None: no mail is set up, and each that is due is refused in the ledger.

        *mails_at_once* is how many the mailbox takes at once.
        """
        self._store = store
        self._commits = commits
        self._posting = posting
        self._directory = directory
        self._tenants = tenants
        self._fetching = fetching
        self._reconciling = reconciling
        self._nights = nights
        self._archiving = archiving
        self._mailing = Mailing(
            store=store,
            commits=commits,
            tenants=tenants,
            directory=directory,
            mails=mails,
            at_once=mails_at_once,
        )
        self._reminders = Reminders(commits=commits, tenants=tenants)

    def mails_at_once(self) -> int:
        """Return how many mails may be under way now: none while the mailbox takes none."""
        return self._mailing.at_once()

    async def do(self, leased: LeasedJob) -> None:
        """
        Do one job.

        Raises:
            RetryAfter: The far side asks for time.

            LeftToNewer: Only a newer program knows such jobs.

            LeaseLost: Somebody else has the job.
        """
        match leased.job.kind:
            case JobKind.POST:
                await self._posting.due(leased)
            case JobKind.RESOLVE:
                await self._resolve(leased)
            case JobKind.AWAIT_ARX | JobKind.ASK_STATUS | JobKind.RECONCILE:
                await self._reconciling.do(leased)
            case JobKind.NIGHTLY:
                await self._nights.do(leased)
            case JobKind.DETAILS:
                await self._fetching.do(leased)
            case JobKind.MAIL:
                await self._mailing.do(leased)
            case JobKind.REMIND:
                await self._reminders.do(leased)
            case JobKind.ARCHIVE:
                await self._archiving.do(leased)
            case JobKind.CLEAN_UP:
                await self._clean_up(leased)
            case _:
                raise LeftToNewer(f"nobody here does {leased.job.kind}")

    async def give_up(self, leased: LeasedJob, error: str) -> None:
        """Put a job that keeps failing before an operator."""
        job, lease, _failures = leased
        tenant = self._tenants.by_id(job.approval.tenant) if job.approval else None
        if job.approval is None or tenant is None:
            stamp = self._commits.stamp()
            letter = DeadLetter(
                id=stamp.change, scope=lease.scope, job=job, error=error, at=stamp.at
            )
            await self._commits.commit(
                Change(id=stamp.change, scope=lease.scope, dead=letter, finish=lease)
            )
            return
        await self._commits.change(
            job.approval,
            lambda a, stamp: upkeep.give_up(a, leased, error, tenant=tenant, stamp=stamp),
        )

    async def mend(self, tenant: Tenant) -> int:
        """Give every place of *tenant* that waits on nobody its job again; return how many."""
        await self._nights.keep(tenant)
        await self._archiving.keep(tenant)
        mended, after = 0, None
        while True:
            scope = tenant_scope(tenant.document_type_id)
            page = await self._store.page(scope, OPEN, after=after, limit=PAGE)
            mended += sum([await self._mend_one(approval) for approval in page.approvals])
            if page.after is None:
                return mended
            after = page.after

    async def _resolve(self, leased: LeasedJob) -> None:
        job, lease, _failures = leased
        key, seat = _place_of(job)
        approval, tenant = await self._store.approval(key), self._tenant(key)
        place = approval.place(seat) if approval else None
        if place is None or place.person is not None or not place.names:
            await self._store.finish(lease)
            return
        if approval is not None:
            note(xcv=approval.xcv)
            tracing.carry_on(approval.trace)
        found = await self._directory.find(tenant, place.alias)
        await self._commits.finish(
            key,
            lease,
            lambda a, stamp: binding.bind(a, seat, found, tenant=tenant, stamp=stamp, finish=lease),
        )

    async def _clean_up(self, leased: LeasedJob) -> None:
        job, lease, _failures = leased
        if job.approval is None:
            raise ValueError(f"{job.key} is about no approval")
        names = await self._store.body_names(job.approval)
        await self._commits.finish(
            job.approval,
            lease,
            lambda a, stamp: upkeep.forget_bodies(a, job.round, names, stamp=stamp, finish=lease),
        )

    async def _mend_one(self, approval: Approval) -> int:
        missing: list[Job] = []
        for needed in upkeep.jobs_needed(approval, now=self._commits.now()):
            keys = (needed.job.key, *needed.others)
            alive = [await self._store.job(approval.key.scope, key) for key in keys]
            if not any(alive):
                missing.append(needed.job)
        if missing:
            await self._commits.change(
                approval.key,
                lambda a, stamp: (
                    upkeep.restore_jobs(a, missing, stamp=stamp)
                    if a.version == approval.version
                    else None
                ),
            )
        return len(missing)

    def _tenant(self, key: ApprovalKey) -> Tenant:
        tenant = self._tenants.by_id(key.tenant)
        if tenant is None:
            raise unknown()
        return tenant


def _place_of(job: Job) -> tuple[ApprovalKey, int]:
    if job.approval is None or job.seat is None:
        raise ValueError(f"{job.key} is about no place")
    return job.approval, job.seat
