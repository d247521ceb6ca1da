"""The jobs that send mails, one for each address and occasion, and which of them newer ones replace."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence

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
    return _lane_of(notification, is_first=is_among(address, notification.to), number=number)


def leave_mails(
    draft: Draft, notification: Notification, addresses: Iterable[str], *, number: int = 0
) -> None:
    """Leave a job for each address; *number* is the reminder's, 0 if it is none."""
    first = _folded(notification.to)
    for address in addresses:
        is_first = address.casefold() in first
        draft.job(
            job_key(draft.approval, letter_id(draft.approval, notification.id, number, address)),
            JobKind.MAIL,
            _lane_of(notification, is_first=is_first, number=number),
            due=draft.at,
            round=notification.round,
            notification=notification.id,
            address=address,
            number=number,
        )


def is_replaced(approval: Approval, notification: Notification, address: str) -> bool:
    """Tell whether a newer mail of the same round asks whoever has *address*."""
    standing = _not_replaced(approval, notification.round)
    left = next((left for each, left in standing if each.id == notification.id), None)
    return left is None or address.casefold() not in left


def with_mails(approval: Approval) -> Sequence[Notification]:
    """Return those of this round of which a mail is replaced by no newer one, the oldest first."""
    found = [each for each, left in _not_replaced(approval, approval.round) if left]
    return found[::-1]


def is_among(address: str, addresses: Collection[str]) -> bool:
    """Tell whether *address* is one of them, whatever its case."""
    return address.casefold() in _folded(addresses)


def _not_replaced(
    approval: Approval, round_: int
) -> Iterator[tuple[Notification, Collection[str]]]:
    """
    Yield what came in a round, the newest first, each with the addresses that get its mail.

    An address is left out if a newer one asks whoever has it, and does not only tell him.
    The addresses are folded, each of them once: there may be hundreds, many times over.
    """
    asked, told = set[str](), set[str]()
    for each in reversed(approval.notifications):
        if each.round != round_:
            continue
        to, copies = _folded(each.to), _folded((*each.cc, *each.bcc))
        ended = each.occasion is Occasion.ENDED
        yield each, to | copies if ended else (to - asked) | (copies - asked - told)
        if each.occasion is Occasion.ASKED:
            asked |= to
            told |= copies


def _folded(addresses: Iterable[str]) -> set[str]:
    return {each.casefold() for each in addresses}


def _lane_of(notification: Notification, *, is_first: bool, number: int) -> Lane:
    if number:
        return Lane.MAIL_REMINDER
    asked = notification.occasion is Occasion.ASKED and is_first
    return Lane.MAIL if asked else Lane.MAIL_COPY
