"""What the core needs from outside. Adapters and channels implement these."""

from approvals_core.ports.archive import Archive
from approvals_core.ports.budgets import Budgets, Grant
from approvals_core.ports.holdings import Holdings
from approvals_core.ports.lists import (
    MOST_COUNTED,
    MOST_HELD,
    Cursor,
    Depth,
    JobCursor,
    JobPage,
    LaneDepth,
    Page,
    PayloadCursor,
    PayloadPage,
    Room,
)
from approvals_core.ports.mail import Mail, Mails, MailSender
from approvals_core.ports.people import Channel, Directory, NotFound, View
from approvals_core.ports.store import Store
from approvals_core.ports.tenant_api import (
    Answer,
    AnswerKind,
    Fetched,
    FetchedFile,
    FetchedKind,
    Posted,
    TenantApi,
    Tenants,
)

__all__ = [
    "MOST_COUNTED",
    "MOST_HELD",
    "Answer",
    "AnswerKind",
    "Archive",
    "Budgets",
    "Channel",
    "Cursor",
    "Depth",
    "Directory",
    "Fetched",
    "FetchedFile",
    "FetchedKind",
    "Grant",
    "Holdings",
    "JobCursor",
    "JobPage",
    "LaneDepth",
    "Mail",
    "MailSender",
    "Mails",
    "NotFound",
    "Page",
    "PayloadCursor",
    "PayloadPage",
    "Posted",
    "Room",
    "Store",
    "TenantApi",
    "Tenants",
    "View",
]
