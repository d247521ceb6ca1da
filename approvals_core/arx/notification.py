"""Checks NotificationDetail: who is to be told, and when again."""

from datetime import datetime

from approvals_core.arx.reading import Node
from approvals_core.arx.summary import names
from approvals_core.arx.times import read_ticks, ticks_of
from approvals_core.models import Operation

DATES = 100
RECIPIENTS = 10_000  # characters

_NOTIFICATION = names("SendNotification TemplateKey To Cc Bcc Reminder")
_REMINDER = names("ReminderDates Frequency Expiration ReminderTemplate")
_REMINDER_NAME = "ApprovalRequestExpression.NotificationDetail.ReminderDetail"


def check_notification(root: Node, operation: Operation | None, now: datetime) -> None:
    """Note what Assent would refuse, also where SendNotification is false."""
    detail = root.child("NotificationDetail", _NOTIFICATION)
    if detail is None:
        return
    detail.flag("SendNotification", default=False)
    for name, limit in (("TemplateKey", 256), ("To", RECIPIENTS)):
        if not detail.text(name, limit).strip():
            message = f"NotificationDetail.{name} cannot be null or empty."
            detail.problem(name, message, name)
    for name in ("Cc", "Bcc"):
        detail.text(name, RECIPIENTS)
    reminder = detail.child("Reminder", _REMINDER)
    if reminder is not None and operation is not Operation.DELETE:
        _check_reminder(reminder, now)


def _check_reminder(reminder: Node, now: datetime) -> None:
    if not reminder.text("ReminderTemplate", 256).strip():
        message = "ReminderTemplate cannot be null or empty."
        reminder.problem("ReminderTemplate", message, "ReminderTemplate")
    dates = reminder.texts("ReminderDates", limit=DATES) or ()
    for number, date in enumerate(dates):
        if read_ticks(date) is None:
            where = f"{reminder.pointer('ReminderDates')}/{number}"
            reminder.notes.problem(where, "This is no date.")
    if not dates:
        _check_frequency(reminder, now)


def _check_frequency(reminder: Node, now: datetime) -> None:
    frequency = reminder.text("Frequency", 256).strip()
    if not (frequency.isascii() and frequency.isdecimal() and frequency.strip("0")):
        message = "ReminderTemplate.Frequency cannot be zero."
        reminder.problem("Frequency", message, f"{_REMINDER_NAME}.Frequency")
    if (read_ticks(reminder.text("Expiration", 256)) or 0) <= ticks_of(now):
        message = "ReminderTemplate.Expiration should be a future date and time."
        reminder.problem("Expiration", message, f"{_REMINDER_NAME}.Expiration")
