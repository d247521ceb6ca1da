"""Reads NotificationDetail: who is to be told, and when again."""

import re
from collections.abc import Sequence
from datetime import datetime

from approvals_core.arx.reading import Node
from approvals_core.arx.shapes import ArxNotification
from approvals_core.arx.summary import names
from approvals_core.arx.times import read_ticks, ticks_of, time_of
from approvals_core.models import Operation, Reminder

DATES = 100
RECIPIENTS = 10_000  # characters
ADDRESS = 254  # characters (RFC 5321, 4.5.3.1.3, without the angle brackets)
DAYS = 3_652_059  # of the years 1 to 9999: no calendar goes further

_NOTIFICATION = names("SendNotification TemplateKey To Cc Bcc Reminder")
_REMINDER = names("ReminderDates Frequency Expiration ReminderTemplate")
_REMINDER_NAME = "ApprovalRequestExpression.NotificationDetail.ReminderDetail"

_BETWEEN = re.compile(r"[;,]")  # the documents' samples have both in one list
# A dot-atom (RFC 5322, 3.2.3) of at most 64 characters, and a domain of DNS labels. Quoted
# names, comments, brackets and letters beyond ASCII are not taken: no line, header or second
# address can hide in what passes.
_LOCAL = (
    r"(?=[^@]{1,64}(?:@|$))[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ALIAS = re.compile(_LOCAL, re.ASCII)
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})+", re.ASCII)


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
    for name, limit in (("TemplateKey", 256), ("To", RECIPIENTS)):
        if not detail.text(name, limit).strip():
            message = f"NotificationDetail.{name} cannot be null or empty."
            detail.problem(name, message, name)
    lists = {name: detail.text(name, RECIPIENTS) for name in ("To", "Cc", "Bcc")}
    sent = detail.child("Reminder", _REMINDER)
    again = sent is not None and operation is not Operation.DELETE
    reminder = _read_reminder(sent, now) if sent is not None and again else None
    if not wanted:
        return None
    to, cc, bcc = _recipients(detail, lists)
    template = detail.text("TemplateKey", 256).strip()
    return ArxNotification(template=template, to=to, cc=cc, bcc=bcc, reminder=reminder)


def _recipients(detail: Node, lists: dict[str, str]) -> list[tuple[str, ...]]:
    """Return the lists' recipients, each of them once: in the first list that names him."""
    seen: set[str] = set()
    found: list[tuple[str, ...]] = []
    for name, text in lists.items():
        new: list[str] = []
        for number, recipient in enumerate(_pieces(text), start=1):
            if not _is_usable(recipient):
                # Its text stays out of the warning: it may be anything, and anybody's.
                where = f"NotificationDetail.{name}, recipient {number}"
                detail.notes.warn(f"{where}: this is no mail address or alias; it is left out.")
            elif recipient.lower() not in seen:
                seen.add(recipient.lower())
                new.append(recipient)
        found.append(tuple(new))
    return found


def _pieces(text: str) -> list[str]:
    return [piece for each in _BETWEEN.split(text) if (piece := each.strip(" \t\r\n"))]


def _is_usable(recipient: str) -> bool:
    pattern = _ADDRESS if "@" in recipient else _ALIAS
    return len(recipient) <= ADDRESS and pattern.fullmatch(recipient) is not None


def _read_reminder(sent: Node, now: datetime) -> Reminder:
    template = sent.text("ReminderTemplate", 256).strip()
    if not template:
        message = "ReminderTemplate cannot be null or empty."
        sent.problem("ReminderTemplate", message, "ReminderTemplate")
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
        sent.problem("Frequency", message, f"{_REMINDER_NAME}.Frequency")
    if (expires or 0) <= ticks_of(now):
        message = "ReminderTemplate.Expiration should be a future date and time."
        sent.problem("Expiration", message, f"{_REMINDER_NAME}.Expiration")


def _warn_of_frequency(sent: Node, every: int | None, expires: int | None) -> None:
    """Assent looks at neither where there are dates, so neither is refused."""
    if every is None:
        sent.notes.warn("Reminder.Frequency is no number of days; only ReminderDates count.")
    if expires is None:
        sent.notes.warn("Reminder.Expiration is no date; reminders end with the request.")
