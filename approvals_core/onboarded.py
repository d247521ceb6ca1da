"""The tenants that there are now, in one place that everybody looks into."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from approvals_core.tenant import Switch, Tenant


class _Held(NamedTuple):
    """All that is replaced in one step."""

    files: Mapping[str, Tenant]
    switches: Mapping[str, Switch]
    all: tuple[Tenant, ...]
    by_id: Mapping[str, Tenant]
    by_code: Mapping[str, Tenant]


class Onboarded:
    """
    The tenants of the files, by the files' names, with what operators switched off.

    Whoever was handed this sees the new ones once they are replaced; a tenant that was
    taken out of it before stays as it was.
    """

    def __init__(self, files: Mapping[str, Tenant]) -> None:
        self._held = _held(files, {})

    @property
    def files(self) -> Mapping[str, Tenant]:
        """Return the tenants as their files have them, by the files' names."""
        return self._held.files

    @property
    def switches(self) -> Mapping[str, Switch]:
        """Return what operators switched off, by DocumentTypeId."""
        return self._held.switches

    def replace(self, files: Mapping[str, Tenant]) -> None:
        """Take up other files, in one step."""
        self._held = _held(files, self._held.switches)

    def switch(self, switches: Mapping[str, Switch]) -> None:
        """Take up what operators switched off, by DocumentTypeId, in one step."""
        self._held = _held(self._held.files, switches)

    def by_id(self, document_type_id: str) -> Tenant | None:
        """Return the tenant with this DocumentTypeId, whatever its case, or None."""
        return self._held.by_id.get(document_type_id.strip().lower())

    def by_code(self, code: str) -> Tenant | None:
        """Return the tenant with this short code, or None."""
        return self._held.by_code.get(code)

    def all(self) -> Sequence[Tenant]:
        """Return all tenants, in the order of their codes."""
        return self._held.all


def _held(files: Mapping[str, Tenant], switches: Mapping[str, Switch]) -> _Held:
    tenants = [each.switched(switches.get(each.document_type_id)) for each in files.values()]
    ordered = tuple(sorted(tenants, key=lambda tenant: tenant.code))
    return _Held(
        files=files,
        switches=switches,
        all=ordered,
        by_id={tenant.document_type_id: tenant for tenant in ordered},
        by_code={tenant.code: tenant for tenant in ordered},
    )
