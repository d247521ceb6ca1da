"""How a rule becomes a commit: on the newest state, again after a conflict, once whatever is lost."""

import asyncio
import secrets
from base64 import b32encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from gettext import gettext as _

from approvals_core import tracing
from approvals_core.errors import (
    ApprovalError,
    StoreUnavailable,
    UnknownApproval,
    VersionConflict,
)
from approvals_core.log_context import note
from approvals_core.models import Approval, ApprovalKey, Change, Lease
from approvals_core.ports import Store
from approvals_core.rules.draft import Stamp
from approvals_core.telemetry import NO_TELEMETRY, Telemetry, Work

COMMIT_TRIES = 6  # of one change whose outcome is not known: about three seconds

Step = Callable[[Approval, Stamp], Change | None]


class Commits:
    """
    Applies rules to stored approvals.

    *wake* is called whenever there may be new jobs. *sleep* waits between two tries of
    the same, for as many seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._store = store
        self.telemetry = telemetry
        self._wake = wake
        self.now = now
        self.sleep = sleep

    async def change(
        self, key: ApprovalKey, step: Step, *, known: Approval | None = None
    ) -> Approval:
        """
        Apply *step* to the newest approval, anew whenever somebody commits in between.

        Returns the approval as it stands then; None from *step* means: leave it so.
        *known* is the approval as the caller read or committed it last: it saves reading
        it once more. If it is not the newest by now, its commit is refused; what *step*
        refuses or leaves counts only for one that was read here, and is safe (`Store.settled`).

        Raises:
            UnknownApproval: There is none, or what *step* raises.

            LeaseLost: The change finishes a job that somebody else has by now.

            StoreUnavailable: Nobody knows whether the change was committed.
        """
        if known is not None and (changed := await self._changed(known, step)) is not None:
            return changed
        while True:
            approval, change = await self._newest(key, step)
            if change is None or change.approval is None:
                return approval
            with suppress(VersionConflict):
                await self.commit(change)
                return change.approval

    async def _changed(self, known: Approval, step: Step) -> Approval | None:
        """Return what *step* makes of *known* once it is committed; None: look at the newest."""
        with suppress(ApprovalError, VersionConflict):
            change = self._step(known, step)
            if change is not None and change.approval is not None:
                await self.commit(change)
                return change.approval
        return None

    async def _newest(self, key: ApprovalKey, step: Step) -> tuple[Approval, Change | None]:
        """Return the newest approval and what *step* makes of it; sure of it, if it is no change."""
        approval = await self._store.approval(key)
        if approval is None:
            raise unknown()
        try:
            change = self._step(approval, step)
        except ApprovalError:
            await self._store.settled(approval)
            raise
        if change is None:
            await self._store.settled(approval)
        return approval, change

    def _step(self, approval: Approval, step: Step) -> Change | None:
        note(xcv=approval.xcv)
        tracing.carry_on(approval.trace)
        return step(approval, self.stamp())

    async def change_once(
        self, key: ApprovalKey, step: Callable[[Approval, Stamp], Change]
    ) -> Approval:
        """
        Do what `change` does, for a *step* that may not be done again once it was committed.

        If the answer is lost and somebody commits in between, the history tells whether
        ours is there. So the first event of the change must be like no other: by its salt.

        Raises:
            UnknownApproval: There is none, or what *step* raises.

            StoreUnavailable: Nobody knows whether the change was committed.
        """
        while True:
            approval = await self._store.approval(key)
            if approval is None:
                raise unknown()
            note(xcv=approval.xcv)
            tracing.carry_on(approval.trace)
            change = step(approval, self.stamp())
            try:
                await self.commit(change)
            except VersionConflict:
                if not await self._is_recorded(key, change):
                    continue
            return await self._store.approval(key) or approval

    async def _is_recorded(self, key: ApprovalKey, change: Change) -> bool:
        history = await self._store.history(key)
        return any(event.hash == change.events[0].hash for event in history)

    async def finish(self, key: ApprovalKey, lease: Lease, step: Step) -> None:
        """Apply *step*, which ends the leased job itself; end it if there is nothing to do."""
        ends: list[bool] = []

        def noted(approval: Approval, stamp: Stamp) -> Change | None:
            change = step(approval, stamp)
            ends[:] = [change is not None]
            return change

        await self.change(key, noted)
        if not ends[0]:
            await self._store.finish(lease)

    async def commit(self, change: Change) -> None:
        """Commit *change*, the same again while nobody knows whether it arrived."""
        about = change.approval.id if change.approval else ""
        for tries in range(1, COMMIT_TRIES + 1):
            try:
                with self.telemetry.span(Work.COMMIT, approval=about):
                    await self._store.commit(change)
            except StoreUnavailable:
                if tries == COMMIT_TRIES:
                    raise
                await self.sleep(0.05 * 2**tries)
            else:
                self.telemetry.committed(change)
                self._wake()
                return

    def in_seconds(self, seconds: float) -> datetime:
        """Return the time *seconds* from now."""
        return self.now() + timedelta(seconds=seconds)

    def stamp(self) -> Stamp:
        """Return time and names for one change."""
        random = secrets.token_bytes(42)  # asked for once: that is most of it
        return Stamp(
            at=self.now(),
            change=random[:16].hex(),
            salt=random[16:32].hex(),
            name=b32encode(random[32:]).decode().lower(),
            trace=tracing.current(),
        )


def unknown() -> UnknownApproval:
    """Return what to raise for what is not there and for what is not the asker's."""
    return UnknownApproval(_("This request is not available to you."))
