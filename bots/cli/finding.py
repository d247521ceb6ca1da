"""How operators name things: requests by id or number, tenants by code, dead letters by how their id begins."""

from collections.abc import AsyncIterator, Callable, Sequence

from approvals_core.models import Approval, DeadLetter, numbered, tenant_scope
from approvals_core.ports import Store, Tenants
from approvals_core.tenant import Tenant
from bots.cli.telling import plain

PAGE = 100  # records read together

Say = Callable[[str], None]


class NotThere(Exception):
    """What the operator named does not exist; the message says so."""


class Finder:
    """Finds what is stored by what an operator can read and type."""

    def __init__(self, store: Store, tenants: Tenants) -> None:
        self._store = store
        self._tenants = tenants

    def tenants(self, code: str | None) -> Sequence[Tenant]:
        """
        Return the tenant with this code; all of them for None.

        Raises:
            NotThere: No tenant has this code.
        """
        return tenants_with(self._tenants, code)

    async def request(self, name: str) -> tuple[Approval, Tenant]:
        """
        Return the request with this id or number, and its tenant.

        Raises:
            NotThere: There is none, or there are several.
        """
        found: list[tuple[Approval, Tenant]] = []
        for tenant in self._tenants.all():
            scope = tenant_scope(tenant.document_type_id)
            known = await self._store.approval_by_id(scope, name)
            if known is not None:
                return known, tenant
            page = await self._store.page(scope, numbered(name), limit=PAGE)
            found += [(approval, tenant) for approval in page.approvals]
        if len(found) != 1:
            raise NotThere(_which([approval.id for approval, _tenant in found], plain(name)))
        return found[0]

    async def letter(self, name: str) -> DeadLetter:
        """
        Return the dead letter whose id begins so.

        Raises:
            NotThere: There is none, or there are several.
        """
        found = [letter async for letter in self.letters() if letter.id.startswith(name)]
        if not found:
            raise NotThere(f"No dead letter's id begins with {plain(name)}.")
        if len(found) > 1:
            raise NotThere(f"{len(found)} dead letters' ids begin with {plain(name)}: type more.")
        return found[0]

    async def letters(self) -> AsyncIterator[DeadLetter]:
        """Yield all dead letters, scope by scope."""
        for scope in await self._store.scopes():
            for letter in await self._store.dead_letters(scope):
                yield letter

    def name_of_scope(self, scope: str) -> str:
        """Return what an operator calls a scope: a tenant by its code."""
        own = {tenant_scope(t.document_type_id): t.code for t in self._tenants.all()}
        return own.get(scope, scope)


def tenants_with(tenants: Tenants, code: str | None) -> Sequence[Tenant]:
    """
    Return the tenant with this code; all of them for None.

    Raises:
        NotThere: No tenant has this code.
    """
    found = [tenant for tenant in tenants.all() if code in (None, tenant.code)]
    if not found:
        known = ", ".join(tenant.code for tenant in tenants.all())
        raise NotThere(f"No tenant has the code {plain(code or '')}. There are: {known}.")
    return found


def check_seat(approval: Approval, seat: int) -> None:
    """
    Refuse a place that the request does not have.

    Raises:
        NotThere: The message says which it has.
    """
    if approval.place(seat) is None:
        last = len(approval.places) - 1
        there = f"its places are 0 to {last}" if last > 0 else "its only place is 0"
        raise NotThere(f"{approval.id} has no place {seat}: {there}.")


def _which(ids: Sequence[str], name: str) -> str:
    if not ids:
        return f"No request has the id or the number {name}."
    return f"Several requests have the number {name}. Name one of: {', '.join(ids)}."
