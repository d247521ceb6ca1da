"""How a request that is in the archive leaves the store, also if whoever began with it is gone."""

import secrets
from collections.abc import Sequence

from approvals_core.errors import VersionConflict
from approvals_core.keeping.shelf import Shelf, tombstone_of
from approvals_core.models import Approval, Change, HistoryEvent
from approvals_core.models.archived import Archived
from approvals_core.models.held import Kind, Whole
from approvals_core.ports import Archive, Store
from approvals_core.rules.archiving import payload_ids

# Note of a tenant's scope: the file that is being written, and what shall leave the store once it
# is there.
WRITING = "archive/writing"


async def whole_of(store: Store, approval: Approval) -> Whole | None:
    """Return the request as it is stored, with its payloads' records; None if it is gone."""
    document = await store.holdings.document(approval.key)
    if document is None:
        return None
    events = [HistoryEvent.model_validate_json(each) for each in document.events]
    ids = payload_ids(events)
    payloads = await store.holdings.read(approval.key.scope, Kind.PAYLOAD, ids)
    return Whole(document, tuple(payloads))


async def end_begun(store: Store, archive: Archive, scope: str) -> None:
    """
    Take away from the store what lies in the file that was written last, if that was not done.

    And from the file what was heard of since. For when nobody archives there.
    """
    name = (await store.notes(scope)).get(WRITING)
    if name is None:
        return
    if await archive.holds(name):
        lines = await archive.read(name)
        left = [line for line in lines if await _leaves_again(store, line)]
        await bury(store, scope, left)
        await Shelf(store, archive).write(scope, name, left)
    await store.commit(Change(id=secrets.token_hex(16), scope=scope, notes={WRITING: None}))


async def bury(store: Store, scope: str, lines: Sequence[str]) -> None:
    """Leave the tombstones of what is in the archive."""
    for line in lines:
        approval = Archived.model_validate_json(line).approval
        await store.holdings.write(scope, held=await tombstone_of(store, approval))


async def _leaves_again(store: Store, line: str) -> bool:
    archived = Archived.model_validate_json(line)
    stored = await store.approval(archived.approval.key)
    if stored is None or stored.id != archived.approval.id:
        return True
    whole = await whole_of(store, stored)
    if whole is None or whole.document.version != archived.approval.version:
        return whole is None
    return await leaves(store, whole, archived)


async def leaves(store: Store, whole: Whole, archived: Archived) -> bool:
    """Take a request out of the store; tell whether it is gone, as it is in the archive."""
    approval = archived.approval
    leaves = await tombstone_of(store, approval)
    try:
        await store.holdings.swap(approval.key.scope, whole, None, leaves=leaves)
    except VersionConflict:
        stored = await store.approval(approval.key)
        return stored is None or stored.id != approval.id  # who was here before took it away
    return True
