"""Says whether somebody was reminded, and when that comes next."""

from collections.abc import Iterator
from datetime import datetime

from approvals_core.models import Approval, Notification, Place, PlaceState
from approvals_core.rules.reminding import due_at, reminded_by
from approvals_core.rules.standing import holder
from approvals_core.tenant import Tenant
from bots.cli.telling import at, from_now, span


def reminder_lines(
    approval: Approval, place: Place, tenant: Tenant, now: datetime
) -> Iterator[str]:
    """Yield what is to be said of a place's reminders; nothing, if there were none and none was asked for."""
    if place.reminded:
        times = "once" if place.reminded == 1 else f"{place.reminded} times"
        last = f"{', the last time' if place.reminded > 1 else ''} at {at(place.reminded_at)}"
        yield f"Was reminded {times}{last if place.reminded_at else ''}."
    asking = reminded_by(approval, place) if approval.open else None
    if asking is None or asking.reminder is None or place.state is not PlaceState.PENDING:
        return
    due = due_at(asking, place)
    if due is None:
        yield _none_to_come(asking)
    elif holder(approval, place, tenant) is not None:
        yield f"The next reminder is due at {from_now(due, now)}; it is left out while a decision holds him."
    elif due <= now:
        yield f"The next reminder was due at {at(due)}, and is late by {span(now - due)}. Is the service running?"
    else:
        yield f"Is reminded next at {from_now(due, now)}."


def _none_to_come(asking: Notification) -> str:
    expires = asking.reminder.expires if asking.reminder else None
    until = f": they were asked for until {at(expires)}" if expires else ""
    return f"No more reminders come{until}."
