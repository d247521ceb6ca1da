"""The jobs that send mails, one for each address and occasion, and which of them newer ones replace."""

import hashlib
from collections.abc import Collection, Iterable

from approvals_core.models import Approval, JobKind, Lane, Notification, Occasion
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


def job_key(approval: Approval, letter: str) -> str:
    """
    Return the key of the job that sends a mail, by the *letter*'s id.

    A job's key gets into the log and into the history, from which nothing is erased: so it
    names the mail, and not who gets it.
    """
    return f"mail/{approval.id}/{letter}"


def lane_of(notification: Notification, address: str, *, number: int) -> Lane:
    """Return with whom a mail waits for the mailbox: those who may be asked go first, reminders last."""
    if number:
        return Lane.MAIL_REMINDER
    asked = notification.occasion is Occasion.ASKED and is_among(address, notification.to)
    return Lane.MAIL if asked else Lane.MAIL_COPY


def leave_mails(
    draft: Draft, notification: Notification, addresses: Iterable[str], *, number: int = 0
) -> None:
    """Leave a job for each address; *number* is the reminder's, 0 if it is none."""
    for address in addresses:
        draft.job(
            job_key(draft.approval, letter_id(draft.approval, notification.id, number, address)),
            JobKind.MAIL,
            lane_of(notification, address, number=number),
            due=draft.at,
            round=notification.round,
            notification=notification.id,
            address=address,
            number=number,
        )


def is_replaced(approval: Approval, notification: Notification, address: str) -> bool:
    """Tell whether a newer mail of the same round asks whoever has *address*."""
    if notification.occasion is Occasion.ENDED:
        return False
    newer = approval.notifications[approval.notifications.index(notification) + 1 :]
    return any(_takes_the_place(each, notification, address) for each in newer)


def is_among(address: str, addresses: Collection[str]) -> bool:
    """Tell whether *address* is one of them, whatever its case."""
    return address.casefold() in {each.casefold() for each in addresses}


def _takes_the_place(newer: Notification, older: Notification, address: str) -> bool:
    """Tell whether *address* is asked by the newer one, too, and not only told."""
    if newer.occasion is not Occasion.ASKED or newer.round != older.round:
        return False
    if is_among(address, newer.to):
        return True
    return not is_among(address, older.to) and is_among(address, (*newer.cc, *newer.bcc))
