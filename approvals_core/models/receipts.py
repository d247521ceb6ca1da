"""Where cards are, and how their readers are reached."""

from datetime import datetime

from approvals_core.models.identity import ApprovalKey, PersonId, Record
from approvals_core.models.open_enums import OpenWords


class ReceiptState(OpenWords):
    """What became of a card."""

    SHOWN = "shown"  # with a *reason*: an older face, and it is tried again
    WAITING = "waiting"  # not sent yet, and it is tried again; *reason* says why
    UNREACHABLE = "unreachable"  # nothing could be sent or changed; *reason* says why
    GONE = "gone"  # deleted at the far side; nothing more to update


class Receipt(Record):
    """
    Where one person's card of one round is, and which face it shows.

    *lost* counts the answers that were lost in a row. *behind_since* is when it ceased
    to show what is true, None if it does, or if nothing is known to stand in the way.
    """

    approval: ApprovalKey
    round: int
    person: PersonId
    channel: str
    state: ReceiptState
    address: str = ""  # means something only to the channel that wrote it
    face: str = ""  # digest of the face shown
    reason: str = ""
    lost: int = 0
    reminded: int = 0  # of the place, when the card was sent
    behind_since: datetime | None = None
    at: datetime


class Contact(Record):
    """How a person is reached in Teams."""

    person: PersonId
    version: int = 0
    last_change: str = ""
    name: str = ""
    conversation: str = ""  # "" until the first message
    service_url: str = ""
    user_id: str = ""  # the 29: id, "" until he or the roster told us
    locale: str = ""  # as Teams last told it: "de-DE"
    zone: str = ""  # "Europe/Berlin"
    closed: str = ""  # why nothing can be sent now; "" if it can
    install_tried: datetime | None = None  # when the app was last to be installed for him
    at: datetime
