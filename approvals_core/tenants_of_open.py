"""Whose open requests would be found no more, as the tenants' files are."""

from collections.abc import Mapping
from typing import NamedTuple

from approvals_core.models import HOUSE, OPEN, tenant_scope
from approvals_core.ports import Store
from approvals_core.tenant import Tenant

_CODE = "code/"  # notes of the house: with which code a tenant's ids begin, by DocumentTypeId


class Compared(NamedTuple):
    """What came of it: *mistakes*, none if all is well, and *notes* of the house, for the next time."""

    mistakes: tuple[str, ...]
    notes: Mapping[str, str | None]


async def compare(store: Store, files: Mapping[str, Tenant]) -> Compared:
    """
    Compare *files*, by their names, with the tenants whose requests are open in *store*.

    Those are known by the notes of the last time: whoever takes up *files* writes them first. An
    id begins with its tenant's code. So who has taken a file away, or changed its code, has left
    those requests to nobody, until it is put back.

    Raises:
        StoreUnavailable: The back end did not answer.
    """
    known = _codes_in(await store.notes(HOUSE))
    now = {tenant.document_type_id: (name, tenant) for name, tenant in files.items()}
    mistakes: list[str] = []
    notes: dict[str, str | None] = {
        f"{_CODE}{one}": tenant.code for one, (_, tenant) in now.items() if one not in known
    }
    for one, code in known.items():
        name, tenant = now.get(one, ("", None))
        if tenant is not None and tenant.code == code:
            continue
        if count := await store.count(tenant_scope(one), OPEN):
            mistakes.append(
                _gone(one, code, count) if tenant is None else _renamed(name, tenant, code, count)
            )
        else:
            notes[f"{_CODE}{one}"] = tenant and tenant.code
    return Compared(tuple(mistakes), notes)


def _codes_in(notes: Mapping[str, str]) -> Mapping[str, str]:
    return {
        name.removeprefix(_CODE): code for name, code in notes.items() if name.startswith(_CODE)
    }


def _gone(document_type_id: str, code: str, count: int) -> str:
    return (
        f"the tenant {code} ({document_type_id}) is gone, and the approvers of {_requests(count)}"
        f" could no longer decide. Put its file back, and close the tenant with"
        f" `tenants disable {code}`, until nothing of it is open."
    )


def _renamed(name: str, tenant: Tenant, code: str, count: int) -> str:
    return (
        f"{name}: code: {code} became {tenant.code}, and {_requests(count)} would be found no"
        " more: ids begin with it. It stays for good: put it back."
    )


def _requests(count: int) -> str:
    return "an open request" if count == 1 else f"{count} open requests"
