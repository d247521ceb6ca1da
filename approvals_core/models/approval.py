"""One approval: its content, the places of its approvers, their decisions, and what was done."""

from datetime import datetime

from pydantic import Field

from approvals_core.models.identity import ApprovalKey, Mark, PersonId, Record
from approvals_core.models.mail import Notification
from approvals_core.models.open_enums import OpenNumbers, OpenWords
from approvals_core.models.trace import Trace


class Operation(OpenNumbers):
    """What an ARX asks for (assent-app WIKI.md, "ApprovalRequestExpression")."""

    CREATE = 1
    UPDATE = 2
    DELETE = 3


class PlaceState(OpenWords):
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
    nickname: str = ""  # mailNickname, where the tenant names people by it
    # Mail addresses and mailNickname, where he was looked up by his object id; never stored.
    also: tuple[str, ...] = Field(default=(), exclude=True, repr=False)

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


class DetailState(OpenWords):
    """Where one operation of the details stands. Its older text may be there in any of them."""

    HERE = "here"
    FETCHING = "fetching"  # the worker reads it at the tenant's
    MISSING = "missing"  # it could not be read there


class Detail(Record):
    """
    One operation of the details.

    Its text lies beside the approval, named "details/" and *name*; *digest* and *size*
    are of that text, "" and 0 until there is one.
    """

    name: str  # in upper case
    state: DetailState
    mark: Mark  # of the newest ARX that brought it, or asked for it
    asked: int = 0  # number of the newest fetch; what an older one brings does not count
    asked_at: datetime | None = None
    digest: str = ""  # SHA-256 of its canonical JSON, hex
    size: int = 0  # bytes
    reason: str = ""  # why it could not be read, for operators


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
    additional: dict[str, str] = Field(
        default_factory=dict[str, str]
    )  # SummaryData.AdditionalData, in its order
    attachments: tuple[Attachment, ...] = ()
    notes: str = ""  # ApproverNotes
    actions: tuple[str, ...] = ()  # ApprovalActionsApplicable; () offers all


class Entries(Record):
    """What was chosen and filled in for an action beside its comment, as it came in."""

    justification: str = ""  # its code
    placement: str = ""  # its code
    new_approver: str = ""  # an object id
    inputs: dict[str, str] = Field(default_factory=dict[str, str])  # by the input's code
    confirmed: bool = False


class Refusal(Record):
    """Why a decision came back, and what had been typed, so that nothing is typed twice."""

    action: str
    message: str  # as the tenant or we said it; never cleaned
    comment: str
    at: datetime
    reason: str = ""  # for the tenant and operators: "HTTP 401", and no word of anybody's
    entries: Entries = Entries()


class Decision(Record):
    """One approver's choice, with one id for life: Tcv and Idempotency-Key of every attempt."""

    id: str
    action: str  # the tenant's code
    comment: str = ""
    reason_code: str = ""  # of the justification chosen
    reason_text: str = ""
    new_approver: Person | None = None
    approver_type: str = ""  # of the new approver
    placement: str = ""  # where he comes in: the code chosen
    inputs: dict[str, str] = Field(default_factory=dict[str, str])  # the action's additional inputs
    by: Person  # who clicked
    at: datetime
    channel: str
    round: int
    revision: int  # of what he saw
    trace: Trace = Trace()  # of the click: every attempt goes on from there
    attempts: int = 1  # to tell the tenant, counting the one under way
    attempted_at: datetime
    untried: int = 0  # how many of *attempts* were never made: no turn came in time
    due: datetime | None = None  # of the next attempt, while retrying
    answered_at: datetime | None = None
    message: str = ""  # the tenant's DisplayMessage
    trouble: str = ""  # what the last attempt met, as in Refusal.reason
    overdue: bool = False  # accepted, and the ARX the tenant owes us did not come
    look_up: datetime | None = None  # when the tenant is asked what became of it, if it is
    looked_up: int = 0  # how often it was asked since the last attempt

    @property
    def tried(self) -> int:
        """Return how many attempts may have left the house."""
        return self.attempts - self.untried

    @property
    def entries(self) -> Entries:
        """Return what was filled in, for a card that asks for it again; not that it was confirmed."""
        return Entries(
            justification=self.reason_code,
            placement=self.placement,
            new_approver=self.new_approver.object_id if self.new_approver else "",
            inputs=self.inputs,
        )


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
    told: int = 0  # when the newest word about it came: orders words whose marks do not
    state: PlaceState
    attempt: int = 0  # rises whenever it becomes pending; buttons carry it
    round: int = 0  # in which it was last asked
    asked_at: datetime | None = None
    decision: Decision | None = None  # while submitting, retrying, unconfirmed, accepted
    refusal: Refusal | None = None
    quiet_until: datetime | None = None  # his clicked card is not pushed before
    shown_anew: int = 0  # raised when his client shows an answer that came to nothing
    erased: bool = False  # the person was erased: its names are known no more
    reminded: int = 0  # raised by each reminder: his card moves to the end of his chat
    reminded_at: datetime | None = None  # when the newest of them was


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
    reason: str = ""  # the justification's text
    new_approver: str = ""  # his name
    placement: str = ""  # where he comes in: the code chosen
    seat: int | None = None
    delegated: bool = False  # the tenant says that somebody else did it, for *by*
    decision: str = ""
    said_at: datetime | None = None  # ActionDetail.Date, once the tenant said so
    heard_at: datetime | None = None  # when we last heard of it; None in older records
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
    trace: Trace = Trace()  # of the newest payload that was applied and had one
    content: Content | None = None
    content_mark: Mark | None = None
    details_mark: Mark | None = None
    details_digest: str = ""  # of records from before there were `details`; "" in all newer ones
    details: tuple[Detail, ...] = ()  # by name
    created: bool = False  # a CREATE was seen
    newest: int = 0  # ticks of the newest OperationDateTime seen
    places: tuple[Place, ...] = ()
    taken: tuple[ActionTaken, ...] = ()
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    heard: int = 0  # payloads that came
    heard_at: datetime | None = None  # when the newest did; None in older records
    reconciled_at: datetime | None = None  # when it was last compared with what the tenant has
    archived_to: int = 0  # ticks: what is not newer was told of earlier requests of this document
    notifications: tuple[Notification, ...] = ()  # by what the tenant said later, not by arrival
    unclear: str = ""  # what that found and could not heal, for operators; no word of anybody's
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

    def detail(self, name: str) -> Detail | None:
        """Return what is known of this operation of the details, or None."""
        return next((d for d in self.details if d.name == name), None)

    def place_of(self, person: PersonId) -> Place | None:
        """Return the person's place, or None."""
        return next(
            (p for p in self.places if p.person is not None and p.person.id == person), None
        )
