"""The lists of a tenant's requests: what waits for a person, and what has a number."""

from typing import NamedTuple

from approvals_core.models import (
    Approval,
    PersonId,
    Place,
    PlaceState,
    numbered,
    queue_of,
    tenant_scope,
)
from approvals_core.ports import Cursor, Store
from approvals_core.rules.standing import holder
from approvals_core.tenant import Tenant

SAME_NUMBER = 500  # requests of one tenant looked through for one number
SAME_NUMBER_AT_ONCE = 50


class Waiting(NamedTuple):
    """One request that waits for somebody; a page that ends with it ends at *cursor*."""

    tenant: Tenant
    approval: Approval
    place: Place
    cursor: Cursor


async def waiting_at(
    store: Store, tenant: Tenant, person: PersonId, *, after: Cursor | None, limit: int
) -> list[Waiting]:
    """Return at least *limit* of what waits at one tenant, if there is as much."""
    waiting: list[Waiting] = []
    scope = tenant_scope(tenant.document_type_id)
    while len(waiting) < limit:
        page = await store.page(scope, queue_of(person), after=after, limit=limit)
        waiting += [w for a in page.approvals if (w := _waiting(tenant, a, person))]
        if page.after is None:
            break
        after = page.after
    return waiting


async def with_number(store: Store, tenant: Tenant, number: str) -> list[Approval]:
    """Return the requests of a tenant with this number: one for each fiscal year, as a rule."""
    found: list[Approval] = []
    after: Cursor | None = None
    for _page in range(SAME_NUMBER // SAME_NUMBER_AT_ONCE):
        page = await store.page(
            tenant_scope(tenant.document_type_id),
            numbered(number),
            after=after,
            limit=SAME_NUMBER_AT_ONCE,
        )
        found += page.approvals
        after = page.after
        if after is None:
            break
    return found


def _waiting(tenant: Tenant, approval: Approval, person: PersonId) -> Waiting | None:
    place = approval.place_of(person)
    if place is None or place.state is not PlaceState.PENDING or place.asked_at is None:
        return None
    if holder(approval, place, tenant) is not None:
        return None  # somebody else's decision stands
    return Waiting(tenant, approval, place, Cursor(at=place.asked_at, key=approval.key))
