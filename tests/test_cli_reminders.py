"""What operators are told of reminders: whether somebody was reminded, and when that comes next."""

from datetime import datetime, timedelta
from typing import Any

from approvals_core.models import (
    Approval,
    Lease,
    Notification,
    Occasion,
    Place,
    PlaceState,
    Reminder,
)
from approvals_core.ports import Store
from approvals_core.rules.draft import Stamp
from approvals_core.rules.reminding import remind
from bots.cli.reminders import reminder_lines
from tests.card_makers import a_tenant
from tests.store_makers import NOON, SCOPE, a_place, an_approval
from tests.terminal import Terminal, a_decision, kept, tenants, terminal

__all__ = ["tenants", "terminal"]

DAY = timedelta(days=1)


def reminding(**fields: Any) -> Notification:
    usual: dict[str, Any] = {
        "id": "payload-1",
        "occasion": Occasion.ASKED,
        "template": "PendingApproval",
        "round": 1,
        "at": NOON,
        "reminder": Reminder(template="Reminder", every=3),
    }
    return Notification(**usual | fields)


def asked(*others: Place, notification: Notification | None, **place: Any) -> Approval:
    first = a_place(round=1, attempt=1, **place)
    return an_approval(
        places=(first, *others),
        round=1,
        revision=1,
        notifications=(notification,) if notification else (),
    )


def told(approval: Approval, at: datetime) -> list[str]:
    return list(reminder_lines(approval, approval.places[0], a_tenant(), at))


def test_who_was_reminded_is_told_with_when_and_what_comes_next() -> None:
    notification = reminding(reminded=2, reminded_at=NOON + 6 * DAY)
    approval = asked(notification=notification, reminded=2, reminded_at=NOON + 6 * DAY)

    assert told(approval, NOON + 7 * DAY) == [
        "Was reminded 2 times, the last time at 2025-01-07 12:00:00 UTC.",
        "Is reminded next at 2025-01-10 12:00:00 UTC, in 2 days.",
    ]


def test_who_was_reminded_before_its_time_was_kept_is_told_without_it() -> None:
    approval = asked(notification=None, reminded=1)

    assert told(approval, NOON) == ["Was reminded once."]


def test_who_was_never_to_be_reminded_is_told_nothing() -> None:
    assert told(asked(notification=None), NOON) == []
    assert told(asked(notification=reminding(reminder=None)), NOON) == []


def test_a_reminder_that_did_not_come_in_time_is_told_as_late() -> None:
    [line] = told(asked(notification=reminding()), NOON + 4 * DAY)

    assert line.startswith(
        "The next reminder was due at 2025-01-04 12:00:00 UTC, and is late by 24"
    )
    assert line.endswith("Is the service running?")


def test_whoever_was_asked_again_is_told_the_next_time_after_that() -> None:
    [line] = told(asked(notification=reminding(), asked_at=NOON + 10 * DAY), NOON + 11 * DAY)

    assert line == "Is reminded next at 2025-01-13 12:00:00 UTC, in 24 hours."


def test_after_the_expiration_none_comes() -> None:
    reminder = Reminder(template="Reminder", every=3, expires=NOON + DAY)

    [line] = told(asked(notification=reminding(reminder=reminder)), NOON)

    assert line == "No more reminders come: they were asked for until 2025-01-02 12:00:00 UTC."


def test_whoever_is_held_is_told_why_nothing_may_come() -> None:
    other = a_place(
        seat=1,
        alias="ben",
        names=("ben",),
        person=None,
        round=1,
        state=PlaceState.ACCEPTED,
        decision=a_decision(),
    )

    [line] = told(asked(other, notification=reminding()), NOON)

    assert line == (
        "The next reminder is due at 2025-01-04 12:00:00 UTC, in 3 days; it is left out while a"
        " decision holds him."
    )


def test_whoever_decided_is_told_of_the_past_only() -> None:
    place: dict[str, Any] = {"state": PlaceState.ACCEPTED, "decision": a_decision()}
    approval = asked(notification=reminding(), reminded=1, reminded_at=NOON, **place)

    assert told(approval, NOON) == ["Was reminded once at 2025-01-01 12:00:00 UTC."]


def test_a_reminder_writes_down_when_it_was() -> None:
    approval, at = asked(notification=reminding()), NOON + 4 * DAY
    lease = Lease(SCOPE, "remind", "token", at)

    change = remind(
        approval, 1, tenant=a_tenant(), stamp=Stamp(at, "change", "0f", "name"), finish=lease
    )

    assert change is not None
    assert change.approval is not None
    assert change.approval.places[0].reminded_at == at


async def test_show_and_explain_both_tell_it(store: Store, terminal: Terminal) -> None:
    await kept(store, asked(notification=None, reminded=1, reminded_at=NOON))

    for verb in ("show", "explain"):
        await terminal.type("requests", verb, "pr-one")
        assert "Was reminded once at 2025-01-01 12:00:00 UTC." in terminal.text
