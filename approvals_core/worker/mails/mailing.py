"""The jobs that send mails: which are still needed, in which order, and which wait."""

import logging
from collections.abc import Sequence

from approvals_core import tracing
from approvals_core.committing import Commits, unknown
from approvals_core.ending import before_the_wire
from approvals_core.ledger import Ledger, Line
from approvals_core.log_context import note
from approvals_core.models import (
    MAIL_LANES,
    Approval,
    Change,
    Job,
    Lease,
    LeasedJob,
    Letter,
    LetterState,
    Notification,
)
from approvals_core.ports import Directory, Mails, Store, Tenants
from approvals_core.rules import lines, mail_waits
from approvals_core.rules.draft import Stamp
from approvals_core.rules.mail_jobs import lane_of
from approvals_core.tenant import Tenant
from approvals_core.worker.mails.owners import Owners
from approvals_core.worker.mails.readers import Readers
from approvals_core.worker.mails.sending import Sending, say

log = logging.getLogger(__name__)


class Mailing:
    """
    Does the jobs that send mails.

    What is to be sent is decided when its turn comes: the ledger says what became of it
    before, the request whether it is still needed. *mails* None: no mail is set up.
    """

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        tenants: Tenants,
        directory: Directory,
        mails: Mails | None,
        at_once: int,
    ) -> None:
        """*at_once* is how many mails the mailbox takes at once."""
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._set_up = mails is not None
        self._ledger = Ledger(store=store, commits=commits)
        owners = Owners(directory, now=commits.now, at_once=max(1, at_once // 2))
        self._readers = Readers(commits=commits, owners=owners)
        self._sending = Sending(
            store=store, commits=commits, ledger=self._ledger, mails=mails, most=at_once
        )
        self._said_none = False

    def at_once(self) -> int:
        """Return how many mails may be under way now: none while the mailbox takes none."""
        return self._sending.at_once()

    async def do(self, leased: LeasedJob) -> None:
        """
        Send one mail, if it is still needed.

        Raises:
            RetryAfter: Something is looked for first, or the directory asks for time.

            UnknownApproval: The tenant has no file any more.

            LeaseLost: Somebody else has the job.
        """
        job, lease, _failures = leased
        if job.approval is None:
            raise ValueError(f"{job.key} is about no approval")
        approval = await self._store.approval(job.approval)
        tenant = self._tenants.by_id(job.approval.tenant)
        if tenant is None:  # its file was taken away this very moment: the worker knows what then
            raise unknown()
        if approval is None:
            await self._store.finish(lease)
            return
        note(xcv=approval.xcv)
        tracing.carry_on(approval.trace)
        notification = lines.notification_of(approval, job.notification)
        if job.lane not in MAIL_LANES and notification is not None:
            await self._move(job, lease, notification)
            return
        await self._do(leased, approval, tenant)

    async def _move(self, job: Job, lease: Lease, notification: Notification) -> None:
        """Put a job that an older version left among the cards where mails wait for their turn."""
        lane = lane_of(notification, job.address, number=job.number)
        moved = job.model_copy(update={"lane": lane})
        stamp = self._commits.stamp()
        await self._commits.commit(
            Change(id=stamp.change, scope=lease.scope, jobs=(moved,), finish=lease)
        )

    async def _do(self, leased: LeasedJob, approval: Approval, tenant: Tenant) -> None:
        name = lines.letter_of(approval, leased.job)
        known = await self._store.letter(approval.key, name)
        if known is None or lines.may_be_sent(known):
            await self._begin(leased, approval, tenant, known)
        elif known.state is LetterState.SENDING:
            await self._sending.lost(leased, known, "we stopped while it was sent")
        else:
            await self._store.finish(leased.lease)

    async def _begin(
        self, leased: LeasedJob, approval: Approval, tenant: Tenant, known: Letter | None
    ) -> None:
        job, lease = leased.job, leased.lease
        early = mail_waits.not_before(known) if known is not None else None
        if early is not None and self._commits.now() < early:
            await self._store.retry(lease, due=early, failed=False)
            return
        with before_the_wire():  # from the next line on it counts as begun
            owner = await self._readers.owner(job, approval, tenant)

        def step(newest: Approval, letters: Sequence[Letter], stamp: Stamp) -> Line | None:
            letter = lines.begun(newest, letters, job, tenant=tenant, owner=owner, at=stamp.at)
            return None if letter is None else self._line(newest, letter, leased, stamp)

        written = await self._ledger.write(approval.key, step, lease=lease)
        if written.letter is None:
            await self._store.finish(lease)
        elif written.letter.state is LetterState.SENDING:
            await self._sending.send(leased, written.approval, tenant, written.letter)
        else:
            say(written.approval, written.letter)
            if written.letter.reason == lines.NOT_SET_UP:
                self._say_none()

    def _line(self, approval: Approval, letter: Letter, leased: LeasedJob, stamp: Stamp) -> Line:
        """Return what is written of a mail that was begun, waits for its channel, or ends here."""
        job, lease = leased.job, leased.lease
        if letter.state is LetterState.SENDING and not self._set_up:
            letter = lines.refused(letter, lines.NOT_SET_UP, stamp.at)
        if letter.state is not LetterState.WAITING:
            return Line(letter, finish=None if letter.state is LetterState.SENDING else lease)
        notification = lines.notification_of(approval, job.notification)
        since = lines.asked_at(job, notification) if notification else stamp.at
        due = stamp.at + mail_waits.channel_looked_for(stamp.at - since)
        return Line(letter, jobs=(job.model_copy(update={"due": due}),), finish=lease)

    def _say_none(self) -> None:
        if not self._said_none:
            self._said_none = True
            log.warning("no_mail_set_up")
