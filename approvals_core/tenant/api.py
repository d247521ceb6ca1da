"""The tenant's own APIs: where they are, how we sign in there, and how much we ask of them."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field, StringConstraints

from approvals_core.tenant.base import FileRecord, Guid, Path, Reference


class Submission(StrEnum):
    """
    How decisions that one person takes together are posted.

    SINGLE: they cannot be taken together. EACH: one body each, a few at a time.
    BULK: one array of bodies (assent-app WIKI.md, "Bulk approval scenario").
    """

    SINGLE = "single"
    EACH = "each"
    BULK = "bulk"


class SignIn(StrEnum):
    """How we get a token for the tenant's APIs."""

    CLIENT_CREDENTIALS = "client_credentials"
    MANAGED_IDENTITY = "managed_identity"
    ON_BEHALF_OF = "on_behalf_of"


class Auth(FileRecord):
    """
    Whose token we send. Without this table: our own app's, by client credentials.

    *app_id* None is our own app; with another one, *secret* or *certificate* is needed.
    A managed identity takes none of them but *app_id*: a user-assigned identity's.
    On behalf of: the token of the person who opens a file on our page; all else, decisions
    too, goes out with the app's, for nobody's token is kept until it is posted.
    """

    sign_in: SignIn = SignIn.CLIENT_CREDENTIALS
    directory: Guid | None = None  # None: the one of its people
    app_id: Guid | None = None
    secret: Reference | None = None
    certificate: Reference | None = None  # PEM: private key and certificate


class Breaker(FileRecord):
    """When a tenant that does not answer is left alone for a while."""

    failures: int = Field(default=5, ge=1, le=100)  # in a row: no connection, time-out, HTTP 5xx
    pause: float = Field(default=30.0, ge=1, le=3600)  # seconds, then one call tries


class Api(FileRecord):
    """
    The tenant's own APIs.

    Paths are templates over {DocumentNumber}, {DisplayDocumentNumber},
    {FiscalYear} and {DocumentTypeId}, each URL-encoded when filled; the
    attachment's over {AttachmentId}, the decision status' over {DecisionId} too.
    """

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/]")]
    resource: str  # its App ID URI; our token's scope is {resource}/.default
    auth: Auth = Auth()
    action: Path
    summary: Path | None = None
    attachment: Path | None = None
    decision_status: Path | None = None
    details: dict[str, Path] = Field(default_factory=dict)  # operation -> template
    networks: tuple[IPv4Network | IPv6Network, ...] = ()  # private ones it lives in
    answer_within: float = Field(default=100.0, gt=0, le=600)  # seconds, for a decision
    read_within: float = Field(default=20.0, gt=0, le=120)  # seconds, for all we only read
    calls: int = Field(default=8, ge=1, le=64)  # at a time, of one process of ours
    breaker: Breaker = Breaker()
    idempotent: bool = False  # applies one Idempotency-Key once, however often sent
    echo_additional_data: bool = False
    submission: Submission = Submission.SINGLE
