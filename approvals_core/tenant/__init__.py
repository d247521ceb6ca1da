"""What we know of one tenant: the contents of its file, checked and frozen."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from approvals_core.tenant.actions import (
    Action,
    Choice,
    Comment,
    Input,
    InputKind,
    Style,
    second_with_same_code,
)
from approvals_core.tenant.api import Api, Auth, Breaker, SignIn, Submission
from approvals_core.tenant.base import FileRecord, Guid, Sentence, Text, Wrong
from approvals_core.tenant.people import AliasIs, Caller, People
from approvals_core.tenant.shown import Icons, Mail, Section, SectionKind, Shown, ShownField
from approvals_core.tenant.times import (
    Maintenance,
    Reconcile,
    Switch,
    WhileClosed,
    WorkingHours,
)

__all__ = [
    "Action",
    "AliasIs",
    "Api",
    "Auth",
    "Breaker",
    "Caller",
    "Choice",
    "Closed",
    "Comment",
    "Concurrency",
    "Icons",
    "Input",
    "InputKind",
    "Limits",
    "Mail",
    "Maintenance",
    "People",
    "Reconcile",
    "Section",
    "SectionKind",
    "Shown",
    "ShownField",
    "SignIn",
    "Style",
    "Submission",
    "Switch",
    "Tenant",
    "WhileClosed",
    "WorkingHours",
]


ROOM = 14_000  # bytes of a card, which has 28 KB, for buttons and forms


class Concurrency(StrEnum):
    """Whose decision holds whom: the first one everybody, or each only himself."""

    ANY = "any"
    ALL = "all"


class Limits(FileRecord):
    """Bounds on what is repeated on this tenant's behalf, and on what it may send."""

    posts: int = Field(default=5, ge=1, le=20)  # attempts of one decision
    clock_allowance: float = Field(default=300.0, ge=0, le=3600)  # seconds
    payloads_per_minute: int = Field(default=6000, ge=1)  # whichever process of ours it posts to
    payload_bytes: int = Field(default=1_048_576, ge=1024)
    answer_bytes: int = Field(default=1_048_576, ge=1024, le=16_777_216)  # of summary and details
    attachment_bytes: int = Field(default=26_214_400, ge=1024, le=104_857_600)  # of one file
    together: int = Field(default=20, ge=2, le=100)  # requests decided together
    keep_closed: int = Field(default=400, ge=1, le=36_500)  # days until the archive has it


class Closed(FileRecord):
    """Why a tenant takes no decisions now. *until* None: nobody knows."""

    message: str
    decisions: WhileClosed
    until: datetime | None = None


class Tenant(FileRecord):
    """One line-of-business system that asks for approvals."""

    document_type_id: Guid
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,11}$")]
    name: Text  # "Contoso Purchasing"
    request_word: Text  # "Purchase requisition"
    icons: Icons | None = None
    people: People
    callers: tuple[Caller, ...] = Field(min_length=1)
    api: Api
    actions: tuple[Action, ...] = Field(min_length=1, max_length=12)
    concurrency: Concurrency = Concurrency.ANY
    channels: tuple[Literal["teams", "outlook"], ...] = ("teams", "outlook")
    limits: Limits = Limits()
    shown: Shown = Shown()
    mail: Mail = Mail()
    reconcile: Reconcile = Reconcile()
    working_hours: WorkingHours = WorkingHours()
    enabled: bool = True
    disabled_message: Sentence | None = None  # stands on its cards while it is not enabled
    disabled_decisions: WhileClosed = WhileClosed.REFUSE
    maintenance: Maintenance | None = None

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        if (second := second_with_same_code(self.actions)) is not None:
            raise Wrong("two actions have the same code", "actions", second, "code")
        return self

    @model_validator(mode="after")
    def _actions_fit_a_card(self) -> Self:
        needed = sum(action.room for action in self.actions)
        if needed > ROOM:
            raise Wrong(
                "are too much for a card: fewer or shorter choices, inputs and texts"
                f" ({needed} of {ROOM} bytes)",
                "actions",
            )
        return self

    @property
    def pushed(self) -> tuple[str, ...]:
        """Return the channels whose cards we change in place; a mail's card asks by itself."""
        return tuple(channel for channel in self.channels if channel != "outlook")

    def action(self, code: str) -> Action | None:
        """Return the action with this code, whatever its case, or None."""
        wanted = code.casefold()
        return next((a for a in self.actions if a.code.casefold() == wanted), None)

    def closed(self, at: datetime) -> Closed | None:
        """Return why the tenant takes no decisions at that time, or None if it does."""
        if not self.enabled:
            return Closed(message=self.disabled_message or "", decisions=self.disabled_decisions)
        window = self.maintenance
        if window is None or not window.covers(at):
            return None
        return Closed(message=window.message, decisions=window.decisions, until=window.ends)

    def switched(self, switch: Switch | None) -> "Tenant":
        """Return the tenant with what an operator said of it, whatever its file says."""
        if switch is None:
            return self
        said: dict[str, object] = {
            "enabled": False,
            "disabled_message": switch.message or self.disabled_message,
            "disabled_decisions": switch.decisions,
        }
        return self.model_copy(update=said)
