"""The jobs that send mails: one for each address and occasion."""

from collections.abc import Iterable

from approvals_core.models import JobKind, Lane, Notification
from approvals_core.rules.draft import Draft
from approvals_core.tenant import Tenant

OUTLOOK = "outlook"


def has_mail(tenant: Tenant) -> bool:
    """Tell whether the tenant's people get mails."""
    return OUTLOOK in tenant.channels


def leave_mails(
    draft: Draft, notification: Notification, addresses: Iterable[str], *, number: int = 0
) -> None:
    """Leave a job for each address; *number* is the reminder's, 0 if it is none."""
    for address in addresses:
        draft.job(
            f"mail/{draft.approval.id}/{notification.id}/{number}/{address}",
            JobKind.MAIL,
            Lane.CARD,
            due=draft.at,
            round=notification.round,
            notification=notification.id,
            address=address,
            number=number,
        )
