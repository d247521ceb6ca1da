"""One request as it lies in the archive: a line there, complete and verifiable by itself."""

from datetime import datetime

from approvals_core.models.approval import Approval
from approvals_core.models.history import HistoryEvent, Payload
from approvals_core.models.identity import Record


class Archived(Record):
    """
    A closed request as it was when it left the store.

    Without what lay beside it for its use: texts, cards, mails and their addresses.
    """

    format: int = 1
    archived_at: datetime
    approval: Approval
    events: tuple[HistoryEvent, ...]
    payloads: tuple[Payload, ...]  # without their bodies
