"""What the core needs from outside. Adapters and channels implement these."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from approvals_core.models import (
    Approval,
    ApprovalKey,
    Change,
    Contact,
    DeadLetter,
    Decision,
    HistoryEvent,
    Job,
    Lane,
    Lease,
    LeasedJob,
    Payload,
    Person,
    PersonId,
    Place,
    QueuedJob,
    Receipt,
    Record,
)
from approvals_core.tenant import Tenant


class Cursor(Record):
    """Where a page of a list ended."""

    at: datetime
    key: ApprovalKey


class Page(Record):
    """Some of a list, oldest first; *after* is None when there is no more."""

    approvals: tuple[Approval, ...]
    after: Cursor | None = None


class JobCursor(Record):
    """Where a page of the queue ended."""

    next: datetime
    key: str


class JobPage(Record):
    """Some of a scope's queue, what is handed out first in front; *after* as for `Page`."""

    jobs: tuple[QueuedJob, ...]
    after: JobCursor | None = None


class PayloadCursor(Record):
    """Where a page of payloads ended; *id* "" is before all of that time."""

    at: datetime
    id: str = ""


class PayloadPage(Record):
    """Some of a scope's payloads, oldest first; *after* as for `Page`."""

    payloads: tuple[Payload, ...]
    after: PayloadCursor | None = None


class Store(Protocol):
    """Approvals, what lies beside them, and the jobs still to do. All times are UTC."""

    async def commit(self, change: Change) -> None:
        """
        Save all of *change*, or nothing of it. Returns once it is durable.

        The same change again (same id as the stored `last_change`) is already
        done, and is not an error.

        Raises:
            VersionConflict: The stored approval or contact is not one version below.

            LeaseLost: ``change.finish`` has an old token.

            StoreUnavailable: The back end did not answer; commit the same change again.
        """
        ...

    async def approval(self, key: ApprovalKey) -> Approval | None:
        """Return the approval, or None if nothing was ever received for it."""
        ...

    async def approval_by_id(self, scope: str, public_id: str) -> Approval | None:
        """Return the approval with this public id in *scope*, or None."""
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

    async def payload(self, scope: str, payload_id: str) -> Payload | None:
        """Return the record of one payload, or None."""
        ...

    async def payload_by_digest(self, scope: str, digest: str) -> Payload | None:
        """Return the record of the payload with these contents, or None."""
        ...

    async def late_payloads(
        self, scope: str, *, after: PayloadCursor | None = None, limit: int
    ) -> PayloadPage:
        """Return the next *limit* payloads of which something was too old (see `models.LATE`)."""
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
        self, lanes: Sequence[Lane], *, limit: int, now: datetime, until: datetime
    ) -> Sequence[LeasedJob]:
        """
        Hand out due jobs, urgent lanes first, then by due time, whatever the scope.

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

    async def next_due(self, lanes: Sequence[Lane]) -> datetime | None:
        """Return when the next job is due or its lease ends; None if there is none."""
        ...

    async def dead_letters(self, scope: str) -> Sequence[DeadLetter]:
        """Return the jobs given up in *scope*, oldest first."""
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


class AnswerKind(StrEnum):
    """What a tenant's answer to a decision means for it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # a well-formed no: give it back with the message
    AGAIN = "again"  # taken by nobody: the same again after `retry_after`
    NOT_TAKEN = "not_taken"  # and the same again would not help: give it back
    UNKNOWN = "unknown"  # no usable answer: it may have arrived


class Answer(Record):
    """
    What the tenant said, or did not say, to one attempt.

    *message* is for the person, as sent; *errors* are for the log. *retry_after*
    in seconds, None where the tenant named no time.
    """

    kind: AnswerKind
    message: str = ""
    errors: tuple[str, ...] = ()
    retry_after: float | None = None
    reason: str = ""  # why it is not accepted, for operators: "HTTP 500", "timed out"


class TenantApi(Protocol):
    """A tenant's own APIs (assent-app WIKI.md)."""

    async def post_decision(
        self, tenant: Tenant, approval: Approval, place: Place, decision: Decision
    ) -> Answer:
        """Post *decision* once. Never raises for what the far side does."""
        ...


class NotFound(StrEnum):
    """Why a name leads to nobody who may act."""

    UNKNOWN = "unknown alias"
    SEVERAL = "several people"
    DISABLED = "disabled"
    GUEST = "guest"


class Directory(Protocol):
    """Who is who in the tenant's Entra directory."""

    async def find(self, tenant: Tenant, alias: str) -> Person | NotFound:
        """
        Look up the person the tenant calls *alias*.

        Raises:
            DirectoryUnavailable: Try again after its `retry_after`.
        """
        ...


class View(Record):
    """
    Everything a face is made from: the newest state, and whose card it is.

    A card of an older round than the approval's stays closed for good.
    """

    tenant: Tenant
    approval: Approval
    place: Place
    round: int  # of the card
    details: dict[str, str]  # operation -> JSON text


class Channel(Protocol):
    """One way to reach an approver. Implemented in bots/."""

    name: str

    async def face(self, view: View) -> tuple[str, Mapping[str, object]]:
        """Return the face's digest and the face, as it should be shown now."""
        ...

    async def send(self, person: PersonId, face: Mapping[str, object]) -> str:
        """
        Show a new card and return its address.

        Raises:
            ChannelError: See `errors`.
        """
        ...

    async def update(self, address: str, face: Mapping[str, object]) -> None:
        """
        Replace the card at *address*.

        Raises:
            ChannelError: See `errors`.
        """
        ...

    async def withdraw(self, address: str) -> None:
        """
        Take the card at *address* away.

        Raises:
            ChannelError: See `errors`.
        """
        ...


class Tenants(Protocol):
    """The tenants onboarded now."""

    def by_id(self, document_type_id: str) -> Tenant | None:
        """Return the tenant with this DocumentTypeId, whatever its case, or None."""
        ...

    def by_code(self, code: str) -> Tenant | None:
        """Return the tenant with this short code, or None."""
        ...

    def all(self) -> Sequence[Tenant]:
        """Return all tenants, in the order of their codes."""
        ...
