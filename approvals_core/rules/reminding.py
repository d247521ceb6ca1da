"""When those who are still asked are reminded, and what a reminder leaves to do."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from approvals_core.models import (
    Approval,
    Change,
    Job,
    JobKind,
    Lane,
    Lease,
    Notification,
    Occasion,
    Place,
    PlaceState,
)
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.mail_jobs import has_mail, leave_mails
from approvals_core.rules.standing import holder
from approvals_core.tenant import Tenant

# A reminder further off is looked at on the way: Redis keeps the time of a job as a double,
# which counts microseconds exactly until the year 2255, and not until 9999.
LOOK_AGAIN = timedelta(days=365)


def next_due(notification: Notification, after: datetime) -> datetime | None:
    """
    Return the first time after *after* at which to remind, None if there is none.

    Those times are ReminderDates, and every Frequency days counted from when the
    payload arrived, whenever the reminders before went out; both until Expiration.
    """
    reminder = notification.reminder
    if reminder is None:
        return None
    after = max(after, notification.at)
    times = [at for at in reminder.dates if at > after]
    repeated = _next_repeated(notification.at, reminder.every, after)
    times += [] if repeated is None else [repeated]
    if reminder.expires is not None:
        times = [at for at in times if at <= reminder.expires]
    return min(times, default=None)


def due_at(notification: Notification, place: Place) -> datetime | None:
    """
    Return when *notification* next reminds whoever is asked at *place*, None if never more.

    What was due before he was asked there was due for nobody: he may have been removed meanwhile.
    """
    since = notification.reminded_at or notification.at
    return next_due(notification, max(since, place.asked_at or since))


def is_due_by(notification: Notification, place: Place, at: datetime) -> bool:
    """Tell whether a reminder that went out *at* was one for whoever is asked at *place*."""
    first = next_due(notification, place.asked_at or notification.at)
    return first is not None and first <= at


def reminded_by(approval: Approval, place: Place) -> Notification | None:
    """Return what says when whoever is asked there is reminded: the newest that asks him, or None."""
    if place.round != approval.round or place.state is PlaceState.REMOVED:
        return None
    asking = (n for n in reversed(approval.notifications) if n.round == approval.round)
    return next((n for n in asking if _asks(n, place)), None)


def live(approval: Approval) -> Sequence[Notification]:
    """Return those by which somebody of this round is reminded, each once."""
    found = [by for place in approval.places if (by := reminded_by(approval, place))]
    return list({by.id: by for by in found}.values())


def schedule(draft: Draft) -> None:
    """Leave the job for the next reminder of this round, if there is one to come."""
    if (job := job_needed(draft.approval, now=draft.at)) is not None:
        draft.leave(job)


def end(draft: Draft, before: Approval) -> None:
    """Let the job for the next reminder, if *before* had one, find out now that none is to come."""
    if (job := job_needed(before, now=draft.at)) is not None:
        draft.again(job)


def job_needed(approval: Approval, *, now: datetime) -> Job | None:
    """Return the job that must be alive for the reminders to come, None if none is to come."""
    coming = [
        (due, by)
        for place in approval.places
        if (by := reminded_by(approval, place)) and (due := due_at(by, place)) is not None
    ]
    if not coming:
        return None
    due, notification = min(coming, key=lambda each: each[0])
    return Job(
        key=f"remind/{approval.id}/{approval.round}",
        kind=JobKind.REMIND,
        lane=Lane.REMINDER,
        due=min(due, now + LOOK_AGAIN),
        approval=approval.key,
        round=approval.round,
        notification=notification.id,
    )


def remind(
    approval: Approval, round_: int, *, tenant: Tenant, stamp: Stamp, finish: Lease
) -> Change | None:
    """
    Remind whoever is still asked in this round, if that is due; leave the job for the next time.

    What was due several times since is made up for once. While a decision under way holds
    the request nobody is: that reminder is left out. None: no reminder is to come.
    """
    if approval.round != round_ or job_needed(approval, now=stamp.at) is None:
        return None
    draft = Draft(approval, stamp)
    for notification in live(approval):
        places = _due_places(approval, notification, stamp.at)
        if places:
            _remind(draft, notification, places, tenant)
    schedule(draft)
    return draft.change(finish=finish)


def _asks(notification: Notification, place: Place) -> bool:
    if notification.occasion is not Occasion.ASKED:
        return False
    return notification.seats is None or place.seat in notification.seats


def _due_places(approval: Approval, notification: Notification, now: datetime) -> Sequence[Place]:
    """Return the places which *notification* reminds, and where that is due."""
    return [
        place
        for place in approval.places
        if reminded_by(approval, place) == notification
        and (due := due_at(notification, place)) is not None
        and due <= now
    ]


def _next_repeated(base: datetime, every: int, after: datetime) -> datetime | None:
    if not every:
        return None
    step = timedelta(days=every)
    try:
        return base + ((after - base) // step + 1) * step
    except OverflowError:  # beyond year 9999
        return None


def _is_asked(approval: Approval, place: Place, tenant: Tenant) -> bool:
    """Tell whether somebody can decide there now, or could if he were found."""
    return place.state is PlaceState.PENDING and holder(approval, place, tenant) is None


def _remind(
    draft: Draft, notification: Notification, places: Sequence[Place], tenant: Tenant
) -> None:
    approval = draft.approval
    asked = [place for place in places if _is_asked(approval, place, tenant)]
    number = notification.reminded + bool(asked)
    said = notification.model_copy(update={"reminded": number, "reminded_at": draft.at})
    kept = approval.notifications
    draft.set(notifications=tuple(said if each.id == said.id else each for each in kept))
    if asked and has_mail(tenant):
        leave_mails(draft, said, said.to, number=number)
    for place in asked:
        if place.person is None:
            continue  # nobody is known who could see it
        placed = draft.put(place, reminded=place.reminded + 1, reminded_at=draft.at)
        draft.converge_one(placed, channels=tenant.pushed, due=draft.at)
