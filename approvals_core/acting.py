"""One click on its way: recorded, told to the tenant, and never left without a true card."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from gettext import gettext as _
from typing import NamedTuple, TypeVar

from approvals_core import tracing
from approvals_core.committing import Commits, Step
from approvals_core.errors import ApprovalError, LeaseLost, StoreError, StoreUnavailable
from approvals_core.log_context import note
from approvals_core.models import Approval, Change, Lease, Person
from approvals_core.new_approvers import look_up
from approvals_core.ports import Directory, Store
from approvals_core.posting import Posting
from approvals_core.rules import deciding
from approvals_core.rules.answering import Post
from approvals_core.rules.deciding import POST_LEASE, Click
from approvals_core.rules.draft import Stamp
from approvals_core.rules.new_approver import Candidate
from approvals_core.telemetry import Work
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

# Seconds between tries to record what we said that we record: a store that fails over, or a
# disk that somebody makes room on, is away for a minute or two.
RECORD_PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)

_T = TypeVar("_T")


class Found(NamedTuple):
    """A stored request and its tenant."""

    approval: Approval
    tenant: Tenant


class Acting:
    """
    What happens to one click, in a task of its own.

    *approval* is set once it is known that the person may see it; *seen* is what the
    rule was asked about last; *committed* is set once his decision counts. *promised* is
    for the caller to set when he tells the person that the decision is being recorded:
    from then on it is tried for minutes, and if it cannot be recorded, his card is shown
    anew with the reason.
    """

    def __init__(
        self,
        click: Click,
        *,
        by: Person,
        store: Store,
        commits: Commits,
        posting: Posting,
        directory: Directory | None = None,
    ) -> None:
        """*directory* None: no click may name a new approver."""
        self.approval: Approval | None = None
        self.seen: Approval | None = None
        self.committed = False
        self.promised = False
        self._click = click
        self._by = by
        self._store = store
        self._commits = commits
        self._posting = posting
        self._directory = directory
        self._decision = str(uuid.uuid4())
        self._found: Found | None = None
        self._claims: list[Lease] = []

    async def run(self, find: Callable[[], Awaitable[Found]]) -> Approval:
        """
        Decide, and tell the tenant; return the approval with what it led to.

        *find* reads the request and its tenant.

        Raises:
            ApprovalError: The click cannot be honoured; the message says why.

            StoreUnavailable: Nobody knows whether it is recorded.
        """
        approval, lease = await self.record(find)
        if lease is None:
            return approval
        return await self._posting.call(approval, self.post, lease)

    async def record(self, find: Callable[[], Awaitable[Found]]) -> tuple[Approval, Lease | None]:
        """
        Decide; return the approval and the right to tell the tenant, None if the worker has it.

        Raises as `run` does.
        """
        note(tcv=self._decision)
        try:
            return await self._patiently(lambda: self._record(find))
        except Exception as problem:
            if isinstance(problem, StoreUnavailable):
                log.error("decision_not_recorded", extra={"why": str(problem)})  # noqa: TRY400
            if self.promised:
                await self._take_back(problem)
            raise

    @property
    def post(self) -> Post:
        """Return the attempt that the click's own commit makes."""
        return Post(self._click.seat, self._decision, 1)

    async def leave_alone(self) -> Approval | None:
        """Let the person read why his click was refused before his card is pushed again."""
        if self._found is None:
            return None
        key, tenant = self._found.approval.key, self._found.tenant
        return await self._commits.change(
            key,
            lambda a, stamp: deciding.leave_alone(
                a, self._click, by=self._by, tenant=tenant, stamp=stamp
            ),
        )

    async def _record(self, find: Callable[[], Awaitable[Found]]) -> tuple[Approval, Lease | None]:
        self._found = found = await find()
        about = {"tenant": found.tenant.code, "approval": found.approval.id}
        trace = tracing.current() if tracing.current().parent else found.approval.trace
        with tracing.within(trace), self._commits.telemetry.span(Work.ACT, **about):
            return await self._recorded(found)

    async def _recorded(self, found: Found) -> tuple[Approval, Lease | None]:
        candidate = await self._candidate(found)
        ours: list[bool] = []

        def decide(newest: Approval, stamp: Stamp) -> Change | None:
            self.seen = newest
            ours[:] = [self._holds(newest)]
            if ours[0]:
                return None  # our own commit, whose answer was lost
            change = deciding.decide(
                newest,
                self._click,
                by=self._by,
                tenant=found.tenant,
                decision=self._decision,
                stamp=stamp,
                candidate=candidate,
            )
            # No claim: the tenant is closed, and the worker posts it once it opens.
            self._claims = [*self._claims, change.claim] if change.claim else []
            self.approval = newest  # not before: only now it is known that he may see it
            return change

        approval = await self._commits.change(found.approval.key, decide, known=found.approval)
        self.approval, self.committed = approval, True
        return approval, await self._right_to_post(renew=ours[0])

    async def _candidate(self, found: Found) -> Candidate | None:
        """Look up the new approver, if the click asks for one and would count."""
        approval, tenant = found
        action = tenant.action(self._click.action)
        if action is None or not action.new_approver or self._directory is None:
            return None
        if self._holds(approval):
            return None  # our own commit, whose answer was lost
        deciding.check(approval, self._click, by=self._by, tenant=tenant)
        self.approval = approval  # he may see it, also while the directory is slow
        return await look_up(self._directory, tenant, approval, self._click.entries.new_approver)

    async def _right_to_post(self, *, renew: bool) -> Lease | None:
        if not renew:
            return self._claims[-1] if self._claims else None
        for claim in reversed(self._claims):  # nobody knows which of our commits arrived
            with suppress(LeaseLost):
                until = self._commits.in_seconds(POST_LEASE)
                return await self._store.renew(claim, until=until)
        return None

    async def _take_back(self, problem: Exception) -> None:
        """Show the person's card anew: it says that his decision is being recorded, and it is not."""
        if self._found is None:
            return  # not even the request could be read; his card refreshes itself
        key = self._found.approval.key
        why = str(problem) if isinstance(problem, ApprovalError) else ""
        said = why or _("Your decision could not be recorded. Please decide again.")
        try:
            await self._patiently(lambda: self._commits.change(key, self._not_recorded(said)))
        except StoreError as again:
            log.error("card_not_taken_back", extra={"why": str(again)})  # noqa: TRY400 (no trace)

    def _not_recorded(self, why: str) -> Step:
        def step(approval: Approval, stamp: Stamp) -> Change | None:
            if self._found is None or self._holds(approval):
                return None
            tenant = self._found.tenant
            return deciding.not_recorded(
                approval, self._click, by=self._by, why=why, tenant=tenant, stamp=stamp
            )

        return step

    async def _patiently(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """Do *step*, again while the store is away and the person was told that we are at it."""
        for pause in RECORD_PAUSES:
            try:
                return await step()
            except StoreUnavailable:
                if not self.promised:
                    raise
                await self._commits.sleep(pause)
        return await step()

    def _holds(self, approval: Approval) -> bool:
        place = approval.place(self._click.seat)
        decision = place.decision if place else None
        return decision is not None and decision.id == self._decision
