"""The data the core works with: frozen, storable as JSON, no behaviour but its own names."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

HOUSE = "house"  # the scope of what belongs to no tenant and no person


class ApprovalKey(NamedTuple):
    """Names one document: DocumentTypeId in lower case, DocumentNumber, FiscalYear or ""."""

    tenant: str
    number: str
    year: str = ""

    @property
    def scope(self) -> str:
        """Return the scope in which this approval's commits are made."""
        return tenant_scope(self.tenant)


class PersonId(NamedTuple):
    """Who somebody is: directory and object id (GUIDs in lower case), and nothing else."""

    directory: str
    object_id: str

    def __str__(self) -> str:
        return f"{self.directory}/{self.object_id}"

    @property
    def scope(self) -> str:
        """Return the scope in which this person's commits are made."""
        return f"p:{self}"


class Mark(NamedTuple):
    """How new a word of the tenant is: OperationDateTime in 100-ns ticks, then Operation."""

    ticks: int
    operation: int


class Record(BaseModel):
    """Base of what is stored: frozen, and a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """
        Return this with the fields of *update* replaced.

        Everything in a record is frozen or never changed, so nothing needs copying: a
        step of an approval makes some fifty of these.
        """
        if deep:
            return super().model_copy(update=update, deep=True)
        made = type(self).__new__(type(self))
        changed = update or {}
        object.__setattr__(made, "__dict__", {**self.__dict__, **changed})
        object.__setattr__(
            made, "__pydantic_fields_set__", {*self.__pydantic_fields_set__, *changed}
        )
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class Operation(IntEnum):
    """What an ARX asks for (assent-app WIKI.md, "ApprovalRequestExpression")."""

    CREATE = 1
    UPDATE = 2
    DELETE = 3


class PlaceState(StrEnum):
    """Where one approver's place stands; the README draws how it moves."""

    PENDING = "pending"  # waits for the approver
    SUBMITTING = "submitting"  # decided, an attempt to tell the tenant is under way
    RETRYING = "retrying"  # the tenant did not take it, the same again when due
    UNCONFIRMED = "unconfirmed"  # nobody knows whether the tenant has it
    ACCEPTED = "accepted"  # the tenant said yes and owes us an ARX
    REMOVED = "removed"  # not asked, or no longer


class Person(Record):
    """Somebody of a directory, as found there."""

    directory: str
    object_id: str
    name: str  # displayName
    upn: str = ""

    @property
    def id(self) -> PersonId:
        """Return what identifies the person."""
        return PersonId(self.directory, self.object_id)


class Named(Record):
    """Somebody as the tenant names him."""

    alias: str = ""
    name: str = ""


class Level(Record):
    """One step of the route the tenant plans."""

    kind: str = ""  # ApproverType: Interim, Safe, Final …
    approvers: tuple[Named, ...] = ()


class Attachment(Record):
    """A file of the request; *size* in bytes, None if the tenant did not say."""

    id: str = ""
    name: str = ""
    url: str = ""
    size: int | None = None


class Content(Record):
    """What an approver decides on: the newest SummaryData. Texts are as sent, never cleaned."""

    title: str = ""
    unit_value: str = ""
    unit_of_measure: str = ""
    submitted: str = ""  # SubmittedDate as sent
    detail_page_url: str = ""
    company_code: str = ""
    submitter: Named = Named()
    custom_attribute: tuple[str, str] | None = None  # name, value
    hierarchy: tuple[Level, ...] = ()
    additional: dict[str, str] = {}  # SummaryData.AdditionalData, in its order
    attachments: tuple[Attachment, ...] = ()
    notes: str = ""  # ApproverNotes
    actions: tuple[str, ...] = ()  # ApprovalActionsApplicable; () offers all


class Refusal(Record):
    """Why a decision came back, and what had been typed, so that nothing is typed twice."""

    action: str
    message: str  # as the tenant or we said it; never cleaned
    comment: str
    at: datetime
    reason: str = ""  # for the tenant and operators: "HTTP 401", and no word of anybody's


class Decision(Record):
    """One approver's choice, with one id for life: Tcv and Idempotency-Key of every attempt."""

    id: str
    action: str  # the tenant's code
    comment: str = ""
    inputs: dict[str, str] = {}  # the action's additional inputs
    by: Person  # who clicked
    at: datetime
    channel: str
    round: int
    revision: int  # of what he saw
    attempts: int = 1  # to tell the tenant, counting the one under way
    attempted_at: datetime
    due: datetime | None = None  # of the next attempt, while retrying
    answered_at: datetime | None = None
    message: str = ""  # the tenant's DisplayMessage
    trouble: str = ""  # what the last attempt met, as in Refusal.reason
    overdue: bool = False  # accepted, and the ARX the tenant owes us did not come


class Place(Record):
    """One approver's seat. It stays for the life of the document, whatever happens to it."""

    seat: int  # its number in the approval; stable
    alias: str  # as the tenant wrote it; goes out as ActionByAlias
    names: tuple[str, ...]  # all it is known by: folded aliases, alias@domain, object ids
    name: str = ""  # as the tenant wrote it
    original_approvers: tuple[str, ...] = ()
    person: Person | None = None  # once found; who may act and see
    unbound: str = ""  # why nobody can be found for it, for operators and the tenant
    mark: Mark
    state: PlaceState
    attempt: int = 0  # rises whenever it becomes pending; buttons carry it
    round: int = 0  # in which it was last asked
    asked_at: datetime | None = None
    decision: Decision | None = None  # while submitting, retrying, unconfirmed, accepted
    refusal: Refusal | None = None
    quiet_until: datetime | None = None  # his clicked card is not pushed before
    shown_anew: int = 0  # raised when his client shows an answer that came to nothing


class ActionTaken(Record):
    """
    One line of what was done, for the route and the cards.

    Made by an accepted decision (*decision* is its id) or by an ActionDetail, or by
    both: then *said_at* is set too. *at* is the decision's time, or ActionDetail.Date.
    """

    by: str  # alias as the tenant writes it
    name: str = ""
    action: str
    at: datetime
    comment: str = ""
    seat: int | None = None
    decision: str = ""
    said_at: datetime | None = None  # ActionDetail.Date, once the tenant said so
    failed: str = ""  # UserActionFailureReason
    round: int


class Approval(Record):
    """One document and all who were ever asked: the unit of every change."""

    key: ApprovalKey
    id: str  # public: the tenant's short code and 80 random bits. An address, no authority
    version: int = 0  # raised by every commit, for compare-and-set only
    revision: int = 0  # raised when what an approver decides on changes
    round: int = 0  # raised whenever a closed request is opened
    display_number: str
    xcv: str = ""
    content: Content | None = None
    content_mark: Mark | None = None
    details_mark: Mark | None = None
    details_digest: str = ""  # "" until the first details arrive
    created: bool = False  # a CREATE was seen
    newest: int = 0  # ticks of the newest OperationDateTime seen
    places: tuple[Place, ...] = ()
    taken: tuple[ActionTaken, ...] = ()
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    last_change: str = ""
    events: int = 0
    head: str = ""  # hash of the newest event

    @property
    def open(self) -> bool:
        """Tell whether anybody is still asked."""
        return any(place.state is not PlaceState.REMOVED for place in self.places)

    def place(self, seat: int) -> Place | None:
        """Return the place with this number, or None."""
        return self.places[seat] if 0 <= seat < len(self.places) else None

    def place_of(self, person: PersonId) -> Place | None:
        """Return the person's place, or None."""
        return next(
            (p for p in self.places if p.person is not None and p.person.id == person), None
        )


class EventKind(StrEnum):
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
    OVERDUE = "overdue"
    DEAD_LETTER = "dead_letter"
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
    facts: dict[str, str] = {}
    personal: dict[str, str] = {}
    salt: str = ""  # hex; goes when personal goes
    digest: str = ""  # of salt and personal, hex SHA-256
    previous: str = ""
    hash: str = ""


class Disposition(StrEnum):
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


class ReceiptState(StrEnum):
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


class Lane(IntEnum):
    """Priority of jobs, the smaller first."""

    DECISION = 0
    CARD = 1
    REMINDER = 2
    DIGEST = 3


class JobKind(StrEnum):
    """What the worker can do. All are level-triggered: they look and do what is needed."""

    POST = "post"  # tell the tenant a decision
    AWAIT_ARX = "await_arx"  # see whether the ARX owed after acceptance came
    RESOLVE = "resolve"  # find the person of a place
    CARD = "card"  # converge one person's card in one channel
    DELIVER = "deliver"  # converge all that is pending for a person who can be reached now
    CLEAN_UP = "clean_up"  # drop the bodies of a request that stayed closed


class Job(Record):
    """
    Something still to do, written by the commit that made it necessary.

    The same key again means: at the earlier of both times, and once more if it
    is being done just now.
    """

    key: str
    kind: JobKind
    lane: Lane
    due: datetime
    approval: ApprovalKey | None = None
    seat: int | None = None
    person: PersonId | None = None
    channel: str = ""
    round: int = 0
    decision: str = ""
    number: int = 0  # of the attempt to post


class Lease(NamedTuple):
    """The right to finish a job. Another token means that somebody else has it."""

    scope: str
    job: str  # its key
    token: str
    until: datetime


class LeasedJob(NamedTuple):
    """A job handed out; *failures* counts how often it failed before."""

    job: Job
    lease: Lease
    failures: int


class QueuedJob(NamedTuple):
    """
    A job as it lies in the queue.

    *job* is None if its record cannot be read. *next* is when it is handed out: when it
    is due, or when its lease ends. *failures* counts how often it failed in a row.
    """

    scope: str
    key: str
    lane: Lane
    job: Job | None
    next: datetime
    leased: bool
    failures: int


class DeadLetter(Record):
    """A job that kept failing, kept for an operator."""

    id: str
    scope: str
    job: Job
    error: str  # type and place of the failure, no personal text
    at: datetime


class Change(Record):
    """
    One step of one scope: committed whole, or not at all.

    `approval` and `contact` are as they shall stand, their version one above the
    stored. `bodies` are texts beside the approval by name; None deletes.
    `claim` hands one of `jobs` to the committing process at once; `finish` ends a
    leased job (or makes it due again, if it was asked for once more meanwhile), and
    is done before `jobs` are added. `answers` is the id of a dead letter that goes.
    """

    id: str
    scope: str
    approval: Approval | None = None
    contact: Contact | None = None
    events: tuple[HistoryEvent, ...] = ()
    bodies: dict[str, str | None] = {}
    payload: Payload | None = None
    receipts: tuple[Receipt, ...] = ()
    jobs: tuple[Job, ...] = ()
    claim: Lease | None = None
    finish: Lease | None = None
    dead: DeadLetter | None = None
    answers: str = ""


class IndexEntry(NamedTuple):
    """An approval's row in one list of its scope, sorted by time, then key."""

    list: str
    at: datetime


OPEN = "open"  # the list of a tenant's open requests
ATTENTION = "attention"  # the list of what waits for an operator


def queue_of(person: PersonId) -> str:
    """Name the list of what waits for a person."""
    return f"queue/{person}"


def queue_of_alias(alias: str) -> str:
    """Name the list of what waits for somebody not found yet."""
    return f"queue/alias/{alias.strip().casefold()}"


def numbered(number: str) -> str:
    """Name the list of the requests with this display or document number."""
    return f"number/{number.strip().casefold()}"


def tenant_scope(tenant: str) -> str:
    """Return the scope of a tenant's approvals."""
    return f"t:{tenant}"


def entries(approval: Approval) -> tuple[IndexEntry, ...]:
    """Return the lists this approval stands in; a store keeps exactly these."""
    listed = {
        IndexEntry(_queue(place), place.asked_at)
        for place in approval.places
        if place.state is PlaceState.PENDING and place.asked_at is not None
    }
    if approval.opened_at is not None:
        numbers = {approval.display_number, approval.key.number}
        listed |= {IndexEntry(numbered(number), approval.opened_at) for number in numbers}
    if approval.open and approval.opened_at is not None:
        listed.add(IndexEntry(OPEN, approval.opened_at))
        listed |= {
            IndexEntry(ATTENTION, approval.opened_at)
            for place in approval.places
            if needs_operator(place)
        }
    return tuple(sorted(listed))


def needs_operator(place: Place) -> bool:
    """Tell whether nothing but a person can move this place on."""
    if place.state is PlaceState.REMOVED:
        return False
    if place.unbound:
        return True
    if place.state is PlaceState.UNCONFIRMED:
        return place.decision is not None and place.decision.due is None
    return place.decision is not None and place.decision.overdue


def _queue(place: Place) -> str:
    return queue_of(place.person.id) if place.person else queue_of_alias(place.alias)
