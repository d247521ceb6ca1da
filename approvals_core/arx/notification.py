"""Reads NotificationDetail: who is to be told, and when again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from approvals_core.arx.reading import Node
from approvals_core.arx.recipients import BadRecipient, address_of, pieces
from approvals_core.arx.shapes import ArxNotification
from approvals_core.arx.summary import names
from approvals_core.arx.times import read_ticks, ticks_of, time_of
from approvals_core.models import Operation, Reminder

DATES = 100
RECIPIENTS = 10_000  # characters
DAYS = 3_652_059  # of the years 1 to 9999: no calendar goes further

_NOTIFICATION = names("SendNotification TemplateKey To Cc Bcc Reminder")
_REMINDER = names("ReminderDates Frequency Expiration ReminderTemplate")
_WHEN = "Send ReminderDates or Frequency: neither says when to remind."
_UNTIL = "Without ReminderDates, Frequency needs it."
_REMINDER_NAME = "ApprovalRequestExpression.NotificationDetail.ReminderDetail"


def read_notification(
    root: Node, operation: Operation | None, now: datetime
) -> ArxNotification | None:
    """
    Return whom the payload wants told, None if it wants nobody to be.

    What Assent would refuse is noted also where SendNotification is false.
    """
    detail = root.child("NotificationDetail", _NOTIFICATION)
    if detail is None:
        return None
    wanted = detail.flag("SendNotification", default=False)
    template = _needed(detail, "TemplateKey", 256, "NotificationDetail.TemplateKey")
    lists = {
        "To": _needed(detail, "To", RECIPIENTS, "NotificationDetail.To"),
        "Cc": detail.text("Cc", RECIPIENTS),
        "Bcc": detail.text("Bcc", RECIPIENTS),
    }
    sent = detail.child("Reminder", _REMINDER)
    again = sent is not None and operation is not Operation.DELETE
    reminder = _read_reminder(sent, now) if sent is not None and again else None
    if not wanted:
        return None
    if reminder is not None and not _may_come(reminder, now):
        past = "its ReminderDates or its Expiration are past"
        detail.notes.warn(f"NotificationDetail.Reminder: nobody will be reminded: {past}.")
    to, cc, bcc = _recipients(detail, lists)
    return ArxNotification(template=template, to=to, cc=cc, bcc=bcc, reminder=reminder)


def _needed(node: Node, name: str, limit: int, said: str) -> str:
    """Return a text that must say something; what is no text at all is one mistake, not two."""
    text = node.text(name, limit).strip()
    if not text and not isinstance(node.value(name), (dict, list)):
        node.problem(name, f"{said} cannot be null or empty.", name)
    return text


def _recipients(detail: Node, lists: dict[str, str]) -> list[tuple[str, ...]]:
    """Return the lists' recipients, each of them once: in the first list that names him."""
    seen: set[str] = set()
    found: list[tuple[str, ...]] = []
    for name, text in lists.items():
        new: list[str] = []
        for number, piece in enumerate(pieces(text), start=1):
            try:
                recipient = address_of(piece)
            except BadRecipient as bad:
                # Its text stays out of the warning: it may be anything, and anybody's.
                where = f"NotificationDetail.{name}, recipient {number}"
                detail.notes.warn(f"{where}: {bad}; it is left out.")
                continue
            if recipient.lower() not in seen:
                seen.add(recipient.lower())
                new.append(recipient)
        found.append(tuple(new))
    return found


def _read_reminder(sent: Node, now: datetime) -> Reminder:
    template = _needed(sent, "ReminderTemplate", 256, "ReminderTemplate")
    dates = sent.texts("ReminderDates", limit=DATES) or ()
    every, expires = _every(sent), _expires(sent)
    if not dates:
        _check_frequency(sent, every, expires, now)
    else:
        _warn_of_frequency(sent, every, expires)
    return Reminder(
        template=template,
        dates=_times(sent, dates),
        every=min(every or 0, DAYS),
        expires=time_of(expires) if expires else None,
    )


def _times(sent: Node, dates: Sequence[str]) -> tuple[datetime, ...]:
    """Return ReminderDates as times, in their order in time."""
    found: set[datetime] = set()
    for number, date in enumerate(dates):
        ticks = read_ticks(date)
        if ticks is None:
            where = f"{sent.pointer('ReminderDates')}/{number}"
            sent.notes.problem(where, "This is no date.")
        elif ticks:  # .NET writes a date that was never set as year 1
            found.add(time_of(ticks))
    return tuple(sorted(found))


def _every(sent: Node) -> int | None:
    """Return Frequency in days; None if it is no such number."""
    frequency = sent.text("Frequency", 256).strip()
    if not frequency:
        return 0
    return int(frequency) if frequency.isascii() and frequency.isdecimal() else None


def _expires(sent: Node) -> int | None:
    """Return Expiration in ticks, 0 if there is none; None if it is no date."""
    expiration = sent.text("Expiration", 256)
    return read_ticks(expiration) if expiration.strip() else 0


def _check_frequency(sent: Node, every: int | None, expires: int | None, now: datetime) -> None:
    if not every:
        message = "ReminderTemplate.Frequency cannot be zero."
        sent.problem("Frequency", message, f"{_REMINDER_NAME}.Frequency", remedy=_WHEN)
    if (expires or 0) <= ticks_of(now):
        message = "ReminderTemplate.Expiration should be a future date and time."
        sent.problem("Expiration", message, f"{_REMINDER_NAME}.Expiration", remedy=_UNTIL)


def _warn_of_frequency(sent: Node, every: int | None, expires: int | None) -> None:
    """Assent looks at neither where there are dates, so neither is refused."""
    if every is None:
        sent.notes.warn("Reminder.Frequency is no number of days; only ReminderDates count.")
    if expires is None:
        sent.notes.warn("Reminder.Expiration is no date; reminders end with the request.")


def _may_come(reminder: Reminder, now: datetime) -> bool:
    """Tell whether there is a time after *now* at which to remind."""
    last = reminder.expires or datetime.max.replace(tzinfo=now.tzinfo)
    if any(now < date <= last for date in reminder.dates):
        return True
    return bool(reminder.every) and last - now >= timedelta(days=reminder.every)
