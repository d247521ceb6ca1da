"""What a payload's NotificationDetail does: mails now, and reminders later."""

from collections.abc import Iterable, Sequence

from approvals_core.arx import Arx, ArxNotification
from approvals_core.models import Approval, Notification, Occasion, Operation
from approvals_core.rules.draft import Draft
from approvals_core.rules.mail_jobs import has_mail, leave_mails
from approvals_core.rules.reminding import schedule
from approvals_core.tenant import Tenant

KEPT = 8  # notifications of one approval


def notify(draft: Draft, arx: Arx, payload_id: str, *, tenant: Tenant) -> tuple[str, ...]:
    """
    Write down what the payload wants told, and leave the mails and the next reminder.

    Returns what the tenant should know about it: why somebody gets no mail.
    """
    sent, asked = arx.notification, arx.operation is not Operation.DELETE
    if sent is None or not _concerns_anybody(draft.approval, asked=asked):
        return ()
    reminder = sent.reminder if asked else None
    if not has_mail(tenant) and reminder is None:
        return ()
    notification, left_out = _made(draft, arx, sent, payload_id, tenant)
    draft.set(notifications=_kept((*draft.approval.notifications, notification)))
    if has_mail(tenant):
        everybody = (*notification.to, *notification.cc, *notification.bcc)
        leave_mails(draft, notification, everybody)
    if asked:
        schedule(draft)
    return left_out


def _concerns_anybody(approval: Approval, *, asked: bool) -> bool:
    """Tell whether anybody is asked, or was: else there is nothing that a mail could show."""
    return approval.open if asked else approval.round > 0


def _made(
    draft: Draft, arx: Arx, sent: ArxNotification, payload_id: str, tenant: Tenant
) -> tuple[Notification, tuple[str, ...]]:
    asked = arx.operation is not Operation.DELETE
    recipients = _Recipients(tenant)
    notification = Notification(
        id=payload_id,
        occasion=Occasion.ASKED if asked else Occasion.ENDED,
        template=sent.template,
        action=arx.action.name if arx.action else "",
        to=recipients.take(sent.to),
        cc=recipients.take(sent.cc),
        bcc=recipients.take(sent.bcc),
        reminder=sent.reminder if asked else None,
        round=draft.approval.round,
        at=draft.at,
    )
    return notification, recipients.left_out


class _Recipients:
    """Completes aliases to addresses, and takes each of them once, where it is named first."""

    def __init__(self, tenant: Tenant) -> None:
        domains = tenant.people.mail_domains
        self._domain = domains[0] if domains else ""
        self._seen: set[str] = set()
        self._without = 0

    def take(self, recipients: Iterable[str]) -> tuple[str, ...]:
        """Return the addresses of those who were not taken before."""
        return tuple(address for each in recipients if (address := self._address(each)))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Say that somebody gets no mail, if it is so."""
        if not self._without:
            return ()
        why = "recipients have no mail domain, and neither has the tenant's file"
        return (f"NotificationDetail: {self._without} {why}; they are left out.",)

    def _address(self, recipient: str) -> str:
        """Return the whole address, "" for who was taken before or has none."""
        if "@" not in recipient and not self._domain:
            self._without += 1
            return ""
        address = recipient if "@" in recipient else f"{recipient}@{self._domain}"
        if address.lower() in self._seen:
            return ""
        self._seen.add(address.lower())
        return address


def _kept(notifications: Sequence[Notification]) -> tuple[Notification, ...]:
    """Drop the oldest that are too many: never the one by which people are asked and reminded."""
    asked = [each for each in notifications if each.occasion is Occasion.ASKED]
    newest = asked[-1:]
    others = [each for each in notifications if each not in newest][1 - KEPT :]
    return tuple(each for each in notifications if each in newest or each in others)
