"""What the store gives in pages, and how it counts."""

from collections.abc import Callable
from datetime import datetime

from approvals_core.models import (
    Approval,
    ApprovalKey,
    Lane,
    Payload,
    QueuedJob,
    Record,
)

MOST_COUNTED = 100_000  # jobs of one lane; see `LaneDepth`
MOST_HELD = 500  # jobs of one lane that are looked at for the oldest that is held


class Cursor(Record):
    """Where a page of a list ended."""

    at: datetime
    key: ApprovalKey


class Page(Record):
    """
    Some of a list, oldest first; *after* is None when there is no more.

    *unreadable* are requests of it whose records this program cannot read.
    """

    approvals: tuple[Approval, ...]
    unreadable: tuple[ApprovalKey, ...] = ()
    after: Cursor | None = None


class JobCursor(Record):
    """Where a page of the queue ended."""

    next: datetime
    key: str


class JobPage(Record):
    """Some of a scope's queue, what is handed out first in front; *after* as for `Page`."""

    jobs: tuple[QueuedJob, ...]
    after: JobCursor | None = None


class PayloadCursor(Record):
    """Where a page of payloads ended; *id* "" is before all of that time."""

    at: datetime
    id: str = ""


class PayloadPage(Record):
    """Some of a scope's payloads, oldest first; *after* as for `Page`."""

    payloads: tuple[Payload, ...]
    after: PayloadCursor | None = None


class LaneDepth(Record):
    """
    The jobs of one lane: all of them, those due by then, and when the oldest is handed out.

    Both counts end at `MOST_COUNTED`, and mean "at least" there. One that is leased counts
    as due when its lease ends.
    """

    jobs: int = 0
    due: int = 0
    next: datetime | None = None


class Depth(Record):
    """How much is left to do, and how many jobs were given up, by scope."""

    lanes: dict[Lane, LaneDepth]
    dead: dict[str, int]


Room = Callable[[str], int]  # how many jobs of a scope may be handed out
