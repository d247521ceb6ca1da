"""One approval: its content, the places of its approvers, their decisions, and what was done."""

from datetime import datetime
from enum import IntEnum, StrEnum

from pydantic import Field

from approvals_core.models.identity import ApprovalKey, Mark, PersonId, Record


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
    additional: dict[str, str] = Field(
        default_factory=dict[str, str]
    )  # SummaryData.AdditionalData, in its order
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
    inputs: dict[str, str] = Field(default_factory=dict[str, str])  # the action's additional inputs
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
    told: int = 0  # when the newest word about it came: orders words whose marks do not
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
