"""What a payload's NotificationDetail does: mails now, and reminders later."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from approvals_core.arx import Arx, ArxNotification
from approvals_core.models import Approval, Mark, Notification, Occasion, Operation
from approvals_core.rules.draft import Draft
from approvals_core.rules.mail_jobs import has_mail, leave_mails, with_mails
from approvals_core.rules.reminding import live
from approvals_core.tenant import Tenant

KEPT = 8  # notifications of one approval, and those by which somebody is reminded
# Notifications with a mail that nothing replaced: it may wait for days. Then the oldest lose theirs.
KEPT_WITH_MAILS = 64
# Addresses of one payload: a mailbox sends 30 mails a minute, so these take it a quarter of an hour.
MOST_RECIPIENTS = 500


class Word(NamedTuple):
    """Which payload it is that asks for mails, how new, and whom it asks: see `Notification`."""

    payload_id: str
    mark: Mark | None  # None: nothing says how new it is, so it counts as the newest
    seats: tuple[int, ...] | None


def notify(draft: Draft, arx: Arx, word: Word, *, tenant: Tenant) -> tuple[str, ...]:
    """
    Write down what the payload wants told, and leave the mails.

    Returns what the tenant should know about it: why somebody gets no mail.
    """
    sent, asked = arx.notification, arx.operation is not Operation.DELETE
    if sent is None or not _concerns_anybody(draft.approval, asked=asked):
        return ()
    reminder = sent.reminder if asked else None
    if not has_mail(tenant) and reminder is None:
        return ()
    notification, left_out = _made(draft, arx, sent, word, tenant)
    draft.set(notifications=_in_order(draft.approval.notifications, notification))
    draft.set(notifications=_kept(draft.approval))
    if has_mail(tenant):
        everybody = (*notification.to, *notification.cc, *notification.bcc)
        leave_mails(draft, notification, everybody)
    return left_out


def _concerns_anybody(approval: Approval, *, asked: bool) -> bool:
    """Tell whether anybody is asked, or was: else there is nothing that a mail could show."""
    return approval.open if asked else approval.round > 0


def _made(
    draft: Draft, arx: Arx, sent: ArxNotification, word: Word, tenant: Tenant
) -> tuple[Notification, tuple[str, ...]]:
    asked = arx.operation is not Operation.DELETE
    recipients = _Recipients(tenant)
    notification = Notification(
        id=word.payload_id,
        occasion=Occasion.ASKED if asked else Occasion.ENDED,
        template=sent.template,
        action=arx.action.name if arx.action else "",
        to=recipients.take(sent.to),
        cc=recipients.take(sent.cc),
        bcc=recipients.take(sent.bcc),
        reminder=sent.reminder if asked else None,
        round=draft.approval.round,
        mark=word.mark or max((n.mark for n in draft.approval.notifications), default=Mark(0, 0)),
        seats=word.seats,
        at=draft.at,
    )
    return notification, recipients.left_out


class _Recipients:
    """Completes aliases to addresses, and takes each once, where it is named first, up to a limit."""

    def __init__(self, tenant: Tenant) -> None:
        domains = tenant.people.mail_domains
        self._domain = domains[0] if domains else ""
        self._seen: set[str] = set()
        self._without = 0
        self._beyond = 0

    def take(self, recipients: Iterable[str]) -> tuple[str, ...]:
        """Return the addresses of those who were not taken before."""
        return tuple(address for each in recipients if (address := self._address(each)))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Say that somebody gets no mail, if it is so."""
        found: list[str] = []
        if self._without:
            why = "recipients have no mail domain, and neither has the tenant's file"
            found.append(f"NotificationDetail: {self._without} {why}; they are left out.")
        if self._beyond:
            why = f"of one payload only the first {MOST_RECIPIENTS} recipients get a mail"
            found.append(f"NotificationDetail: {why}; the {self._beyond} after them are left out.")
        return tuple(found)

    def _address(self, recipient: str) -> str:
        """Return the whole address, "" for who was taken before, has none or comes too late."""
        if "@" not in recipient and not self._domain:
            self._without += 1
            return ""
        address = recipient if "@" in recipient else f"{recipient}@{self._domain}"
        if address.lower() in self._seen:
            return ""
        if len(self._seen) >= MOST_RECIPIENTS:
            self._beyond += 1
            return ""
        self._seen.add(address.lower())
        return address


def _in_order(
    notifications: Sequence[Notification], notification: Notification
) -> tuple[Notification, ...]:
    """Put it behind those that are not newer: a payload may be late."""
    return tuple(sorted((*notifications, notification), key=lambda each: (each.round, each.mark)))


def _kept(approval: Approval) -> tuple[Notification, ...]:
    """Drop the oldest that are too many: none by which somebody is reminded, and none with mails first."""
    reminding = [each.id for each in live(approval)]
    kept = {*(each.id for each in with_mails(approval)[-KEPT_WITH_MAILS:]), *reminding}
    others = [n for n in approval.notifications if n.id not in kept][-KEPT:]
    kept.update(each.id for each in others)
    return tuple(each for each in approval.notifications if each.id in kept)
