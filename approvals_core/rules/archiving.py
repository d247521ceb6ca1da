"""When a closed request leaves the store, what of it the archive keeps, and what comes too late for it."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

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


def kept_since(tenant: Tenant, at: datetime) -> datetime:
    """Return before when a request must have ended to leave the store."""
    return at - timedelta(days=tenant.limits.keep_closed)


def is_due(approval: Approval, tenant: Tenant, at: datetime) -> bool:
    """Tell whether the request ended so long ago that it leaves the store."""
    ended = ended_at(approval)
    return ended is not None and ended <= kept_since(tenant, at)


def seal(lines: Sequence[str]) -> str:
    """Return what the store keeps of a file of the archive: how many lines, and their SHA-256."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode("utf-8", "surrogatepass"))
    return f"{len(lines)}:{digest.hexdigest()}"


def fits(known: str, lines: Sequence[str]) -> bool:
    """Tell whether a file holds what the store knows of it, or one of several, if it was being replaced."""
    return seal(lines) in known.split()


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
