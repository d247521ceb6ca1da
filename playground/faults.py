"""The fault switches: what a far side does wrong, where, and how often."""

from collections.abc import Collection
from enum import StrEnum

from pydantic import BaseModel, RootModel


class FaultKind(StrEnum):
    """Every way a far side can fail on purpose; the comment says which one knows it."""

    BLOCKED = "blocked"  # connector: the person blocked the bot
    NOT_INSTALLED = "not_installed"  # connector: no conversation can be created
    NO_CONVERSATION = "no_conversation"  # connector: the conversation is gone
    NO_MESSAGE = "no_message"  # connector: the message is gone
    NOT_REGISTERED = "not_registered"  # connector: no bot has this application, 401
    BOT_DISABLED = "bot_disabled"  # connector: an administrator blocked the app, 403
    PRECONDITION_FAILED = "precondition_failed"  # connector
    TOO_BIG = "too_big"  # connector
    THROTTLED = "throttled"  # connector, graph, tenant: 429 with Retry-After of `seconds`; smtp: 452 to DATA
    STATUS = "status"  # connector, graph, smtp (its sender), tenant: answers with `status`
    LOST_ANSWER = "lost_answer"  # connector, mail, tenant: does it, then drops the connection
    GREYLISTED = "greylisted"  # smtp: 451 to the recipient
    NO_RECIPIENT = "no_recipient"  # smtp: 550 to the recipient; graph/mail: ErrorInvalidRecipients
    CONTENT_REFUSED = "content_refused"  # smtp: 554 to the mail
    DROPPED = "dropped"  # mail: drops the connection before anything is done
    REFUSED = "refused"  # tenant: ActionResult false with `error_type` 1 or 2
    TRANSIENT = "transient"  # tenant: ErrorType 3 with RetryInterval of `minutes`, or without
    SLOW = "slow"  # mail, tenant: answers well, after `seconds`
    HELD = "held"  # tenant: answers when released
    GARBAGE = "garbage"  # tenant: 200 with a page of HTML
    WRONG_DOCUMENT = "wrong_document"  # tenant: answers for a document nobody asked about
    DRIPPING = "dripping"  # tenant: 200, then one byte each `seconds` for ever
    ENDLESS = "endless"  # tenant: 200, then a body that never ends
    HUGE = "huge"  # tenant: 200 with a body of 100 MB
    REDIRECT = "redirect"  # tenant: 307 to another address of its own
    SHORT = "short"  # tenant, arrays: the last entry is missing
    LONG = "long"  # tenant, arrays: one entry more, for a document nobody asked about
    REORDERED = "reordered"  # tenant, arrays: the last entry comes first
    DOUBLED = "doubled"  # tenant, arrays: every entry twice
    CONTRADICTED = "contradicted"  # tenant, arrays: every entry once as yes and once as no


class Fault(BaseModel, frozen=True):
    """One switch. *times* is the number of calls it still spoils, None until it is cleared."""

    kind: FaultKind
    times: int | None = None
    seconds: float = 1.0
    minutes: float | None = 1  # None: RetryInterval is left out
    status: int = 500
    error_type: int = 2  # 0: there is no E2EErrorInformation
    text: str = ""  # instead of the documented message


class Faults(RootModel[dict[str, list[Fault]]]):
    """
    The switches by place: "connector", "connector/johndoe1", "graph", "graph/mail", "smtp", "tenant/pr" (its actions),
    "tenant/pr/reads" (all that is only read), "tenant/pr/summary" or another one of its APIs.

    Several may wait at one place; each call meets the first that concerns it.
    """

    root: dict[str, list[Fault]] = {}

    def add(self, place: str, fault: Fault) -> None:
        self.root.setdefault(place, []).append(fault)

    def clear(self, place: str) -> None:
        self.root.pop(place, None)

    def take(self, place: str, kinds: Collection[FaultKind]) -> Fault | None:
        """Return the first fault of *kinds* at *place*, counting it down, or None."""
        waiting = self.root.get(place, [])
        at = next((at for at, fault in enumerate(waiting) if fault.kind in kinds), None)
        if at is None:
            return None
        fault = waiting.pop(at)
        if fault.times is None or fault.times > 1:
            left = None if fault.times is None else fault.times - 1
            waiting.insert(at, fault.model_copy(update={"times": left}))
        return fault
