"""Whether a mail is still to be sent, with whose card, and what its line in the ledger says then."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from approvals_core.errors import LeftToNewer
from approvals_core.models import (
    Approval,
    Job,
    Letter,
    LetterState,
    Mark,
    Notification,
    Occasion,
    PersonId,
    Place,
    PlaceState,
)
from approvals_core.rules.mail_jobs import has_mail, is_among, is_replaced, letter_id
from approvals_core.rules.reminding import is_due_by, reminded_by
from approvals_core.tenant import Tenant

TWICE = 2  # a mail whose answer was lost is repeated once, and no more
TRIED_FOR = timedelta(days=4)  # as long as mail servers try (RFC 5321, 4.5.4.1)
NO_CHANNEL = "the tenant's file has no channel outlook; it goes out once the channel is back"
OPENED_AGAIN = "the request was opened again: that it ended is no longer true"
SAME_PERSON = "the same person gets it at another address"
LOST_TWICE = "its answer was lost twice"
NOT_SET_UP = "no mail is set up here"

_DOUBTED = frozenset({LetterState.SENDING, LetterState.WAITING, LetterState.LOST})
_NOT_THERE = frozenset({LetterState.REFUSED, LetterState.BOUNCED, LetterState.DROPPED})


def letter_of(approval: Approval, job: Job) -> str:
    """Return the id of the mail that *job* sends, whatever the job's own key."""
    return letter_id(approval, job.notification, job.number, job.address)


def notification_of(approval: Approval, name: str) -> Notification | None:
    """Return what mails come from, by its id; None if too many came since."""
    return next((n for n in approval.notifications if n.id == name), None)


def may_be_sent(letter: Letter) -> bool:
    """Tell whether a mail waits to be sent, or was only held back by one that did not arrive."""
    return letter.state is LetterState.WAITING or letter.reason == SAME_PERSON


def occasion_of(job: Job, notification: Notification | None) -> Occasion:
    """
    Return why the mail of *job* goes out.

    Raises:
        LeftToNewer: Only a newer program knows what such a mail says.
    """
    if job.number:
        return Occasion.REMINDER
    occasion = notification.occasion if notification else Occasion.ASKED
    if not occasion.known:
        raise LeftToNewer(f"nobody here writes mails of {occasion}")
    return occasion


def why_dropped(approval: Approval, job: Job) -> str:
    """Say why the mail of *job* is not needed any more, or ""."""
    notification = notification_of(approval, job.notification)
    if notification is None:
        return "newer mails took its place"
    ended = occasion_of(job, notification) is Occasion.ENDED
    if notification.round != approval.round:
        # What the round before was about is not kept; and "it ended" would be untrue by now.
        return OPENED_AGAIN if ended else "the request was opened again"
    if ended:
        return ""
    return _why_not_asked(approval, job, notification)


def _why_not_asked(approval: Approval, job: Job, notification: Notification) -> str:
    if not approval.open:
        return "the request was closed"
    if 0 < job.number < notification.reminded:
        return "a newer reminder goes out"
    if is_replaced(approval, notification, job.address):
        return "a newer mail goes to the same address"
    return ""


def wants_a_card(job: Job, notification: Notification) -> bool:
    """Tell whether whoever has this address may get a card, if he is asked."""
    ended = occasion_of(job, notification) is Occasion.ENDED
    return not ended and is_among(job.address, notification.to)


def person_with_upn(approval: Approval, address: str) -> PersonId | None:
    """Return who of the people found for the request signs in with *address*, or None."""
    wanted = address.casefold()
    people = (place.person for place in approval.places)
    return next((who.id for who in people if who and who.upn.casefold() == wanted), None)


def is_asked(approval: Approval, place: Place) -> bool:
    """Tell whether a place belongs to the newest round, and is asked in it."""
    return place.round == approval.round and place.state is not PlaceState.REMOVED


def asked_at(job: Job, notification: Notification) -> datetime:
    """Return when the mail of *job* became due."""
    return (notification.reminded_at if job.number else None) or notification.at


def onlooker(approval: Approval) -> Place:
    """
    Return the place of somebody who is told of a request and not asked.

    It is none of the request's: no seat of it, nobody's, removed. So whoever looks from
    there sees the request, finds nothing offered, and no rule takes a decision from there.
    """
    return Place(
        seat=-1,
        alias="",
        names=(),
        mark=Mark(0, 0),
        state=PlaceState.REMOVED,
        round=approval.round,
    )


def begun(
    approval: Approval,
    letters: Collection[Letter],
    job: Job,
    *,
    tenant: Tenant,
    owner: PersonId | None,
    at: datetime,
) -> Letter | None:
    """
    Return the mail's line with an attempt more, waiting or dropped; None: it needs no line.

    *owner* is who has the address, None if that is not known or makes no difference. Of
    one person's addresses only the first to be written gets the mail.
    """
    letter = _line(approval, letters, job, at)
    if why := why_dropped(approval, job):
        return dropped(letter, why, at)
    if not has_mail(tenant):
        return _without_channel(approval, letter, job, at)
    place = approval.place_of(owner) if owner else None
    if place is not None and is_asked(approval, place):
        letter = letter.model_copy(update={"seat": place.seat, "person": owner})
    else:
        letter, place = letter.model_copy(update={"seat": None, "person": None}), None
    if job.number and not _is_reminded(approval, place, job):
        # Most of those named have nothing to decide: the ledger tells only of what went out once.
        why = "nothing waits for whoever has this address"
        return dropped(letter, why, at) if letter.attempts else None
    if letter.person is not None and any(_is_twin(each, letter) for each in letters):
        return dropped(letter, SAME_PERSON, at)
    tried = {"state": LetterState.SENDING, "reason": "", "attempts": letter.attempts + 1}
    return letter.model_copy(update={**tried, "begun_at": at, "at": at})


def _without_channel(approval: Approval, letter: Letter, job: Job, at: datetime) -> Letter:
    """Return the line of a mail whose tenant has no mails: a slip in its file may be mended soon."""
    notification = notification_of(approval, job.notification)
    if notification is None or at - asked_at(job, notification) >= TRIED_FOR:
        return dropped(letter, "no mails go out for this tenant any more", at)
    return put_off(letter, NO_CHANNEL, at)


def _is_reminded(approval: Approval, place: Place | None, job: Job) -> bool:
    """Tell whether what *job* reminds for is the newest that asks whoever is there, and was due for him."""
    if place is None or place.state is not PlaceState.PENDING:
        return False
    by = reminded_by(approval, place)
    if by is None or by.id != job.notification:
        return False
    return is_due_by(by, place, asked_at(job, by))


def _line(approval: Approval, letters: Collection[Letter], job: Job, at: datetime) -> Letter:
    name, notification = letter_of(approval, job), notification_of(approval, job.notification)
    known = next((each for each in letters if each.id == name), None)
    return known or Letter(
        approval=approval.key,
        id=name,
        notification=job.notification,
        occasion=occasion_of(job, notification),
        number=job.number,
        address=job.address,
        round=notification.round if notification else approval.round,
        state=LetterState.WAITING,
        at=at,
    )


def to_come(approval: Approval, why: str) -> Iterator[Letter]:
    """Yield each mail of this round, but reminders, as if it waited to be sent; *why* is its reason."""
    for notification in approval.notifications:
        if notification.round != approval.round:
            continue
        for address in (*notification.to, *notification.cc, *notification.bcc):
            yield Letter(
                approval=approval.key,
                id=letter_id(approval, notification.id, 0, address),
                notification=notification.id,
                occasion=notification.occasion,
                address=address,
                round=notification.round,
                state=LetterState.WAITING,
                reason=why,
                at=notification.at,
            )


def _is_twin(other: Letter, letter: Letter) -> bool:
    """Tell whether *other* is, or may be, the same mail to the same person elsewhere."""
    return _same_mail(other, letter) and other.state not in _NOT_THERE


def _same_mail(other: Letter, letter: Letter) -> bool:
    same = (other.notification, other.number, other.person)
    mine = (letter.notification, letter.number, letter.person)
    return same == mine and other.id != letter.id and letter.person is not None


def instead_of(letters: Collection[Letter], letter: Letter) -> Letter | None:
    """Return the mail that was dropped because the person got *letter*, which he did not."""
    held_back = (each for each in letters if each.reason == SAME_PERSON)
    return next((each for each in held_back if _same_mail(each, letter)), None)


def sent(letter: Letter, at: datetime) -> Letter:
    """Return the line of a mail that the mail system took."""
    return _changed(letter, LetterState.SENT, "", at, sent_at=letter.sent_at or at)


def put_off(letter: Letter, why: str, at: datetime) -> Letter:
    """Return the line of a mail that was not taken, and is sent again."""
    return _changed(letter, LetterState.WAITING, why, at)


def lost(letter: Letter, why: str, at: datetime) -> Letter:
    """
    Return the line of a mail of which nobody knows whether it was taken.

    It is sent once more: a second one shows and acts on the same state, none does not.
    """
    counted = {"lost": letter.lost + 1, "lost_at": letter.begun_at or letter.at}
    if letter.lost + 1 >= TWICE:
        return _changed(letter, LetterState.LOST, LOST_TWICE, at, **counted)
    return _changed(letter, LetterState.WAITING, why, at, **counted)


def refused(letter: Letter, why: str, at: datetime) -> Letter:
    """Return the line of a mail that will not be taken."""
    return _changed(letter, LetterState.REFUSED, why, at)


def dropped(letter: Letter, why: str, at: datetime) -> Letter:
    """Return the line of a mail that is not needed any more; one that may have arrived is lost."""
    if letter.lost:
        return _changed(letter, LetterState.LOST, f"its answer was lost, and {why}", at)
    return _changed(letter, LetterState.DROPPED, why, at)


def bounced(letter: Letter, why: str, at: datetime) -> Letter:
    """Return the line of a mail that came back."""
    return _changed(letter, LetterState.BOUNCED, why, at)


def seen(letter: Letter, at: datetime) -> Letter:
    """Return the line of a mail whose card asked for its state: it arrived, whoever doubted it."""
    if letter.state in _DOUBTED:
        letter = _changed(letter, LetterState.SENT, "", at, sent_at=at)
    return letter.model_copy(update={"seen_at": at, "at": at})


def _changed(
    letter: Letter, state: LetterState, reason: str, at: datetime, **fields: object
) -> Letter:
    return letter.model_copy(update={"state": state, "reason": reason, "at": at, **fields})
