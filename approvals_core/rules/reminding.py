"""When those who are still asked are reminded, and what a reminder leaves to do."""

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


def current(approval: Approval) -> Notification | None:
    """Return the notification by which this round is asked, None if it is over or has none."""
    asked = [each for each in approval.notifications if each.occasion is Occasion.ASKED]
    newest = asked[-1] if asked and approval.open else None
    return newest if newest is not None and newest.round == approval.round else None


def schedule(draft: Draft) -> None:
    """Leave the job for the next reminder of this round, if there is one to come."""
    if (job := _job(draft.approval, after=draft.at, at=draft.at)) is not None:
        draft.leave(job)


def end(draft: Draft, before: Approval) -> None:
    """Let the job for the next reminder, if *before* had one, find out now that none is to come."""
    if (job := job_needed(before, now=draft.at)) is not None:
        draft.again(job)


def job_needed(approval: Approval, *, now: datetime) -> Job | None:
    """Return the job that must be alive for the reminders to come, None if none is to come."""
    notification = current(approval)
    if notification is None:
        return None
    return _job(approval, after=_looked_until(notification), at=now)


def remind(
    approval: Approval, round_: int, *, tenant: Tenant, stamp: Stamp, finish: Lease
) -> Change | None:
    """
    Remind whoever is still asked in this round, if that is due; leave the job for the next time.

    What was due several times since is made up for once. While a decision under way holds
    the request nobody is: that reminder is left out. None: no reminder is to come.
    """
    notification = current(approval)
    due = next_due(notification, _looked_until(notification)) if notification else None
    if notification is None or due is None or approval.round != round_:
        return None
    draft = Draft(approval, stamp)
    if due <= stamp.at:
        _remind(draft, notification, tenant)
    schedule(draft)
    return draft.change(finish=finish)


def _next_repeated(base: datetime, every: int, after: datetime) -> datetime | None:
    if not every:
        return None
    step = timedelta(days=every)
    try:
        return base + ((after - base) // step + 1) * step
    except OverflowError:  # beyond year 9999
        return None


def _looked_until(notification: Notification) -> datetime:
    return notification.reminded_at or notification.at


def _job(approval: Approval, *, after: datetime, at: datetime) -> Job | None:
    notification = current(approval)
    due = next_due(notification, after) if notification is not None else None
    if notification is None or due is None:
        return None
    return Job(
        key=f"remind/{approval.id}/{approval.round}",
        kind=JobKind.REMIND,
        lane=Lane.REMINDER,
        due=min(due, at + LOOK_AGAIN),
        approval=approval.key,
        round=approval.round,
        notification=notification.id,
    )


def _is_asked(approval: Approval, place: Place, tenant: Tenant) -> bool:
    """Tell whether somebody can decide there now, or could if he were found."""
    return place.state is PlaceState.PENDING and holder(approval, place, tenant) is None


def _remind(draft: Draft, notification: Notification, tenant: Tenant) -> None:
    asked = [place for place in draft.approval.places if _is_asked(draft.approval, place, tenant)]
    number = notification.reminded + bool(asked)
    said = notification.model_copy(update={"reminded": number, "reminded_at": draft.at})
    kept = draft.approval.notifications
    draft.set(notifications=tuple(said if each is notification else each for each in kept))
    if asked and has_mail(tenant):
        leave_mails(draft, said, said.to, number=number)
    for place in asked:
        placed = draft.put(place, reminded=place.reminded + 1)
        draft.converge_one(placed, channels=tenant.pushed, due=draft.at)
