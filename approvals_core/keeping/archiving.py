"""Moves requests that were closed long ago into the archive, a batch at a time, each night."""

import logging
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from approvals_core.committing import Commits
from approvals_core.errors import VersionConflict
from approvals_core.models import (
    CLOSED,
    Approval,
    ApprovalKey,
    Change,
    HistoryEvent,
    Job,
    JobKind,
    Lane,
    LeasedJob,
    Payload,
    Receipt,
    tenant_of,
    tenant_scope,
)
from approvals_core.models.archived import Archived
from approvals_core.models.held import Document, Kind, Whole
from approvals_core.ports import Archive, Cursor, Store, Tenants
from approvals_core.rules import archiving
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.nights import next_night
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

ARCHIVE = "archive"  # key of the one job of a tenant
BATCH = 200  # requests in one file
PAGE = 100  # requests read together where all are gone through
LEASE = 120.0  # seconds for one batch

# Notes of a tenant's scope. The file that is being written, and what shall leave the store once
# it is there; and that the requests which an older program closed stand in the list of them.
WRITING = "archive/writing"
LISTED = "archive/listed"


class _Found(NamedTuple):
    """A request that leaves the store: as it is stored, and as the archive keeps it."""

    whole: Whole
    archived: Archived


class Archiving:
    """
    Keeps one job for each tenant, which empties the store of what ended long ago.

    A batch is noted in the store, written to a file of its own, and only then taken away. Who
    comes after a crash finds the note: if the file is there it takes away what is in it, else
    nothing was done. So nothing is lost, and nothing is archived twice unless it changed.
    """

    def __init__(
        self,
        *,
        store: Store,
        commits: Commits,
        tenants: Tenants,
        archive: Archive | None,
        batch: int = BATCH,
    ) -> None:
        """*archive* None: there is none, and everything stays where it is."""
        self._store = store
        self._commits = commits
        self._tenants = tenants
        self._archive = archive
        self._batch = batch

    async def keep(self, tenant: Tenant) -> None:
        """Write the tenant's job if it has none."""
        scope = tenant_scope(tenant.document_type_id)
        if self._archive is None or await self._store.queued(scope, ARCHIVE) is not None:
            return
        await self._commits.commit(self._next(tenant))

    async def do(self, leased: LeasedJob) -> None:
        """
        Archive all that is due at the job's tenant, and leave the job for the next night.

        Raises:
            LeaseLost: Somebody else has the job.

            ArchiveUnavailable: Nothing more left the store.
        """
        scope = leased.lease.scope
        tenant = self._tenants.by_id(tenant_of(scope))
        if tenant is None or self._archive is None:
            await self._store.finish(leased.lease)
            return
        turn = _Turn(self._store, self._commits, self._archive, tenant, leased)
        await turn.end_begun()
        await turn.list_closed()
        moved = 0
        async for batch in turn.due(self._batch):
            moved += await turn.move(batch)
        log.info("requests_archived", extra={"tenant": tenant.code, "requests": moved})
        await self._commits.commit(self._next(tenant, leased))

    def _next(self, tenant: Tenant, ends: LeasedJob | None = None) -> Change:
        due = next_night(tenant, self._commits.now())
        job = Job(key=ARCHIVE, kind=JobKind.ARCHIVE, lane=Lane.DIGEST, due=due)
        scope = tenant_scope(tenant.document_type_id)
        finish = ends.lease if ends else None
        return Change(id=secrets.token_hex(16), scope=scope, jobs=(job,), finish=finish)


class _Turn:
    """One night's work at one tenant."""

    def __init__(
        self,
        store: Store,
        commits: Commits,
        archive: Archive,
        tenant: Tenant,
        leased: LeasedJob,
    ) -> None:
        self._store = store
        self._commits = commits
        self._archive = archive
        self._tenant = tenant
        self._lease = leased.lease
        self._scope = leased.lease.scope

    async def end_begun(self) -> None:
        """Take away what lies in the file that was written last, if that was not done."""
        name = (await self._store.notes(self._scope)).get(WRITING)
        if name is None:
            return
        if await self._archive.holds(name):
            for line in await self._archive.read(name):
                await self._take_away_again(Archived.model_validate_json(line))
        await self._note(WRITING, None)

    async def list_closed(self) -> None:
        """Once: have each request that an older program closed stand in the list of them."""
        if LISTED in await self._store.notes(self._scope):
            return
        after: str | None = ""
        while after is not None:
            found = await self._store.holdings.documents(self._scope, after=after, limit=PAGE)
            for document in await self._store.holdings.read_documents(self._scope, found.names):
                await self._list_one(document)
            await self._renew()
            after = found.after
        await self._note(LISTED, "yes")

    async def due(self, most: int) -> AsyncIterator[Sequence[_Found]]:
        """Yield what is to leave the store, at most so many at a time, the oldest first."""
        dead = {each.job.approval for each in await self._store.dead_letters(self._scope)}
        after: Cursor | None = None
        while True:
            page = await self._store.page(self._scope, CLOSED, after=after, limit=most)
            now = self._commits.now()
            due = [each for each in page.approvals if archiving.is_due(each, self._tenant, now)]
            found = [await self._found(each, dead, now) for each in due]
            if batch := [each for each in found if each is not None]:
                yield batch
            if page.after is None or len(due) < len(page.approvals):
                return
            after = page.after

    async def move(self, batch: Sequence[_Found]) -> int:
        """Put a batch into a file of its own, then take it away; return how many left."""
        await self._renew()
        month = self._commits.now().strftime("%Y-%m")
        name = f"{self._tenant.code}/{month}-{secrets.token_hex(8)}"
        await self._note(WRITING, name)
        await self._archive.write(name, [each.archived.model_dump_json() for each in batch])
        await self._renew()  # who was overtaken here must take nothing away
        left = 0
        for each in batch:
            with suppress(VersionConflict):  # it was heard of meanwhile
                await self._store.holdings.swap(self._scope, each.whole, None)
                left += 1
        await self._note(WRITING, None)
        return left

    async def _found(
        self, approval: Approval, dead: Collection[ApprovalKey | None], now: datetime
    ) -> _Found | None:
        """Return the request as it leaves; None: somebody still has something to do with it."""
        receipts = await self._store.receipts(approval.key)
        if approval.key in dead or await self._is_busy(approval, receipts):
            return None
        try:
            whole = await whole_of(self._store, approval)
            if whole is None or whole.document.version != approval.version:
                return None
            if whole.document.bodies:
                return None  # its texts go first, an hour after it was closed
            events = [HistoryEvent.model_validate_json(each) for each in whole.document.events]
            payloads = [
                Payload.model_validate_json(str(each.values[-1])) for each in whole.payloads
            ]
        except ValidationError:
            log.error("not_archived", extra={"approval": approval.id})  # noqa: TRY400
            return None
        return _Found(whole, archiving.archived(approval, events, payloads, at=now))

    async def _is_busy(self, approval: Approval, receipts: Sequence[Receipt]) -> bool:
        keys = archiving.jobs_about(approval, receipts)
        alive = [await self._store.queued(self._scope, key) for key in keys]
        return any(each is not None for each in alive)

    async def _take_away_again(self, archived: Archived) -> None:
        stored = await self._store.approval(archived.approval.key)
        if stored is None or stored.version != archived.approval.version:
            return
        whole = await whole_of(self._store, stored)
        if whole is not None:
            with suppress(VersionConflict):
                await self._store.holdings.swap(self._scope, whole, None)

    async def _list_one(self, document: Document) -> None:
        try:
            approval = Approval.model_validate_json(document.record)
        except ValidationError:
            return  # it is left where it is
        listed = any(name == CLOSED for name, _at in document.lists)
        if not approval.open and not listed:
            await self._commits.change(approval.key, _written_again)

    async def _renew(self) -> None:
        self._lease = await self._store.renew(self._lease, until=self._commits.in_seconds(LEASE))

    async def _note(self, name: str, text: str | None) -> None:
        change = Change(id=secrets.token_hex(16), scope=self._scope, notes={name: text})
        await self._commits.commit(change)


async def whole_of(store: Store, approval: Approval) -> Whole | None:
    """Return the request as it is stored, with its payloads' records; None if it is gone."""
    document = await store.holdings.document(approval.key)
    if document is None:
        return None
    events = [HistoryEvent.model_validate_json(each) for each in document.events]
    ids = archiving.payload_ids(events)
    payloads = await store.holdings.read(approval.key.scope, Kind.PAYLOAD, ids)
    return Whole(document, tuple(payloads))


def _written_again(approval: Approval, stamp: Stamp) -> Change:
    return Draft(approval, stamp).change()
