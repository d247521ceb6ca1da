"""Moves requests that were closed long ago into the archive, a batch at a time, each night."""

import logging
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from approvals_core.committing import Commits
from approvals_core.errors import ArchiveUnavailable, LeaseLost, RetryAfter
from approvals_core.keeping.alone import erases
from approvals_core.keeping.leaving import WRITING, bury, end_begun, leaves, whole_of
from approvals_core.keeping.shelf import Shelf
from approvals_core.leases import LEASE
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
from approvals_core.models.held import Document, Whole
from approvals_core.ports import Archive, Store, Tenants
from approvals_core.rules import archiving
from approvals_core.rules.draft import Draft, Stamp
from approvals_core.rules.nights import next_night
from approvals_core.tenant import Tenant

log = logging.getLogger(__name__)

ARCHIVE = "archive"  # key of the one job of a tenant
BATCH = 200  # requests in one file
PAGE = 100  # requests read together where all are gone through
AFTER_ERASING = 60.0  # seconds until it is tried again

# Notes of a tenant's scope: that the requests which an older program closed stand in the list of
# them; and that those which it archived have their tombstones.
LISTED = "archive/listed"
LEARNED = "archive/learned"


class _Found(NamedTuple):
    """A request that leaves the store: as it is stored, and as the archive keeps it."""

    whole: Whole
    archived: Archived

    @property
    def line(self) -> str:
        """Return how it is written there."""
        return self.archived.model_dump_json()


class Archiving:
    """
    Keeps one job for each tenant, which empties the store of what ended long ago.

    A batch is noted in the store, read, written to a file of its own, and only then taken away;
    what changed meanwhile goes from the file again. Who comes after a crash finds the note: if
    the file is there it takes away what is in it, else nothing was done. So nothing is lost, and
    nothing is archived twice. While somebody is erased nothing is archived.
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
        """Write the tenant's job if it has none; due now if an older program archived here."""
        scope = tenant_scope(tenant.document_type_id)
        if self._archive is None:
            return
        notes = await self._store.notes(scope)
        if LISTED in notes and LEARNED not in notes:
            await self._commits.commit(self._job(tenant, self._commits.now()))
        elif await self._store.queued(scope, ARCHIVE) is None:
            await self._commits.commit(self._next(tenant))

    async def do(self, leased: LeasedJob) -> None:
        """
        Archive all that is due at the job's tenant, and leave the job for the next night.

        Raises:
            LeaseLost: Somebody else has the job.

            ArchiveUnavailable: Nothing more left the store.

            RetryAfter: Somebody is being erased.
        """
        scope = leased.lease.scope
        tenant = self._tenants.by_id(tenant_of(scope))
        if tenant is None or self._archive is None:
            await self._store.finish(leased.lease)
            return
        if await erases(self._store, self._commits.now()):
            raise RetryAfter("somebody is being erased", retry_after=AFTER_ERASING)
        turn = _Turn(self._store, self._commits, self._archive, tenant, leased)
        await turn.begin()
        await turn.list_closed()
        moved = await turn.move_all(self._batch)
        log.info("requests_archived", extra={"tenant": tenant.code, "requests": moved})
        await self._commits.commit(self._next(tenant, leased))

    def _next(self, tenant: Tenant, ends: LeasedJob | None = None) -> Change:
        return self._job(tenant, next_night(tenant, self._commits.now()), ends)

    def _job(self, tenant: Tenant, due: datetime, ends: LeasedJob | None = None) -> Change:
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
        self._shelf = Shelf(store, archive)
        self._tenant = tenant
        self._lease = leased.lease
        self._scope = leased.lease.scope

    async def begin(self) -> None:
        """End what was begun, and learn what an older program wrote: it left no tombstones."""
        await self._shelf.claim()
        await end_begun(self._store, self._archive, self._scope)
        await self._archive.tidy(self._tenant.code)
        known = {name async for name in self._shelf.names(self._scope)}
        for name in await self._archive.names(self._tenant.code):
            if name not in known:
                await self._learn(name)
        if LEARNED not in await self._store.notes(self._scope):
            await self._note(LEARNED, "yes")

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

    async def move_all(self, most: int) -> int:
        """Move what is due, at most so many at a time, the oldest first; return how many left."""
        dead = {each.job.approval for each in await self._store.dead_letters(self._scope)}
        moved, after = 0, None
        while True:
            page = await self._store.page(self._scope, CLOSED, after=after, limit=most)
            now = self._commits.now()
            due = [each for each in page.approvals if archiving.is_due(each, self._tenant, now)]
            if due:
                moved += await self._move(due, dead, now)
            if page.after is None or len(due) < len(page.approvals):
                return moved
            after = page.after

    async def _move(
        self, due: Sequence[Approval], dead: Collection[ApprovalKey | None], now: datetime
    ) -> int:
        """Put what can leave into a file of its own, then take it away; return how many left."""
        await self._renew()
        name = f"{self._tenant.code}/{now:%Y-%m}-{secrets.token_hex(8)}"
        await self._note(WRITING, name)
        found = [await self._found(each, dead, now) for each in due]
        if batch := [each for each in found if each is not None]:
            left = await self._write(name, batch)
        else:
            left = 0
        await self._note(WRITING, None)
        return left

    async def _write(self, name: str, batch: Sequence[_Found]) -> int:
        await self._must_be_noted(name)
        await self._shelf.write(self._scope, name, [each.line for each in batch])
        await self._renew()  # who was overtaken here must take nothing away
        left = [each for each in batch if await leaves(self._store, each.whole, each.archived)]
        if len(left) < len(batch):  # of the others something was heard meanwhile
            await self._renew()
            await self._must_be_noted(name)
            await self._shelf.write(self._scope, name, [each.line for each in left])
        return len(left)

    async def _must_be_noted(self, name: str) -> None:
        """Stop if somebody ended this for us: who erases does so once our lease is over."""
        if (await self._store.notes(self._scope)).get(WRITING) != name:
            raise LeaseLost(f"{name} is not ours to write any more")

    async def _learn(self, name: str) -> None:
        try:
            lines = await self._archive.read(name)
            await bury(self._store, self._scope, lines)
        except (ArchiveUnavailable, ValidationError):  # damaged, or a newer program's
            log.error("archive_file_unreadable", extra={"file": name})  # noqa: TRY400
            return
        await self._shelf.learn(self._scope, name, lines)
        await self._renew()
        log.info("archive_file_learned", extra={"file": name})

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


def _written_again(approval: Approval, stamp: Stamp) -> Change:
    return Draft(approval, stamp).change()
