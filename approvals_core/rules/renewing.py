"""Which cards of a tenant have to be made anew when its file or its doors change."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from approvals_core.models import Approval, Job, JobKind, Lane
from approvals_core.rules.closing import let_out
from approvals_core.rules.draft import card_job
from approvals_core.tenant import Tenant

SHOWN = "shown"  # note of a tenant's scope: the digest of what its cards are made from
KEY = "renew"

# What no card shows; and what `Tenant.closed` says better.
_NOT_SHOWN = frozenset({"callers", "people", "mail", "reconcile", "working_hours"})
_DOORS = frozenset({"enabled", "disabled_message", "disabled_decisions", "maintenance"})


def shown_digest(tenant: Tenant, at: datetime) -> str:
    """Return a digest of all that a tenant's cards are made from at that time."""
    closed = tenant.closed(at)
    doors = closed.model_dump_json() if closed else ""
    file = tenant.model_dump_json(exclude=set(_NOT_SHOWN | _DOORS))
    icon = f"\n{tenant.icons.url}" if tenant.icons else ""  # another picture has another address
    return hashlib.sha256(f"{file}\n{doors}{icon}".encode()).hexdigest()


def renew_job(*, due: datetime) -> Job:
    """Return the one job of a tenant that makes its open cards converge."""
    return Job(key=KEY, kind=JobKind.RENEW, lane=Lane.DIGEST, due=due)


def jobs_anew(
    approval: Approval, *, tenant: Tenant, at: datetime, cards_at: datetime
) -> Sequence[Job]:
    """Return the jobs of an open request's cards, and of decisions that waited for the tenant."""
    cards = [
        card_job(approval, place.round, place.person.id, channel, due=cards_at)
        for place in approval.places
        if place.person is not None and place.round == approval.round and place.round
        for channel in tenant.pushed
    ]
    return [*cards, *let_out(approval, tenant=tenant, at=at)]
