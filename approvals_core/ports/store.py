"""Where everything is kept."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Contact,
    DeadLetter,
    HistoryEvent,
    Job,
    Lane,
    Lease,
    LeasedJob,
    Letter,
    Payload,
    PersonId,
    QueuedJob,
    Receipt,
)
from approvals_core.ports.budgets import Budgets
from approvals_core.ports.holdings import Holdings
from approvals_core.ports.lists import (
    Cursor,
    Depth,
    JobCursor,
    JobPage,
    Page,
    PayloadCursor,
    PayloadPage,
    Room,
)


class Store(Protocol):
    """Approvals, what lies beside them, and the jobs still to do. All times are UTC."""

    @property
    def holdings(self) -> Holdings:
        """What is stored, as it is stored: for moving, archiving and erasing."""
        ...

    @property
    def budgets(self) -> Budgets:
        """What all processes together may do in a time."""
        ...

    async def commit(self, change: Change) -> None:
        """
        Save all of *change*, or nothing of it. Returns once it is durable.

        The same change again (same id as the stored `last_change`) is already
        done, and is not an error.

        Raises:
            VersionConflict: The stored approval or contact is not one version below.

            LeaseLost: ``change.finish`` or ``change.held`` has an old token.

            StoreUnavailable: The back end did not answer; commit the same change again.
        """
        ...

    async def approval(self, key: ApprovalKey) -> Approval | None:
        """Return the approval, or None if nothing was ever received for it."""
        ...

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        """Return the approval with this public id in *scope*, or None."""
        ...

    async def settled(self, approval: Approval) -> None:
        """
        Return once *approval*, as it was read, is as safe as a commit.

        What is read may be another one's commit that is not durable everywhere yet, and is gone if
        the back end fails over now. So this comes before anybody is told of what was read, unless
        it was committed upon.

        Raises:
            StoreUnavailable: It is not safe yet, or not there any more; read it again.
        """
        ...

    async def bodies(self, key: ApprovalKey, prefix: str = "") -> Mapping[str, str]:
        """Return the texts beside the approval whose names begin with *prefix*."""
        ...

    async def body_names(self, key: ApprovalKey) -> Sequence[str]:
        """Return the names of the texts beside the approval, without reading them."""
        ...

    async def history(self, key: ApprovalKey) -> Sequence[HistoryEvent]:
        """Return the events of one approval, oldest first."""
        ...

    async def receipts(self, key: ApprovalKey) -> Sequence[Receipt]:
        """Return all cards of one approval, of every round."""
        ...

    async def receipt(
        self,
        key: ApprovalKey,
        *,
        round: int,  # noqa: A002 (the word for it)
        person: PersonId,
        channel: str,
    ) -> Receipt | None:
        """Return one card's receipt, or None if none was ever sent."""
        ...

    async def letters(self, key: ApprovalKey) -> Sequence[Letter]:
        """Return the mails of one approval, the oldest first."""
        ...

    async def letter(self, key: ApprovalKey, letter_id: str) -> Letter | None:
        """Return one mail's line of the ledger, or None."""
        ...

    async def payload(self, scope: str, payload_id: str) -> Payload | None:
        """Return the record of one payload, or None."""
        ...

    async def payload_by_digest(self, scope: str, digest: str) -> Payload | None:
        """Return the record of the payload with these contents, as safe as a commit, or None."""
        ...

    async def late_payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        """Return the next *limit* payloads of which something was too old (see `models.LATE`)."""
        ...

    async def payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        """Return the next *limit* payloads that were taken in *scope*."""
        ...

    async def contact(self, person: PersonId) -> Contact | None:
        """Return how the person is reached, or None if never heard of."""
        ...

    async def page(self, scope: str, name: str, *, after: Cursor | None = None, limit: int) -> Page:
        """Return the next *limit* approvals of the list *name* (see `models.entries`)."""
        ...

    async def count(self, scope: str, name: str) -> int:
        """Return how many approvals the list holds."""
        ...

    async def lease(
        self,
        lanes: Sequence[Lane],
        *,
        limit: int,
        now: datetime,
        until: datetime,
        room: Room | None = None,
    ) -> Sequence[LeasedJob]:
        """
        Hand out due jobs, urgent lanes first, then by due time, whatever the scope.

        Of all lanes together at most *room* of a scope; those of a scope without room are not touched.

        A job not finished at *until* is handed out again, with another token. One whose
        record cannot be read is left out until then, and holds up no other.
        """
        ...

    async def renew(self, lease: Lease, *, until: datetime) -> Lease:
        """
        Keep a job for longer.

        Raises:
            LeaseLost: Somebody else has it.
        """
        ...

    async def finish(self, lease: Lease) -> None:
        """
        Forget a job that is done; one asked for once more meanwhile is due again.

        Raises:
            LeaseLost: Somebody else has it.
        """
        ...

    async def retry(self, lease: Lease, *, due: datetime, failed: bool) -> None:
        """
        Give a job back until *due*; *failed* adds one to its failures, else they are 0.

        One asked for once more meanwhile is due then, if that is earlier; one that failed
        some seconds after that: see `stored.FIRST_PATIENCE`. Asked for later, too.

        Raises:
            LeaseLost: Somebody else has it.
        """
        ...

    async def job(self, scope: str, key: str) -> Job | None:
        """Return the live job with this key, leased or not; None if it cannot be read, too."""
        ...

    async def queued(self, scope: str, key: str) -> QueuedJob | None:
        """Return how the job with this key stands, or None if there is none."""
        ...

    async def jobs(self, scope: str, *, after: JobCursor | None = None, limit: int) -> JobPage:
        """Return the next *limit* jobs of *scope*, of all lanes, leased or not."""
        ...

    async def next_due(
        self, lanes: Sequence[Lane], *, but_not: Collection[str] = ()
    ) -> datetime | None:
        """
        Return when the next job is due or its lease ends; None if there is none.

        Jobs of the scopes *but_not* do not count.
        """
        ...

    async def oldest_held(
        self, ends: Mapping[Lane, datetime], *, now: datetime
    ) -> Mapping[Lane, datetime]:
        """
        Return when the oldest job of each lane was due whose lease ends after *now*, by *ends*.

        Lanes without such a job are left out. Looks at some hundred jobs of a lane at most.
        """
        ...

    async def depth(self, now: datetime) -> Depth:
        """Return how long the queue is, in about the same time however long it is."""
        ...

    async def dead_letters(self, scope: str) -> Sequence[DeadLetter]:
        """Return the jobs given up in *scope*, oldest first."""
        ...

    async def notes(self, scope: str) -> Mapping[str, str]:
        """Return the short texts that *scope* keeps by name (see `models.Change`)."""
        ...

    async def scopes(self) -> Sequence[str]:
        """Return every scope that was ever written to."""
        ...

    async def stamp(self, issuers: Sequence[str]) -> None:
        """
        Mark a new store with the issuers whose words it will hold.

        Raises:
            StoreRefused: It was made with others.
        """
        ...

    async def close(self) -> None:
        """End what is under way and let go of the back end."""
        ...
