"""What is still to do, and the one way in which anything changes."""

from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from approvals_core.models.approval import Approval
from approvals_core.models.history import HistoryEvent, Payload
from approvals_core.models.identity import ApprovalKey, PersonId, Record
from approvals_core.models.mail import Letter
from approvals_core.models.open_enums import OpenNumbers, OpenWords
from approvals_core.models.receipts import Contact, Receipt


class Lane(OpenNumbers):
    """
    Priority of jobs, the smaller first.

    What asks a tenant belongs to DECISION or TENANT: a tenant that hangs fills its own
    few places there, and holds up none of the others. Mails have places and lanes of their
    own, as one mailbox sends few at once: whose decision is asked for goes first.
    """

    DECISION = 0
    CARD = 1
    REMINDER = 2
    DIGEST = 3
    TENANT = 4  # what is only read at a tenant's: details, what became of a decision
    MAIL = 5  # to whoever may be asked
    MAIL_COPY = 6  # to whoever is told: Cc, Bcc, and all when a request ended
    MAIL_REMINDER = 7


# Those that wait for the mailbox.
MAIL_LANES = (Lane.MAIL, Lane.MAIL_COPY, Lane.MAIL_REMINDER)


class JobKind(OpenWords):
    """What the worker can do. All are level-triggered: they look and do what is needed."""

    POST = "post"  # tell the tenant a decision
    AWAIT_ARX = "await_arx"  # see whether the ARX owed after acceptance came
    RESOLVE = "resolve"  # find the person of a place
    CARD = "card"  # converge one person's card in one channel
    DELIVER = "deliver"  # converge all that is pending for a person who can be reached now
    DETAILS = "details"  # read one operation of the details at the tenant's
    ASK_STATUS = "ask_status"  # ask a tenant what became of a decision it did not confirm
    RECONCILE = "reconcile"  # compare one request with what its tenant has
    NIGHTLY = "nightly"  # compare a tenant's open requests, some at a time
    ARCHIVE = "archive"  # move a tenant's requests that were closed long ago out of the store
    CLEAN_UP = "clean_up"  # drop the bodies of a request that stayed closed
    RENEW = "renew"  # converge all open cards of a tenant whose file or doors changed
    MAIL = "mail"  # send one mail to one address
    REMIND = "remind"  # ask those who are still asked once more
    SWEEP = "sweep"  # look for what waits on nobody


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
    number: int = 0  # of the attempt to post, or of the fetch
    operation: str = ""  # of the details, in upper case
    after: str = ""  # where a look through a list goes on
    notification: str = ""  # id of the one a mail or reminder comes from
    address: str = ""  # a mail's


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
    is done before `jobs` are added; `held` is one that must still be ours, and goes on.
    `answers` is the id of a dead letter that goes.
    `notes` are short texts that the scope keeps by name, the last one counts; None deletes.
    """

    id: str
    scope: str
    approval: Approval | None = None
    contact: Contact | None = None
    events: tuple[HistoryEvent, ...] = ()
    bodies: dict[str, str | None] = Field(default_factory=dict[str, str | None])
    payload: Payload | None = None
    receipts: tuple[Receipt, ...] = ()
    letters: tuple[Letter, ...] = ()
    jobs: tuple[Job, ...] = ()
    claim: Lease | None = None
    finish: Lease | None = None
    held: Lease | None = None
    dead: DeadLetter | None = None
    answers: str = ""
    notes: dict[str, str | None] = Field(default_factory=dict[str, str | None])
