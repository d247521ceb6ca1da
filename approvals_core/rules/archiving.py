"""When a closed request leaves the store, what of it the archive keeps, and what comes too late for it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from approvals_core.arx.times import ticks_of
from approvals_core.models import (
    Approval,
    HistoryEvent,
    Payload,
    Receipt,
    ended_at,
)
from approvals_core.models.archived import Archived
from approvals_core.rules.draft import card_job_key
from approvals_core.tenant import Tenant

AHEAD = timedelta(days=1)  # a payload's stamp may lie so far ahead of our clock


def kept_since(tenant: Tenant, at: datetime) -> datetime:
    """Return before when a request must have ended to leave the store."""
    return at - timedelta(days=tenant.limits.keep_closed)


def is_due(approval: Approval, tenant: Tenant, at: datetime) -> bool:
    """Tell whether the request ended so long ago that it leaves the store."""
    ended = ended_at(approval)
    return ended is not None and ended <= kept_since(tenant, at)


def oldest_news(tenant: Tenant, at: datetime) -> int:
    """
    Return the ticks before which no payload can be news of a document that we do not know.

    It may be of one whose marks went to the archive with it: those are all older than that.
    """
    return ticks_of(kept_since(tenant, at) + AHEAD)


def archived(
    approval: Approval,
    events: Sequence[HistoryEvent],
    payloads: Sequence[Payload],
    *,
    at: datetime,
) -> Archived:
    """Return what the archive keeps: no addresses, but everything that the hashes cover."""
    slim = approval.model_copy(update={"notifications": ()})
    return Archived(archived_at=at, approval=slim, events=tuple(events), payloads=tuple(payloads))


def payload_ids(events: Sequence[HistoryEvent]) -> Sequence[str]:
    """Return the ids of the payloads that a history tells of, each once."""
    ids = (event.facts["payload"] for event in events if "payload" in event.facts)
    return list(dict.fromkeys(ids))


def jobs_about(approval: Approval, receipts: Sequence[Receipt]) -> Iterator[str]:
    """Yield the keys of jobs that may still be alive long after a request was closed."""
    yield f"clean/{approval.id}/{approval.round}"
    for card in receipts:
        yield card_job_key(approval, card.round, card.person, card.channel)
