"""The changes that new requests make, ready to be committed: making them is not what is measured."""

from datetime import UTC, datetime
from pathlib import Path

from approvals_core.adapters.tenant_files import load_tenants
from approvals_core.arx import parse_arx
from approvals_core.committing import Commits
from approvals_core.models import Change
from approvals_core.ports import Store, Tenants
from approvals_core.rules import intake
from approvals_core.tenant import Tenant
from playground import names


def the_tenant(tenants: Tenants) -> Tenant:
    """Return the tenant that the sample payload is for."""
    found = tenants.by_id(names.DOCUMENT_TYPE)
    assert found is not None
    return found


class Changes:
    """Makes them from the payload *template*, in which "@@" is a new number each time."""

    def __init__(self, store: Store, template: str, tenants: Path) -> None:
        self._commits = Commits(store, now=lambda: datetime.now(UTC), wake=lambda: None)
        self._template = template
        self._tenant = the_tenant(load_tenants(tenants))
        self._made = 0

    def next(self, count: int) -> list[Change]:
        """Return *count* further changes, each of a request that is new."""
        return [self._one() for _ in range(count)]

    def _one(self) -> Change:
        self._made += 1
        stamp = self._commits.stamp()
        body = self._template.replace("@@", f"{self._made:08}").encode()
        arx = parse_arx(body, tenant_id=self._tenant.document_type_id, now=stamp.at)
        received = intake.receive(
            None, arx, tenant=self._tenant, payload_id=stamp.change, stamp=stamp
        )
        return received.change
