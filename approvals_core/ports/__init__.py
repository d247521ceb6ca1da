"""What the core needs from outside. Adapters and channels implement these."""

from approvals_core.ports.lists import (
    MOST_COUNTED,
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
from approvals_core.ports.people import Channel, Directory, NotFound, View
from approvals_core.ports.store import Store
from approvals_core.ports.tenant_api import (
    Answer,
    AnswerKind,
    Fetched,
    FetchedKind,
    Posted,
    TenantApi,
    Tenants,
)

__all__ = [
    "MOST_COUNTED",
    "Answer",
    "AnswerKind",
    "Channel",
    "Cursor",
    "Depth",
    "Directory",
    "Fetched",
    "FetchedKind",
    "JobCursor",
    "JobPage",
    "LaneDepth",
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
