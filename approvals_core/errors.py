"""
Every error the core raises on purpose.

ApprovalError               shown to the person who clicked: the message is written for him
+-- UnknownApproval         no such request, or none that this person may know of
+-- NotAnApprover           the person may see the request but not decide on it
+-- StaleCard               the card shows an older round, revision or attempt
+-- AlreadyActedOn          this place or one that holds it was decided before
+-- ActionNotOffered        the tenant does not offer this action here
+-- ActionIncomplete        something it asks for is missing, too long, or not to be had
+-- NotLookedUp             the new approver could not be looked up now
+-- TenantClosed            the tenant is disabled or in maintenance
InvalidArx                  a payload that cannot be taken; carries every problem at once
BadTenantFiles              the tenants' files cannot be used; carries every mistake at once
NotDone                     an operator asked for what cannot be done
+-- NotSettled              the place has no unconfirmed decision
+-- NotRebound              nobody, or not this person, can be put on the place now
+-- NotReplayed             the dead letter's job may not be done again
+-- NotBounced              no mail went to that address
+-- NotErased               nobody, or not only one, is known by that name
StoreError
+-- VersionConflict         somebody else committed first: reload and try the rule again
+-- LeaseLost               the job was handed to somebody else: stop, change nothing
+-- StoreUnavailable        the back end did not answer; nobody knows whether it committed
|   +-- StoreClosed         nothing may be written to it for now: it is being moved, or is another one
+-- StoreRefused            the store's settings or stamp do not fit: the service does not start
ArchiveUnavailable          the archive cannot be written or read: nothing leaves the store
InvalidToken                a bearer token failed verification; the message is for the log
+-- KeysUnavailable         or nobody can tell yet: its issuer's keys could not be fetched
TokenUnavailable            we could not get a token of our own
LeftToNewer                 only a newer program knows how to do it: put back for one
DirectoryUnavailable        the directory did not answer; carries retry_after in seconds
ChannelError                a card could not be shown
+-- ChannelBusy             try again; carries retry_after in seconds
|   +-- MailboxBusy         so it is for every mail of our mailbox
|   +-- RecipientBusy       so it is for this mail, and for no other
+-- AnswerLost              it may have been shown; once more after a minute
+-- CardGone                the card at this address no longer exists: send it anew
+-- Unreachable             the person cannot be reached this way until something changes
+-- CardRefused             the channel will never take this card
"""

from collections.abc import Sequence
from dataclasses import dataclass

LEFT_FOR = 2.0  # seconds until such a job may be taken again: a newer program looks every second


class ApprovalError(Exception):
    """Base of the errors whose message is written for the person who clicked."""


class UnknownApproval(ApprovalError):
    """No such request, or none that this person may know of: both look the same."""


class NotAnApprover(ApprovalError):
    """The person may see the request but is not asked to decide."""


class StaleCard(ApprovalError):
    """The card clicked shows an older round, revision or attempt."""


class AlreadyActedOn(ApprovalError):
    """Somebody decided before the click arrived: on this place, or on one that holds it."""


class ActionNotOffered(ApprovalError):
    """The tenant does not offer this action for this request."""


class ActionIncomplete(ApprovalError):
    """Something the action demands is missing or too long."""


class NotLookedUp(ApprovalError):
    """The directory did not say in time who the new approver is."""


class TenantClosed(ApprovalError):
    """The tenant takes no decisions now."""


@dataclass(frozen=True)
class Problem:
    """
    One thing wrong with a payload.

    *pointer* is a JSON pointer (RFC 6901) into the payload, "" for the whole.
    *members* and *message* are what Assent answers in PayloadValidationResults; *remedy* says
    beside it what to send, "" where the message does.
    """

    pointer: str
    message: str
    members: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def told(self) -> str:
        """What we say of it ourselves."""
        return f"{self.message} {self.remedy}".rstrip()


class InvalidArx(Exception):
    """A payload that cannot be taken; *problems* lists all of them at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.pointer}: {p.message}" for p in problems))
        self.problems = tuple(problems)


class BadTenantFiles(Exception):
    """The tenants' files cannot be used; the message lists every mistake, one a line."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class NotDone(Exception):
    """Base of what operators ask for in vain; the message is for them and says why."""


class NotSettled(NotDone):
    """The place to settle has no unconfirmed decision."""


class NotRebound(NotDone):
    """The person cannot be put on this place now."""


class NotReplayed(NotDone):
    """The job of a dead letter may not be done again."""


class NotErased(NotDone):
    """The person cannot be erased as he was named; the message says why."""


class NotBounced(NotDone):
    """No mail that could have come back went to the address."""


class StoreError(Exception):
    """Base of what a store raises."""


class VersionConflict(StoreError):
    """The stored version is not the one the change was built on."""


class LeaseLost(StoreError):
    """The job's lease has another token by now."""


class StoreUnavailable(StoreError):
    """The back end did not answer; whether it committed is not known."""


class StoreClosed(StoreUnavailable):
    """Nothing may be written to the store for now, and nothing was; the message is for operators."""


class StoreRefused(StoreError):
    """The store may not be used as it is; the message says what to set."""


class ArchiveUnavailable(Exception):
    """The archive cannot be written or read; the message is for operators."""


class InvalidToken(Exception):
    """A bearer token failed verification."""


class KeysUnavailable(InvalidToken):
    """A bearer token cannot be verified now: its issuer's keys could not be fetched."""


class TokenUnavailable(Exception):
    """The issuer did not give us a token; the message says why, without secrets."""


class RetryAfter(Exception):
    """Base of errors that end by themselves; *retry_after* is in seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LeftToNewer(RetryAfter):
    """A newer program asked for it, and knows how it is done: one of those does it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=LEFT_FOR)


class DirectoryUnavailable(RetryAfter):
    """The directory did not answer."""


class ChannelError(Exception):
    """Base of what a channel raises when a card cannot be shown."""


class ChannelBusy(RetryAfter, ChannelError):
    """The channel is throttled or down."""


class MailboxBusy(ChannelBusy):
    """Our mailbox sends nothing now, whoever a mail is for."""


class RecipientBusy(ChannelBusy):
    """One mail is not taken now; that says nothing of any other."""


class AnswerLost(ChannelError):
    """The card may have been shown; nobody told us."""


class CardGone(ChannelError):
    """The card at this address no longer exists."""


class Unreachable(ChannelError):
    """The person cannot be reached this way; the message is for operators."""


class CardRefused(ChannelError):
    """The channel will never take this card; the message is for operators."""
