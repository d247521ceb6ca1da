"""What we know of one tenant: the contents of its file, checked and frozen."""

from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Guid = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    ),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160)]
Domain = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9.-]+\.[A-Za-z]{2,}$"
    ),
]
Path = Annotated[str, StringConstraints(pattern=r"^/")]


class AliasIs(StrEnum):
    """What the tenant writes when it names a person."""

    UPN_PREFIX = "upn_prefix"
    MAIL_NICKNAME = "mail_nickname"


class Concurrency(StrEnum):
    """Whose decision holds whom: the first one everybody, or each only himself."""

    ANY = "any"
    ALL = "all"


class Submission(StrEnum):
    """How decisions are posted: one body each, or one array."""

    SINGLE = "single"
    BULK = "bulk"


class Comment(StrEnum):
    """Whether an action takes a comment."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Style(StrEnum):
    """How a button looks (Adaptive Cards ActionStyle)."""

    DEFAULT = "default"
    POSITIVE = "positive"
    DESTRUCTIVE = "destructive"


class FileRecord(BaseModel):
    """A table of a tenant's file; a name it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Caller(FileRecord):
    """An Entra application that may post this tenant's payloads."""

    directory: Guid
    app_id: Guid
    role: str = "Payload.Post"  # app role its token must carry


class People(FileRecord):
    """Where this tenant's approvers are, and how it names them."""

    directory: Guid
    mail_domains: tuple[Domain, ...] = ()
    alias_is: AliasIs = AliasIs.UPN_PREFIX
    guests: bool = False


class Api(FileRecord):
    """
    The tenant's own APIs.

    Paths are templates over {DocumentNumber}, {DisplayDocumentNumber},
    {FiscalYear} and {DocumentTypeId}, each URL-encoded when filled.
    """

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/]")]
    resource: str  # its App ID URI; our token's scope is {resource}/.default
    action: Path
    summary: Path | None = None
    attachment: Path | None = None
    decision_status: Path | None = None
    details: dict[str, Path] = Field(default_factory=dict)
    networks: tuple[IPv4Network | IPv6Network, ...] = ()  # private ones it lives in
    answer_within: float = Field(default=100.0, gt=0, le=600)  # seconds
    idempotent: bool = False  # applies one Idempotency-Key once, however often sent
    echo_additional_data: bool = False
    submission: Submission = Submission.SINGLE


class Action(FileRecord):
    """One thing an approver may do; *code* goes over the wire, *label* on the button."""

    code: Text
    label: Text
    past: Text  # "Approved": what the card says once it was done
    style: Style = Style.DEFAULT
    comment: Comment = Comment.OPTIONAL
    comment_length: int = Field(default=1000, ge=1, le=4000)  # characters
    holds: bool = True  # False: a comment or question; the place is pending again


class Limits(FileRecord):
    """Bounds on what is repeated on this tenant's behalf."""

    posts: int = Field(default=5, ge=1, le=20)  # attempts of one decision
    clock_allowance: float = Field(default=300.0, ge=0, le=3600)  # seconds
    reconcile_after: float = Field(default=180.0, ge=1)  # seconds from acceptance to its ARX
    payloads_per_minute: int = Field(default=6000, ge=1)  # posted to one process of ours
    payload_bytes: int = Field(default=1_048_576, ge=1024)


class Shown(FileRecord):
    """Fields of the summary or details that the card shows in a place of their own."""

    decide_by: str | None = None  # dotted path to a date, as "AdditionalData.DueDate"


class Maintenance(FileRecord):
    """A window in which decisions wait or are refused."""

    starts: datetime
    ends: datetime
    message: Text


class Tenant(FileRecord):
    """One line-of-business system that asks for approvals."""

    document_type_id: Guid
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,11}$")]
    name: Text  # "Contoso Purchasing"
    request_word: Text  # "Purchase requisition"
    people: People
    callers: tuple[Caller, ...] = Field(min_length=1)
    api: Api
    actions: tuple[Action, ...] = Field(min_length=1, max_length=6)
    concurrency: Concurrency = Concurrency.ANY
    channels: tuple[Literal["teams"], ...] = ("teams",)
    limits: Limits = Limits()
    shown: Shown = Shown()
    enabled: bool = True
    maintenance: Maintenance | None = None

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        codes = [action.code.casefold() for action in self.actions]
        if len(set(codes)) < len(codes):
            raise ValueError("two actions have the same code")
        return self

    def action(self, code: str) -> Action | None:
        """Return the action with this code, whatever its case, or None."""
        wanted = code.casefold()
        return next((a for a in self.actions if a.code.casefold() == wanted), None)
