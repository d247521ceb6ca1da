"""For how long a mail waits before it is sent, or sent again: for people, details, its channel, or an answer."""

from datetime import datetime, timedelta

from approvals_core.models import Approval, DetailState, Job, Letter, Occasion, PersonId
from approvals_core.rules.lines import is_asked, notification_of, occasion_of

ONCE_MORE = timedelta(minutes=5)  # after an attempt began whose answer was lost
LOOKED_UP_WITHIN = timedelta(minutes=3)  # then a mail waits only for those who may be its reader
LOOKED_UP_AT_MOST = timedelta(hours=1)  # then it waits no longer for people to be found

# Without a card a mail stays as it was sent; one with a card needs to come within seconds.
DETAILS_WITHIN = timedelta(minutes=3)
DETAILS_WITHIN_SECONDS = timedelta(seconds=5)
FIRST_PAUSE = timedelta(seconds=30)  # of a mail whose tenant's file has no channel for it
LONGEST_PAUSE = timedelta(hours=1)


def somebody_is_looked_up(approval: Approval) -> bool:
    """Tell whether the directory was not yet asked for somebody who is asked."""
    asked = (place for place in approval.places if is_asked(approval, place))
    return any(place.person is None and place.names and not place.unbound for place in asked)


def not_before(letter: Letter) -> datetime | None:
    """Return when a mail whose answer was lost may be sent again, None if it was not lost."""
    return (letter.begun_at or letter.at) + ONCE_MORE if letter.lost else None


def channel_looked_for(waited: timedelta) -> timedelta:
    """Return after which pause a mail *waited* so long looks again for its tenant's channel."""
    return min(LONGEST_PAUSE, max(FIRST_PAUSE, waited))


def details_looked_for(
    approval: Approval, job: Job, owner: PersonId | None, waited: timedelta
) -> timedelta | None:
    """Return after which pause a mail looks again whether the details came; None: it waits no longer."""
    notification = notification_of(approval, job.notification)
    fetching = any(detail.state is DetailState.FETCHING for detail in approval.details)
    if not fetching or occasion_of(job, notification) is Occasion.ENDED:
        return None
    place = approval.place_of(owner) if owner else None
    has_card = place is not None and is_asked(approval, place)
    left = (DETAILS_WITHIN_SECONDS if has_card else DETAILS_WITHIN) - waited
    return min(left, max(timedelta(seconds=1), waited)) if left > timedelta() else None
