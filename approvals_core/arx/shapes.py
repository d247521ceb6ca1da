"""What one ARX says, in the core's own terms."""

from datetime import datetime

from pydantic import Field

from approvals_core.models import ApprovalKey, Content, Named, Operation, Record, Reminder


class ArxApprover(Record):
    """Somebody whom the tenant asks; *alias* is trimmed, else as written."""

    alias: str
    name: str = ""
    original_approvers: tuple[str, ...] = ()


class ArxAction(Record):
    """
    ActionDetail: what somebody did at the tenant.

    *at* is its Date; where the tenant sent none, the ARX' OperationDateTime or
    the time it arrived.
    """

    by: Named
    name: str
    at: datetime
    comment: str = ""
    failure: str = ""  # UserActionFailureReason
    delegate: str = ""  # AdditionalData.ActionByDelegateInMSApprovals
    new_approver: Named | None = None
    placement: str = ""


class ArxNotification(Record):
    """
    NotificationDetail of a payload that wants mails sent.

    Recipients are mail addresses, or aliases as the tenant wrote them. Each is there
    once, whatever its case: in the first of *to*, *cc* and *bcc* that names it.
    """

    template: str  # TemplateKey
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reminder: Reminder | None = None


class Arx(Record):
    """
    One payload, checked.

    *ticks* is OperationDateTime in 100-ns ticks since 0001-01-01 UTC, None if the
    tenant sent none. *digest* is the SHA-256 (hex) of the canonical JSON without
    Telemetry: the same digest is the same payload. *raw* is the payload as sent.
    """

    key: ApprovalKey
    display_number: str
    operation: Operation
    ticks: int | None = None
    approvers: tuple[ArxApprover, ...] = ()
    delete_for: tuple[str, ...] = ()
    action: ArxAction | None = None
    content: Content | None = None
    details: dict[str, str] = Field(default_factory=dict)  # upper-case operation -> JSON
    refresh_details: bool = True
    notification: ArxNotification | None = None
    xcv: str = ""
    tcv: str = ""
    digest: str
    warnings: tuple[str, ...] = ()
    raw: str
