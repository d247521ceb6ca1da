"""The jobs that send mails: one for each address and occasion."""

import hashlib
from collections.abc import Iterable

from approvals_core.models import Approval, JobKind, Lane, Notification
from approvals_core.rules.draft import Draft
from approvals_core.tenant import Tenant

OUTLOOK = "outlook"


def has_mail(tenant: Tenant) -> bool:
    """Tell whether the tenant's people get mails."""
    return OUTLOOK in tenant.channels


def letter_id(approval: Approval, notification: str, number: int, address: str) -> str:
    """
    Return what names a mail for good: 32 hex digits.

    *notification* is the id of what it comes from, *number* the reminder's.
    """
    named = "\x1f".join((approval.id, notification, str(number), address))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def leave_mails(
    draft: Draft, notification: Notification, addresses: Iterable[str], *, number: int = 0
) -> None:
    """
    Leave a job for each address; *number* is the reminder's, 0 if it is none.

    A job's key gets into the log and into the history, from which nothing is erased: so it
    names the mail, and not who gets it.
    """
    for address in addresses:
        name = letter_id(draft.approval, notification.id, number, address)
        draft.job(
            f"mail/{draft.approval.id}/{name}",
            JobKind.MAIL,
            Lane.CARD,
            due=draft.at,
            round=notification.round,
            notification=notification.id,
            address=address,
            number=number,
        )
