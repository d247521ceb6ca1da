"""For how long a mail waits before it is sent, or sent again: for people, details, its channel, or an answer."""

from datetime import datetime, timedelta

from approvals_core.models import (
    Approval,
    DetailState,
    Job,
    Letter,
    Occasion,
    PersonId,
    QueuedJob,
)
from approvals_core.rules.lines import (
    asked_at,
    is_asked,
    notification_of,
    occasion_of,
    person_with_upn,
    wants_a_card,
)

ONCE_MORE = timedelta(minutes=5)  # after an attempt began whose answer was lost
LOOKED_UP_WITHIN = timedelta(minutes=3)  # then a mail waits only for those who may be its reader
LOOKED_UP_AT_MOST = timedelta(hours=1)  # then it waits no longer for people to be found

# Without a card a mail stays as it was sent; one with a card needs to come within seconds.
DETAILS_WITHIN = timedelta(minutes=3)
DETAILS_WITHIN_SECONDS = timedelta(seconds=5)
FIRST_PAUSE = timedelta(seconds=30)  # of a mail whose tenant's file has no channel for it
LONGEST_PAUSE = timedelta(hours=1)

NOT_BEGUN = "its turn has not come yet"
FOR_PEOPLE = "it waits until the people asked are looked up"
FOR_DETAILS = "it waits for the details"
MOST_DOUBLINGS = 10


def somebody_is_looked_up(approval: Approval) -> bool:
    """Tell whether the directory was not yet asked for somebody who is asked."""
    asked = (place for place in approval.places if is_asked(approval, place))
    return any(place.person is None and place.names and not place.unbound for place in asked)


def not_before(letter: Letter) -> datetime | None:
    """Return when a mail whose answer was lost may be sent again, None if it was not lost."""
    # Not from an attempt that came after that one: of what was put off it is known that it did not go.
    began = letter.lost_at or letter.begun_at or letter.at
    return began + ONCE_MORE if letter.lost else None


def taken_later(letter: Letter, waited: timedelta, asked_for: timedelta) -> timedelta:
    """
    Return after which pause a mail that its recipient's side does not take now is sent again.

    At first as was *asked_for*, then more and more rarely: each attempt takes its share of
    what the mailbox may send. *waited* is how long the mail was due by now.
    """
    doubling = asked_for * 2 ** min(letter.attempts - 1, MOST_DOUBLINGS)
    return max(asked_for, min(LONGEST_PAUSE, waited, doubling))


def channel_looked_for(waited: timedelta) -> timedelta:
    """Return after which pause a mail *waited* so long looks again for its tenant's channel."""
    return min(LONGEST_PAUSE, max(FIRST_PAUSE, waited))


def details_looked_for(
    approval: Approval, job: Job, owner: PersonId | None, waited: timedelta
) -> timedelta | None:
    """Return after which pause a mail looks again whether the details came; None: it waits no longer."""
    notification = notification_of(approval, job.notification)
    if not _are_fetched(approval) or occasion_of(job, notification) is Occasion.ENDED:
        return None
    place = approval.place_of(owner) if owner else None
    has_card = place is not None and is_asked(approval, place)
    left = (DETAILS_WITHIN_SECONDS if has_card else DETAILS_WITHIN) - waited
    return min(left, max(timedelta(seconds=1), waited)) if left > timedelta() else None


def why_not_begun(approval: Approval, queued: QueuedJob) -> str:
    """
    Say what a mail waits for that was not begun, going by how far its job was put off.

    It shares its rules with who puts it off, and may name what is over this second.
    """
    job = queued.job
    notification = notification_of(approval, job.notification) if job else None
    if job is None or notification is None or queued.leased:
        return NOT_BEGUN
    put_off = queued.next - asked_at(job, notification)
    if put_off <= timedelta():
        return NOT_BEGUN
    known = person_with_upn(approval, job.address) is not None
    if wants_a_card(job, notification) and not known and somebody_is_looked_up(approval):
        return FOR_PEOPLE
    ended = occasion_of(job, notification) is Occasion.ENDED
    waits = put_off <= DETAILS_WITHIN and not ended and _are_fetched(approval)
    return FOR_DETAILS if waits else NOT_BEGUN


def _are_fetched(approval: Approval) -> bool:
    return any(detail.state is DetailState.FETCHING for detail in approval.details)
