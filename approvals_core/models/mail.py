"""Mails: what a payload asks for, and what became of each."""

from datetime import datetime

from approvals_core.models.identity import ApprovalKey, Mark, PersonId, Record
from approvals_core.models.open_enums import OpenWords


class Occasion(OpenWords):
    """Why somebody gets a mail."""

    ASKED = "asked"  # a CREATE or UPDATE asks for it
    ENDED = "ended"  # a DELETE does
    REMINDER = "reminder"


class Reminder(Record):
    """NotificationDetail.Reminder: when to ask once more, until the request ends."""

    template: str = ""  # TemplateKey, perhaps "TemplateKey|action"
    dates: tuple[datetime, ...] = ()
    every: int = 0  # days, counted from the payload's arrival; 0: on *dates* only
    expires: datetime | None = None  # none after it


class Notification(Record):
    """
    NotificationDetail of one payload that wants mails sent.

    Addresses are as they go out: completed, without repeats; whoever is in *to* is in
    neither of the others.
    """

    id: str  # the payload's
    occasion: Occasion
    template: str  # TemplateKey
    action: str = ""  # ActionDetail.Name of the payload
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reminder: Reminder | None = None
    round: int  # in which it came
    # The payload's, or the newest of the places where it asks; of the newest notification before
    # it, if the payload has no time.
    mark: Mark = Mark(0, 0)
    # Seats of those whom the payload asks; None: it names no approver, so that it is about all.
    seats: tuple[int, ...] | None = None
    at: datetime  # when it came
    reminded: int = 0  # how often, so far
    reminded_at: datetime | None = None  # or passed over, while a decision under way held it


class LetterState(OpenWords):
    """What became of a mail."""

    SENDING = "sending"  # an attempt is under way, or its process died
    WAITING = "waiting"  # it is sent again; *reason* says why, *lost* whether it may have arrived
    SENT = "sent"  # the mail system took it: whether it arrived cannot be seen from here
    LOST = "lost"  # for good: nobody knows whether the mail system took it
    REFUSED = "refused"  # by the mail system, or by us; *reason* says why
    BOUNCED = "bounced"  # it came back
    DROPPED = "dropped"  # not needed any more when its turn came


class Letter(Record):
    """
    One mail to one address on one occasion: a line of the delivery ledger.

    *id* is stable for (approval, occasion, address), whatever happens: it is what the
    mail's Message-ID is made from. *seat* is the approver's whose card is in it, None if
    it has no card.
    """

    approval: ApprovalKey
    id: str  # 32 hex digits
    notification: str  # id of the `Notification` it comes from
    occasion: Occasion
    number: int = 0  # of the reminder; 0 if it is none
    address: str
    round: int
    seat: int | None = None
    person: PersonId | None = None  # whose the card is
    state: LetterState
    reason: str = ""
    attempts: int = 0
    lost: int = 0  # attempts of which nobody knows how they ended
    begun_at: datetime | None = None  # the newest attempt; None in older records
    lost_at: datetime | None = None  # when the newest lost attempt began; None in older records
    sent_at: datetime | None = None  # when the mail system took it
    seen_at: datetime | None = None  # when the card in it first asked for its state
    at: datetime  # of the newest change
