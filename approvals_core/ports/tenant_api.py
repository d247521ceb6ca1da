"""The tenants' own APIs, and what their answers mean."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from approvals_core.models import (
    Approval,
    Attachment,
    Decision,
    Place,
    Record,
)
from approvals_core.tenant import Tenant


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
    in seconds, None where the tenant named no time. *tried* is False where nothing was
    sent because other calls or the breaker stood in the way.
    """

    kind: AnswerKind
    message: str = ""
    errors: tuple[str, ...] = ()
    retry_after: float | None = None
    reason: str = ""  # why it is not accepted, for operators: "HTTP 500", "timed out"
    tried: bool = True


class Posted(Record):
    """One decision on its way to the tenant: the approval, and the place that holds the decision."""

    approval: Approval
    place: Place
    decision: Decision


class FetchedKind(StrEnum):
    """What became of reading something at a tenant's."""

    FOUND = "found"
    REFUSED = "refused"  # HTTP 4xx: reading it again would not help; see `Fetched.status`
    UNUSABLE = "unusable"  # an answer, but none that can be used
    UNAVAILABLE = "unavailable"  # no answer, 401, 429, 5xx: again later


class Fetched(Record):
    """
    What a tenant's Summary or Details API gave.

    *body* is the JSON text as sent ("" unless found); *status* is HTTP's, None where
    there was none; *reason* for operators; *retry_after* in seconds, None where the
    tenant named no time.
    """

    kind: FetchedKind
    body: str = ""
    status: int | None = None
    reason: str = ""
    retry_after: float | None = None


class FetchedFile(Record):
    """
    What a tenant's Attachment API gave.

    *body* is the whole file, b"" unless found; *content_type* is what the tenant calls it,
    in lower case and without parameters: to be checked, never believed. The rest as for `Fetched`.
    """

    kind: FetchedKind
    body: bytes = b""
    content_type: str = ""
    status: int | None = None
    reason: str = ""
    retry_after: float | None = None


class TenantApi(Protocol):
    """
    A tenant's own APIs (assent-app WIKI.md). Nothing here raises for what the far side does.

    All calls of one tenant share its few slots and its breaker; none waits for another
    tenant's. A call for which no slot comes free in time was not made, and says so.
    """

    async def post_decision(self, tenant: Tenant, posted: Posted) -> Answer:
        """Post one decision once, as a body of its own."""
        ...

    async def post_decisions(self, tenant: Tenant, posted: Sequence[Posted]) -> Sequence[Answer]:
        """Post several decisions once, as one array; return their answers in the same order."""
        ...

    async def decision_status(self, tenant: Tenant, posted: Posted) -> Answer:
        """
        Ask what became of a decision, where the tenant has `api.decision_status`.

        ACCEPTED and REFUSED: it answered with the ApprovalResponse. NOT_TAKEN: it never
        got it (HTTP 404). UNKNOWN: it cannot say now.
        """
        ...

    async def summary(self, tenant: Tenant, approval: Approval) -> Fetched:
        """Read the newest SummaryData, where the tenant has `api.summary`."""
        ...

    async def details(self, tenant: Tenant, approval: Approval, operation: str) -> Fetched:
        """Read one operation of the details; one of `api.details`."""
        ...

    async def attachment(
        self,
        tenant: Tenant,
        approval: Approval,
        attachment: Attachment,
        *,
        user_assertion: str | None,
    ) -> FetchedFile:
        """
        Read a file of the request, at most `limits.attachment_bytes`, where the tenant has `api.attachment`.

        *user_assertion* is the token of the person who asks, issued for us; None: he has
        none, and our own is sent.
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
