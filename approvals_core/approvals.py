"""The use cases. Each public method is one thing that can happen to an approval."""

import asyncio
import logging
import uuid
from collections.abc import Collection, Coroutine, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from approvals_core.acting import Acting, Found
from approvals_core.acting_together import ActingTogether, Ticked, Together, checked
from approvals_core.arx import Arx
from approvals_core.committing import Commits, unknown
from approvals_core.deadlines import PROMISED, Deadlines
from approvals_core.ending import WRITTEN_WITHIN, Ending
from approvals_core.errors import (
    AlreadyActedOn,
    ApprovalError,
    StaleCard,
    StoreUnavailable,
    VersionConflict,
)
from approvals_core.listing import Waiting, waiting_at, with_number
from approvals_core.models import (
    Approval,
    ApprovalKey,
    Disposition,
    Payload,
    Person,
    PersonId,
    Place,
    tenant_scope,
)
from approvals_core.ports import Cursor, Directory, Store, Tenants, View
from approvals_core.posting import Posting
from approvals_core.rules import intake, settling
from approvals_core.rules.deciding import Click
from approvals_core.rules.settling import Settlement
from approvals_core.rules.standing import as_seen, may_see
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

BROKEN_OFF_WITHIN = 2.0  # seconds for a click to stop that is told to

_T = TypeVar("_T")


class Outcome(NamedTuple):
    """
    What a click led to, after at most two seconds.

    *view* is None if the store had not even answered with the request. *recording*
    is True while nobody knows yet whether the decision is committed.
    """

    view: View | None
    recording: bool = False


class Approvals:
    """Everything that tenants, approvers and operators can do, whatever the channel."""

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        posting: Posting,
        tenants: Tenants,
        directory: Directory | None = None,
        deadlines: Deadlines = PROMISED,
    ) -> None:
        """*directory* is asked for new approvers; None: nobody can be named as one."""
        self.deadlines = deadlines
        self._store = store
        self._commits = commits
        self._posting = posting
        self._tenants = tenants
        self._directory = directory
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ending = Ending()

    async def receive(self, arx: Arx, tenant: Tenant) -> Payload:
        """
        Take in one payload. The same payload again changes nothing.

        Raises:
            StoreUnavailable: Nobody knows whether it was taken; the tenant repeats it.
        """
        payload_id = str(uuid.uuid4())
        while True:
            approval = await self._store.approval(arx.key)
            # After it: who takes the same payload meanwhile is seen here, or raises the version.
            known = await self._store.payload_by_digest(arx.key.scope, arx.digest)
            if known is not None:
                return _repeated(known, payload_id)
            stamp = self._commits.stamp()
            received = intake.receive(
                approval,
                arx,
                tenant=tenant,
                payload_id=payload_id,
                stamp=stamp,
                # Read after the request was found gone: it left the store and this together.
                archived_to=0 if approval else await self._store.holdings.archived_to(arx.key),
                stored=await self._details(arx.key) if intake.needs_stored(approval) else {},
            )
            with suppress(VersionConflict):
                await self._commits.commit(received.change)
                return received.payload

    async def act(self, public_id: str, click: Click, *, by: Person, elapsed: float) -> Outcome:
        """
        Decide, tell the tenant, and answer in time, whatever the tenant does.

        *elapsed* is in seconds since the click arrived. Commit and call go on in a
        task of their own when the time is up, or when the caller is cancelled.

        Raises:
            ApprovalError: The click cannot be honoured; the message says why.
        """
        acting = Acting(
            click,
            by=by,
            store=self._store,
            commits=self._commits,
            posting=self._posting,
            directory=self._directory,
        )
        task = self._spawn(acting.run(lambda: self._named(public_id)))
        await self.deadlines.wait(task, elapsed)
        if not task.done():
            acting.promised = not acting.committed
            view = self.view_of(acting.approval, click.seat) if acting.approval else None
            return Outcome(view, recording=acting.promised)
        try:
            return Outcome(self.view_of(task.result(), click.seat))
        except (AlreadyActedOn, StaleCard):
            self._spawn(acting.leave_alone())
            raise

    async def act_together(
        self, code: str, ticked: Sequence[Ticked], *, by: Person, elapsed: float
    ) -> list[Together]:
        """
        Decide several requests of the tenant *code*, each for itself, and answer as `act` does.

        Raises:
            ApprovalError: Nothing of it can be honoured; the message says why.
        """
        tenant = self._tenants.by_code(code)
        if tenant is None:
            raise unknown()
        acting = ActingTogether(
            checked(tenant, ticked),
            tenant=tenant,
            by=by,
            store=self._store,
            commits=self._commits,
            posting=self._posting,
            gathered_within=self.deadlines.array,
        )
        await self.deadlines.wait(self._spawn(acting.run(self._named)), elapsed)
        return acting.answer()

    async def view(self, public_id: str, seat: int, *, by: PersonId) -> View:
        """
        Return what the person's card of a request should show now, with its details.

        Raises:
            UnknownApproval: There is none, or he may not see it.
        """
        return await self.with_details(await self.glance(public_id, seat, by=by))

    async def glance(self, public_id: str, seat: int, *, by: PersonId) -> View:
        """Return what `view` does without the details."""
        approval = await self._settled(public_id)
        place = approval.place(seat)
        if place is None or place.person is None or place.person.id != by:
            raise unknown()
        if not may_see(approval, by):
            raise unknown()
        return self.view_of(approval, seat)

    async def own(self, public_id: str, *, by: PersonId) -> View:
        """
        Return what `view` does, of the person's own place, whichever it is.

        Raises:
            UnknownApproval: There is no such request, or he may not see it.
        """
        approval = await self._settled(public_id)
        place = approval.place_of(by)
        if place is None or not may_see(approval, by):
            raise unknown()
        return await self.with_details(self.view_of(approval, place.seat))

    async def find(self, number: str, *, by: PersonId) -> View:
        """
        Return what `view` does for the newest request with this number that he may see.

        *number* is a display number or a document number, whatever its case.

        Raises:
            UnknownApproval: There is none.
        """
        seen: list[tuple[Approval, Place]] = []
        for tenant in self._tenants.all():
            for approval in await with_number(self._store, tenant, number):
                place = approval.place_of(by)
                if place is not None and may_see(approval, by):
                    seen.append((approval, place))
        if not seen:
            raise unknown()
        approval, place = max(seen, key=lambda found: (found[0].open, found[0].opened_at))
        await self._store.settled(approval)
        return await self.with_details(self.view_of(approval, place.seat))

    async def pending(
        self, person: PersonId, *, at: str = "", after: Cursor | None = None, limit: int
    ) -> list[Waiting]:
        """
        Return what *person* can decide now, oldest first.

        Over all tenants, or at the one with the code *at*.
        """
        waiting: list[Waiting] = []
        for tenant in self._tenants.all():
            if at in ("", tenant.code):
                waiting += await waiting_at(self._store, tenant, person, after=after, limit=limit)
        return sorted(waiting, key=lambda w: (w.cursor.at, w.cursor.key))[:limit]

    async def with_details(self, view: View) -> View:
        """Return *view* with the stored details of its request, if he may see what it is about."""
        if view.approval.content is None:
            return view
        return view.model_copy(update={"details": await self._details(view.approval.key)})

    async def settle(self, public_id: str, seat: int, found: Settlement, *, by: str) -> Approval:
        """
        End an unconfirmed decision by what the operator *by* found out.

        Raises:
            UnknownApproval: There is no such request.

            NotSettled: The place has no unconfirmed decision.
        """
        approval, tenant = await self._named(public_id)
        return await self._commits.change_once(
            approval.key,
            lambda a, stamp: settling.settle(a, seat, found, by=by, tenant=tenant, stamp=stamp),
        )

    async def drain(self, *, seconds: float) -> None:
        """
        Wait for the clicks under way. What does not end in time is broken off.

        Its attempts are given back, so that a worker goes on with them at once; what was not
        committed yet was not promised either. What a tenant answered is written down first.
        """
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        if left := set(self._tasks):
            log.warning("clicks_broken_off", extra={"count": len(left)})
            await self._broken_off(left - self._ending.writing)
            if answered := {task for task in left if not task.done()}:
                await asyncio.wait(answered, timeout=WRITTEN_WITHIN)
            await self._broken_off({task for task in left if not task.done()})
        await self._posting.give_back()

    async def _details(self, key: ApprovalKey) -> dict[str, str]:
        bodies = await self._store.bodies(key, "details/")
        return {name.removeprefix("details/"): text for name, text in bodies.items()}

    async def _settled(self, public_id: str) -> Approval:
        """Return a request to be shown: whoever sees a decision on it may count on it."""
        approval = (await self._named(public_id)).approval
        await self._store.settled(approval)
        return approval

    async def _named(self, public_id: str) -> Found:
        tenant = self._tenants.by_code(public_id.partition("-")[0])
        if tenant is None:
            raise unknown()
        scope = tenant_scope(tenant.document_type_id)
        approval = await self._store.approval_by_id(scope, public_id)
        if approval is None:
            raise unknown()
        return Found(approval, tenant)

    def view_of(self, approval: Approval, seat: int) -> View:
        """Return what the person of the place may see of *approval*, without its details."""
        place, tenant = approval.places[seat], self._tenant(approval.key)
        seen = as_seen(approval, place, place.round)
        closed = tenant.closed(self._commits.now())
        return View(
            tenant=tenant,
            approval=seen,
            place=place,
            round=place.round,
            details={},
            closed=closed,
        )

    def _tenant(self, key: ApprovalKey) -> Tenant:
        tenant = self._tenants.by_id(key.tenant)
        if tenant is None:
            raise unknown()
        return tenant

    async def _broken_off(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=BROKEN_OFF_WITHIN)

    def _spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = self._ending.spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Let go of a click's task. Its failure is told here too: nobody may wait any more."""
        self._tasks.discard(task)
        self._ending.nothing_sent(task)
        failure = None if task.cancelled() else task.exception()
        told = (ApprovalError, StoreUnavailable)  # to the person, or in the log
        if failure is not None and not isinstance(failure, told):
            log.error("click_failed", exc_info=failure)


def _repeated(known: Payload, payload_id: str) -> Payload:
    """Our own commit, whose answer was lost, is no duplicate."""
    if known.id == payload_id:
        return known
    return known.model_copy(update={"disposition": Disposition.DUPLICATE})
