"""What is kept of the past: the events of an approval, and the payloads that came."""

from datetime import datetime

from pydantic import Field

from approvals_core.models.approval import Operation
from approvals_core.models.identity import ApprovalKey, Record
from approvals_core.models.open_enums import OpenWords


class EventKind(OpenWords):
    """What the history says happened."""

    RECEIVED = "received"  # an ARX was applied
    SUPERSEDED = "superseded"  # an ARX was older than what stood
    BOUND = "bound"  # a person was found for a place
    REBOUND = "rebound"  # an operator bound another
    DECIDED = "decided"
    ATTEMPTED = "attempted"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    POSTPONED = "postponed"
    UNCONFIRMED = "unconfirmed"
    LATE_ANSWER = "late_answer"
    RETURNED = "returned"  # given back without the tenant's word
    NOT_RECORDED = "not_recorded"  # a click whose decision was never committed
    CONFIRMED = "confirmed"  # an ActionDetail matched what we knew
    ACTION = "action"  # an ActionDetail told us
    SETTLED = "settled"  # by an ARX or a person
    LOOKED_UP = "looked_up"  # the tenant was asked what became of a decision
    RECONCILED = "reconciled"  # compared with what the tenant has, and healed or found unclear
    OVERDUE = "overdue"
    DETAILS = "details"  # an operation was read at the tenant's, or could not be
    DEAD_LETTER = "dead_letter"
    ERASED = "erased"  # what named a person, or was written by him, is gone
    REPLAYED = "replayed"  # an operator dealt with a dead letter


class HistoryEvent(Record):
    """
    One link of an approval's hash chain.

    *facts* are hashed as they are; *personal* (names, comments) is hashed through
    a salted digest, so that erasing it leaves the chain verifiable.
    """

    seq: int
    kind: EventKind
    at: datetime
    facts: dict[str, str] = Field(default_factory=dict[str, str])
    personal: dict[str, str] = Field(default_factory=dict[str, str])
    salt: str = ""  # hex; goes when personal goes
    digest: str = ""  # of salt and personal, hex SHA-256
    previous: str = ""
    hash: str = ""


class Disposition(OpenWords):
    """What became of a payload."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARTIAL = "partial"
    SUPERSEDED = "superseded"


class Payload(Record):
    """One payload that was taken."""

    id: str
    approval: ApprovalKey
    digest: str  # SHA-256 of its canonical JSON without Telemetry
    operation: Operation
    received_at: datetime
    disposition: Disposition
    skipped: tuple[str, ...] = ()  # names for whom it was too old
    warnings: tuple[str, ...] = ()


LATE = frozenset({Disposition.PARTIAL, Disposition.SUPERSEDED})  # some of it was too old
